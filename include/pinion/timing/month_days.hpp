#pragma once

#include <array>
#include <cstdint>

namespace pinion {

/// How the two kinds of day rules, days of the month and weekdays, go together.
enum class day_join : std::uint8_t {
  /// A day matches if both match.
  both,
  /// A day matches if either matches.
  either,
};

/// A rule for the days of a month. In the sets of days bit n stands for day n or for n days before
/// the end, in those of weekdays bit 0 for Sunday. Under `either` an empty set matches nothing.
struct month_days {
  /// Days of the month: bits 1-31.
  std::uint32_t days = 0;
  /// Counted from the end: bit 0 is the last day, bit n lies n days before it.
  std::uint32_t days_from_end = 0;
  /// The weekday (Monday to Friday) nearest to day n in the same month: bits 1-31.
  std::uint32_t nearest_weekdays = 0;
  /// The same, nearest to the day that lies n days before the last.
  std::uint32_t nearest_from_end = 0;

  /// Days of the week.
  std::uint8_t weekdays = 0;
  /// The k-th of a weekday in its month: element k - 1.
  std::array<std::uint8_t, 5> nth_weekdays{};
  /// The last of a weekday in its month.
  std::uint8_t last_weekdays = 0;

  day_join join = day_join::both;

  /// The days of one month that match: bits 1-31.
  std::uint32_t days_of(int year, unsigned month) const noexcept;

  friend bool operator==(const month_days&, const month_days&) = default;
};

} // namespace pinion
