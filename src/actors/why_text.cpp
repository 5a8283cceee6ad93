#include "actors/why_text.hpp"

#include "pinion/timing/duration_text.hpp"

#include <algorithm>

namespace pinion {

namespace {

std::string_view phrase_of(reason why) noexcept {
  switch (why) {
  case reason::exit_zero:
    return "its process ended with exit code 0";
  case reason::exit_nonzero:
    return "its process failed";
  case reason::signaled:
    return "a signal ended its process";
  case reason::attempt_timeout:
    return "the attempt took longer than `timeout: {attempt:}`";
  case reason::queue_timeout:
    return "it waited longer than `timeout: {queue:}`";
  case reason::upstream_timeout:
    return "it waited longer than `timeout: {upstream:}`";
  case reason::task_timeout:
    return "it took longer than `timeout: {task:}`";
  case reason::run_timeout:
    return "the run took longer than its `timeout:`";
  case reason::not_started:
    return "its process could not be started";
  case reason::render_failed:
    return "an expression failed";
  case reason::outputs_invalid:
    return "its outputs cannot be taken";
  case reason::check_failed:
    return "a check of what it made failed";
  case reason::worker_lost:
    return "its worker was lost too often";
  case reason::launcher_lost:
    return "its launcher was lost too often";
  case reason::upstream_failed:
    return "what it needs failed";
  case reason::upstream_skipped:
    return "what it needs was skipped";
  case reason::join_not_met:
    return "its `join:` can no longer be met";
  case reason::when_false:
    return "its `when:` is false";
  case reason::skip_exit:
    return "its process asked to be skipped";
  case reason::empty_list:
    return "the list of its `for_each:` is empty";
  case reason::fallback_not_needed:
    return "what it stands in for did not need it";
  case reason::by_user:
    return "decided by hand";
  case reason::run_cancelled:
    return "its run was cancelled";
  case reason::sub_workflow:
    return "so did the run it called";
  case reason::empty_task:
    return "there is nothing to do in it";
  case reason::cancelled_by_next:
    return "a newer run took its place";
  case reason::condition_failed:
    return "its `when:` cannot be evaluated";
  case reason::expansion_failed:
    return "the list of its `for_each:` cannot be made";
  case reason::slot_not_due:
    return "its slot is not due yet";
  case reason::run_not_admitted:
    return "its run waits for its turn";
  case reason::upstream_pending:
    return "it waits for what it needs";
  case reason::permits_pending:
    return "it waits for permits or for a worker's slot";
  case reason::max_parallel:
    return "`max_parallel` of its fan-out is reached";
  case reason::fallback_pending:
    return "it runs only if what it stands in for fails";
  case reason::end_pending:
    return "its turn comes when the other tasks of the run have ended";
  case reason::end_not_needed:
    return "it is an end task of another outcome";
  case reason::ending_failed:
    return "it failed, and its end tasks are at work";
  case reason::ending_success:
    return "it succeeded, and its end tasks are at work";
  case reason::retry_due_later:
    return "its next attempt is not due yet";
  case reason::stop_requested:
    return "its process is being stopped";
  case reason::held:
    return "the engine is on hold";
  case reason::all_done:
    return "all is done";
  case reason::tasks_failed:
    return "tasks failed";
  case reason::polling:
    return "it looked, and what it waits for is not there yet";
  case reason::poll_timeout:
    return "what it looked for did not come within `poll: {timeout:}`";
  case reason::not_chosen:
    return "a switch before it chose other tasks";
  case reason::failure_strategy:
    return "another task failed, and the workflow's `failure:` says to stop";
  case reason::frozen:
    return "it is frozen";
  case reason::dry_run:
    return "it was only a dry run";
  case reason::actor_crashed:
    return "the engine's part that kept it failed too often";
  case reason::rerun:
    return "it is run again";
  case reason::covered_by_fallback:
    return "its fallback took its place";
  case reason::removed:
    return "a rerun's list no longer has it";
  default:
    return {};
  }
}

std::string_view phrase_of(instance_state state) noexcept {
  switch (state) {
  case instance_state::ready:
    return "its process is being started";
  case instance_state::running:
    return "its process runs";
  case instance_state::dqc_check:
    return "what it made is being checked";
  case instance_state::stopping:
    return "its process is being stopped";
  default:
    return to_string(state);
  }
}

bool is_failing(instance_state state) noexcept {
  return state == instance_state::failed || state == instance_state::upstream_failed ||
         state == instance_state::cancelled;
}

/// "; m_bak took its place and is success"
std::string cover_of(const run_core& run, const instance_record& at) {
  const auto& task = run.definition().tasks[at.key.task];
  if (task.ignore_failure)
    return "; ignored, as `ignore_failure` says";
  if (!task.fallback)
    return {};
  const auto& backup = run.instances_of(*task.fallback).front();
  return "; " + run.definition().tasks[*task.fallback].name + " took its place and is " +
         std::string{to_string(backup.state)};
}

} // namespace

std::string rounded(duration took) {
  constexpr std::chrono::seconds soon{10};
  return took < soon ? print_duration(std::chrono::floor<std::chrono::milliseconds>(took))
                     : print_duration(std::chrono::floor<std::chrono::seconds>(took));
}

std::string phrase_with(reason why, const std::string& message) {
  auto phrase = std::string{phrase_of(why)};
  if (phrase.empty())
    phrase = to_string(why);
  return message.empty() ? phrase : phrase + ": " + message;
}

std::string ref_of(const run_core& run, const instance_record& at) {
  auto ref = to_string(run.run().id) + '/' + run.definition().tasks[at.key.task].name;
  return at.element_key.empty() ? ref : ref + ':' + at.element_key;
}

std::string sentence_about(const run_core& run, const instance_record& at) {
  auto text =
      at.why == reason::none ? std::string{phrase_of(at.state)} : phrase_with(at.why, at.message);
  if (at.attempt > 1)
    text += "; attempt " + std::to_string(at.attempt);
  return at.state == instance_state::failed ? text + cover_of(run, at) : text;
}

std::string sentence_about(const run_core& run) {
  const auto& at = run.run();
  if (!is_terminal(at.state)) {
    std::size_t ended = 0;
    std::size_t all = 0;
    for (std::uint32_t task = 0; task < run.definition().tasks.size(); ++task)
      for (const auto& each : run.instances_of(task)) {
        ++all;
        ended += is_terminal(each.state) ? 1U : 0U;
      }
    auto text = std::to_string(ended) + " of " + std::to_string(all) + " instances have ended";
    const bool ending = at.why == reason::ending_failed || at.why == reason::ending_success;
    return ending ? std::string{phrase_of(at.why)} + "; " + text : text;
  }
  auto text = phrase_with(at.why, at.message);
  if (at.started_at != never && at.ended_at >= at.started_at)
    text += ", after " + rounded(at.ended_at - at.started_at);
  return text;
}

std::vector<blocked_by> ended_causes(const run_core& run, const instance_record& at,
                                     std::size_t most) {
  std::vector<blocked_by> out;
  if (at.why != reason::upstream_failed && at.why != reason::upstream_skipped &&
      at.why != reason::join_not_met)
    return out;
  for (const auto need : run.definition().tasks[at.key.task].needs)
    for (const auto& each : run.instances_of(need))
      if (out.size() < most && (is_failing(each.state) || each.state == instance_state::skipped))
        out.push_back(
            {"upstream", ref_of(run, each),
             std::string{to_string(each.state)} + ": " + phrase_with(each.why, each.message),
             each.ended_at});
  return out;
}

std::vector<blocked_by> ended_causes(const run_core& run, std::size_t most) {
  std::vector<blocked_by> out;
  for (std::uint32_t task = 0; task < run.definition().tasks.size(); ++task)
    for (const auto& each : run.instances_of(task))
      if (out.size() < most && each.state == instance_state::failed)
        out.push_back({"failed", ref_of(run, each), sentence_about(run, each), each.ended_at});
  return out;
}

} // namespace pinion
