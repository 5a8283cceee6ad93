#pragma once

#include <bitset>
#include <optional>
#include <pinion/timing/civil.hpp>
#include <pinion/timing/month_days.hpp>

namespace pinion {

/// The years that a cron expression may name.
inline constexpr int first_cron_year = 1970;
inline constexpr int last_cron_year = 2099;

/// Bit n stands for the year 1970 + n.
using year_set = std::bitset<last_cron_year - first_cron_year + 1>;

/// What a cron expression means, whatever dialect it was written in: sets of civil seconds. Bit n
/// stands for the value n. All sets must have a member; those of the days of a month together.
struct cron_fields : month_days {
  std::uint64_t seconds = 1;
  std::uint64_t minutes = 0;
  std::uint32_t hours = 0;
  std::uint16_t months = 0;           ///< Bits 1-12.
  std::optional<year_set> years = {}; ///< Absent: every year.

  /// The first matching second in [from, before). Jumps from field to field; the cost grows with
  /// the months between, not with the time.
  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept;

  /// The last matching second in [from, before).
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept;

  friend bool operator==(const cron_fields&, const cron_fields&) = default;
};

} // namespace pinion
