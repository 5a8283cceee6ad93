#include "api/graph.hpp"

#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

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

/// The place in `attention` of the state that stands for a task.
std::size_t standing_for(const counts& of) {
  for (std::size_t i = 0; i < attention.size(); ++i)
    if (of[static_cast<std::size_t>(attention[i])] > 0)
      return i;
  return static_cast<std::size_t>(
      std::find(attention.begin(), attention.end(), instance_state::pre_trigger) -
      attention.begin());
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

/// End tasks and their fallbacks stand below all others.
void lower_end_tasks(const workflow_definition& definition, std::vector<std::uint32_t>& level) {
  std::vector<std::uint32_t> at_end;
  std::uint32_t lowest = 0;
  for (std::uint32_t task = 0; task < level.size(); ++task) {
    auto head = task;
    while (definition.tasks[head].fallback_of)
      head = *definition.tasks[head].fallback_of;
    if (definition.tasks[head].is_end_task())
      at_end.push_back(task);
    else
      lowest = std::max(lowest, level[task]);
  }
  for (const auto task : at_end)
    level[task] += lowest + 1;
}

json outcomes_of(const task_definition& task) {
  json outcomes = json::array();
  if (task.on_run_failure)
    outcomes.push_back(to_string(run_state::failed));
  if (task.on_run_success)
    outcomes.push_back(to_string(run_state::success));
  return outcomes;
}

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

/// From the first start of its instances to the last end; open as long as one has not ended.
struct time_span {
  instant start = never;
  instant end = never;
  bool open = false;
};

std::vector<time_span> spans_by_task(const workflow_definition& definition,
                                     const run_instances& instances) {
  std::vector<time_span> of(definition.tasks.size());
  for (const auto& row : instances.rows) {
    if (row.key.task >= of.size() || row.started_at == never)
      continue;
    auto& span = of[row.key.task];
    span.start = span.start == never ? row.started_at : std::min(span.start, row.started_at);
    span.end = std::max(span.end, row.ended_at);
    span.open = span.open || !is_terminal(row.state);
  }
  for (auto& span : of)
    if (span.open)
      span.end = never;
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

/// Leaves no more than `most` of what is shown; returns how many are left out.
std::size_t bound(std::size_t most, const std::vector<counts>& of,
                  const std::vector<std::uint32_t>& level, std::vector<bool>& shown) {
  std::vector<std::uint32_t> tasks;
  for (std::uint32_t task = 0; task < shown.size(); ++task)
    if (shown[task])
      tasks.push_back(task);
  if (tasks.size() <= most)
    return 0;
  const auto rank = [&](std::uint32_t task) {
    return std::tuple{of.empty() ? 0 : standing_for(of[task]), level[task], task};
  };
  const auto first_left_out = tasks.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(tasks.begin(), first_left_out, tasks.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return rank(a) < rank(b); });
  std::for_each(first_left_out, tasks.end(), [&](std::uint32_t task) { shown[task] = false; });
  return tasks.size() - most;
}

} // namespace

json graph_of(const workflow_definition& definition, const run_instances* instances,
              const graph_extent& extent) {
  const edges graph{definition};
  auto level = levels_of(graph);
  lower_end_tasks(definition, level);
  auto shown = shown_tasks(graph, extent);
  const auto of =
      instances != nullptr ? counts_by_task(definition, *instances) : std::vector<counts>{};
  const auto spans =
      instances != nullptr ? spans_by_task(definition, *instances) : std::vector<time_span>{};
  const auto more = bound(extent.most, of, level, shown);
  json nodes = json::array();
  for (std::uint32_t task = 0; task < definition.tasks.size(); ++task) {
    if (!shown[task])
      continue;
    const auto& one = definition.tasks[task];
    // Member by member: a list in braces copies each of them, and there may be 100,000 nodes.
    auto& node = nodes.emplace_back(json::object());
    node["task"] = one.name;
    node["title"] = one.title;
    node["type"] = type_name(one.type);
    node["fan_out"] = one.for_each.has_value();
    node["state"] = of.empty() ? json() : json(to_string(attention[standing_for(of[task])]));
    node["counts"] = of.empty() ? json() : counts_object(of[task]);
    node["level"] = level[task];
    node["needs"] = names_of(definition, one.needs);
    node["fallback_of"] = one.fallback_of ? json(definition.tasks[*one.fallback_of].name) : json();
    node["end_of"] = outcomes_of(one);
    node["started_at"] = spans.empty() ? json() : objects::time(spans[task].start);
    node["ended_at"] = spans.empty() ? json() : objects::time(spans[task].end);
  }
  return {{"workflow", definition.id()},
          {"run", instances != nullptr ? json(to_string(instances->run.id)) : json()},
          {"state", instances != nullptr ? json(to_string(instances->run.state)) : json()},
          {"more", more},
          {"nodes", std::move(nodes)}};
}

namespace {

/// Slots of one need that are listed, the newest: a window may have thousands.
constexpr std::size_t most_slots = 20;

/// What the slot of another workflow came to: its run and state, or how it was left out.
result<void> add_slot_state(const store_view& view, const bound_edge& edge, instant slot,
                            json& into) {
  const auto definition = current_definition(view, edge.workflow);
  into["slot"] = print_local(slot, definition ? objects::zone_of(*definition.value()) : zone{});
  BOOST_OUTCOME_TRY(row, view.rows.slot({"main", edge.workflow, edge.trigger, slot}));
  into["state"] = row ? json(to_string(row->outcome)) : json();
  if (!row || row->run == run_id{})
    return ok();
  BOOST_OUTCOME_TRY(run, view.rows.run(row->run));
  into["run"] = to_string(row->run);
  if (run)
    into["state"] = to_string(run->state);
  return ok();
}

result<json> bound_upstream(const store_view& view, const workflow_definition& definition,
                            const run_record& run, const std::vector<std::string>& shown) {
  json items = json::array();
  BOOST_OUTCOME_TRY(slot, view.rows.slot({run.lane, run.workflow, run.trigger, run.slot}));
  if (!slot)
    return items;
  for (const auto& edge : slot->edges) {
    if (edge.task >= definition.tasks.size())
      continue;
    const auto& task = definition.tasks[edge.task].name;
    if (!std::binary_search(shown.begin(), shown.end(), task))
      continue;
    const auto first = edge.slots.size() > most_slots ? edge.slots.size() - most_slots : 0;
    for (auto i = first; i < edge.slots.size(); ++i) {
      json item{{"task", task},
                {"workflow", edge.workflow},
                {"trigger", edge.trigger},
                {"upstream_task", edge.upstream_task.empty() ? json() : json(edge.upstream_task)},
                {"slot", nullptr},
                {"run", nullptr},
                {"state", nullptr}};
      BOOST_OUTCOME_TRYV(add_slot_state(view, edge, edge.slots[i], item));
      items.push_back(std::move(item));
    }
  }
  return items;
}

json declared_upstream(const workflow_definition& definition,
                       const std::vector<std::string>& shown) {
  json items = json::array();
  for (const auto& task : definition.tasks)
    if (std::binary_search(shown.begin(), shown.end(), task.name))
      for (const auto& need : task.outside_needs)
        items.push_back({{"task", task.name},
                         {"workflow", need.workflow},
                         {"trigger", need.trigger.empty() ? json() : json(need.trigger)},
                         {"upstream_task", need.task.empty() ? json() : json(need.task)},
                         {"slot", nullptr},
                         {"run", nullptr},
                         {"state", nullptr}});
  return items;
}

} // namespace

result<void> add_across(const store_view& view, const workflow_definition& definition,
                        const run_record* run, json& graph) {
  std::vector<std::string> shown;
  for (const auto& node : graph["nodes"])
    shown.push_back(node["task"].get<std::string>());
  std::sort(shown.begin(), shown.end());
  json downstream = json::array();
  BOOST_OUTCOME_TRY(workflows, view.rows.workflows());
  for (const auto& each : workflows) {
    if (each.retired)
      continue;
    BOOST_OUTCOME_TRY(other, view.definition(each.id, each.version));
    for (const auto& task : other->tasks)
      for (const auto& need : task.outside_needs)
        if (need.workflow == definition.id() &&
            (need.task.empty() || std::binary_search(shown.begin(), shown.end(), need.task)))
          downstream.push_back({{"task", need.task.empty() ? json() : json(need.task)},
                                {"workflow", each.id},
                                {"downstream_task", task.name}});
  }
  auto upstream = declared_upstream(definition, shown);
  if (run != nullptr) {
    BOOST_OUTCOME_TRY(bound, bound_upstream(view, definition, *run, shown));
    upstream = std::move(bound);
  }
  graph["across"] = {{"upstream", std::move(upstream)}, {"downstream", std::move(downstream)}};
  return ok();
}

} // namespace pinion
