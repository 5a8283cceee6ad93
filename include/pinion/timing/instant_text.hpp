#pragma once

#include <optional>
#include <pinion/timing/zone.hpp>
#include <string>
#include <string_view>

namespace pinion {

/// UTC, always six fraction digits: `2026-11-20T02:00:00.000000Z`.
std::string print_utc(instant at);

/// Local time with offset: `2026-11-20T02:00:00+08:00`; six fraction digits follow the seconds
/// where they are not zero. Historic offsets with seconds print as `+00:17:30`.
std::string print_local(instant at, zone in);

/// `2026-11-19`.
std::string print_day(civil_day day);

/// Reads ISO 8601: `2026-11-20T02:00[:SS[.f]]` with `Z`, `+08:00`, `+0800`, `+08` or nothing behind
/// it, or a date alone, which means its first instant. Up to six fraction digits. Without offset
/// the time is one of the zone `in`; a local time that does not exist there fails, and so does one
/// that exists twice: the suggestion then has the offset. Fails with `errc::invalid`. Years 0000 to
/// 9999.
result<instant> parse_instant(std::string_view text, zone in = {});

/// A time as it is written: what the clock shows, and the offset (zero for `Z`) if there is one.
struct written_time {
  civil_time at;
  std::optional<std::chrono::seconds> offset;

  friend bool operator==(const written_time&, const written_time&) = default;
};

/// Reads the same forms without asking a zone; a date alone is its midnight.
result<written_time> parse_time(std::string_view text);

/// Reads `2026-11-19`. Fails with `errc::invalid`.
result<civil_day> parse_day(std::string_view text);

} // namespace pinion
