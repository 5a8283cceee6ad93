#include "attempt_verdict.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {
namespace {

using kind = attempt_verdict::kind;

std::string sentence(const process_end& end) {
  switch (end.kind) {
  case end_kind::exited:
    return "exit code " + std::to_string(end.exit_code);
  case end_kind::signaled:
    return "killed by signal " + std::to_string(end.signal);
  case end_kind::stopped:
    return "stopped, though not by an operation on this run";
  case end_kind::timed_out:
    return "stopped after its timeout";
  case end_kind::not_started:
    return end.message.empty() ? "could not be started" : end.message;
  case end_kind::lost:
    return end.message.empty() ? "what became of the process is unknown" : end.message;
  }
  return {};
}

attempt_verdict judge_exit(const task_definition& task, const process_end& end) {
  const auto code = end.exit_code;
  if (says_not_yet(task, end))
    return {kind::not_yet, reason::polling, sentence(end)};
  if (code == task.skip_exit)
    return {kind::skipped, reason::skip_exit, sentence(end)};
  if (code != 0) {
    const auto& listed = task.retry.on_exit;
    const bool retries =
        listed.empty() || std::find(listed.begin(), listed.end(), code) != listed.end();
    return {kind::failed, reason::exit_nonzero, sentence(end), retries};
  }
  if (!end.outputs_problem.empty())
    return {kind::failed, reason::outputs_invalid, end.outputs_problem, true};
  return {};
}

} // namespace

bool says_not_yet(const task_definition& task, const process_end& end) {
  return task.poll && end.kind == end_kind::exited &&
         std::binary_search(task.poll->not_yet.begin(), task.poll->not_yet.end(), end.exit_code);
}

attempt_verdict judge_body(const task_definition& task, const process_end& end, reason lost_as) {
  switch (end.kind) {
  case end_kind::exited:
    return judge_exit(task, end);
  case end_kind::signaled:
    return {kind::failed, reason::signaled, sentence(end), true};
  case end_kind::timed_out:
    return {kind::failed, reason::attempt_timeout, sentence(end), task.retry.on_timeout};
  case end_kind::not_started:
    return {kind::failed, reason::not_started, sentence(end), task.retry.on_exit.empty()};
  // A worker that is being shut down stops what it runs: no fault of the task.
  case end_kind::stopped:
    return {kind::lost, reason::stop_requested, sentence(end)};
  case end_kind::lost:
    if (PINION_MUTATION("take_lost_for_success"))
      return {};
    return {kind::lost, lost_as, sentence(end)};
  }
  return {kind::lost, lost_as, sentence(end)};
}

attempt_verdict judge_check(const check_definition& check, const process_end& end, reason lost_as) {
  if (end.kind == end_kind::stopped)
    return {kind::lost, reason::stop_requested, sentence(end)};
  if (end.kind == end_kind::lost)
    return {kind::lost, lost_as, sentence(end)};
  if (end.kind == end_kind::exited && end.exit_code == 0)
    return {};
  return {kind::failed, reason::check_failed, "check " + check.name + ": " + sentence(end), true};
}

} // namespace pinion
