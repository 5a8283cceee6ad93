#include "definitions/wait_graph.hpp"

#include "definitions/graph.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace pinion::definitions {

namespace {

using successor_lists = std::vector<std::vector<std::uint32_t>>;

/// Beyond so many nodes triggers are not told apart.
constexpr std::size_t most_nodes = 5'000'000;

std::string called_id(const workflow_definition& caller, const task_definition& task) {
  return task.call_workflow.find('.') == std::string::npos
             ? caller.project + '.' + task.call_workflow
             : task.call_workflow;
}

/// The set and what it refers to, directly or not; those of the set come first.
class known_workflows {
public:
  known_workflows(std::span<const workflow_definition* const> set, const definition_directory& all)
      : all_{&all}, set_size_{set.size()} {
    for (const auto* one : set)
      add(one);
    for (std::size_t i = 0; i < list_.size(); ++i) { // NOLINT(modernize-loop-convert): it grows.
      const auto* one = list_[i];
      for (const auto& trigger : one->triggers)
        if (trigger.after)
          add(all.definition(trigger.after->workflow));
      for (const auto& task : one->tasks) {
        for (const auto& need : task.outside_needs)
          add(all.definition(need.workflow));
        if (!task.call_workflow.empty())
          add(all.definition(called_id(*one, task)));
      }
    }
  }

  const std::vector<const workflow_definition*>& list() const noexcept { return list_; }
  std::size_t set_size() const noexcept { return set_size_; }

  std::optional<std::uint32_t> position(const std::string& id) const {
    const auto* found = all_->definition(id);
    const auto at = found != nullptr ? positions_.find(found) : positions_.end();
    return at != positions_.end() ? std::optional{at->second} : std::nullopt;
  }

private:
  void add(const workflow_definition* one) {
    if (one != nullptr && positions_.emplace(one, list_.size()).second)
      list_.push_back(one);
  }

  const definition_directory* all_;
  std::size_t set_size_;
  std::vector<const workflow_definition*> list_;
  std::unordered_map<const workflow_definition*, std::uint32_t> positions_;
};

/// Workflows as nodes: without a cycle of these there is none of tasks.
bool workflows_may_wait_in_a_circle(const known_workflows& known) {
  successor_lists successors(known.list().size());
  const auto add = [&](const std::string& id, std::uint32_t waiter) {
    const auto from = known.position(id);
    if (from && *from != waiter)
      successors[*from].push_back(waiter);
  };
  for (std::uint32_t i = 0; i < known.list().size(); ++i) {
    const auto& one = *known.list()[i];
    for (const auto& trigger : one.triggers)
      if (trigger.after)
        add(trigger.after->workflow, i);
    for (const auto& task : one.tasks) {
      for (const auto& need : task.outside_needs)
        if (waits_for_present(need))
          add(need.workflow, i);
      if (!task.call_workflow.empty())
        add(called_id(one, task), i);
    }
  }
  return !find_cycle(successors).empty();
}

/// Tasks as nodes, and one for each whole run. With `by_trigger` once for each trigger of a
/// workflow, and once more for runs that no trigger makes.
class task_graph {
public:
  task_graph(const known_workflows& known, const definition_directory& all, bool by_trigger)
      : known_{known}, all_{all}, by_trigger_{by_trigger} {
    std::size_t nodes = 0;
    for (const auto* one : known.list()) {
      begins_.push_back(nodes);
      nodes += copies(*one) * (one->tasks.size() + 1);
    }
    begins_.push_back(nodes);
  }

  std::size_t size() const noexcept { return begins_.back(); }

  std::optional<wait_cycle> find() {
    successors_.resize(size());
    for (std::uint32_t i = 0; i < known_.list().size(); ++i)
      for (std::uint32_t copy = 0; copy < copies(*known_.list()[i]); ++copy)
        add_workflow(i, copy);
    const auto cycle = find_cycle(successors_);
    return cycle.empty() ? std::nullopt : told(cycle);
  }

private:
  /// What a node stands for; `task` equal to the number of tasks is the whole run.
  struct place {
    std::uint32_t workflow;
    std::uint32_t copy;
    std::uint32_t task;
  };

  std::uint32_t copies(const workflow_definition& of) const {
    return by_trigger_ ? static_cast<std::uint32_t>(of.triggers.size()) + 1 : 1;
  }

  std::uint32_t node(place at) const {
    const auto tasks = known_.list()[at.workflow]->tasks.size() + 1;
    return static_cast<std::uint32_t>(begins_[at.workflow] + at.copy * tasks + at.task);
  }

  place place_of(std::uint32_t number) const {
    const auto after = std::upper_bound(begins_.begin(), begins_.end(), number);
    const auto workflow = static_cast<std::uint32_t>(after - begins_.begin() - 1);
    const auto tasks = static_cast<std::uint32_t>(known_.list()[workflow]->tasks.size() + 1);
    const auto rest = static_cast<std::uint32_t>(number - begins_[workflow]);
    return {workflow, rest / tasks, rest % tasks};
  }

  static std::uint32_t whole_run(const workflow_definition& of) {
    return static_cast<std::uint32_t>(of.tasks.size());
  }

  void add(place from, place to) { successors_[node(from)].push_back(node(to)); }

  /// A task and the fallbacks that take its place are one upstream.
  void add_chain(place from, place to) {
    const auto& tasks = known_.list()[from.workflow]->tasks;
    add(from, to);
    for (std::size_t steps = 0; tasks[from.task].fallback && steps < tasks.size(); ++steps) {
      from.task = *tasks[from.task].fallback;
      add(from, to);
    }
  }

  void add_workflow(std::uint32_t at, std::uint32_t copy) {
    const auto& one = *known_.list()[at];
    const auto follows = followed_run(at, copy);
    for (std::uint32_t t = 0; t < one.tasks.size(); ++t) {
      const auto& task = one.tasks[t];
      const place here{at, copy, t};
      for (const auto from : task.needs)
        add_chain({at, copy, from}, here);
      if (task.fallback)
        add(here, {at, copy, *task.fallback});
      add(here, {at, copy, whole_run(one)});
      for (const auto& need : task.outside_needs)
        add_need(need, here);
      if (!task.call_workflow.empty())
        add_call(called_id(one, task), here);
      if (follows && task.needs.empty() && !task.fallback_of && !task.is_end_task())
        add(*follows, here);
    }
  }

  /// The run for which those of this copy wait as a whole.
  std::optional<place> followed_run(std::uint32_t at, std::uint32_t copy) const {
    const auto& triggers = known_.list()[at]->triggers;
    for (std::uint32_t i = 0; i < triggers.size(); ++i) {
      const auto& after = triggers[i].after;
      if (!after || (by_trigger_ && i != copy))
        continue;
      const auto run = run_of(after->workflow, after->trigger);
      // Several triggers of one workflow may follow each other: they make different runs.
      if (run && (by_trigger_ || run->workflow != at))
        return run;
    }
    return std::nullopt;
  }

  /// The whole run of a workflow's trigger; nothing if there is none such.
  std::optional<place> run_of(const std::string& workflow, const std::string& trigger) const {
    const auto position = known_.position(workflow);
    const auto found = all_.trigger(workflow, trigger);
    if (!position || !found)
      return std::nullopt;
    const auto copy = by_trigger_ ? found.trigger - found.workflow->triggers.data() : 0;
    return place{*position, static_cast<std::uint32_t>(copy), whole_run(*found.workflow)};
  }

  void add_need(const outside_need& need, place waiter) {
    auto from = run_of(need.workflow, need.trigger);
    if (!from || !waits_for_present(need) || from->workflow == waiter.workflow)
      return;
    if (need.task.empty())
      return add(*from, waiter);
    const auto& tasks = known_.list()[from->workflow]->tasks;
    for (from->task = 0; from->task < tasks.size(); ++from->task)
      if (tasks[from->task].name == need.task)
        return add_chain(*from, waiter);
  }

  void add_call(const std::string& id, place caller) {
    const auto called = known_.position(id);
    if (!called)
      return;
    const auto& one = *known_.list()[*called];
    add({*called, copies(one) - 1, whole_run(one)}, caller);
  }

  std::string name_of(place at) const {
    const auto& one = *known_.list()[at.workflow];
    auto name = one.id();
    if (by_trigger_ && one.triggers.size() > 1 && at.copy < one.triggers.size())
      name += '/' + one.triggers[at.copy].id;
    return at.task < one.tasks.size() ? name + '.' + one.tasks[at.task].name : name;
  }

  std::optional<wait_cycle> told(const std::vector<std::uint32_t>& cycle) const {
    wait_cycle out;
    bool referred = false;
    for (std::size_t i = 0; i < cycle.size(); ++i) {
      const auto from = place_of(cycle[i]);
      out.path.push_back(name_of(from));
      referred = referred || refer(from, place_of(cycle[(i + 1) % cycle.size()]), out);
    }
    return referred ? std::optional{std::move(out)} : std::nullopt;
  }

  /// Finds the need or `after:` behind an edge between two workflows; false if it is not one of the
  /// set's.
  bool refer(place from, place to, wait_cycle& out) const {
    if (to.workflow >= known_.set_size() || (from.workflow == to.workflow && from.copy == to.copy))
      return false;
    const auto& waiter = *known_.list()[to.workflow];
    const auto upstream = known_.list()[from.workflow]->id();
    out.workflow = to.workflow;
    if (to.task < waiter.tasks.size()) {
      const auto& needs = waiter.tasks[to.task].outside_needs;
      for (std::uint32_t k = 0; k < needs.size(); ++k)
        if (needs[k].workflow == upstream && waits_for_present(needs[k])) {
          out.task = to.task;
          out.need = k;
          return true;
        }
    }
    for (std::uint32_t k = 0; k < waiter.triggers.size(); ++k)
      if (waiter.triggers[k].after && waiter.triggers[k].after->workflow == upstream) {
        out.trigger = k;
        return true;
      }
    return false;
  }

  const known_workflows& known_;
  const definition_directory& all_;
  bool by_trigger_;
  std::vector<std::size_t> begins_; ///< First node of each workflow, then the number of all.
  successor_lists successors_;
};

} // namespace

bool waits_for_present(const outside_need& need) noexcept {
  switch (need.window) {
  case need_window::data:
  case need_window::slot_day:
    return true;
  case need_window::none:
    return need.slot != slot_choice::previous && need.slot != slot_choice::back;
  default:
    return false;
  }
}

std::optional<wait_cycle> find_wait_cycle(std::span<const workflow_definition* const> set,
                                          const definition_directory& all) {
  const known_workflows known{set, all};
  if (!workflows_may_wait_in_a_circle(known))
    return std::nullopt;
  auto found = task_graph{known, all, false}.find();
  if (!found)
    return std::nullopt;
  task_graph exact{known, all, true};
  return exact.size() > most_nodes ? found : exact.find();
}

} // namespace pinion::definitions
