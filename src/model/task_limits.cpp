#include "pinion/model/task_limits.hpp"

namespace pinion {

std::vector<task_limit> limits_of(const workflow_definition& workflow, std::uint32_t task) {
  std::vector<task_limit> out;
  const auto& definition = workflow.tasks[task];
  if (workflow.max_active_tasks > 0)
    out.push_back({"max_active_tasks of " + workflow.id(), workflow.max_active_tasks});
  if (definition.max_active > 0)
    out.push_back(
        {"max_active of " + workflow.id() + '.' + definition.name, definition.max_active});
  return out;
}

} // namespace pinion
