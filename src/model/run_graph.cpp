#include "run_graph.hpp"

#include "pinion/model/mutation.hpp"

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
  at.why = first_reason_to_wait(workflow.tasks[task]);
  at.waiting_at = run.admitted_at;
  return at;
}

reason first_reason_to_wait(const task_definition& task) noexcept {
  if (task.fallback_of)
    return reason::fallback_pending;
  return task.is_end_task() ? reason::end_pending : reason::upstream_pending;
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

  std::vector<std::vector<std::uint32_t>> behind;
  const auto has_reach = [](const task_definition& task) { return task.setup || task.teardown; };
  if (std::any_of(workflow.tasks.begin(), workflow.tasks.end(), has_reach))
    for (std::uint32_t task = 0; task < count; ++task) {
      const auto all = downstream_of(task);
      behind.emplace_back(all.begin(), all.end());
    }
  setups = setup_scopes{workflow, behind};
  read_end_tasks();
  for (std::uint32_t task = 0; task < count; ++task)
    if (!workflow.tasks[task].join_condition.empty())
      read_condition(task);

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

instance_state run_core::graph::counted_state(std::uint32_t task, bool ignored) const {
  const auto state = aggregate_state(task);
  if (!ignored || state != instance_state::failed || instances[task].size() == 1)
    return state;
  const auto& count = fans.at(task).by_state;
  return count[static_cast<std::size_t>(instance_state::cancelled)] > 0 ? instance_state::cancelled
                                                                        : state;
}

upstream_class run_core::graph::class_of(std::uint32_t task) const {
  const auto ignored = workflow.tasks[task].ignore_failure;
  if (workflow.tasks[task].fallback_of)
    return outcome_of(counted_state(task, ignored), ignored).join;
  return chain_outcome(task).join;
}

namespace {

/// What a teardown did well or did not do says nothing about the run.
unit_outcome of_teardown(unit_outcome outcome) {
  if (outcome.run == unit_class::success)
    outcome.run = unit_class::skipped;
  return outcome;
}

/// The run's state is decided before its turn comes.
unit_outcome of_end_task(unit_outcome outcome) {
  if (outcome.run != unit_class::pending)
    outcome.run = unit_class::skipped;
  return outcome;
}

} // namespace

unit_outcome run_core::graph::instance_outcome(const instance_record& at) const {
  const auto& definition = workflow.tasks[at.key.task];
  const auto outcome = outcome_of(at.state, definition.ignore_failure);
  if (definition.is_end_task())
    return of_end_task(outcome);
  return definition.teardown ? of_teardown(outcome) : outcome;
}

unit_outcome run_core::graph::chain_outcome(std::uint32_t primary) const {
  const auto member = current_member(primary);
  const bool ignored =
      workflow.tasks[primary].ignore_failure || workflow.tasks[member].ignore_failure;
  auto outcome = outcome_of(counted_state(member, ignored), ignored);
  // All members before it failed; only a success of the last one makes that good.
  const bool made_good = outcome.run == unit_class::success || outcome.run == unit_class::pending;
  if (member != primary && !made_good && !ignored)
    outcome.run = unit_class::failing;
  if (workflow.tasks[primary].is_end_task())
    return of_end_task(outcome);
  return workflow.tasks[primary].teardown ? of_teardown(outcome) : outcome;
}

std::uint32_t run_core::graph::units_of(std::uint32_t task) const {
  if (workflow.tasks[task].fallback_of)
    return 0;
  return workflow.tasks[task].fallback ? 1 : static_cast<std::uint32_t>(instances[task].size());
}

void run_core::graph::count_units(std::uint32_t task) {
  const auto units = units_of(task);
  const auto behind = downstream_of(task);
  const bool setup = workflow.tasks[task].setup;
  for (const auto to : behind) {
    joins[to].total += units;
    joins[to].setup_total += setup ? units : 0;
  }
  for (std::uint32_t unit = 0; unit < units; ++unit) {
    const auto outcome =
        chained(task) ? chain_outcome(task) : instance_outcome(instances[task][unit]);
    standing.add(outcome.run, 1);
    for (const auto to : behind) {
      joins[to].add(outcome.join, 1);
      if (setup)
        joins[to].add_setup(outcome.join, 1);
    }
    for (const auto gated : setups.gated_by(task))
      setups.count(gated, outcome.join, 1);
    for (const auto end : setups.ends_behind(task))
      setups.count_end(end, outcome.join, 1);
  }
}

void run_core::graph::read_condition(std::uint32_t task) {
  const auto& definition = workflow.tasks[task];
  const auto find = [&](std::string_view name) -> std::optional<std::uint32_t> {
    for (const auto need : definition.needs)
      if (workflow.tasks[need].name == name)
        return need;
    return std::nullopt;
  };
  auto& made = conditions[task];
  // The loader has read it once already.
  if (join_condition::parse(definition.join_condition, find, made.what))
    conditions.erase(task);
  else
    made.truth = join_condition_state{made.what};
}

void run_core::graph::tell_conditions(std::uint32_t head) {
  if (conditions.empty())
    return;
  const auto as = class_of(head);
  for (const auto behind : downstream_of(head))
    if (const auto found = conditions.find(behind); found != conditions.end())
      found->second.truth.set(head, as);
}

join_decision run_core::graph::decide_condition(std::uint32_t task,
                                                const conditional& condition) const {
  // Of the upstreams in the run its truth has heard; what is left in the join are the edges.
  bool open = false;
  bool skipped = false;
  const auto [first, last] = edges_of(task);
  for (auto place = first; place < last; ++place) {
    if (is_gate(edges[place].need))
      continue;
    const auto& how = settled[place];
    if (how && how->outcome == edge_record::counts_as::failed)
      return join_decision::upstream_fail;
    open = open || !how;
    skipped = skipped || (how && how->outcome == edge_record::counts_as::skipped);
  }
  if (PINION_MUTATION("take_conditions_for_true"))
    return open ? join_decision::wait : join_decision::run;
  if (skipped || condition.truth.value() == join_condition::truth::no)
    return join_decision::skip;
  return open || condition.truth.value() == join_condition::truth::unknown ? join_decision::wait
                                                                           : join_decision::run;
}

void run_core::graph::recount(run_record& run) {
  const auto count = static_cast<std::uint32_t>(instances.size());
  run.counts.fill(0);
  live = 0;
  live_at_end = 0;
  polling = 0;
  fans.clear();
  for (std::uint32_t task = 0; task < count; ++task) {
    const bool ends = at_end(task);
    for (const auto& at : instances[task]) {
      ++run.counts[static_cast<std::size_t>(at.state)];
      live += is_terminal(at.state) ? 0 : 1;
      live_at_end += ends && !is_terminal(at.state) ? 1 : 0;
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
  setups.clear_tallies();
  standing = {
      .fired = run.fired_at != never, .admitted = run.admitted, .timed_out = run.cancel_failed};
  for (auto& [task, condition] : conditions)
    condition.truth = join_condition_state{condition.what};
  for (std::uint32_t task = 0; task < count; ++task) {
    count_units(task);
    if (!workflow.tasks[task].fallback_of)
      tell_conditions(task);
  }
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
