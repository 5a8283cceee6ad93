#include "run_stepper.hpp"

namespace pinion {

void run_stepper::on(const run_happening::empty_done& event) {
  auto* at = graph_.find(event.key);
  const bool awaited = at != nullptr && at->state == instance_state::running &&
                       ends_at_once(graph_.task(event.key.task).type);
  if (!awaited)
    return refuse(errc::refused, "no turn of an empty task is awaited here");
  if (graph_.task(event.key.task).type == task_type::choice)
    return choose(*at);
  succeed(*at, reason::empty_task);
}

/// In `stopping` too: the call may have been under way when the stop came, and now there is a run
/// to stop. The instance is announced once more for that.
void run_stepper::on(const run_happening::called& event) {
  auto* at = graph_.find(event.key);
  const bool awaited =
      at != nullptr && graph_.task(event.key.task).type == task_type::workflow &&
      (at->state == instance_state::running || at->state == instance_state::stopping);
  if (!awaited || (at->called.value != 0 && at->called != event.run))
    return refuse(errc::refused, "no call is awaited of " + to_string(event.run));
  if (at->called == event.run)
    return; // Told twice.
  at->called = event.run;
  note(at->key);
  if (at->state == instance_state::stopping)
    announce(at->key);
}

void run_stepper::on(const run_happening::call_refused& event) {
  auto* at = graph_.find(event.key);
  const bool awaited = at != nullptr && graph_.task(event.key.task).type == task_type::workflow &&
                       at->called.value == 0;
  if (awaited && at->state == instance_state::stopping)
    return complete_stop(*at);
  if (awaited && at->state == instance_state::running)
    return fail_attempt(*at,
                        {attempt_verdict::kind::failed, reason::sub_workflow, event.message, true});
  refuse(errc::refused, "no call is awaited here");
}

void run_stepper::on(const run_happening::call_ended& event) {
  auto* at = graph_.find(event.key);
  const bool awaited =
      at != nullptr && graph_.task(event.key.task).type == task_type::workflow &&
      (at->state == instance_state::running || at->state == instance_state::stopping) &&
      (at->called == event.run || at->called.value == 0);
  if (!awaited || !is_terminal(event.state))
    return refuse(errc::refused, "the end of " + to_string(event.run) + " is not awaited here");
  at->called = event.run;
  if (at->state == instance_state::stopping)
    return complete_stop(*at);
  const auto message = to_string(event.run) + " ended " + std::string{to_string(event.state)};
  switch (event.state) {
  case run_state::failed:
    return fail_attempt(*at, {attempt_verdict::kind::failed, reason::sub_workflow, message, true});
  case run_state::skipped:
    end_attempt(*at, instance_state::skipped, reason::sub_workflow, message);
    return move(*at, instance_event::skip_exit, reason::sub_workflow, message);
  case run_state::cancelled:
    // The called run's tree is gone already: the stop that someone asked of it is complete.
    at->stop_as = instance_state::cancelled;
    at->stop_reason = reason::sub_workflow;
    move(*at, instance_event::stop, reason::sub_workflow, message);
    return complete_stop(*at);
  default:
    return succeed(*at, reason::sub_workflow);
  }
}

} // namespace pinion
