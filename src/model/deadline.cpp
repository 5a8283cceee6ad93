#include "pinion/model/deadline.hpp"

#include "pinion/timing/zone.hpp"

namespace pinion {

instant deadline_of(const workflow_definition& workflow, const task_definition& task,
                    instant slot) {
  auto loaded = zone::load(workflow.timezone);
  const auto in = loaded ? std::move(loaded).value() : zone{};
  const auto day = day_of(slot, in);
  return resolve(civil_time{day.time_since_epoch()} + task.deadline.value_or(duration{0}), in);
}

} // namespace pinion
