#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/execution/launcher.hpp"
#include "pinion/execution/run_files.hpp"
#include "pinion/model/run_core.hpp"
#include "pinion/model/task_limits.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/kv.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/error.hpp>
#include <caf/message.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The messages between the actors of one engine. They never cross a wire: whatever does gets a
/// serialisable type of its own.
namespace pinion::msg {

// -- to the JOURNAL

/// A batch to commit. `owner` and `incarnation` name the writer: a batch of a writer that has been
/// replaced (see `replace_writer`) is refused with `errc::stale_writer`. Owner 0 is never replaced.
struct submit {
  std::uint64_t owner = 0;
  std::uint32_t incarnation = 0;
  kv_batch batch;
  bool bulk = false; ///< Plan and retention: after transitions, in chunks.
  /// Rows of planned slots and nothing else. Those of a slot that has been decided by the time of
  /// the commit are left out: the PLANNER cannot know what is on its way to the disk.
  bool plan = false;
  /// Erases ended runs. Refused with `errc::refused` if one of them has been opened by the time of
  /// the commit (see `opened_runs_query`): somebody may be about to let it go on.
  bool expiry = false;
};
/// Which runs have had a writer replaced since the engine started: those that somebody asked
/// something of after they had ended, among others.
struct opened_runs_query {};
struct opened_runs {
  std::set<run_id> runs;
};
/// Makes all earlier incarnations of `owner` stale; answers with the new one, after everything
/// that the old one submitted is durable.
struct replace_writer {
  std::uint64_t owner = 0;
};
struct flush {};
struct committed {
  result<std::uint64_t> outcome;
};

// -- to the TIMEKEEPER

/// `id` is chosen by the armer (`engine_context::new_timer`) and names the timer in `cancel_timer`
/// and `timer_due`.
struct arm_steady {
  std::uint64_t id = 0;
  duration in{};
};
struct arm_wall {
  std::uint64_t id = 0;
  instant at{};
};
struct cancel_timer {
  std::uint64_t id = 0;
};
struct alarm_rang {
  bool wall_stepped = false;
};
struct wheel_query {};
/// From the TIMEKEEPER to whoever armed it. At most once for each arm.
struct timer_due {
  std::uint64_t id = 0;
  instant now{};
};

// -- to the DISPATCHER

struct release_permits {
  instance_key key;
};
struct withdraw {
  instance_key key;
};
struct set_pools {
  std::string project;
  std::map<std::string, std::uint32_t> pools;
};
struct set_hold {
  bool held = false;
};
struct pools_query {};
struct holders_query {};
/// What a row of permits says at recovery. `slot`: it also holds a worker's slot.
struct restore_permits {
  instance_key key;
  std::string project;
  std::vector<pool_need> pools;
  std::vector<task_limit> limits;
  bool slot = true;
};
struct position_query {
  instance_key key;
};

/// Where a request stands in the dispatcher, for `why`.
struct queue_position {
  bool known = false; ///< The dispatcher has the request.
  bool granted = false;
  bool held = false;          ///< The engine is on hold.
  std::uint32_t position = 0; ///< From 1 among the requests of the same needs and above.
  std::string pool;           ///< The pool that is short: "slots" or "project.name".
  bool limit = false;         ///< `pool` is the name of a task_limit.
  std::uint32_t capacity = 0;
  std::uint32_t used = 0;
  bool never = false; ///< More than the pool's capacity is asked for.
  /// No pool is short: this request, before it in the queue, reserves what is free.
  std::optional<instance_key> behind;
  std::vector<instance_key> holders; ///< Some who hold permits of the pool that is short, by key.
};

// -- to the WORKER

struct stop_process {
  process_key key;
  duration grace{};
};
/// The end of the process is durable.
struct forget_process {
  process_key key;
};
/// The same for all processes of an instance that have ended: it has none that is alive.
struct forget_processes {
  instance_key of;
};
struct from_launcher {
  launcher_event event;
};
/// Recovery is over: what nobody has claimed by now is nobody's.
struct recovery_done {};
struct worker_query {};
struct worker_status {
  bool connected = false;
  std::uint32_t processes = 0;
};

/// Makes or finds the run that a `workflow` task calls: `call` names the attempt of the caller.
struct call_run {
  instance_key parent;
  std::uint32_t attempt = 1;
  json_text params = "{}";
  instant slot{};
  instant interval_start{};
  instant interval_end{};
  std::uint8_t priority = 0;
  bool only_find = false; ///< Do not make one: the caller is being stopped.
};
/// The same to the ENGINE, which knows the workflow; answers with the run.
struct call_workflow {
  std::string workflow;
  call_run call;
};

// -- to an INSTANCE

/// Which requests for permits come first, whatever their priorities.
enum class permit_band : std::uint8_t { backfill = 0, normal = 1 };

/// Of an instance in `waiting`: whether it is between two looks of a `poll:`, and goes on.
enum class poll_phase : std::uint8_t {
  none,
  looks_again, ///< At `retry_at`.
  frozen,
};

/// The instance stands in `state`; it is durable; do what the state asks for.
struct enter {
  instance_state state = instance_state::waiting;
  reason why = reason::none;
  fence token; ///< Of the newest attempt, with its look, and the check in dqc_check.
  poll_phase poll = poll_phase::none;
  std::uint8_t priority = 5;
  permit_band band = permit_band::normal;
  std::vector<pool_need> pools; ///< In pre_ready: what to ask for.
  run_id called;
  instant retry_at{};
  instant since{}; ///< Since when it stands there: timeouts count from it.
  instant first_ready_at{};
  /// Entered before (its actor or the engine was restarted): ask before starting.
  bool again = false;
  /// In ready and dqc_check: what to start.
  std::shared_ptr<const start_request> start;
  /// In running, for a `workflow` task: what to call.
  std::shared_ptr<const call_workflow> call;
};
/// `request`: the number of the request that it answers.
struct permits_granted {
  std::uint32_t request = 0;
};
struct process_started {
  process_key key;
  std::int64_t pid = 0;
  instant at{};
};
struct process_ended {
  process_key key;
  process_end end;
};
/// The launcher has never heard of the process.
struct process_unknown {
  process_key key;
};

// -- to a RUN

/// Something happened to the run, told by one of its instances or by itself.
struct happened {
  run_event event;
};
/// The dispatcher granted permits to the instance: render, number and write the attempt.
struct offer {
  instance_key key;
  std::vector<pool_need> pools; ///< What was asked for.
};
/// The slot fired. `with` joins the batch: slot, trigger, audit rows.
struct fire_run {
  kv_batch with;
  bool admitted = true;
};
/// The answer: without `wants` it holds no place, whatever `admitted` said (see
/// run_core::wants_place).
struct fired_run {
  run_id run;
  bool wants = true;
  bool admitted = true; ///< It has taken the place that `fire_run` gave it.
};
/// It may start now.
struct admit_run {};
/// An operation by a person or by the overlap policy; answers once it is durable.
struct operate_run {
  run_operation operation;
  caller by;
  kv_batch with; ///< Joins the batch.
};
struct why_query {
  std::optional<instance_key> key;
};
struct compose {};
/// Drops the run if it has not fired yet (an edit made its slot void).
struct unload_run {};

// -- to a WORKFLOW

/// A new current version, durable already.
struct set_version {
  std::shared_ptr<const workflow_definition> definition;
  workflow_record record;
};
/// It is to be deleted: unless something of it is alive or being written, it does nothing from now
/// on, and answers with no live runs.
struct close_workflow {};
struct load_slot {
  std::string trigger;
  instant slot{};
};
/// The slot's time has come (or had come while the engine was down). Told at least once.
struct fire_slot {
  std::string trigger;
  instant slot{};
};
/// Slots that passed unnoticed, ascending: what the misfire policy leaves out, and what it runs.
/// Answers once what was left out is durable. With `more` the list of the missed goes on with
/// another message: until its end the trigger's cursor stays behind it; `run` comes with the last
/// one.
struct owed_slots {
  std::string trigger;
  std::vector<instant> missed;
  std::vector<instant> run;
  bool more = false;
};
/// An edit made planned slots at or after `from` void.
struct unload_slots {
  instant from{};
};
/// A run could begin and competes for a place; or (`wants` false) nothing of it is under way and
/// all that is left waits for other runs: it holds no place meanwhile.
struct run_wants {
  run_id run;
  bool wants = true;
};
/// A slot's run is to be made, or made anew, by a person or by a backfill.
struct make_slot {
  std::string trigger;
  instant slot{};
  caller by;
  /// Of a backfill: what it is, and the item that this slot is; its row joins the batch.
  std::shared_ptr<const backfill_record> backfill;
  backfill_item item;
};
/// The answer. `left`: there is a run and the backfill leaves it as it is.
struct made_slot {
  run_id run;
  bool left = false;
};
/// Freezes, thaws or dry-runs a task of this workflow.
struct switch_task {
  switch_request request;
  caller by;
};
struct trigger_run {
  trigger_request request;
  caller by;
};
/// Of one trigger, or with `record`, which is durable, of the whole workflow.
struct pause_trigger {
  std::string trigger;
  caller by;
  std::optional<workflow_record> record;
};
struct resume_trigger {
  std::string trigger;
  catch_up owed = catch_up::none;
  caller by;
  std::optional<workflow_record> record;
};
struct run_ended {
  run_id run;
  run_state state = run_state::success;
};
struct run_reopened {
  run_id run;
};
struct find_run {
  run_id run;
};
/// Answers with whether the run has ended and nobody looks at it or operates on it. Then it is
/// sealed: who wants it (`find_run`) waits until `unseal_run`.
struct seal_run {
  std::string workflow;
  run_id run;
};
struct unseal_run {
  std::string workflow;
  run_id run;
};
struct workflow_query {};
struct workflow_status {
  bool paused = false;
  std::uint32_t live = 0;
  std::uint32_t queued = 0;
};
/// Why the run is not admitted, for `why`.
struct admission_query {
  run_id run;
};

// -- to the PLANNER

struct plan_workflow {
  std::shared_ptr<const workflow_definition> definition;
  std::uint32_t version = 0;
  bool replace = false;
  /// With `replace`: what is planned for today stays.
  bool next_day = false;
};
/// It is retired or deleted: what is planned of it is left out. Its WORKFLOW comes with it.
struct forget_workflow {
  std::string workflow;
};

// -- to the DIRECTORY

/// Edges of a run that are open: each is told as `edge_settled` once it is settled. Those of the
/// same task are replaced. Edges that are settled already are told at once.
struct watch_edges {
  run_id run;
  std::vector<bound_edge> edges;
};
/// The run has ended or is no more.
struct forget_edges {
  run_id run;
};
/// A task (empty: the whole run) of a run has ended, durably, or is open again (`pending`).
struct task_told {
  keys::slot_key of;
  run_id run;
  std::string task;
  upstream_class outcome = upstream_class::pending;
  json_text outputs = "{}";
};
/// What became of a slot, or that a workflow's definition or pauses changed (no slot): what waits
/// for it is judged anew from the store.
struct slots_told {
  std::string workflow;
  std::optional<keys::slot_key> slot;
};
/// What the open edges of a run wait for, for `why`; of these tasks, or (none named) of all.
struct edges_query {
  run_id run;
  std::vector<std::uint32_t> tasks;
};

// -- to BACKFILLS

/// A run has ended that a backfill may wait for.
struct backfilled {
  run_id run;
  run_state state = run_state::success;
};

// -- to ALERTS

/// An alarm whose outbox row `id` is durable.
struct send_alarm {
  std::string id;
  std::string project;
  std::string channel;
  json_text body;
};

/// Whoever wrote alarms of this run may not have come to send them.
struct alarms_of_run {
  run_id run;
};

// -- to the ENGINE

/// A reply that is given exactly once: if nobody gives it, its end answers `errc::unavailable`.
template <class T>
class answer {
public:
  answer() = default;
  explicit answer(engine_client::reply<T> done) : box_{std::make_shared<box>(std::move(done))} {}
  void operator()(result<T> value) const {
    if (auto done = std::exchange(box_->done, nullptr))
      done(std::move(value));
  }

private:
  struct box {
    explicit box(engine_client::reply<T> to) : done{std::move(to)} {}
    box(const box&) = delete;
    box& operator=(const box&) = delete;
    ~box() {
      if (done)
        done(problem{errc::unavailable, "the engine is shutting down", {}});
    }
    engine_client::reply<T> done;
  };
  std::shared_ptr<box> box_;
};

struct apply {
  apply_request request;
  caller by;
  answer<apply_answer> done;
};
struct delete_workflow {
  deletion_request request;
  caller by;
  answer<deletion_answer> done;
};
/// From RETENTION: all rows of a deleted workflow are gone, or they cannot be erased.
struct workflow_erased {
  std::string workflow;
  std::optional<problem> failed;
};
struct folder_read {
  std::string origin;
  std::vector<std::string> problems;
};
struct trigger {
  trigger_request request;
  caller by;
  answer<trigger_answer> done;
};
struct operate {
  run_id run;
  run_operation operation;
  caller by;
  answer<operation_answer> done;
};
struct pause {
  pause_target target;
  caller by;
  answer<operation_answer> done;
};
struct resume {
  pause_target target;
  catch_up owed = catch_up::none;
  caller by;
  answer<operation_answer> done;
};
struct make_one_slot {
  slot_request request;
  caller by;
  answer<trigger_answer> done;
};
struct switch_one_task {
  switch_request request;
  caller by;
  answer<operation_answer> done;
};
struct set_one_pool {
  pool_request request;
  caller by;
  answer<operation_answer> done;
};
struct backfill {
  backfill_request request;
  caller by;
  answer<backfill_record> done;
  std::string owed_row; ///< A meta row that goes in the batch that makes the backfill.
};
struct preview_backfill {
  backfill_request request;
  answer<backfill_preview> done;
};
struct steer_backfill {
  std::uint64_t id = 0;
  backfill_verb verb = backfill_verb::pause;
  caller by;
  answer<operation_answer> done;
};
struct hold {
  bool held = true;
  caller by;
  answer<operation_answer> done;
};
/// Rows of requests that can be repeated.
struct keep_requests {
  kv_batch rows;
  answer<std::uint64_t> done;
};
struct shutdown {
  bool stop_tasks = false;
  caller by;
  answer<operation_answer> done;
};
struct why {
  run_id run;
  std::optional<instance_key> key;
  answer<why_answer> done;
};
struct wheel {
  answer<wheel_answer> done;
};
struct pools {
  answer<std::vector<pool_status>> done;
};
struct running {
  answer<std::vector<instance_key>> done;
};
struct health {
  answer<health_answer> done;
};
struct wait_run {
  run_id run;
  duration at_most{};
  answer<run_record> done;
};
/// The caller stops waiting: cancel what it called.
struct cancel_called {
  run_id run;
};
/// A run ended: whoever waits for it is told. `parent` if it was called.
struct run_is_over {
  run_record run;
};
/// Every process that an instance has should have been asked for by now.
struct recovered {};
/// To RETENTION: a deletion is durable, erase what it was about.
struct erase_workflow {
  std::string workflow;
};
/// To RETENTION, from the port of files: what runs have on the disk; so many are gone.
struct run_folders {
  result<std::vector<run_folder>> found;
};
struct folders_removed {
  std::uint64_t count = 0;
};
/// From `start_engine`: everything is wired, recover.
struct start_up {};
struct stop_engine {};

} // namespace pinion::msg

#define PINION_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::msg::type)
PINION_LOCAL_MESSAGE(submit)
PINION_LOCAL_MESSAGE(replace_writer)
PINION_LOCAL_MESSAGE(opened_runs_query)
PINION_LOCAL_MESSAGE(opened_runs)
PINION_LOCAL_MESSAGE(flush)
PINION_LOCAL_MESSAGE(committed)
PINION_LOCAL_MESSAGE(arm_steady)
PINION_LOCAL_MESSAGE(arm_wall)
PINION_LOCAL_MESSAGE(cancel_timer)
PINION_LOCAL_MESSAGE(alarm_rang)
PINION_LOCAL_MESSAGE(wheel_query)
PINION_LOCAL_MESSAGE(timer_due)
PINION_LOCAL_MESSAGE(release_permits)
PINION_LOCAL_MESSAGE(withdraw)
PINION_LOCAL_MESSAGE(set_pools)
PINION_LOCAL_MESSAGE(set_hold)
PINION_LOCAL_MESSAGE(pools_query)
PINION_LOCAL_MESSAGE(holders_query)
PINION_LOCAL_MESSAGE(restore_permits)
PINION_LOCAL_MESSAGE(position_query)
PINION_LOCAL_MESSAGE(queue_position)
PINION_LOCAL_MESSAGE(stop_process)
PINION_LOCAL_MESSAGE(forget_process)
PINION_LOCAL_MESSAGE(forget_processes)
PINION_LOCAL_MESSAGE(from_launcher)
PINION_LOCAL_MESSAGE(recovery_done)
PINION_LOCAL_MESSAGE(worker_query)
PINION_LOCAL_MESSAGE(worker_status)
PINION_LOCAL_MESSAGE(enter)
PINION_LOCAL_MESSAGE(permits_granted)
PINION_LOCAL_MESSAGE(process_started)
PINION_LOCAL_MESSAGE(process_ended)
PINION_LOCAL_MESSAGE(process_unknown)
PINION_LOCAL_MESSAGE(happened)
PINION_LOCAL_MESSAGE(offer)
PINION_LOCAL_MESSAGE(fire_run)
PINION_LOCAL_MESSAGE(admit_run)
PINION_LOCAL_MESSAGE(operate_run)
PINION_LOCAL_MESSAGE(why_query)
PINION_LOCAL_MESSAGE(compose)
PINION_LOCAL_MESSAGE(unload_run)
PINION_LOCAL_MESSAGE(set_version)
PINION_LOCAL_MESSAGE(load_slot)
PINION_LOCAL_MESSAGE(fire_slot)
PINION_LOCAL_MESSAGE(owed_slots)
PINION_LOCAL_MESSAGE(unload_slots)
PINION_LOCAL_MESSAGE(trigger_run)
PINION_LOCAL_MESSAGE(call_run)
PINION_LOCAL_MESSAGE(pause_trigger)
PINION_LOCAL_MESSAGE(resume_trigger)
PINION_LOCAL_MESSAGE(run_ended)
PINION_LOCAL_MESSAGE(run_reopened)
PINION_LOCAL_MESSAGE(find_run)
PINION_LOCAL_MESSAGE(seal_run)
PINION_LOCAL_MESSAGE(unseal_run)
PINION_LOCAL_MESSAGE(workflow_query)
PINION_LOCAL_MESSAGE(workflow_status)
PINION_LOCAL_MESSAGE(admission_query)
PINION_LOCAL_MESSAGE(plan_workflow)
PINION_LOCAL_MESSAGE(forget_workflow)
PINION_LOCAL_MESSAGE(send_alarm)
PINION_LOCAL_MESSAGE(alarms_of_run)
PINION_LOCAL_MESSAGE(apply)
PINION_LOCAL_MESSAGE(trigger)
PINION_LOCAL_MESSAGE(folder_read)
PINION_LOCAL_MESSAGE(delete_workflow)
PINION_LOCAL_MESSAGE(workflow_erased)
PINION_LOCAL_MESSAGE(close_workflow)
PINION_LOCAL_MESSAGE(erase_workflow)
PINION_LOCAL_MESSAGE(operate)
PINION_LOCAL_MESSAGE(pause)
PINION_LOCAL_MESSAGE(resume)
PINION_LOCAL_MESSAGE(hold)
PINION_LOCAL_MESSAGE(keep_requests)
PINION_LOCAL_MESSAGE(shutdown)
PINION_LOCAL_MESSAGE(why)
PINION_LOCAL_MESSAGE(wheel)
PINION_LOCAL_MESSAGE(pools)
PINION_LOCAL_MESSAGE(running)
PINION_LOCAL_MESSAGE(health)
PINION_LOCAL_MESSAGE(wait_run)
PINION_LOCAL_MESSAGE(call_workflow)
PINION_LOCAL_MESSAGE(cancel_called)
PINION_LOCAL_MESSAGE(run_is_over)
PINION_LOCAL_MESSAGE(recovered)
PINION_LOCAL_MESSAGE(run_folders)
PINION_LOCAL_MESSAGE(folders_removed)
PINION_LOCAL_MESSAGE(start_up)
PINION_LOCAL_MESSAGE(stop_engine)
PINION_LOCAL_MESSAGE(fired_run)
PINION_LOCAL_MESSAGE(run_wants)
PINION_LOCAL_MESSAGE(make_slot)
PINION_LOCAL_MESSAGE(made_slot)
PINION_LOCAL_MESSAGE(switch_task)
PINION_LOCAL_MESSAGE(watch_edges)
PINION_LOCAL_MESSAGE(forget_edges)
PINION_LOCAL_MESSAGE(task_told)
PINION_LOCAL_MESSAGE(slots_told)
PINION_LOCAL_MESSAGE(edges_query)
PINION_LOCAL_MESSAGE(backfilled)
PINION_LOCAL_MESSAGE(make_one_slot)
PINION_LOCAL_MESSAGE(switch_one_task)
PINION_LOCAL_MESSAGE(set_one_pool)
PINION_LOCAL_MESSAGE(backfill)
PINION_LOCAL_MESSAGE(preview_backfill)
PINION_LOCAL_MESSAGE(steer_backfill)
#undef PINION_LOCAL_MESSAGE
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::run_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::operation_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::trigger_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::why_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::wheel_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<pinion::pool_status>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<pinion::blocked_by>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<pinion::instance_key>)
