#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/ids.hpp"
#include "pinion/model/lifecycle.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace pinion {

/// An instant that has not come: prints as null.
inline constexpr instant never{};

/// The three ways in which a task or instance takes part.
enum class task_mode : std::uint8_t {
  normal,
  frozen, ///< It waits until it is thawed.
  dry,    ///< It succeeds at once, without a process, and what is behind it goes on.
};
std::string_view to_string(task_mode mode) noexcept;

/// A need of a task on other runs, bound to exact slots when the run is planned.
struct bound_edge {
  /// From here on the number of an edge's need stands for depends_on_previous, one for each task.
  static constexpr std::uint32_t first_previous = 1U << 24U;
  /// The gate of an `after:` trigger.
  static constexpr std::uint32_t after_gate = 0xffff'ffffU;

  std::uint32_t task = 0;    ///< Position of the task that waits.
  std::uint32_t need = 0;    ///< Position in its `outside_needs`, or one of the numbers above.
  std::string workflow;      ///< project.name
  std::string trigger;       ///< Id, never empty.
  std::string upstream_task; ///< Name; empty: the whole run.
  need_state state = need_state::success;
  missing_policy missing = missing_policy::wait;
  bool list = false;          ///< Outputs are a list, one element a slot.
  std::vector<instant> slots; ///< Ascending; empty: there is none.

  bool previous() const noexcept { return need >= first_previous && need != after_gate; }
  friend bool operator==(const bound_edge&, const bound_edge&) = default;
};

/// An edge that is settled: what it counts as from now on. Written with the step that it caused.
/// Likewise an upstream task that an instance no longer waits for because a person said so.
struct edge_record {
  /// From here on `need` stands for the upstream task at that position, dropped.
  static constexpr std::uint32_t first_dropped = 1U << 28U;

  run_id run;
  std::uint32_t task = 0;
  std::uint32_t need = 0;
  enum class counts_as : std::uint8_t {
    success = 0,
    skipped = 1,
    failed = 2
  } outcome = counts_as::success;
  std::string message; ///< For people, where it is not success.
  json_text outputs = "{}";
  instant at{};
};

/// One run. Its natural key (lane, workflow, trigger, slot) exists once (invariant 2).
struct run_record {
  run_id id;
  std::string lane = "main";
  std::string workflow; ///< project.name
  std::uint32_t version = 0;
  std::string trigger; ///< A trigger's id, or @manual, @call.<instance> ...
  instant slot{};
  instant interval_start{};
  instant interval_end{};
  run_state state = run_state::planned;
  reason why = reason::none;
  std::string message;
  json_text params = "{}";   ///< Effective, defaults and trigger included.
  std::uint8_t priority = 0; ///< 1-9 for all its instances; 0: the tasks' own.
  bool ignore_overlap = false;
  bool admitted = false; ///< Past overlap and max_active_runs.
  bool cancel_requested = false;
  bool cancel_failed = false; ///< The stop is a run timeout: ends failed, not cancelled.
  instant created_at{};       ///< The row was made.
  instant fired_at{};
  instant admitted_at{}; ///< Past overlap and max_active_runs.
  instant started_at{};  ///< First attempt (since the last rerun of an ended run).
  instant ended_at{};
  instant last_at{}; ///< Largest time seen in this run: its times never go back.
  /// Set for `@call`: the instance that waits for this run.
  bool has_parent = false;
  instance_key parent;
  std::string requested_by; ///< Who triggered it by hand; empty: the engine.
  std::string request_key;  ///< The caller's idempotency key; empty: none.
  std::string note;
  bool dry = false;           ///< All its instances are dry.
  std::uint64_t backfill = 0; ///< The backfill that made it; 0: none. Its instances queue behind
                              ///< all others.
  bool isolated = false;      ///< Satisfies no need of other runs.
  /// Tasks that are not `normal`, ascending; what was switched when the run fired.
  std::vector<std::pair<std::uint32_t, task_mode>> modes;
  /// Instances by state, those without a row included: they count in the initial state in which
  /// they stand (see instance_record). An unexpanded fan-out is one.
  std::array<std::uint32_t, instance_state_count> counts{};
  std::uint32_t incarnation = 0; ///< Grows when a rerun reopens the run.
};

/// One instance. A run's instance without a row stands in its initial state: `pre_trigger` before
/// the run has fired, `triggered` until it is admitted, `waiting` after.
struct instance_record {
  instance_key key;
  instance_state state = instance_state::pre_trigger;
  reason why = reason::slot_not_due;
  std::string message;
  std::uint32_t attempt = 0;      ///< Number of the newest attempt; 0: none yet.
  std::uint64_t epoch = 0;        ///< Of the newest attempt's fence.
  std::uint32_t retries_used = 0; ///< Since the last rerun.
  std::uint32_t losses = 0;       ///< Attempts lost with their worker since the last rerun.
  std::uint32_t step = 0;         ///< In dqc_check: which check, from 1.
  std::uint32_t look = 0;    ///< Of a `poll:`: looks of the newest attempt so far; 0: none yet.
  instant poll_since{};      ///< Its first look since the last rerun: the poll's timeout.
  std::uint8_t priority = 0; ///< 0: the task's.
  instance_state stop_as = instance_state::pre_trigger; ///< In stopping: how it will end.
  reason stop_reason = reason::none;
  bool warned = false; ///< A weak check failed.
  instant triggered_at{};
  instant waiting_at{};
  instant pre_ready_at{};   ///< Of the newest attempt.
  instant first_ready_at{}; ///< Of the first attempt since the last rerun: task timeout.
  instant ready_at{};
  instant started_at{}; ///< Of the newest attempt.
  instant body_ended_at{};
  instant ended_at{};
  instant retry_at{};       ///< In retry_wait; between two looks the next one, or when it gives up.
  std::string element_key;  ///< The index users see; empty without fan-out.
  json_text element_value;  ///< The item or group of the fan-out.
  run_id called;            ///< The run that a `workflow` task called; 0: none.
  bool has_outputs = false; ///< A row of outputs exists.
  task_mode mode = task_mode::normal;
  bool placeholder = false; ///< Stands for a fan-out that is not expanded yet.
  bool repooled = false;    ///< `pools` hold, not the task's.
  std::vector<pool_need> pools;
};

/// The permits that the next attempt of an instance of that task asks for.
inline const std::vector<pool_need>& pools_of(const task_definition& task,
                                              const instance_record& at) noexcept {
  return at.repooled ? at.pools : task.pools;
}

/// Between two looks of a `poll:`, frozen or not.
constexpr bool is_polling(const instance_record& at) noexcept {
  return at.state == instance_state::waiting && at.look > 0;
}

/// The number of the body (`check` 0) or of a check in the fence of the instance's newest look.
constexpr std::uint32_t step_of(const instance_record& at, std::uint32_t check) noexcept {
  return fence::step_of(at.look, check);
}

enum class attempt_state : std::uint8_t {
  ready = 0,
  running = 1,
  checking = 2,
  ended = 3,
  waiting = 4, ///< Between two looks: it has no process and holds no permits.
};
std::string_view to_string(attempt_state state) noexcept;

/// One attempt of an instance. Ended attempts are history and never change.
struct attempt_record {
  instance_key instance;
  std::uint32_t number = 0;
  std::uint64_t epoch = 0; ///< With `number`, the fence (invariant 11).
  attempt_state state = attempt_state::ready;
  std::string worker;
  std::string boot_id; ///< Of the machine when it was granted.
  instance_state outcome =
      instance_state::pre_trigger; ///< Once ended: success, failed, cancelled, skipped.
  reason why = reason::none;
  std::string message;
  std::int64_t pid = 0;
  bool exited = false; ///< `exit_code` holds.
  int exit_code = 0;
  int signal = 0; ///< 0: none.
  instant ready_at{};
  instant started_at{};
  instant ended_at{};
  std::uint64_t log_bytes = 0;
  bool log_cut = false;
  std::uint32_t looks = 0;   ///< Of a `poll:`, so far.
  json_text rendered = "{}"; ///< {"argv": [...], "script": "...", "env": {...}}, secrets masked.
  std::vector<pool_need> permits;
  std::uint32_t version = 0; ///< Of the definition that it ran with; 0: not known.
  json_text outputs = "{}";  ///< What its body wrote, kept over reruns.
};

/// Units of one pool held by one attempt: written with `ready`, deleted with the attempt's end.
struct permit_record {
  std::string project;
  std::string pool;
  std::uint32_t permits = 1;
  instance_key holder;
  std::uint32_t attempt = 0;
  instant since{};
};

/// The outputs of an instance. The row is written when the body has succeeded, so that it survives
/// a crash during the checks; it is visible only while the instance stands in `success`, and is
/// dropped in the batch in which the instance ends in any other way or is rerun.
struct output_record {
  instance_key instance;
  json_text values = "{}";
};

/// How a slot ended, or that it is planned. Key: (lane, workflow, trigger, slot).
enum class slot_outcome : std::uint8_t {
  planned = 0,
  fired = 1,
  late = 2,
  missed = 3,
  skipped_overlap = 4,
  paused = 5,
};
std::string_view to_string(slot_outcome outcome) noexcept;

struct slot_record {
  std::string lane = "main";
  std::string workflow;
  std::string trigger;
  instant slot{};
  slot_outcome outcome = slot_outcome::planned;
  reason why = reason::none;
  std::uint32_t version = 0;
  run_id run; ///< 0 unless fired or late.
  duration lateness{0};
  instant decided_at{};
  bool dry = false; ///< A dry slot of an off day.
  /// What its run needs of other runs; bound when it is planned, and again by an edit of either.
  std::vector<bound_edge> edges;
};

/// A task that people have switched, for all its instances to come.
struct task_switch {
  std::string workflow;
  std::string task;
  task_mode mode = task_mode::normal; ///< A row exists only while it is not `normal`.
  std::string by;
  std::string reason;
  instant at{};
};

/// What is remembered of a trigger over edits, by its stable id.
struct trigger_record {
  std::string workflow;
  std::string trigger;
  instant since{};  ///< From its first valid apply on it owes slots.
  instant cursor{}; ///< All slots up to and including this one are decided.
  bool paused = false;
  std::string paused_by;
  std::string paused_reason;
  instant paused_at{};
  bool retired = false; ///< No longer in the definition.
};

/// The source of a workflow that was made for single runs: it is retired from the beginning, and
/// can be run by hand all the same.
inline constexpr const char* unlisted_source = "@run";

struct workflow_record {
  std::string id;            ///< project.name
  std::uint32_t version = 0; ///< The current one; from 1.
  std::string hash;
  std::string source; ///< Absolute path of its file; empty: owned by the API.
  bool paused = false;
  std::string paused_by;
  std::string paused_reason;
  instant paused_at{};
  bool retired = false;
  instant updated_at{};
};

struct version_record {
  std::string workflow;
  std::uint32_t version = 0;
  std::string hash;     ///< SHA-256 of the canonical form, hex.
  json_text definition; ///< The canonical form.
  instant created_at{};
  std::string created_by;
};

/// One change by a person, or of definitions.
struct audit_record {
  std::uint64_t sequence = 0; ///< From 1, without gaps; given by the store layer at commit.
  instant at{};
  std::string who;    ///< Name of the connected user, or "engine".
  std::string verb;   ///< trigger, cancel, apply ...
  std::string object; ///< A reference.
  std::string reason; ///< As given by --reason.
  json_text details = "{}";
};

} // namespace pinion
