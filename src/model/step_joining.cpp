#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {

void run_stepper::on(const run_happening::fire& event) {
  if (run_.fired_at != never)
    return refuse(errc::exists, to_string(run_.id) + " has fired already");
  if (run_.ended_at != never)
    return refuse(errc::refused, to_string(run_.id) + " ended before its time came");
  changed_ = true;
  run_.fired_at = time_;
  graph_.standing.fired = true;
  for (std::uint32_t task = 0; task < graph_.instances.size(); ++task) {
    auto& at = graph_.instances[task].front();
    joins_.push_back(task);
    if (at.state != instance_state::pre_trigger) {
      if (graph_.chained(task)) // Decided by a person before its time.
        settled_.push_back({at.key, false});
      continue;
    }
    shift(at, instance_state::triggered);
    at.why = reason::run_not_admitted;
    at.triggered_at = time_;
    if (graph_.early_rows.contains(at.key))
      note(at.key);
    // People see at once what it waits for, and its upstream timeout runs.
    if (const auto* tally = graph_.tally_of(task); tally != nullptr && tally->open > 0)
      move(at, instance_event::admitted, reason::upstream_pending);
  }
  drain(); // Only now it is known whether anything could begin.
  if (event.admitted && graph_.startable_count > 0)
    enter_graph();
}

void run_stepper::on(const run_happening::admit&) {
  if (run_.fired_at == never || run_.admitted || run_.ended_at != never)
    return refuse(errc::refused, to_string(run_.id) + " does not wait for admission");
  enter_graph();
}

/// All instances pass into waiting. Those that come new get no row and are not announced unless
/// they move on, or have an upstream timeout to arm: a large graph costs what moves.
void run_stepper::enter_graph() {
  changed_ = true;
  run_.admitted = true;
  run_.admitted_at = time_;
  graph_.standing.admitted = true;
  graph_.startable.clear();
  graph_.startable_count = 0;
  for (std::uint32_t task = 0; task < graph_.instances.size(); ++task) {
    auto& at = graph_.instances[task].front();
    const auto& definition = graph_.task(task);
    if (at.state == instance_state::triggered) {
      shift(at, instance_state::waiting);
      at.why = first_reason_to_wait(definition);
      at.waiting_at = time_;
      if (definition.timeout.upstream.count() > 0 && at.why == reason::upstream_pending) {
        note(at.key);
        announce(at.key);
      } else if (graph_.early_rows.contains(at.key)) {
        note(at.key);
      }
    } else if (graph_.chained(task)) {
      settled_.push_back({at.key, false}); // It ended before: a fallback may have to begin now.
    }
    joins_.push_back(task);
  }
  graph_.early_rows.clear();
}

void run_stepper::evaluate(std::uint32_t task) {
  auto& at = graph_.instances[task].front();
  const auto& definition = graph_.task(task);
  if (!graph_.awaits(task) || definition.fallback_of)
    return;
  using counts_as = edge_record::counts_as;
  const auto counts = graph_.counts_of(task);
  const auto* tally = graph_.tally_of(task);
  switch (graph_.decide(task)) {
  case join_decision::wait:
    return unpark(at);
  case join_decision::run:
    return let_on(task);
  case join_decision::upstream_fail:
    return move(at, instance_event::needs_failed, reason::upstream_failed,
                message_of(task, counts_as::failed, "an upstream task failed"));
  case join_decision::skip:
  case join_decision::remove:
    if (definition.is_end_task() && !graph_.is_meant(task))
      return pass_over(at);
    if ((tally != nullptr && tally->gates_skipped > 0) ||
        (counts.skipped > 0 && definition.join != join_rule::all_failed &&
         definition.join_condition.empty()))
      return move(at, instance_event::needs_skipped, reason::upstream_skipped,
                  message_of(task, counts_as::skipped, "an upstream task was skipped"));
    return move(at, instance_event::needs_skipped, reason::join_not_met,
                definition.join_condition.empty() ? "its join rule can no longer be met"
                                                  : "its join is false");
  }
}

void run_stepper::let_on(std::uint32_t task) {
  auto& at = graph_.instances[task].front();
  const bool frozen = at.mode == task_mode::frozen && !PINION_MUTATION("ignore_frozen");
  const bool needs_place = at.mode == task_mode::normal && !run_.admitted;
  if (!run_.admitted)
    graph_.set_startable(task, needs_place);
  if (frozen || needs_place)
    return park(at, frozen ? reason::frozen : reason::run_not_admitted);
  proceed(task);
}

void run_stepper::park(instance_record& at, reason why) {
  if (at.why == why)
    return;
  if (at.state == instance_state::triggered)
    return move(at, instance_event::admitted, why);
  at.why = why;
  note(at.key);
}

void run_stepper::unpark(instance_record& at) {
  graph_.set_startable(at.key.task, false);
  const bool parked = at.why == reason::frozen || at.why == reason::run_not_admitted;
  const bool next_wait = graph_.task(at.key.task).is_end_task(); // For the end, then for others.
  if (at.state == instance_state::waiting && (parked || next_wait))
    park(at, graph_.reason_to_wait(at.key.task));
}

void run_stepper::proceed(std::uint32_t task) {
  auto& at = graph_.instances[task].front();
  const auto& definition = graph_.task(task);
  const bool dry = at.mode == task_mode::dry;
  if (definition.fallback_of)
    tell_fallback(task);
  if (!definition.when.empty()) {
    const auto holds = evaluate_.condition(core_, task);
    if (!holds && !dry)
      return move(at, instance_event::declare_failed, reason::condition_failed,
                  holds.error().message);
    if (holds && !holds.value())
      return move(at, instance_event::needs_skipped, reason::when_false, "its condition is false");
  }
  if (dry && !PINION_MUTATION("ignore_dry"))
    return succeed_dry(at);
  if (definition.for_each)
    return expand(task);
  at.first_ready_at = time_;
  make_ready(at, instance_event::needs_met);
}

void run_stepper::make_ready(instance_record& at, instance_event event) {
  const bool held = at.first_ready_at == never;
  move(at, event, held ? reason::max_parallel : reason::permits_pending);
  if (!held && !needs_dispatcher(graph_.task(at.key.task)))
    start_at_once(at);
}

void run_stepper::start_at_once(instance_record& at) {
  ++at.attempt;
  at.called = {};
  const bool empty = ends_at_once(graph_.task(at.key.task).type);
  move(at, instance_event::started_at_once, empty ? reason::empty_task : reason::none);
  activate();
}

void run_stepper::advance_chain(std::uint32_t primary) {
  const auto member = graph_.current_member(primary);
  if (PINION_MUTATION("forget_fallback"))
    return;
  if (member != primary && graph_.awaits(member)) {
    if (!graph_.at_end(primary))
      return let_on(member);
    // Decided before its turn: that of its fallback comes when its own would have come.
    if (!graph_.outcome())
      return;
    return graph_.is_meant(primary) ? let_on(member) : pass_over(graph_.instances[member].front());
  }
  if (!is_terminal(graph_.aggregate_state(member)))
    return;
  for (auto later = graph_.task(member).fallback; later; later = graph_.task(*later).fallback) {
    auto& unneeded = graph_.instances[*later].front();
    if (graph_.awaits(*later))
      move(unneeded, instance_event::needs_skipped, reason::fallback_not_needed,
           "the task that it stands in for did not fail");
  }
}

void run_stepper::tell_fallback(std::uint32_t task) {
  const auto& definition = graph_.task(task);
  const auto& key = graph_.instances[task].front().key;
  const auto tell = [&](const alarm_target& target) {
    out_.effects.emplace_back(
        run_effect::alarm{run_effect::alarm_kind::fallback, key, target.channel});
  };
  const auto& of_task = graph_.task(*definition.fallback_of).alarms.on_fallback;
  std::for_each(of_task.begin(), of_task.end(), tell);
  // A channel that both name hears of it once.
  for (const auto& target : graph_.workflow.alarms.on_fallback)
    if (std::find(of_task.begin(), of_task.end(), target) == of_task.end())
      tell(target);
}

} // namespace pinion
