#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <pinion/timing/civil.hpp>

namespace pinion {

/// How the two day fields of a cron expression go together.
enum class day_join : std::uint8_t {
  /// A day matches if both fields match.
  both,
  /// A day matches if either field matches.
  either,
};

/// What a cron expression means, whatever dialect it was written in: sets of civil seconds. Bit n
/// stands for the value n. All sets must have a member; those of the days of a month together.
struct cron_fields {
  std::uint64_t seconds = 1;
  std::uint64_t minutes = 0;
  std::uint32_t hours = 0;
  std::uint16_t months = 0; ///< Bits 1-12.

  /// Days of the month: bits 1-31.
  std::uint32_t days = 0;
  /// Counted from the end: bit 0 is the last day, bit n lies n days before it.
  std::uint32_t days_from_end = 0;
  /// The weekday (Monday to Friday) nearest to day n in the same month; bit 0: to the last day.
  std::uint32_t nearest_weekdays = 0;

  /// Days of the week: bit 0 is Sunday.
  std::uint8_t weekdays = 0;
  /// The k-th of a weekday in its month: element k - 1, bits as `weekdays`.
  std::array<std::uint8_t, 5> nth_weekdays{};

  day_join join = day_join::both;

  /// The days of one month that match: bits 1-31.
  std::uint32_t days_of(int year, unsigned month) const noexcept;

  /// The first matching second in [from, before). Jumps from field to field; the cost grows with
  /// the months between, not with the time.
  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept;

  /// The last matching second in [from, before).
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept;

  friend bool operator==(const cron_fields&, const cron_fields&) = default;
};

} // namespace pinion
