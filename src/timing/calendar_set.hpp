#pragma once

#include "timing/civil_set.hpp"

#include <pinion/timing/calendar.hpp>

namespace pinion {

/// The members of a set whose date a calendar contains. Refers to both.
class workday_set final : public civil_set {
public:
  workday_set(const civil_set& of, const calendar& days) noexcept : of_{of}, days_{days} {}

  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept override;
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept override;

private:
  const civil_set& of_;
  const calendar& days_;
};

/// The members of a set, each moved to the nearest date of a calendar that is not earlier, or not
/// later, at the same time of day; those that fall together are one. Refers to both. A member that
/// would move farther than `longest_shift` is none.
class moved_set final : public civil_set {
public:
  /// `shift` is next or previous.
  moved_set(const civil_set& of, const calendar& days, calendar_shift shift) noexcept
      : of_{of}, days_{days}, shift_{shift} {}

  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept override;
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept override;

private:
  std::optional<civil_day> target(civil_day day) const noexcept;
  day_range sources(civil_day target) const noexcept;
  std::optional<duration> first_time(day_range of, duration from) const noexcept;
  std::optional<duration> last_time(day_range of, duration before) const noexcept;

  const civil_set& of_;
  const calendar& days_;
  calendar_shift shift_;
};

/// The members of `all` on those dates that have no member of `counted`. Refers to both.
class off_day_set final : public civil_set {
public:
  off_day_set(const civil_set& all, const civil_set& counted) noexcept
      : all_{all}, counted_{counted} {}

  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept override;
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept override;

private:
  const civil_set& all_;
  const civil_set& counted_;
};

} // namespace pinion
