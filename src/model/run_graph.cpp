#include "run_graph.hpp"

#include <algorithm>
#include <numeric>

namespace pinion {

instance_record initial_record(const workflow_definition& workflow, const run_record& run,
                               std::uint32_t task) {
  instance_record at;
  at.key = {run.id, task, no_element};
  at.mode = initial_mode(run, task);
  at.placeholder = workflow.tasks[task].for_each.has_value();
  if (run.fired_at == never)
    return at;
  at.state = instance_state::triggered;
  at.why = reason::run_not_admitted;
  at.triggered_at = run.fired_at;
  if (!run.admitted)
    return at;
  at.state = instance_state::waiting;
  at.why = workflow.tasks[task].fallback_of ? reason::fallback_pending : reason::upstream_pending;
  at.waiting_at = run.admitted_at;
  return at;
}

task_mode initial_mode(const run_record& run, std::uint32_t task) noexcept {
  const auto found = std::lower_bound(
      run.modes.begin(), run.modes.end(), task,
      [](const auto& switched, std::uint32_t sought) { return switched.first < sought; });
  if (found != run.modes.end() && found->first == task)
    return found->second;
  return run.dry ? task_mode::dry : task_mode::normal;
}

bool is_held(const instance_record& at) noexcept {
  return at.state == instance_state::pre_ready && at.first_ready_at == never;
}

bool needs_dispatcher(const task_definition& task) noexcept {
  return has_process(task.type) || !task.pools.empty();
}

run_core::graph::graph(const workflow_definition& definition, const run_record& run)
    : workflow(definition) {
  const auto count = static_cast<std::uint32_t>(workflow.tasks.size());
  downstream_begin.assign(count + 1, 0);
  for (const auto& task : workflow.tasks)
    for (const auto need : task.needs)
      ++downstream_begin[need + 1];
  std::partial_sum(downstream_begin.begin(), downstream_begin.end(), downstream_begin.begin());
  downstream.resize(downstream_begin.back());
  auto next = downstream_begin;
  for (std::uint32_t task = 0; task < count; ++task)
    for (const auto need : workflow.tasks[task].needs)
      downstream[next[need]++] = task;

  by_name.resize(count);
  std::iota(by_name.begin(), by_name.end(), 0U);
  std::sort(by_name.begin(), by_name.end(), [this](std::uint32_t a, std::uint32_t b) {
    return workflow.tasks[a].name < workflow.tasks[b].name;
  });

  instances.resize(count);
  for (std::uint32_t task = 0; task < count; ++task) {
    instances[task].reserve(1);
    instances[task].push_back(initial_record(workflow, run, task));
  }
}

std::span<const std::uint32_t> run_core::graph::downstream_of(std::uint32_t task) const {
  return std::span{downstream}.subspan(downstream_begin[task],
                                       downstream_begin[task + 1] - downstream_begin[task]);
}

instance_record* run_core::graph::find(const instance_key& key) noexcept {
  if (key.task >= instances.size())
    return nullptr;
  auto& elements = instances[key.task];
  const std::size_t position = key.element == no_element ? 0 : key.element;
  if (position >= elements.size() || elements[position].key != key)
    return nullptr;
  return &elements[position];
}

std::uint32_t run_core::graph::primary_of(std::uint32_t task) const {
  while (workflow.tasks[task].fallback_of)
    task = *workflow.tasks[task].fallback_of;
  return task;
}

bool run_core::graph::chained(std::uint32_t task) const {
  return workflow.tasks[task].fallback || workflow.tasks[task].fallback_of;
}

std::uint32_t run_core::graph::current_member(std::uint32_t primary) const {
  auto member = primary;
  while (workflow.tasks[member].fallback && aggregate_state(member) == instance_state::failed)
    member = *workflow.tasks[member].fallback;
  return member;
}

instance_state run_core::graph::aggregate_state(std::uint32_t task) const {
  const auto& elements = instances[task];
  if (elements.size() == 1)
    return elements.front().state;
  const auto& count = fans.at(task).by_state;
  std::uint32_t ended = 0;
  for (std::size_t state = 0; state < instance_state_count; ++state)
    if (is_terminal(static_cast<instance_state>(state)))
      ended += count[state];
  if (ended < elements.size())
    return instance_state::running;
  for (const auto state :
       {instance_state::failed, instance_state::cancelled, instance_state::success})
    if (count[static_cast<std::size_t>(state)] > 0)
      return state;
  return instance_state::skipped;
}

namespace {

/// `ignored`: the failure is declared not to matter. A cancel is no failure of the task, and what
/// ended upstream_failed made nothing that a join could go on with.
unit_outcome outcome_of(instance_state state, bool ignored) {
  switch (state) {
  case instance_state::success:
    return {upstream_class::success, unit_class::success};
  case instance_state::skipped:
    return {upstream_class::skipped, unit_class::skipped};
  case instance_state::cancelled:
    return {upstream_class::failed, unit_class::cancelled};
  case instance_state::failed:
    if (ignored)
      return {upstream_class::success, unit_class::success};
    return {upstream_class::failed, unit_class::failing};
  case instance_state::upstream_failed:
    return {upstream_class::upstream_failed, ignored ? unit_class::success : unit_class::failing};
  default:
    return {};
  }
}

} // namespace

upstream_class run_core::graph::class_of(std::uint32_t task) const {
  if (workflow.tasks[task].fallback_of)
    return outcome_of(aggregate_state(task), workflow.tasks[task].ignore_failure).join;
  return chain_outcome(task).join;
}

unit_outcome run_core::graph::instance_outcome(const instance_record& at) const {
  return outcome_of(at.state, workflow.tasks[at.key.task].ignore_failure);
}

unit_outcome run_core::graph::chain_outcome(std::uint32_t primary) const {
  const auto member = current_member(primary);
  const bool ignored =
      workflow.tasks[primary].ignore_failure || workflow.tasks[member].ignore_failure;
  auto outcome = outcome_of(aggregate_state(member), ignored);
  // All members before it failed; only a success of the last one makes that good.
  const bool made_good = outcome.run == unit_class::success || outcome.run == unit_class::pending;
  if (member != primary && !made_good && !ignored)
    outcome.run = unit_class::failing;
  return outcome;
}

std::uint32_t run_core::graph::units_of(std::uint32_t task) const {
  if (workflow.tasks[task].fallback_of)
    return 0;
  return workflow.tasks[task].fallback ? 1 : static_cast<std::uint32_t>(instances[task].size());
}

void run_core::graph::count_units(std::uint32_t task) {
  const auto units = units_of(task);
  const auto behind = downstream_of(task);
  for (const auto to : behind)
    joins[to].total += units;
  for (std::uint32_t unit = 0; unit < units; ++unit) {
    const auto outcome =
        chained(task) ? chain_outcome(task) : instance_outcome(instances[task][unit]);
    standing.add(outcome.run, 1);
    for (const auto to : behind)
      joins[to].add(outcome.join, 1);
  }
}

void run_core::graph::recount(run_record& run) {
  const auto count = static_cast<std::uint32_t>(instances.size());
  run.counts.fill(0);
  live = 0;
  polling = 0;
  fans.clear();
  for (std::uint32_t task = 0; task < count; ++task) {
    for (const auto& at : instances[task]) {
      ++run.counts[static_cast<std::size_t>(at.state)];
      live += is_terminal(at.state) ? 0 : 1;
      polling += is_polling(at) ? 1 : 0;
      if (!workflow.tasks[task].for_each)
        continue;
      auto& fan = fans[task];
      ++fan.by_state[static_cast<std::size_t>(at.state)];
      fan.held += is_held(at) ? 1 : 0;
      fan.polling += is_polling(at) ? 1 : 0;
    }
  }
  joins.assign(count, {});
  standing = {
      .fired = run.fired_at != never, .admitted = run.admitted, .timed_out = run.cancel_failed};
  for (std::uint32_t task = 0; task < count; ++task)
    count_units(task);
  tallies.clear();
  for (std::size_t place = 0; place < edges.size(); ++place)
    count_edge(place);
  startable.clear();
  startable_count = 0;
  if (standing.fired && !standing.admitted)
    for (std::uint32_t task = 0; task < count; ++task)
      if (could_begin(task))
        set_startable(task, true);
}

} // namespace pinion
