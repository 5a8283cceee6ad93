#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {
namespace {

std::string text_of(const fence& token) {
  return std::to_string(token.epoch) + '.' + std::to_string(token.attempt) + '.' +
         std::to_string(token.step);
}

} // namespace

void run_stepper::on(const run_happening::granted& event) {
  auto* at = graph_.find(event.key);
  const bool wanted = at != nullptr && at->state == instance_state::pre_ready && !is_held(*at);
  if (!wanted) {
    out_.effects.emplace_back(run_effect::grant_unwanted{event.key});
    return;
  }
  const auto& task = graph_.task(event.key.task);
  auto& attempt = begin_attempt(*at, event.epoch);
  at->step = task.type == task_type::check ? 1 : 0;
  move(*at, instance_event::granted, reason::none);
  attempt.worker = event.worker;
  attempt.boot_id = event.boot_id;
  attempt.rendered = event.rendered;
  for (const auto& need : attempt.permits)
    out_.permits_taken.push_back(
        {graph_.workflow.project, need.pool, need.permits, at->key, at->attempt, time_});
  activate();
  // Nothing is started on a worker that a confirmation could come from.
  if (!has_process(task.type))
    confirm(*at, attempt, time_);
  write_attempt(attempt);
}

void run_stepper::on(const run_happening::render_failed& event) {
  auto* at = graph_.find(event.key);
  if (at == nullptr || at->state != instance_state::pre_ready || is_held(*at)) {
    out_.effects.emplace_back(run_effect::grant_unwanted{event.key});
    return;
  }
  auto& attempt = begin_attempt(*at, event.epoch);
  move(*at, instance_event::granted, reason::none);
  activate();
  attempt.permits.clear(); // Never written as taken: there is nothing to give back.
  fail_attempt(*at, {attempt_verdict::kind::failed, reason::render_failed, event.message, false});
}

instance_record* run_stepper::fenced(const process_key& key) {
  auto* at = graph_.find(key.instance);
  const auto attempt = graph_.attempts.find(key.instance);
  const bool awaited = at != nullptr && is_active(at->state) && attempt != graph_.attempts.end();
  if (awaited && PINION_MUTATION("forget_fence"))
    return at;
  if (awaited &&
      key.token == fence{attempt->second.epoch, attempt->second.number, step_of(*at, at->step)})
    return at;
  refuse(errc::refused, "fence " + text_of(key.token) + " of " + to_string(key) +
                            " is not that of a process that is awaited");
  out_.stale_fence = true;
  return nullptr;
}

void run_stepper::on(const run_happening::started& event) {
  auto* at = fenced(event.key);
  if (at == nullptr)
    return;
  auto& attempt = graph_.attempts.at(at->key);
  if (at->state == instance_state::ready)
    confirm(*at, attempt, event.at);
  else if (attempt.pid == event.pid || at->state == instance_state::dqc_check)
    return; // Told twice, or a check of an attempt whose row is about its body.
  attempt.pid = event.pid;
  write_attempt(attempt);
}

/// The process exists since `since` by the worker's clock; kept between what the engine saw.
void run_stepper::confirm(instance_record& at, attempt_record& attempt, instant since) {
  move(at, instance_event::start_confirmed, reason::none);
  attempt.state = attempt_state::running;
  if (attempt.started_at == never) // Of several looks the first one.
    attempt.started_at = std::clamp(since == never ? time_ : since, attempt.ready_at, time_);
  at.started_at = attempt.started_at;
  if (graph_.task(at.key.task).type == task_type::check)
    next_check(at, 1);
}

void run_stepper::on(const run_happening::ended& event) {
  auto* at = fenced(event.key);
  if (at == nullptr)
    return;
  auto& attempt = graph_.attempts.at(at->key);
  const auto& end = event.end;
  const bool was_alive = end.kind != end_kind::not_started && end.kind != end_kind::lost;
  // The end overtook the start's confirmation, or that was lost.
  if (at->state == instance_state::ready && was_alive)
    confirm(*at, attempt, end.started_at);
  if (event.key.token.check() == 0) {
    attempt.exited = end.kind == end_kind::exited;
    attempt.exit_code = end.exit_code;
    attempt.signal = end.signal;
  }
  attempt.log_bytes = std::max(attempt.log_bytes, end.log_bytes);
  attempt.log_cut = attempt.log_cut || end.log_cut;
  if (at->state == instance_state::stopping)
    return complete_stop(*at);
  if (event.key.token.check() == 0)
    body_ended(*at, event);
  else
    check_ended(*at, event);
}

void run_stepper::body_ended(instance_record& at, const run_happening::ended& event) {
  const auto& task = graph_.task(at.key.task);
  const auto verdict = judge_body(task, event.end, event.lost_as);
  if (task.poll && verdict.what == attempt_verdict::kind::lost)
    return not_there_yet(at, verdict);
  switch (verdict.what) {
  case attempt_verdict::kind::skipped:
    end_attempt(at, instance_state::skipped, verdict.why, verdict.message);
    return move(at, instance_event::skip_exit, verdict.why, verdict.message);
  case attempt_verdict::kind::failed:
  case attempt_verdict::kind::lost:
    return fail_attempt(at, verdict);
  case attempt_verdict::kind::not_yet:
    return not_there_yet(at, verdict);
  case attempt_verdict::kind::passed:
    break;
  }
  if (event.end.outputs_json != "{}") {
    graph_.outputs[at.key] = event.end.outputs_json;
    out_.outputs.push_back({at.key, event.end.outputs_json});
    at.has_outputs = true;
    graph_.attempts.at(at.key).outputs = event.end.outputs_json;
  }
  if (task.checks.empty() || PINION_MUTATION("skip_checks"))
    succeed(at, reason::exit_zero);
  else
    next_check(at, 1);
}

void run_stepper::next_check(instance_record& at, std::uint32_t step) {
  at.step = step;
  auto& attempt = graph_.attempts.at(at.key);
  attempt.state = attempt_state::checking;
  if (at.state != instance_state::dqc_check) {
    move(at, instance_event::body_done, reason::none);
  } else {
    note(at.key);
    announce(at.key);
  }
  write_attempt(attempt);
}

void run_stepper::check_ended(instance_record& at, const run_happening::ended& event) {
  const auto& task = graph_.task(at.key.task);
  const auto& checks = task.checks;
  const auto position = event.key.token.check() - 1;
  if (position >= checks.size()) // A `check` task without checks: the loader refuses it.
    return fail_attempt(
        at, {attempt_verdict::kind::failed, reason::check_failed, "it has no checks", false});
  const auto verdict = judge_check(checks[position], event.end, event.lost_as);
  const bool failed = verdict.what == attempt_verdict::kind::failed;
  const bool not_yet = failed && !checks[position].weak && says_not_yet(task, event.end);
  if (task.poll && task.type == task_type::check &&
      (not_yet || verdict.what == attempt_verdict::kind::lost))
    return not_there_yet(at, verdict);
  // A check that cannot be started leaves its attempt in `ready` if it is the first of a `check`
  // task.
  if (at.state == instance_state::ready && failed && checks[position].weak)
    confirm(at, graph_.attempts.at(at.key), time_);
  if (verdict.what == attempt_verdict::kind::lost || (failed && !checks[position].weak))
    return fail_attempt(at, verdict);
  at.warned = at.warned || failed;
  if (position + 1 < checks.size())
    return next_check(at, position + 2);
  succeed(at, reason::exit_zero);
}

void run_stepper::succeed(instance_record& at, reason why) {
  end_attempt(at, instance_state::success, why, {});
  move(at, instance_event::succeeded, why);
}

void run_stepper::fail_attempt(instance_record& at, const attempt_verdict& verdict) {
  const auto& policy = graph_.task(at.key.task).retry;
  const bool lost = verdict.what == attempt_verdict::kind::lost;
  end_attempt(at, instance_state::failed, verdict.why, verdict.message);
  drop_outputs(at);
  const bool again =
      lost ? at.losses < max_losses
           : verdict.retries &&
                 at.retries_used < policy.max + (PINION_MUTATION("one_retry_too_many") ? 1U : 0U);
  if (!again)
    return move(at, instance_event::failed_for_good, verdict.why, verdict.message);
  // A second between losses at least: what lost the attempt may still be coming down.
  if (lost)
    at.retry_at =
        time_ + std::max<duration>(std::chrono::seconds{1}, retry_delay(policy, at.key, 1));
  else
    at.retry_at = time_ + retry_delay(policy, at.key, at.retries_used + 1);
  if (PINION_MUTATION("retry_at_once"))
    at.retry_at = time_;
  ++(lost ? at.losses : at.retries_used);
  at.step = 0;
  at.look = 0;
  at.warned = false;
  move(at, instance_event::failed_will_retry, reason::retry_due_later,
       "attempt " + std::to_string(at.attempt) + ": " + verdict.message);
}

void run_stepper::end_attempt(const instance_record& at, instance_state outcome, reason why,
                              const std::string& message) {
  const auto found = graph_.attempts.find(at.key);
  if (found == graph_.attempts.end())
    return;
  auto& attempt = found->second;
  return_permits(at, attempt);
  attempt.state = attempt_state::ended;
  attempt.outcome = outcome;
  attempt.why = why;
  attempt.message = message;
  attempt.ended_at = time_;
  write_attempt(attempt);
  graph_.attempts.erase(found);
}

void run_stepper::return_permits(const instance_record& at, const attempt_record& attempt) {
  if (attempt.state == attempt_state::waiting)
    return;
  for (const auto& need : attempt.permits)
    out_.permits_released.push_back({graph_.workflow.project, need.pool, need.permits, at.key,
                                     attempt.number, attempt.ready_at});
  out_.effects.emplace_back(run_effect::released{at.key});
}

void run_stepper::drop_outputs(instance_record& at) {
  if (!at.has_outputs || PINION_MUTATION("keep_outputs_of_a_failure"))
    return;
  at.has_outputs = false;
  graph_.outputs.erase(at.key);
  out_.outputs_dropped.push_back(at.key);
}

} // namespace pinion
