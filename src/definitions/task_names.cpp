#include "definitions/task_names.hpp"

#include <algorithm>
#include <unordered_set>

namespace pinion {

std::uint32_t head_of_chain(const workflow_definition& workflow, std::uint32_t task) {
  // The steps are counted because a definition that is still being checked may chain in a circle.
  for (std::size_t steps = 0; steps < workflow.tasks.size(); ++steps) {
    const auto& primary = workflow.tasks[task].fallback_of;
    if (!primary || *primary >= workflow.tasks.size())
      break;
    task = *primary;
  }
  return task;
}

bool is_need_name(const workflow_definition& workflow, std::uint32_t task, std::string_view name) {
  const auto& needs = workflow.tasks[head_of_chain(workflow, task)].outside_needs;
  return !name.empty() && std::any_of(needs.begin(), needs.end(),
                                      [&](const outside_need& need) { return need.as == name; });
}

bool is_at_end(const workflow_definition& workflow, std::uint32_t task) {
  return workflow.tasks[head_of_chain(workflow, task)].is_end_task();
}

std::vector<std::uint32_t> ancestors_of(const workflow_definition& workflow, std::uint32_t task) {
  std::vector<std::uint32_t> out;
  std::unordered_set<std::uint32_t> seen;
  std::vector<std::uint32_t> open{head_of_chain(workflow, task)};
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    for (const auto upstream : workflow.tasks[at].needs)
      if (upstream < workflow.tasks.size() && seen.insert(upstream).second) {
        out.push_back(upstream);
        open.push_back(upstream);
      }
  }
  if (is_at_end(workflow, task))
    for (std::uint32_t other = 0; other < workflow.tasks.size(); ++other)
      if (!workflow.tasks[other].fallback_of && !workflow.tasks[other].is_end_task())
        out.push_back(other);
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace pinion
