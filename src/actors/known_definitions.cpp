#include "actors/known_definitions.hpp"

namespace pinion {

std::set<std::string> upstream_workflows(const workflow_definition& of) {
  std::set<std::string> out;
  for (const auto& task : of.tasks) {
    for (const auto& need : task.outside_needs)
      out.insert(need.workflow);
    if (task.depends_on_previous != previous_need::none)
      out.insert(of.id());
  }
  for (const auto& trigger : of.triggers)
    if (trigger.after)
      out.insert(trigger.after->workflow);
  return out;
}

known_definitions::known_definitions(map all)
    : all_{std::move(all)}, directory_{[this](std::string_view id) {
        const auto found = all_.find(id);
        return found == all_.end() ? nullptr : found->second.get();
      }} {
  for (const auto& [_, definition] : all_)
    needed_.merge(upstream_workflows(*definition));
}

std::set<std::string> known_definitions::dependents_of(std::string_view workflow) const {
  std::set<std::string> out;
  for (const auto& [id, definition] : all_)
    if (upstream_workflows(*definition).contains(std::string{workflow}))
      out.insert(id);
  return out;
}

} // namespace pinion
