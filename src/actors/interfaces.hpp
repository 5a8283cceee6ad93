#pragma once

#include "actors/messages.hpp"

#include <caf/typed_actor.hpp>

/// The interfaces of all actors of an engine, a line for each message. Below `actors` nothing knows
/// them; above, `engine_client` stands for them.
///
/// Who restarts whom: the ENGINE restarts a WORKFLOW, a WORKFLOW its RUNs, a RUN its INSTANCEs,
/// each from the store, a bounded number of times. The loss of any other actor ends the process,
/// which recovers at its next start.
namespace pinion {

/// Whoever arms timers.
using timer_client = caf::typed_actor<
    // A timer that this actor armed has come due; one that it no longer knows is ignored.
    caf::reacts_to<msg::timer_due>>;

/// The JOURNAL: the only writer. Collects batches, commits them in groups, then acknowledges.
using journal_actor = caf::typed_actor<
    // Answers with the commit's number once the batch is durable. Fails with `errc::stale_writer`,
    // or `errc::refused` (see `submit::expiry`): nothing was written. A failure of the disk ends
    // the engine instead of an answer.
    caf::replies_to<msg::submit>::with<std::uint64_t>,
    // Answers with the new incarnation.
    caf::replies_to<msg::replace_writer>::with<std::uint32_t>,
    caf::replies_to<msg::opened_runs_query>::with<msg::opened_runs>,
    // Self-sent: commits what has been collected.
    caf::reacts_to<msg::flush>,
    // From the store's callback.
    caf::reacts_to<msg::committed>>;

/// The TIMEKEEPER: the timing wheels, one for each time base.
using timekeeper_actor = caf::typed_actor<
    // Sends `timer_due` to the sender after that time, or at that instant; 1 ms grain.
    caf::reacts_to<msg::arm_steady, timer_client>, caf::reacts_to<msg::arm_wall, timer_client>,
    // Nothing is sent any more, unless it is under way.
    caf::reacts_to<msg::cancel_timer>,
    // From the alarm port.
    caf::reacts_to<msg::alarm_rang>,
    // Answers at once.
    caf::replies_to<msg::wheel_query>::with<wheel_answer>>;

/// Whoever has processes.
using process_client = caf::typed_actor<
    // From the WORKER, about the processes of this actor; may repeat.
    caf::reacts_to<msg::process_started>, caf::reacts_to<msg::process_ended>,
    caf::reacts_to<msg::process_unknown>>;

/// An INSTANCE: one task in one run (one element of a fan-out).
using instance_actor = timer_client::extend_with<process_client>::extend<
    // From its RUN only. Quits on a terminal state.
    caf::reacts_to<msg::enter>,
    // From the DISPATCHER: permits and a slot are reserved for it.
    caf::reacts_to<msg::permits_granted>>;

/// What an INSTANCE asks the DISPATCHER for.
struct permit_order {
  instance_key key;
  instance_actor who;
  std::string project;
  std::vector<pool_need> pools;
  std::vector<task_limit> limits;
  std::uint8_t priority = 5;
  msg::permit_band band = msg::permit_band::normal;
  bool slot = true; ///< It also needs a worker's slot.
  /// Counts up with each request of `who`: what was granted to an earlier one, which was withdrawn
  /// meanwhile, is told apart.
  std::uint32_t request = 0;
};

/// What it asks the WORKER for.
struct process_order {
  std::shared_ptr<const start_request> start;
  process_client who;
};
struct process_watch {
  process_key key;
  process_client who;
};

/// The DISPATCHER: ready queues by priority, pools, worker choice.
using dispatcher_actor = caf::typed_actor<
    // Sends `permits_granted` once all permits are free together; a repeated request that has been
    // granted is granted again, to the newest.
    caf::reacts_to<permit_order>,
    // The request is withdrawn, the permits are given back; unknown keys are ignored.
    caf::reacts_to<msg::withdraw>, caf::reacts_to<msg::release_permits>,
    // Capacities of a project's pools; what is out above a smaller capacity stays out.
    caf::reacts_to<msg::set_pools>, caf::reacts_to<msg::set_hold>,
    // Self-sent: grants what can be granted, once for all requests of a turn.
    caf::reacts_to<msg::flush>, caf::reacts_to<msg::restore_permits>,
    caf::replies_to<msg::position_query>::with<msg::queue_position>,
    caf::replies_to<msg::pools_query>::with<std::vector<pool_status>>,
    // Answers with the holders of worker slots, by key.
    caf::replies_to<msg::holders_query>::with<std::vector<instance_key>>>;

/// The WORKER: attempts on this node. A remote one speaks the same interface.
using worker_actor = caf::typed_actor<
    // Starts the process at most once; `process_started` and `process_ended` follow.
    caf::reacts_to<process_order>,
    // Asks what became of it: one of the three `process_` messages follows.
    caf::reacts_to<process_watch>,
    // `process_ended` follows once its whole tree is gone.
    caf::reacts_to<msg::stop_process>, caf::reacts_to<msg::forget_process>,
    caf::reacts_to<msg::forget_processes>, caf::reacts_to<msg::from_launcher>,
    caf::reacts_to<msg::recovery_done>,
    caf::replies_to<msg::worker_query>::with<msg::worker_status>>;

/// A RUN: graph, joins, run state; composes every batch of its instances and supervises them.
using run_actor = timer_client::extend<
    // Applied in order; refused events are counted and logged.
    caf::reacts_to<msg::happened>, caf::reacts_to<msg::offer>,
    // From its WORKFLOW. Answers once its first batch is durable.
    caf::replies_to<msg::fire_run>::with<msg::fired_run>, caf::reacts_to<msg::admit_run>,
    caf::reacts_to<msg::unload_run>,
    // Answers once durable; fails with `errc::refused` or `errc::not_found`, and nothing changed.
    caf::replies_to<msg::operate_run>::with<operation_answer>,
    // Answers from live state, after what is under way is durable.
    caf::replies_to<msg::why_query>::with<why_answer>,
    // Self-sent: makes one batch of all that was applied since the last.
    caf::reacts_to<msg::compose>>;

/// A WORKFLOW: its triggers, versions, overlap policy, pause; the only one that decides that a slot
/// fires and a run starts.
using workflow_actor =
    caf::typed_actor<caf::reacts_to<msg::set_version>,
                     // From the PLANNER; what has been decided already is ignored.
                     caf::reacts_to<msg::load_slot>, caf::reacts_to<msg::fire_slot>,
                     // Answers once all of them are durable: what is planned behind them must not
                     // be on the disk before.
                     caf::replies_to<msg::owed_slots>::with<caf::unit_t>,
                     caf::reacts_to<msg::unload_slots>,
                     // Answers once the run, or its rerun, is durable.
                     caf::replies_to<msg::make_slot>::with<msg::made_slot>,
                     caf::replies_to<msg::switch_task>::with<operation_answer>,
                     // Answers once the run is durable.
                     caf::replies_to<msg::trigger_run>::with<trigger_answer>,
                     caf::replies_to<msg::call_run>::with<run_id>,
                     caf::replies_to<msg::pause_trigger>::with<operation_answer>,
                     caf::replies_to<msg::resume_trigger>::with<operation_answer>,
                     // From its RUNs.
                     caf::reacts_to<msg::run_ended>, caf::reacts_to<msg::run_reopened>,
                     caf::reacts_to<msg::run_wants>,
                     // Answers with the actor of a run of this workflow; one that has ended is read
                     // from the store.
                     caf::replies_to<msg::find_run>::with<run_actor>,
                     // From RETENTION, while it removes what the run has on the disk.
                     caf::replies_to<msg::seal_run>::with<bool>, caf::reacts_to<msg::unseal_run>,
                     caf::replies_to<msg::workflow_query>::with<msg::workflow_status>,
                     // From the ENGINE. Answers at once.
                     caf::replies_to<msg::close_workflow>::with<msg::workflow_status>,
                     caf::replies_to<msg::admission_query>::with<std::vector<blocked_by>>>;

/// The PLANNER: which slots are owed and planned; feeds them to the wheel.
using planner_actor = timer_client::extend<
    // Plans the triggers of this version; `replace`: planned slots of an older one are void.
    caf::reacts_to<msg::plan_workflow, workflow_actor>,
    caf::reacts_to<msg::forget_workflow, workflow_actor>,
    // Self-sent: looks for what is planned for the next minutes.
    caf::reacts_to<msg::flush>, caf::replies_to<msg::wheel_query>::with<wheel_answer>>;

/// The DIRECTORY: who waits for what in other runs. Holds only what is waited for; what a slot came
/// to is read from the store when somebody begins to wait, and told by the RUNs from then on.
using directory_actor =
    caf::typed_actor<caf::reacts_to<msg::watch_edges, run_actor>, caf::reacts_to<msg::forget_edges>,
                     caf::reacts_to<msg::task_told>, caf::reacts_to<msg::slots_told>,
                     caf::replies_to<msg::edges_query>::with<std::vector<blocked_by>>>;

/// BACKFILLS: starts the slots of backfills, so many at a time.
using backfills_actor = timer_client::extend<
    // From the ENGINE; each is answered through the `answer` it carries.
    caf::reacts_to<msg::backfill>, caf::reacts_to<msg::preview_backfill>,
    caf::reacts_to<msg::steer_backfill>, caf::reacts_to<msg::backfilled>,
    // From the ENGINE, once all WORKFLOWs have their runs again: goes on with what was under way.
    caf::reacts_to<msg::recovered>>;

/// RETENTION: removes what is older than it is kept.
using retention_actor = timer_client::extend<
    // From the ENGINE.
    caf::reacts_to<msg::erase_workflow>,
    // Self-sent: the next step of a pass.
    caf::reacts_to<msg::flush>,
    // From the port of files.
    caf::reacts_to<msg::run_folders>, caf::reacts_to<msg::folders_removed>>;

/// ALERTS: hands alarms to their channels, at least once over restarts.
using alerts_actor = process_client::extend<
    // Its outbox row is deleted once the channel has it.
    caf::reacts_to<msg::send_alarm>,
    // From a WORKFLOW whose run's actor crashed.
    caf::reacts_to<msg::alarms_of_run>>;

/// The ENGINE: start-up, recovery, definitions, and the door for everybody outside.
using engine_actor = timer_client::extend<
    // From the client; each is answered through the `answer` it carries.
    caf::reacts_to<msg::apply>, caf::reacts_to<msg::delete_workflow>,
    caf::reacts_to<msg::folder_read>, caf::reacts_to<msg::trigger>, caf::reacts_to<msg::operate>,
    caf::reacts_to<msg::pause>, caf::reacts_to<msg::resume>, caf::reacts_to<msg::make_one_slot>,
    caf::reacts_to<msg::switch_one_task>, caf::reacts_to<msg::set_one_pool>,
    caf::reacts_to<msg::backfill>, caf::reacts_to<msg::preview_backfill>,
    caf::reacts_to<msg::steer_backfill>, caf::reacts_to<msg::hold>,
    caf::reacts_to<msg::keep_requests>, caf::reacts_to<msg::shutdown>, caf::reacts_to<msg::why>,
    caf::reacts_to<msg::wheel>, caf::reacts_to<msg::pools>, caf::reacts_to<msg::running>,
    caf::reacts_to<msg::health>, caf::reacts_to<msg::wait_run>,
    // From BACKFILLS: to the WORKFLOW that it concerns.
    caf::replies_to<std::string, msg::make_slot>::with<msg::made_slot>,
    // From INSTANCEs of type workflow.
    caf::replies_to<msg::call_workflow>::with<run_id>, caf::reacts_to<msg::cancel_called>,
    // From WORKFLOWs.
    caf::reacts_to<msg::run_is_over>,
    // From RETENTION. Sealing is of the WORKFLOW; of one that is gone nobody finds a run.
    caf::reacts_to<msg::workflow_erased>, caf::replies_to<msg::seal_run>::with<bool>,
    caf::reacts_to<msg::unseal_run>,
    // From `start_engine`; self-sent at the end of recovery; from `engine::stop`.
    caf::reacts_to<msg::start_up>, caf::reacts_to<msg::recovered>,
    caf::reacts_to<msg::stop_engine>>;

} // namespace pinion

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::permit_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::process_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::process_watch)
