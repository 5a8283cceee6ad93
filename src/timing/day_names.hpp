#pragma once

#include <optional>
#include <pinion/timing/problem.hpp>
#include <span>
#include <string_view>

namespace pinion {

/// Full names in lower case. `month_names[0]` is January, `weekday_names[0]` Sunday.
inline constexpr std::string_view month_names[] = {"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};
inline constexpr std::string_view weekday_names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                                     "thursday", "friday", "saturday"};

/// The position of a name, written in full or with its first three letters, in any case.
std::optional<unsigned> name_index(std::string_view written,
                                   std::span<const std::string_view> names);

/// What to write instead of `written`: the nearest name's three letters, or the form.
std::string name_mend(std::string_view written, std::span<const std::string_view> names);

/// Reads `mon`, `Friday`, `fri-mon`: bit 0 is Sunday. Fails with `errc::invalid`.
result<std::uint8_t> parse_weekdays(std::string_view text);

} // namespace pinion
