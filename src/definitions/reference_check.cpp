#include "pinion/definitions/reference_check.hpp"

#include "definitions/graph.hpp"
#include "definitions/suggest.hpp"
#include "definitions/wait_graph.hpp"

#include <algorithm>

namespace pinion {

namespace {

using namespace definitions;
using part = reference_problem::part;

class reference_checker {
public:
  reference_checker(std::span<const workflow_definition* const> set,
                    const definition_lookup& elsewhere)
      : set_{set}, directory_{set}, all_{[this, &elsewhere](std::string_view id) {
          const auto* found = directory_.definition(id);
          return found != nullptr || !elsewhere ? found : elsewhere(id);
        }} {}

  std::vector<reference_problem> run() {
    for (std::uint32_t i = 0; i < set_.size(); ++i) {
      for (std::uint32_t k = 0; k < set_[i]->triggers.size(); ++k)
        if (set_[i]->triggers[k].after)
          check_after(i, k);
      for (std::uint32_t k = 0; k < set_[i]->tasks.size(); ++k)
        for (std::uint32_t n = 0; n < set_[i]->tasks[k].outside_needs.size(); ++n)
          check_need(i, k, n);
    }
    check_cycles();
    return std::move(out_);
  }

private:
  void tell(reference_problem where, std::string message, std::string suggestion = {}) {
    where.what = {errc::invalid, std::move(message), std::move(suggestion)};
    out_.push_back(std::move(where));
  }

  const workflow_definition* find_workflow(reference_problem where, const std::string& id) {
    const auto* found = all_.definition(id);
    if (found != nullptr)
      return found;
    std::vector<std::string_view> ids;
    if (ids_.empty())
      for (const auto* one : set_)
        ids_.push_back(one->id());
    ids.assign(ids_.begin(), ids_.end());
    where.where = part::workflow;
    tell(where, "there is no workflow " + shown(id), did_you_mean(id, ids));
    return nullptr;
  }

  /// The trigger of an upstream: the one named, or its only one.
  const trigger_definition* find_trigger(reference_problem where, const workflow_definition& of,
                                         const std::string& id) {
    where.where = part::trigger;
    std::vector<std::string_view> ids;
    for (const auto& trigger : of.triggers)
      ids.emplace_back(trigger.id);
    if (ids.empty()) {
      tell(where, "the workflow " + shown(of.id()) + " has no trigger, so it has no slots",
           "give it one, or call it by a task of `type: workflow`");
      return nullptr;
    }
    if (id.empty() && ids.size() > 1) {
      tell(where,
           "the workflow " + shown(of.id()) + " has several triggers: " + listed(ids, " and "),
           "say with `trigger:` which one is meant");
      return nullptr;
    }
    const auto found = all_.trigger(of.id(), id);
    if (!found)
      tell(where, "the workflow " + shown(of.id()) + " has no trigger " + shown(id),
           near_or_known(id, ids));
    return found.trigger;
  }

  static std::string near_or_known(const std::string& written,
                                   const std::vector<std::string_view>& names) {
    auto near = did_you_mean(written, names);
    return near.empty() ? "known are " + listed(names, " and ") : near;
  }

  void check_after(std::uint32_t at, std::uint32_t position) {
    reference_problem where;
    where.workflow = at;
    where.trigger = position;
    const auto& follows = *set_[at]->triggers[position].after;
    const auto* upstream = find_workflow(where, follows.workflow);
    if (upstream == nullptr || find_trigger(where, *upstream, follows.trigger) == nullptr)
      return;
    check_chain(where);
  }

  /// The chain of `after:` must end at a trigger that has slots of its own.
  void check_chain(const reference_problem& where) {
    const auto first =
        found_trigger{set_[where.workflow], &set_[where.workflow]->triggers[*where.trigger]};
    std::vector<const trigger_definition*> seen;
    std::vector<std::string> names;
    for (auto at = first; at;
         at = all_.trigger(at.trigger->after->workflow, at.trigger->after->trigger)) {
      const auto again = std::find(seen.begin(), seen.end(), at.trigger);
      if (again == seen.begin() && !seen.empty())
        return tell(where, "triggers follow each other in a circle: " + print_path(names),
                    "one of them needs slots of its own: `cron`, `period`, `every` or `dates`");
      // A circle that does not come back to its beginning is told where it does.
      if (again != seen.end() || !at.trigger->after)
        return;
      seen.push_back(at.trigger);
      names.push_back(at.workflow->id() + '/' + at.trigger->id);
    }
  }

  void check_need(std::uint32_t at, std::uint32_t task, std::uint32_t position) {
    reference_problem where;
    where.workflow = at;
    where.task = task;
    where.need = position;
    const auto& need = set_[at]->tasks[task].outside_needs[position];
    const auto* upstream = find_workflow(where, need.workflow);
    if (upstream == nullptr)
      return;
    if (!need.task.empty() && !check_task(where, *upstream, need.task))
      return;
    if (find_trigger(where, *upstream, need.trigger) == nullptr)
      return;
    if (upstream->id() == set_[at]->id() && waits_for_present(need))
      tell(where, "a need on the own workflow looks back in time: this one would wait for itself",
           "write `slot: previous`, `slot: -1` or a window of whole units, or need the task by its "
           "name alone for the same run");
  }

  bool check_task(reference_problem where, const workflow_definition& of, const std::string& name) {
    where.where = part::task;
    const auto found = std::find_if(of.tasks.begin(), of.tasks.end(),
                                    [&](const auto& task) { return task.name == name; });
    if (found == of.tasks.end()) {
      std::vector<std::string_view> names;
      for (const auto& task : of.tasks)
        names.emplace_back(task.name);
      tell(where, "the workflow " + shown(of.id()) + " has no task " + shown(name),
           near_or_known(name, names));
      return false;
    }
    if (found->is_end_task()) {
      tell(where, shown(name) + " is an end task: nobody needs it",
           "need the workflow without `task:`: its run ends only when its end tasks have ended");
      return false;
    }
    if (!found->fallback_of)
      return true;
    auto head = *found->fallback_of;
    while (of.tasks[head].fallback_of)
      head = *of.tasks[head].fallback_of;
    tell(where, shown(name) + " is a fallback: nobody needs it",
         "need " + shown(of.tasks[head].name) + ", which stands for both");
    return false;
  }

  void check_cycles() {
    const auto cycle = find_wait_cycle(set_, all_);
    if (!cycle)
      return;
    reference_problem where;
    where.workflow = cycle->workflow;
    where.task = cycle->task;
    where.trigger = cycle->trigger;
    where.need = cycle->need;
    tell(where, "workflows wait for each other in a cycle: " + print_path(cycle->path),
         "remove one of these needs, or let it look back with `slot: previous`");
  }

  static std::string print_path(const std::vector<std::string>& names) {
    return print_cycle({names.begin(), names.end()});
  }

  std::span<const workflow_definition* const> set_;
  definition_directory directory_; ///< Of the set alone.
  definition_directory all_;
  std::vector<std::string> ids_; ///< Made for the first suggestion.
  std::vector<reference_problem> out_;
};

} // namespace

std::vector<reference_problem> check_references(std::span<const workflow_definition* const> set,
                                                const definition_lookup& elsewhere) {
  return reference_checker{set, elsewhere}.run();
}

} // namespace pinion
