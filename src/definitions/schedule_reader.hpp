#pragma once

#include "definitions/slot_rule_reader.hpp"
#include "pinion/timing/schedule.hpp"

#include <optional>
#include <string>

namespace pinion::definitions {

/// A schedule, and how people write it.
struct read_schedule_result {
  schedule when = every_schedule{std::chrono::hours{1}};
  std::string text;
};

/// Reads `cron:`, `period:`, `every:` or `dates:` with the keys that belong to it, `dst:` left out.
/// Steps of periods count from `start`. Nothing if it was refused; that has then been reported.
std::optional<read_schedule_result> read_schedule(const reporter& report, trigger_kind kind,
                                                  const slot_nodes& nodes, zone in,
                                                  std::optional<instant> start);

/// A date or a date-time of the zone; of a date its first instant, or with `whole_day` its last.
std::optional<instant> read_time(const reporter& report, const node& at, zone in, bool whole_day);

/// Reports what a reader of timing refused.
void refuse(const reporter& report, const node& at, const problem& why);

} // namespace pinion::definitions
