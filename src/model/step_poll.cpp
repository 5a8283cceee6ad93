#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {

attempt_record& run_stepper::begin_attempt(instance_record& at, std::uint64_t epoch) {
  const auto& task = graph_.task(at.key.task);
  if (const auto alive = graph_.attempts.find(at.key); alive != graph_.attempts.end()) {
    auto& attempt = alive->second;
    attempt.looks = ++at.look;
    attempt.state = attempt_state::ready;
    attempt.pid = 0;
    return attempt;
  }
  if (at.attempt == 0 || !PINION_MUTATION("reuse_fence"))
    ++at.attempt;
  at.epoch = epoch;
  at.called = {};
  at.look = task.poll ? 1 : 0;
  if (task.poll && at.poll_since == never)
    at.poll_since = time_;
  attempt_record attempt;
  attempt.instance = at.key;
  attempt.number = at.attempt;
  attempt.epoch = at.epoch;
  attempt.permits = pools_of(task, at);
  attempt.version = run_.version;
  attempt.looks = at.look;
  attempt.ready_at = time_;
  return graph_.attempts[at.key] = std::move(attempt);
}

void run_stepper::not_there_yet(instance_record& at, const attempt_verdict& verdict) {
  const auto& policy = *graph_.task(at.key.task).poll;
  const auto message = "look " + std::to_string(at.look) + ": " + verdict.message;
  const auto gives_up = at.poll_since + policy.timeout;
  if (time_ >= gives_up || at.look >= max_looks) {
    end_attempt(at, instance_state::failed, reason::poll_timeout, message);
    return move(at, instance_event::failed_for_good, reason::poll_timeout,
                "it did not come in time; " + message);
  }
  auto& attempt = graph_.attempts.at(at.key);
  return_permits(at, attempt);
  attempt.state = attempt_state::waiting;
  attempt.message = message;
  write_attempt(attempt);
  at.step = 0;
  at.warned = false;
  at.retry_at = std::min(time_ + look_delay(policy, at.key, at.look), gives_up);
  move(at, instance_event::not_there_yet,
       at.mode == task_mode::frozen ? reason::frozen : reason::polling, message);
}

void run_stepper::look_due(instance_record& at) {
  if (at.retry_at < at.poll_since + graph_.task(at.key.task).poll->timeout)
    return make_ready(at, instance_event::needs_met);
  halt(at, instance_state::failed, reason::poll_timeout, "it did not come in time; " + at.message);
}

void run_stepper::switch_polling(instance_record& at, task_mode mode) {
  if (mode == task_mode::dry)
    return succeed_dry(at);
  at.why = mode == task_mode::frozen ? reason::frozen : reason::polling;
  announce(at.key);
}

} // namespace pinion
