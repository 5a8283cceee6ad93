#include "timing/civil_set.hpp"

#include <bit>
#include <pinion/timing/cron.hpp>

namespace pinion {

std::optional<instant> next_occurrence(const cron_fields& fields, zone in, dst_policy dst,
                                       instant after) noexcept {
  return next_occurrence(cron_set{fields}, in, dst, after);
}

std::optional<instant> previous_occurrence(const cron_fields& fields, zone in, dst_policy dst,
                                           instant before) noexcept {
  return previous_occurrence(cron_set{fields}, in, dst, before);
}

dst_policy cron_expression::default_dst() const noexcept {
  return {missing_time::shift, is_below_a_day() ? repeated_time::both : repeated_time::first};
}

bool cron_expression::is_below_an_hour() const noexcept {
  return std::popcount(fields_.seconds) * std::popcount(fields_.minutes) > 1;
}

bool cron_expression::is_below_a_day() const noexcept {
  return is_below_an_hour() || std::popcount(fields_.hours) > 1;
}

} // namespace pinion
