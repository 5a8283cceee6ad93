#pragma once

#include <pinion/timing/zone.hpp>

namespace pinion {

/// Writes an instant in a zone by a Java-style pattern.
///
///     yyyy yy        year            HH H    hour, 0-23        S to SSSSSS  fraction of a second
///     MM M           month           mm m    minute            E, EEEE      Fri, Friday
///     MMM MMMM       Nov, November   ss s    second            XXX, Z       +08:00 (or Z), +0800
///     dd d           day of month    DDD D   day of year       'text' ''    text as it is, a quote
///
/// Other letters are reserved, everything else stands for itself. Fails with `errc::invalid` on an
/// unknown letter, a wrong count of letters, an open quote, or on `%`, which belongs to strftime:
/// then the suggestion is the pattern in our spelling.
result<std::string> format_civil(std::string_view pattern, instant at, zone in = {});

/// The same for a civil time; here `X` and `Z` fail, because there is no offset.
result<std::string> format_civil(std::string_view pattern, civil_time at);

/// Checks a pattern without a time, as `format_civil` for an instant would.
result<void> check_civil_pattern(std::string_view pattern);

} // namespace pinion
