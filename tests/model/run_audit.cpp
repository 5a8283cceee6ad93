#include "run_fixture.hpp"

#include <algorithm>
#include <pinion/model/join.hpp>
#include <pinion/model/join_condition.hpp>

// A slow second opinion: everything is derived from the definition and the instances' states alone.
namespace pinion::testing {
namespace {

/// One upstream as a join sees it and as the run's state sees it.
struct opinion {
  upstream_class join = upstream_class::pending;
  unit_class run = unit_class::pending;
};

opinion of_state(instance_state state, bool ignore_failure) {
  if (state == instance_state::success)
    return {upstream_class::success, unit_class::success};
  if (state == instance_state::skipped)
    return {upstream_class::skipped, unit_class::skipped};
  if (state == instance_state::cancelled)
    return {upstream_class::failed, unit_class::cancelled};
  if (state == instance_state::failed && ignore_failure)
    return {upstream_class::success, unit_class::success};
  if (state == instance_state::failed)
    return {upstream_class::failed, unit_class::failing};
  if (state == instance_state::upstream_failed)
    return {upstream_class::upstream_failed,
            ignore_failure ? unit_class::success : unit_class::failing};
  return {};
}

/// A whole task as one state; nothing while an instance of it is alive.
std::optional<instance_state> whole(const run_core& core, std::uint32_t task) {
  std::set<instance_state> seen;
  for (const auto& record : core.instances_of(task)) {
    if (!is_terminal(record.state))
      return std::nullopt;
    seen.insert(record.state);
  }
  for (const auto state : {instance_state::upstream_failed, instance_state::failed,
                           instance_state::cancelled, instance_state::success})
    if (seen.contains(state))
      return state;
  return instance_state::skipped;
}

opinion of_chain(const run_core& core, std::uint32_t primary) {
  const auto& tasks = core.definition().tasks;
  auto last = primary;
  while (true) {
    const auto state = whole(core, last);
    if (!state)
      return {};
    if (*state == instance_state::failed && tasks[last].fallback) {
      last = *tasks[last].fallback;
      continue;
    }
    const bool ignored = tasks[primary].ignore_failure || tasks[last].ignore_failure;
    const auto elements = core.instances_of(last);
    const bool cut = std::any_of(elements.begin(), elements.end(), [](const auto& each) {
      return each.state == instance_state::cancelled;
    });
    auto seen = of_state(ignored && cut ? instance_state::cancelled : *state, ignored);
    const bool primary_failed = last != primary;
    if (primary_failed && !ignored && *state != instance_state::success)
      seen.run = unit_class::failing;
    return seen;
  }
}

std::vector<opinion> units_of(const run_core& core, std::uint32_t task) {
  const auto& definition = core.definition().tasks[task];
  if (definition.fallback_of)
    return {};
  std::vector<opinion> all;
  if (definition.fallback)
    all.push_back(of_chain(core, task));
  else
    for (const auto& record : core.instances_of(task))
      all.push_back(of_state(record.state, definition.ignore_failure));
  for (auto& each : all) {
    if (definition.teardown && each.run == unit_class::success)
      each.run = unit_class::skipped; // It says nothing about the run.
    if (definition.is_end_task() && each.run != unit_class::pending)
      each.run = unit_class::skipped; // Nor does this, whatever became of it.
  }
  return all;
}

bool is_at_end(const run_core& core, std::uint32_t task) {
  const auto& of = core.definition().tasks[task];
  return of.fallback_of ? is_at_end(core, *of.fallback_of) : of.is_end_task();
}

/// What the tasks before the end come to, once none of them is alive.
std::optional<run_state> outcome_of(const run_core& core) {
  run_standing standing{true, true, core.run().cancel_failed};
  for (std::uint32_t task = 0; task < core.definition().tasks.size(); ++task) {
    for (const auto& record : core.instances_of(task))
      if (!is_terminal(record.state) && (!is_at_end(core, task) || core.run().fired_at == never))
        return std::nullopt;
    for (const auto& unit : units_of(core, task))
      standing.add(unit.run, 1);
  }
  return run_state_of(standing, 0);
}

/// `to` is behind `from`, over any number of needs.
bool is_behind(const run_core& core, std::uint32_t to, std::uint32_t from) {
  const auto& needs = core.definition().tasks[to].needs;
  return std::any_of(needs.begin(), needs.end(), [&](std::uint32_t need) {
    return need == from || is_behind(core, need, from);
  });
}

bool is_needed_directly(const run_core& core, std::uint32_t task, std::uint32_t other) {
  const auto& needs = core.definition().tasks[task].needs;
  return std::count(needs.begin(), needs.end(), other) > 0;
}

/// The setup is needed by the task without being among its needs.
bool needs_from_afar(const run_core& core, std::uint32_t task, std::uint32_t setup) {
  const auto& tasks = core.definition().tasks;
  const auto& needs = tasks[task].needs;
  if (!tasks[setup].setup || tasks[task].teardown || !is_behind(core, task, setup) ||
      std::count(needs.begin(), needs.end(), setup) > 0)
    return false;
  bool has_teardown = false;
  for (std::uint32_t end = 0; end < tasks.size(); ++end) {
    const auto& of = tasks[end].teardown_of;
    if (std::count(of.begin(), of.end(), setup) == 0)
      continue;
    has_teardown = true;
    if (is_behind(core, end, task))
      return true;
  }
  return !has_teardown;
}

/// With `dropped`: as the decision sees it, what is no longer waited for as success.
join_counts counts_of(const run_core& core, std::uint32_t task, bool dropped = false) {
  join_counts counts;
  for (const auto need : core.definition().tasks[task].needs)
    for (const auto& unit : units_of(core, need)) {
      const bool setup = core.definition().tasks[need].setup;
      ++counts.total;
      const bool left_out =
          dropped && core.settled_edge(task, edge_record::first_dropped + need) != nullptr;
      const auto as = left_out ? upstream_class::success : unit.join;
      counts.add(as, 1);
      counts.setup_total += setup ? 1 : 0;
      counts.setup_success += setup && unit.join == upstream_class::success ? 1 : 0;
      counts.setup_skipped += setup && unit.join == upstream_class::skipped ? 1 : 0;
    }
  for (const auto& edge : core.edges())
    if (edge.task == task && edge.need < bound_edge::first_previous) {
      ++counts.total;
      if (const auto* how = core.settled_edge(task, edge.need))
        counts.add(how->outcome == edge_record::counts_as::success   ? upstream_class::success
                   : how->outcome == edge_record::counts_as::skipped ? upstream_class::skipped
                                                                     : upstream_class::failed,
                   1);
    }
  return counts;
}

using truth = join_condition::truth;

/// The condition by a recursion over its parts.
truth truth_of(const run_core& core, const join_condition& of, std::uint32_t at) {
  const auto& node = of.nodes()[at];
  if (node.kind == join_condition::node_kind::operand)
    return join_condition::answer(node.asks, core.class_of(node.task));
  std::vector<truth> parts;
  for (std::uint32_t child = 0; child < at; ++child)
    if (of.nodes()[child].parent == at)
      parts.push_back(truth_of(core, of, child));
  const auto has = [&](truth value) {
    return std::find(parts.begin(), parts.end(), value) != parts.end();
  };
  if (node.kind == join_condition::node_kind::all)
    return has(truth::no) ? truth::no : has(truth::unknown) ? truth::unknown : truth::yes;
  if (node.kind == join_condition::node_kind::any)
    return has(truth::yes) ? truth::yes : has(truth::unknown) ? truth::unknown : truth::no;
  return has(truth::yes) ? truth::no : has(truth::no) ? truth::yes : truth::unknown;
}

join_decision condition_of(const run_core& core, std::uint32_t task) {
  const auto& tasks = core.definition().tasks;
  join_condition read;
  join_condition::parse(
      tasks[task].join_condition, [&](std::string_view name) { return core.task_named(name); },
      read);
  const auto value = truth_of(core, read, static_cast<std::uint32_t>(read.nodes().size() - 1));
  std::multiset<std::optional<edge_record::counts_as>> edges;
  for (const auto& edge : core.edges())
    if (edge.task == task && edge.need < bound_edge::first_previous) {
      const auto* how = core.settled_edge(task, edge.need);
      edges.insert(how == nullptr ? std::nullopt : std::optional{how->outcome});
    }
  if (edges.contains(edge_record::counts_as::failed))
    return join_decision::upstream_fail;
  if (edges.contains(edge_record::counts_as::skipped) || value == truth::no)
    return join_decision::skip;
  return edges.contains(std::nullopt) || value == truth::unknown ? join_decision::wait
                                                                 : join_decision::run;
}

/// What the end of the run says.
join_decision decision_at_end(const run_core& core, std::uint32_t task) {
  const auto& of = core.definition().tasks[task];
  if (!of.is_end_task())
    return join_decision::run;
  const auto outcome = outcome_of(core);
  if (!outcome)
    return join_decision::wait;
  const bool meant = (outcome == run_state::failed && of.on_run_failure) ||
                     (outcome == run_state::success && of.on_run_success);
  return meant ? join_decision::run : join_decision::skip;
}

/// What the gates say, then the join.
join_decision decision_of(const run_core& core, std::uint32_t task) {
  if (const auto at_end = decision_at_end(core, task); at_end != join_decision::run)
    return at_end;
  bool open = false;
  bool skipped = false;
  bool failed = false;
  for (const auto& edge : core.edges()) {
    if (edge.task != task || edge.need < bound_edge::first_previous)
      continue;
    const auto* how = core.settled_edge(task, edge.need);
    open |= how == nullptr;
    skipped |= how != nullptr && how->outcome == edge_record::counts_as::skipped;
    failed |= how != nullptr && how->outcome == edge_record::counts_as::failed;
  }
  if (failed)
    return join_decision::upstream_fail;
  if (skipped)
    return join_decision::skip;
  if (open)
    return join_decision::wait;
  for (std::uint32_t setup = 0; setup < core.definition().tasks.size(); ++setup) {
    if (!needs_from_afar(core, task, setup))
      continue;
    for (const auto& unit : units_of(core, setup)) {
      open |= unit.join == upstream_class::pending;
      skipped |= unit.join == upstream_class::skipped;
      failed |= unit.join == upstream_class::failed || unit.join == upstream_class::upstream_failed;
    }
  }
  for (std::uint32_t before = 0; before < core.definition().tasks.size(); ++before)
    if (core.definition().tasks[task].teardown && is_behind(core, task, before))
      for (const auto& unit : units_of(core, before))
        open |= unit.join == upstream_class::pending && !is_needed_directly(core, task, before);
  if (failed)
    return join_decision::upstream_fail;
  if (skipped)
    return join_decision::skip;
  if (open)
    return join_decision::wait;
  if (!core.definition().tasks[task].join_condition.empty())
    return condition_of(core, task);
  return decide_join(core.definition().tasks[task].join, counts_of(core, task, true), no_element);
}

/// All members of the chain before this fallback have failed.
bool is_needed(const run_core& core, std::uint32_t task) {
  const auto& before = core.definition().tasks[task].fallback_of;
  if (!before)
    return decision_at_end(core, task) == join_decision::run;
  return whole(core, *before) == instance_state::failed && is_needed(core, *before);
}

/// Its upstream lets it begin.
bool may_begin(const run_core& core, std::uint32_t task) {
  return core.definition().tasks[task].fallback_of ? is_needed(core, task)
                                                   : decision_of(core, task) == join_decision::run;
}

std::string audit_waiting(const run_core& core, const instance_record& record) {
  const auto task = record.key.task;
  const auto& definition = core.definition().tasks[task];
  const auto name = definition.name + ' ' + describe(record) + "; ";
  if (record.state == instance_state::triggered && core.run().admitted)
    return "not in the graph of an admitted run: " + name;
  const bool past_join = record.key.element != no_element || record.first_ready_at != never;
  if (record.look > 0) // Its next look comes by a timer, or by the thaw.
    return {};
  if (past_join)
    return record.mode == task_mode::frozen ? "" : "kept back by nothing: " + name;
  const bool kept_back = record.mode == task_mode::frozen ||
                         (record.mode == task_mode::normal && !core.run().admitted);
  if (may_begin(core, task))
    return kept_back ? "" : "waits although it may begin: " + name;
  if (definition.fallback_of)
    return {};
  if (record.why == reason::end_pending &&
      (!definition.is_end_task() || outcome_of(core).has_value()))
    return "waits for an end that has come: " + name;
  if (definition.is_end_task() && !outcome_of(core) && record.state == instance_state::waiting &&
      record.why == reason::upstream_pending)
    return "does not say that it waits for the end: " + name;
  if (decision_of(core, task) != join_decision::wait)
    return "waits although its join is decided: " + name;
  const auto open = core.open_edges();
  const bool outside = std::any_of(open.begin(), open.end(),
                                   [&](const bound_edge* edge) { return edge->task == task; });
  if (!outside && core.pending_upstream(task).empty())
    return "waits for nothing: " + name;
  return {};
}

/// Fired and alive; admitted, or something could begin.
bool wants_place(const run_core& core) {
  if (core.run().fired_at == never || core.run().ended_at != never)
    return false;
  if (core.run().admitted)
    return true;
  for (std::uint32_t task = 0; task < core.definition().tasks.size(); ++task) {
    const auto& first = core.instances_of(task).front();
    if ((first.state == instance_state::triggered || first.state == instance_state::waiting) &&
        first.mode == task_mode::normal && may_begin(core, task))
      return true;
  }
  return false;
}

std::string audit_task(const run_core& core, std::uint32_t task) {
  const auto& definition = core.definition().tasks[task];
  const auto counts = counts_of(core, task);
  if (counts != core.upstream_counts(task))
    return "counters of " + definition.name + " differ from a rescan; ";
  std::string wrong;
  for (const auto& record : core.instances_of(task)) {
    const auto name = definition.name + ' ' + describe(record) + "; ";
    const auto* attempt = core.newest_attempt(record.key);
    if (record.has_outputs && record.state != instance_state::success &&
        record.state != instance_state::dqc_check && record.state != instance_state::stopping)
      wrong += "outputs outlived their attempt: " + name;
    if (core.find(record.key) != &record)
      wrong += "not found by its key: " + name;
    const bool between_looks = attempt != nullptr && attempt->state == attempt_state::waiting;
    if (between_looks != (record.state == instance_state::waiting && record.look > 0) &&
        record.state != instance_state::pre_ready)
      wrong += "between two looks without an attempt, or the other way round: " + name;
    if (attempt != nullptr && attempt->looks != record.look)
      wrong += "attempt and instance count other looks: " + name;
    if (is_active(record.state) != (attempt != nullptr && !between_looks) &&
        (has_process(definition.type) || !definition.pools.empty()))
      wrong += "an attempt too many or too few: " + name;
    if (record.mode == task_mode::dry && !is_terminal(record.state) &&
        record.state > instance_state::waiting)
      wrong += "a dry instance began: " + name;
    if (is_at_end(core, task) && record.state > instance_state::waiting &&
        !is_terminal(record.state) && !outcome_of(core))
      wrong += "an end task is at work before the end: " + name;
    if (record.mode == task_mode::frozen && record.state == instance_state::pre_ready)
      wrong += "a frozen instance asks for permits: " + name;
    if (record.state == instance_state::triggered || record.state == instance_state::waiting)
      wrong += audit_waiting(core, record);
  }
  return wrong;
}

} // namespace

std::string audit(const run_core& core) {
  std::string wrong;
  std::array<std::uint32_t, instance_state_count> counts{};
  run_standing standing{core.run().fired_at != never, core.run().admitted,
                        core.run().cancel_failed};
  std::uint32_t live = 0;
  for (std::uint32_t task = 0; task < core.definition().tasks.size(); ++task) {
    for (const auto& record : core.instances_of(task)) {
      ++counts[static_cast<std::size_t>(record.state)];
      live += is_terminal(record.state) ? 0 : 1;
    }
    for (const auto& unit : units_of(core, task))
      standing.add(unit.run, 1);
    wrong += audit_task(core, task);
  }
  if (counts != core.run().counts)
    wrong += "counts by state differ from a rescan; ";
  if (core.standing() != standing)
    wrong += "the units of the run's state differ from a rescan; ";
  if (core.outcome() != outcome_of(core))
    wrong += "the outcome differs from a rescan; ";
  if (core.run().state != run_state_of(standing, live))
    wrong += "the run's state differs from a rescan; ";
  if (core.ended() != (live == 0) || (core.run().ended_at != never) != (live == 0))
    wrong += "the run's end differs from a rescan; ";
  if (core.wants_place() != wants_place(core))
    wrong += "the run's wish for a place differs from a rescan; ";
  return wrong;
}

} // namespace pinion::testing
