#include "api/graph.hpp"

#include "api/objects.hpp"

#include <algorithm>
#include <deque>

namespace pinion {
namespace {

using counts = std::array<std::uint32_t, instance_state_count>;

/// Which state stands for a fan-out: what runs or went wrong hides what is well.
constexpr std::array attention{
    instance_state::running,     instance_state::async_running, instance_state::dqc_check,
    instance_state::stopping,    instance_state::ready,         instance_state::retry_wait,
    instance_state::pre_ready,   instance_state::failed,        instance_state::upstream_failed,
    instance_state::cancelled,   instance_state::waiting,       instance_state::triggered,
    instance_state::pre_trigger, instance_state::success,       instance_state::skipped};

instance_state standing_for(const counts& of) {
  for (const auto state : attention)
    if (of[static_cast<std::size_t>(state)] > 0)
      return state;
  return instance_state::pre_trigger;
}

std::string_view type_name(task_type type) {
  switch (type) {
  case task_type::shell:
    return "shell";
  case task_type::python:
    return "python";
  case task_type::empty:
    return "empty";
  case task_type::check:
    return "check";
  case task_type::workflow:
    return "workflow";
  case task_type::choice:
    return "switch";
  case task_type::java:
    return "java";
  }
  return "shell";
}

/// Upstream and downstream of each task; a fallback hangs below its primary.
struct edges {
  std::vector<std::vector<std::uint32_t>> up;
  std::vector<std::vector<std::uint32_t>> down;

  explicit edges(const workflow_definition& definition)
      : up(definition.tasks.size()), down(definition.tasks.size()) {
    for (std::uint32_t task = 0; task < definition.tasks.size(); ++task) {
      up[task] = definition.tasks[task].needs;
      if (definition.tasks[task].fallback_of)
        up[task].push_back(*definition.tasks[task].fallback_of);
      for (const auto above : up[task])
        down[above].push_back(task);
    }
  }
};

/// Longest way from the top, in topological order (Kahn): loading refused cycles.
std::vector<std::uint32_t> levels_of(const edges& graph) {
  std::vector<std::uint32_t> level(graph.up.size(), 0);
  std::vector<std::size_t> open(graph.up.size());
  std::deque<std::uint32_t> ready;
  for (std::uint32_t task = 0; task < graph.up.size(); ++task) {
    open[task] = graph.up[task].size();
    if (open[task] == 0)
      ready.push_back(task);
  }
  while (!ready.empty()) {
    const auto task = ready.front();
    ready.pop_front();
    for (const auto below : graph.down[task]) {
      level[below] = std::max(level[below], level[task] + 1);
      if (--open[below] == 0)
        ready.push_back(below);
    }
  }
  return level;
}

/// Marks what lies at most `steps` away along `next`.
void mark(const std::vector<std::vector<std::uint32_t>>& next, std::uint32_t from,
          std::uint32_t steps, std::vector<bool>& shown) {
  std::vector<bool> seen(next.size(), false);
  std::deque<std::pair<std::uint32_t, std::uint32_t>> queue{{from, 0}};
  seen[from] = true;
  while (!queue.empty()) {
    const auto [task, distance] = queue.front();
    queue.pop_front();
    shown[task] = true;
    if (distance == steps)
      continue;
    for (const auto other : next[task])
      if (!seen[other]) {
        seen[other] = true;
        queue.emplace_back(other, distance + 1);
      }
  }
}

std::vector<bool> shown_tasks(const edges& graph, const graph_extent& extent) {
  if (!extent.around)
    return std::vector<bool>(graph.up.size(), true);
  std::vector<bool> shown(graph.up.size(), false);
  mark(graph.up, *extent.around, extent.upstream, shown);
  mark(graph.down, *extent.around, extent.downstream, shown);
  return shown;
}

std::vector<counts> counts_by_task(const workflow_definition& definition,
                                   const run_instances& instances) {
  std::vector<counts> of(definition.tasks.size());
  std::vector<bool> has_row(definition.tasks.size(), false);
  for (const auto& row : instances.rows) {
    if (row.key.task >= of.size())
      continue;
    ++of[row.key.task][static_cast<std::size_t>(row.state)];
    has_row[row.key.task] = true;
  }
  for (std::uint32_t task = 0; task < of.size(); ++task)
    if (!has_row[task])
      ++of[task][static_cast<std::size_t>(objects::initial_instance(instances.run, task).state)];
  return of;
}

json counts_object(const counts& of) {
  json shown = json::object();
  for (std::size_t state = 0; state < of.size(); ++state)
    if (of[state] > 0)
      shown[std::string{to_string(static_cast<instance_state>(state))}] = of[state];
  return shown;
}

json names_of(const workflow_definition& definition, const std::vector<std::uint32_t>& tasks) {
  json names = json::array();
  for (const auto task : tasks)
    names.push_back(definition.tasks[task].name);
  return names;
}

} // namespace

json graph_of(const workflow_definition& definition, const run_instances* instances,
              const graph_extent& extent) {
  const edges graph{definition};
  const auto level = levels_of(graph);
  const auto shown = shown_tasks(graph, extent);
  const auto of =
      instances != nullptr ? counts_by_task(definition, *instances) : std::vector<counts>{};
  json nodes = json::array();
  for (std::uint32_t task = 0; task < definition.tasks.size(); ++task) {
    if (!shown[task])
      continue;
    const auto& one = definition.tasks[task];
    nodes.push_back({{"task", one.name},
                     {"title", one.title},
                     {"type", type_name(one.type)},
                     {"fan_out", one.for_each.has_value()},
                     {"state", of.empty() ? json() : json(to_string(standing_for(of[task])))},
                     {"counts", of.empty() ? json() : counts_object(of[task])},
                     {"level", level[task]},
                     {"needs", names_of(definition, one.needs)},
                     {"fallback_of",
                      one.fallback_of ? json(definition.tasks[*one.fallback_of].name) : json()}});
  }
  return {{"workflow", definition.id()},
          {"run", instances != nullptr ? json(to_string(instances->run.id)) : json()},
          {"state", instances != nullptr ? json(to_string(instances->run.state)) : json()},
          {"nodes", std::move(nodes)}};
}

} // namespace pinion
