#pragma once

#include "timing/civil_set.hpp"

#include <pinion/timing/period.hpp>

namespace pinion {

/// The times of a period. Refers to the schedule.
class period_set final : public civil_set {
public:
  /// `every_day`: the same times of day on all days, whatever `days` and `step` of a unit of days
  /// or longer say.
  explicit period_set(const period_schedule& of, bool every_day = false) noexcept
      : of_{of}, every_day_{every_day || of.unit < calendar_unit::day} {}

  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept override;
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept override;

private:
  const period_schedule& of_;
  bool every_day_;
};

} // namespace pinion
