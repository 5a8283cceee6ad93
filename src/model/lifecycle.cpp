#include "pinion/model/lifecycle.hpp"

#include <algorithm>
#include <cassert>
#include <span>

namespace pinion {
namespace {

using is = instance_state;
using on = instance_event;

/// One row: in `from`, on `event`, go to `to`.
struct transition {
  is from;
  on event;
  is to;
};

/// The whole lifecycle. A pair that is not listed is illegal.
constexpr transition lifecycle[] = {
    {is::pre_trigger, on::slot_fired, is::triggered},
    // A planned run can be cancelled, and single instances decided, before its time.
    {is::pre_trigger, on::cancel, is::cancelled},
    {is::pre_trigger, on::declare_failed, is::failed},
    {is::pre_trigger, on::declare_skipped, is::skipped},
    {is::pre_trigger, on::declare_success, is::success},

    {is::triggered, on::admitted, is::waiting},
    // Not admitted, but what is above it in the run is decided: by a person, or by other runs.
    {is::triggered, on::needs_failed, is::upstream_failed},
    {is::triggered, on::needs_skipped, is::skipped},
    {is::triggered, on::cancel, is::cancelled},
    {is::triggered, on::declare_failed, is::failed},
    {is::triggered, on::declare_skipped, is::skipped},
    {is::triggered, on::declare_success, is::success},

    {is::waiting, on::needs_met, is::pre_ready},
    {is::waiting, on::needs_failed, is::upstream_failed},
    {is::waiting, on::needs_skipped, is::skipped},
    {is::waiting, on::cancel, is::cancelled},
    {is::waiting, on::declare_failed, is::failed},
    {is::waiting, on::declare_skipped, is::skipped},
    {is::waiting, on::declare_success, is::success},

    {is::pre_ready, on::granted, is::ready},
    {is::pre_ready, on::started_at_once, is::running},
    {is::pre_ready, on::frozen, is::waiting},
    {is::pre_ready, on::cancel, is::cancelled},
    {is::pre_ready, on::declare_failed, is::failed},
    {is::pre_ready, on::declare_skipped, is::skipped},
    {is::pre_ready, on::declare_success, is::success},

    {is::ready, on::start_confirmed, is::running},
    // Not started, not rendered, or lost before the start was confirmed.
    {is::ready, on::failed_for_good, is::failed},
    {is::ready, on::failed_will_retry, is::retry_wait},
    // A look that was lost counts as one that found nothing.
    {is::ready, on::not_there_yet, is::waiting},
    // The start may be under way: only the worker knows, so it is asked and waited for.
    {is::ready, on::stop, is::stopping},

    {is::running, on::body_done, is::dqc_check},
    {is::running, on::succeeded, is::success},
    {is::running, on::failed_for_good, is::failed},
    {is::running, on::failed_will_retry, is::retry_wait},
    {is::running, on::skip_exit, is::skipped},
    {is::running, on::not_there_yet, is::waiting},
    {is::running, on::stop, is::stopping},

    // What an external engine runs ends in the same ways as a process of ours.
    {is::async_running, on::body_done, is::dqc_check},
    {is::async_running, on::succeeded, is::success},
    {is::async_running, on::failed_for_good, is::failed},
    {is::async_running, on::failed_will_retry, is::retry_wait},
    {is::async_running, on::skip_exit, is::skipped},
    {is::async_running, on::stop, is::stopping},

    // No skip_exit: a check's exit code says passed or not, nothing else.
    {is::dqc_check, on::succeeded, is::success},
    {is::dqc_check, on::failed_for_good, is::failed},
    {is::dqc_check, on::failed_will_retry, is::retry_wait},
    // The looks of a `check` task are its checks.
    {is::dqc_check, on::not_there_yet, is::waiting},
    {is::dqc_check, on::stop, is::stopping},

    {is::retry_wait, on::retry_due, is::pre_ready},
    {is::retry_wait, on::cancel, is::cancelled},
    {is::retry_wait, on::declare_failed, is::failed},
    {is::retry_wait, on::declare_skipped, is::skipped},
    {is::retry_wait, on::declare_success, is::success},

    // The process may end by itself before the kill arrives; what was promised when the stop was
    // asked for still holds, so only the promised end leads out.
    {is::stopping, on::stopped_cancelled, is::cancelled},
    {is::stopping, on::stopped_failed, is::failed},
    {is::stopping, on::stopped_skipped, is::skipped},
    {is::stopping, on::stopped_success, is::success},

    // Only audited operations leave a terminal state (invariant 7). A person can declare a failure
    // settled; a success or a skip can only be run again.
    {is::success, on::rerun, is::waiting},
    {is::failed, on::declare_success, is::success},
    {is::failed, on::declare_skipped, is::skipped},
    {is::failed, on::rerun, is::waiting},
    {is::cancelled, on::declare_success, is::success},
    {is::cancelled, on::declare_skipped, is::skipped},
    {is::cancelled, on::rerun, is::waiting},
    {is::skipped, on::rerun, is::waiting},
    {is::upstream_failed, on::declare_success, is::success},
    {is::upstream_failed, on::declare_skipped, is::skipped},
    {is::upstream_failed, on::rerun, is::waiting},
};

constexpr std::uint8_t illegal = 0xFF;
using matrix = std::array<std::array<std::uint8_t, instance_event_count>, instance_state_count>;

constexpr matrix build_matrix() {
  matrix cells{};
  for (auto& row : cells)
    row.fill(illegal);
  for (const auto& row : lifecycle) {
    auto& cell = cells[static_cast<std::size_t>(row.from)][static_cast<std::size_t>(row.event)];
    assert(cell == illegal); // Two rows for one pair do not compile.
    cell = static_cast<std::uint8_t>(row.to);
  }
  return cells;
}

constexpr matrix next = build_matrix();

constexpr std::string_view state_names[] = {
    "pre_trigger", "triggered",     "waiting",   "pre_ready",  "ready",
    "running",     "async_running", "dqc_check", "retry_wait", "stopping",
    "success",     "failed",        "cancelled", "skipped",    "upstream_failed"};
static_assert(std::size(state_names) == instance_state_count);

constexpr std::string_view run_state_names[] = {"planned", "queued",    "running", "success",
                                                "failed",  "cancelled", "skipped"};
static_assert(std::size(run_state_names) == run_state_count);

constexpr std::string_view reason_names[] = {"none",
                                             "slot_not_due",
                                             "run_not_admitted",
                                             "upstream_pending",
                                             "permits_pending",
                                             "max_parallel",
                                             "exit_zero",
                                             "exit_nonzero",
                                             "signaled",
                                             "attempt_timeout",
                                             "queue_timeout",
                                             "upstream_timeout",
                                             "task_timeout",
                                             "run_timeout",
                                             "not_started",
                                             "render_failed",
                                             "outputs_invalid",
                                             "check_failed",
                                             "worker_lost",
                                             "launcher_lost",
                                             "upstream_failed",
                                             "upstream_skipped",
                                             "join_not_met",
                                             "when_false",
                                             "skip_exit",
                                             "empty_list",
                                             "fallback_not_needed",
                                             "fallback_pending",
                                             "by_user",
                                             "run_cancelled",
                                             "actor_crashed",
                                             "sub_workflow",
                                             "retry_due_later",
                                             "rerun",
                                             "overlap_skipped",
                                             "cancelled_by_next",
                                             "removed",
                                             "held",
                                             "empty_task",
                                             "queue_full",
                                             "misfire_policy",
                                             "tasks_failed",
                                             "all_done",
                                             "stop_requested",
                                             "covered_by_fallback",
                                             "expansion_failed",
                                             "condition_failed",
                                             "trigger_paused",
                                             "frozen",
                                             "dry_run",
                                             "workflow_paused",
                                             "no_process",
                                             "polling",
                                             "poll_timeout",
                                             "not_chosen",
                                             "failure_strategy",
                                             "chosen",
                                             "end_pending",
                                             "end_not_needed",
                                             "ending_failed",
                                             "ending_success"};
static_assert(std::size(reason_names) == static_cast<std::size_t>(reason::ending_success) + 1);

constexpr std::string_view event_names[] = {
    "slot_fired",        "admitted",          "needs_met",       "needs_failed",    "needs_skipped",
    "granted",           "start_confirmed",   "started_at_once", "body_done",       "succeeded",
    "failed_for_good",   "failed_will_retry", "skip_exit",       "retry_due",       "stop",
    "stopped_cancelled", "stopped_failed",    "stopped_skipped", "stopped_success", "cancel",
    "declare_failed",    "declare_skipped",   "declare_success", "rerun",           "frozen",
    "not_there_yet"};
static_assert(std::size(event_names) == instance_event_count);

std::string_view name_in(std::span<const std::string_view> names, std::size_t position) noexcept {
  return position < names.size() ? names[position] : std::string_view{"unknown"};
}

template <class Enum>
std::optional<Enum> value_in(std::span<const std::string_view> names,
                             std::string_view name) noexcept {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

} // namespace

std::string_view to_string(instance_state state) noexcept {
  return name_in(state_names, static_cast<std::size_t>(state));
}

std::optional<instance_state> instance_state_from(std::string_view name) noexcept {
  return value_in<instance_state>(state_names, name);
}

std::string_view to_string(run_state state) noexcept {
  return name_in(run_state_names, static_cast<std::size_t>(state));
}

std::optional<run_state> run_state_from(std::string_view name) noexcept {
  return value_in<run_state>(run_state_names, name);
}

std::string_view to_string(reason why) noexcept {
  return name_in(reason_names, static_cast<std::size_t>(why));
}

std::optional<reason> reason_from(std::string_view name) noexcept {
  return value_in<reason>(reason_names, name);
}

std::string_view to_string(instance_event event) noexcept {
  return name_in(event_names, static_cast<std::size_t>(event));
}

std::optional<instance_state> next_state(instance_state from, instance_event on) noexcept {
  const auto row = static_cast<std::size_t>(from);
  const auto column = static_cast<std::size_t>(on);
  if (row >= instance_state_count || column >= instance_event_count || next[row][column] == illegal)
    return std::nullopt;
  return static_cast<instance_state>(next[row][column]);
}

} // namespace pinion
