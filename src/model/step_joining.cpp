#include "run_stepper.hpp"

namespace pinion {

void run_stepper::on(const run_happening::fire& event) {
  if (run_.fired_at != never)
    return refuse(errc::exists, to_string(run_.id) + " has fired already");
  if (run_.ended_at != never)
    return refuse(errc::refused, to_string(run_.id) + " ended before its time came");
  changed_ = true;
  run_.fired_at = time_;
  graph_.standing.fired = true;
  for (auto& elements : graph_.instances) {
    auto& at = elements.front();
    if (at.state != instance_state::pre_trigger)
      continue;
    shift(at, instance_state::triggered);
    at.why = reason::run_not_admitted;
    at.triggered_at = time_;
  }
  if (event.admitted)
    enter_graph();
}

void run_stepper::on(const run_happening::admit&) {
  if (run_.fired_at == never || run_.admitted || run_.ended_at != never)
    return refuse(errc::refused, to_string(run_.id) + " does not wait for admission");
  enter_graph();
}

/// All instances pass into waiting. They get no row and are not announced unless they move on, or
/// have an upstream timeout to arm: a large graph costs what moves.
void run_stepper::enter_graph() {
  changed_ = true;
  run_.admitted = true;
  run_.admitted_at = time_;
  graph_.standing.admitted = true;
  for (std::uint32_t task = 0; task < graph_.instances.size(); ++task) {
    auto& at = graph_.instances[task].front();
    const auto& definition = graph_.task(task);
    if (at.state == instance_state::triggered) {
      shift(at, instance_state::waiting);
      at.why = definition.fallback_of ? reason::fallback_pending : reason::upstream_pending;
      at.waiting_at = time_;
      if (definition.timeout.upstream.count() > 0 && !definition.fallback_of) {
        note(at.key);
        announce(at.key);
      }
    } else if (graph_.chained(task)) {
      settled_.push_back({at.key, false}); // Decided by a person before its time.
    }
    joins_.push_back(task);
  }
}

void run_stepper::evaluate(std::uint32_t task) {
  auto& at = graph_.instances[task].front();
  const auto& definition = graph_.task(task);
  const bool joins = at.state == instance_state::waiting && at.key.element == no_element;
  if (!joins || definition.fallback_of)
    return;
  const auto& counts = graph_.joins[task];
  switch (decide_join(definition.join, counts, no_element)) {
  case join_decision::wait:
    return;
  case join_decision::run:
    return proceed(task);
  case join_decision::upstream_fail:
    return move(at, instance_event::needs_failed, reason::upstream_failed,
                "an upstream task failed");
  case join_decision::skip:
  case join_decision::remove:
    if (counts.skipped > 0 && definition.join != join_rule::all_failed)
      return move(at, instance_event::needs_skipped, reason::upstream_skipped,
                  "an upstream task was skipped");
    return move(at, instance_event::needs_skipped, reason::join_not_met,
                "its join rule can no longer be met");
  }
}

void run_stepper::proceed(std::uint32_t task) {
  auto& at = graph_.instances[task].front();
  const auto& definition = graph_.task(task);
  if (!definition.when.empty()) {
    const auto holds = evaluate_.condition(core_, task);
    if (!holds)
      return move(at, instance_event::declare_failed, reason::condition_failed,
                  holds.error().message);
    if (!holds.value())
      return move(at, instance_event::needs_skipped, reason::when_false, "its condition is false");
  }
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
  const bool empty = graph_.task(at.key.task).type == task_type::empty;
  move(at, instance_event::started_at_once, empty ? reason::empty_task : reason::none);
  activate();
}

void run_stepper::advance_chain(std::uint32_t primary) {
  if (!run_.admitted)
    return;
  const auto member = graph_.current_member(primary);
  auto& at = graph_.instances[member].front();
  if (member != primary && at.state == instance_state::waiting && at.key.element == no_element)
    return start_fallback(member);
  if (!is_terminal(graph_.aggregate_state(member)))
    return;
  for (auto later = graph_.task(member).fallback; later; later = graph_.task(*later).fallback) {
    auto& unneeded = graph_.instances[*later].front();
    if (unneeded.state == instance_state::waiting)
      move(unneeded, instance_event::needs_skipped, reason::fallback_not_needed,
           "the task that it stands in for did not fail");
  }
}

void run_stepper::start_fallback(std::uint32_t task) {
  const auto& definition = graph_.task(task);
  const auto& key = graph_.instances[task].front().key;
  for (const auto& target : graph_.task(*definition.fallback_of).alarms.on_fallback)
    out_.effects.emplace_back(
        run_effect::alarm{run_effect::alarm_kind::fallback, key, target.channel});
  proceed(task);
}

} // namespace pinion
