#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pinion {

/// Where one instance stands. ON DISK as one byte: append, never renumber.
enum class instance_state : std::uint8_t {
  pre_trigger = 0,   ///< Planned; its time has not come.
  triggered = 1,     ///< Its slot has fired; the run is not admitted yet.
  waiting = 2,       ///< Upstream is not there yet.
  pre_ready = 3,     ///< Dependencies met; waits for permits, concurrency or a worker.
  ready = 4,         ///< Assigned to a worker; the start is not confirmed yet.
  running = 5,       ///< The process is alive (or the sub-workflow runs).
  async_running = 6, ///< An external engine runs it; we hold its handle.
  dqc_check = 7,     ///< The body is done; data-quality checks run.
  retry_wait = 8,    ///< The next attempt comes at a known time.
  stopping = 9,      ///< It is being killed; terminal once the whole tree is gone.
  success = 10,
  failed = 11,
  cancelled = 12,
  skipped = 13,
  upstream_failed = 14,
};
inline constexpr std::size_t instance_state_count = 15;

/// Success, failed, cancelled, skipped and upstream_failed: left only by an audited operation.
constexpr bool is_terminal(instance_state state) noexcept {
  return state >= instance_state::success;
}

/// A process or sub-workflow may be alive in this state, and permits may be held.
constexpr bool is_active(instance_state state) noexcept {
  return state == instance_state::ready || state == instance_state::running ||
         state == instance_state::async_running || state == instance_state::dqc_check ||
         state == instance_state::stopping;
}

/// The name as users see it, such as "pre_trigger".
std::string_view to_string(instance_state state) noexcept;
std::optional<instance_state> instance_state_from(std::string_view name) noexcept;

/// Where one run stands: a function of its admission and its instances. ON DISK as one byte.
enum class run_state : std::uint8_t {
  planned = 0,
  queued = 1,
  running = 2,
  success = 3,
  failed = 4,
  cancelled = 5,
  skipped = 6,
};
inline constexpr std::size_t run_state_count = 7;

constexpr bool is_terminal(run_state state) noexcept { return state >= run_state::success; }
std::string_view to_string(run_state state) noexcept;
std::optional<run_state> run_state_from(std::string_view name) noexcept;

/// Why an instance, attempt or run is in its state. For machines to match and people to read;
/// never drives logic. ON DISK as one byte: append, never renumber.
enum class reason : std::uint8_t {
  none = 0,
  slot_not_due = 1,
  run_not_admitted = 2, ///< max_active_runs or the overlap policy holds the run back.
  upstream_pending = 3,
  permits_pending = 4, ///< Waits in the dispatcher (`why` tells the pool and position).
  max_parallel = 5,    ///< The fan-out's own limit.
  exit_zero = 6,
  exit_nonzero = 7,
  signaled = 8,
  attempt_timeout = 9,
  queue_timeout = 10,
  upstream_timeout = 11,
  task_timeout = 12,
  run_timeout = 13,
  not_started = 14,   ///< The process could not be started.
  render_failed = 15, ///< An expression failed at the start of the attempt.
  outputs_invalid = 16,
  check_failed = 17, ///< A strong check failed.
  worker_lost = 18,
  launcher_lost = 19,
  upstream_failed = 20,
  upstream_skipped = 21,
  join_not_met = 22, ///< The join rule can no longer be met (one_failed and the like).
  when_false = 23,
  skip_exit = 24,
  empty_list = 25, ///< A fan-out over nothing.
  fallback_not_needed = 26,
  fallback_pending = 27, ///< A fallback that waits for its primary's failure.
  by_user = 28,
  run_cancelled = 29,
  actor_crashed = 30, ///< Its actor failed more often than its supervisor repeats.
  sub_workflow = 31,  ///< The called run ended this way.
  retry_due_later = 32,
  rerun = 33,
  overlap_skipped = 34,
  cancelled_by_next = 35, ///< overlap: cancel_running.
  removed = 36,           ///< A rerun shrank the list; this element no longer exists.
  held = 37,
  empty_task = 38,
  queue_full = 39,
  misfire_policy = 40,
  tasks_failed = 41, ///< Of a run: an uncovered instance failed.
  all_done = 42,
  stop_requested = 43,
  covered_by_fallback = 44,
  expansion_failed = 45, ///< The list of a fan-out could not be made.
  condition_failed = 46, ///< The expression of `when:` failed.
  trigger_paused = 47,
  frozen = 48,          ///< Waits until it is thawed.
  dry_run = 49,         ///< Succeeded without a process.
  workflow_paused = 50, ///< The slot passed while its workflow was paused.
  no_process = 51,   ///< The slot passed while no engine was there (or the clock jumped over it).
  polling = 52,      ///< It looked, and what it waits for is not there yet.
  poll_timeout = 53, ///< It did not come in time.
  not_chosen = 54,   ///< A switch chose others.
  failure_strategy = 55, ///< Another task failed, and the workflow says `failure:`.
  chosen = 56,           ///< A switch made its choice.
  end_pending = 57,      ///< An end task: the other tasks of the run have not ended yet.
  end_not_needed = 58,   ///< An end task of another outcome than the run's.
  ending_failed = 59,    ///< Of a run: it failed, and its end tasks are still at work.
  ending_success = 60,   ///< Of a run: it succeeded, and its end tasks are still at work.
};
std::string_view to_string(reason why) noexcept;
std::optional<reason> reason_from(std::string_view name) noexcept;

/// What can happen to an instance, as its lifecycle sees it: the run's step has already decided
/// what the happening means (a failure that retries and one that does not are two events).
enum class instance_event : std::uint8_t {
  slot_fired,        ///< The run's slot fired.
  admitted,          ///< It waits for upstream: the run may start, or other runs are waited for.
  needs_met,         ///< The join rule holds: ask for permits.
  needs_failed,      ///< The join rule can only end in upstream_failed.
  needs_skipped,     ///< The join rule, `when:`, an empty list or an unneeded fallback skips it.
  granted,           ///< The dispatcher gave permits and a worker; the attempt row is written.
  start_confirmed,   ///< The process exists.
  started_at_once,   ///< `empty` and `workflow` tasks without pools need no dispatcher.
  body_done,         ///< The body succeeded and checks follow.
  succeeded,         ///< The body, or the last check, succeeded.
  failed_for_good,   ///< No retry is left or none applies.
  failed_will_retry, ///< The next attempt is timed.
  skip_exit,         ///< The body asked to be skipped.
  retry_due,         ///< The delay is over: ask for permits again.
  stop,              ///< Kill what runs (cancel, timeout, fail or skip by a person).
  stopped_cancelled, ///< The tree is gone; the stop was a cancel.
  stopped_failed,    ///< The tree is gone; the stop ends the instance as failed.
  stopped_skipped,   ///< The tree is gone; the stop was a skip.
  stopped_success,   ///< The tree is gone; a person declared success.
  cancel,            ///< Nothing runs: cancelled at once.
  declare_failed,    ///< Nothing runs: failed at once (timeout of queue, upstream, task; person).
  declare_skipped,   ///< Nothing runs: skipped at once.
  declare_success,   ///< Nothing runs: success at once.
  rerun,             ///< An audited operation starts the instance over.
  frozen,            ///< Before it began: its request for permits is taken back until it is thawed.
  not_there_yet,     ///< A look of a `poll:` is over; the next one is timed.
};
inline constexpr std::size_t instance_event_count = 26;
std::string_view to_string(instance_event event) noexcept;

/// Returns the state that follows `from` on `on`, or nothing when the pair is illegal. Pure; the
/// table behind it is in lifecycle.cpp.
std::optional<instance_state> next_state(instance_state from, instance_event on) noexcept;

} // namespace pinion
