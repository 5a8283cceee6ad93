#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <pinion/timing/instant.hpp>

namespace pinion {

/// What a calendar and a clock on the wall show, without a zone, in microseconds: years 0 to 9999
/// of the proleptic Gregorian calendar. Arithmetic on it counts civil time, days of 24 hours.
using civil_time = std::chrono::local_time<duration>;

/// The instants that schedules and texts deal in: years 0 to 9999 of UTC, the end excluded.
inline constexpr instant earliest_instant = std::chrono::sys_days{std::chrono::year{0} / 1 / 1};
inline constexpr instant end_of_time = std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1};

/// A date without time of day.
using civil_day = std::chrono::local_days;

/// The parts of a civil time. `month` 1-12, `day` 1-31, `hour` 0-23, `weekday` 0-6 from Sunday.
struct civil_parts {
  int year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  unsigned microsecond = 0;
  unsigned weekday = 4;

  friend bool operator==(const civil_parts&, const civil_parts&) = default;
};

civil_parts parts_of(civil_time at) noexcept;

/// The civil time of a date and a time of day; what is out of its range counts on (day 32 of
/// January is February 1), except the month.
civil_time make_civil(int year, unsigned month, unsigned day, unsigned hour = 0,
                      unsigned minute = 0, unsigned second = 0) noexcept;

/// Number of days of a month, 28 to 31.
unsigned days_in_month(int year, unsigned month) noexcept;

/// The units in which people reckon. A week begins on Monday (ISO 8601).
enum class calendar_unit : std::uint8_t { second, minute, hour, day, week, month, year };

/// `at` moved by `count` units. A day that the target month lacks becomes that month's last
/// (January 31 plus one month is February 28 or 29); the time of day stays.
civil_time add(civil_time at, calendar_unit unit, std::int64_t count) noexcept;

/// The beginning of the unit in which `at` lies.
civil_time begin_of(civil_time at, calendar_unit unit) noexcept;

/// The date of `at`.
inline civil_day day_of(civil_time at) noexcept {
  return std::chrono::floor<std::chrono::days>(at);
}

} // namespace pinion
