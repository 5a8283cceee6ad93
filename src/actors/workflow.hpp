#pragma once

#include "actors/context.hpp"
#include "pinion/model/admission.hpp"
#include "pinion/storage/keys.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <set>

namespace pinion {

/// What a WORKFLOW is made from.
struct workflow_seed {
  context_ptr context;
  workflow_record record;
  std::shared_ptr<const workflow_definition> definition; ///< Of the current version.
  /// An earlier actor of this workflow crashed: its runs' actors must be replaced.
  bool again = false;
  /// Its runs that have not ended, as the store has them; read anew with `again`.
  std::vector<run_record> live;
};

/// A run that has fired and not ended (or is loaded and has not fired).
struct workflow_run {
  run_actor actor;
  admission_candidate candidate;
  instant slot{};
  std::uint32_t version = 0;
  /// As it was loaded.
  std::vector<std::pair<std::uint32_t, task_mode>> modes;
  bool fired = false;
  bool by_clock = false; ///< Launched by it, and not yet durable.
  /// cancel_running: runs that are to be cancelled once this one is durable.
  std::vector<run_id> cancels;
  bool cancelled_by_next = false; ///< It has been told.
  std::uint32_t crashes = 0;
};

/// What is known of a run before it is made.
struct run_plan {
  std::string trigger;
  instant slot{};
  data_interval interval;
  std::uint32_t version = 0;
  std::shared_ptr<const workflow_definition> definition; ///< Of that version.
  std::vector<bound_edge> edges;
  std::vector<std::pair<std::uint32_t, task_mode>> modes;
  bool dry = false;
  bool by_clock = false;             ///< Its trigger makes it, and nobody has asked.
  bool wants = true;                 ///< It competes for a place as soon as it fires.
  std::optional<backfill_item> item; ///< The slot of a backfill that it is, as its row stands.
  json_text params = "{}";
  std::uint8_t priority = 0;
  bool ignore_overlap = false;
  overlap_policy overlap = overlap_policy::queue;
  std::optional<instance_key> parent;
  std::string requested_by;
  std::string request_key;
  std::shared_ptr<const kept_request> asked_by; ///< Is marked as done, with the run; may be null.
};

struct workflow_state_data {
  static inline constexpr const char* name = "workflow";
  static constexpr std::uint32_t max_restarts = 3;
  /// Runs of one trigger that wait for other runs; a further slot is missed(queue_full).
  static constexpr std::ptrdiff_t max_waiting = 1'000;
  /// A slot that fires later than this is recorded as late.
  static constexpr duration late_after{std::chrono::minutes{1}};

  workflow_actor::stateful_pointer<workflow_state_data> self = nullptr;
  workflow_seed seed;
  std::map<std::uint32_t, std::shared_ptr<const workflow_definition>> versions;
  std::map<std::string, trigger_record> triggers;
  std::map<run_id, workflow_run> runs;
  std::map<keys::slot_key, run_id> loaded;
  /// Runs whose first batch is not durable yet, by natural key, with who waits for it.
  std::map<keys::slot_key, std::vector<std::function<void(result<run_id>)>>> launching;
  std::map<std::string, keys::slot_key> keys_under_way; ///< Request keys of such runs.
  /// By trigger: the newest slot that has been decided, durable or not.
  std::map<std::string, instant> decided;
  /// By trigger: decided slots whose rows are being written. The stored cursor stays before them: a
  /// slot's own row is the mark that it was decided, the cursor only says where to begin looking.
  std::map<std::string, std::set<instant>> writing;
  /// By trigger: owed slots up to here have been told, and more are to come.
  std::map<std::string, instant> owing;
  /// Slots that are being decided, for somebody who waits until all of them are durable.
  struct payment {
    std::set<keys::slot_key> open;
    std::function<void()> done;
  };
  std::vector<payment> payments;
  bool closed = false;                       ///< It is being deleted.
  std::map<std::string, task_mode> switches; ///< By task; those that are not normal.
  /// Slots whose run crashed before its first batch, and how often.
  std::map<keys::slot_key, std::uint32_t> relaunched;
  /// Runs that have ended and are being looked at or operated on.
  std::map<run_id, caf::weak_actor_ptr> visited;
  /// Who waits for the actor of a run that is being restored.
  std::map<run_id, std::vector<caf::typed_response_promise<run_actor>>> finding;
  std::set<run_id> sealed;

  void start_up();
  void set_version(const msg::set_version& what);
  void load(const msg::load_slot& what);
  void fire(const std::string& trigger, instant slot);
  caf::result<caf::unit_t> pay_owed(const msg::owed_slots& what);
  void unload(instant from);
  void wants(const msg::run_wants& what);
  caf::result<msg::made_slot> make(const msg::make_slot& what);
  caf::result<operation_answer> switch_task(const msg::switch_task& what);
  caf::result<trigger_answer> trigger_manually(const msg::trigger_run& what);
  caf::result<run_id> call(const msg::call_run& what);
  caf::result<operation_answer> pause(const msg::pause_trigger& what);
  caf::result<operation_answer> resume(const msg::resume_trigger& what);
  void ended(run_id run);
  void reopened(run_id run);
  caf::result<run_actor> find(run_id run);
  bool seal(run_id run);
  void unseal(run_id run);
  void run_down(const caf::actor_addr& who, const caf::error& why);
  std::vector<blocked_by> explain_admission(run_id run) const;
  msg::workflow_status status() const;
  msg::workflow_status close();

  const std::string& id() const { return seed.record.id; }

private:
  std::shared_ptr<const workflow_definition> version(std::uint32_t number);
  const trigger_definition* trigger_named(const std::string& id) const;
  void read_triggers();
  /// Whether triggers fire by the clock here, or are switched off.
  bool clock_fires() const;
  /// Its actor is there although it has ended.
  bool is_visited(run_id run) const;
  /// Makes the actor of a run that has ended, for who is in `finding`.
  void read_back(run_id run);
  void tell_again(const run_record& record);
  std::vector<admission_candidate> live() const;
  keys::slot_key key_of_slot(const std::string& trigger, instant slot) const {
    return {"main", id(), trigger, slot};
  }
  /// Its decision is being written.
  bool under_way(const keys::slot_key& key) const;
  bool is_being_decided(const keys::slot_key& key) const;
  /// The slot's row, if it has one.
  std::optional<slot_record> slot_row(const std::string& trigger, instant slot) const;
  data_interval interval_of_slot(const workflow_definition& of, const trigger_definition& trigger,
                                 instant slot) const;
  result<run_plan> plan_of(const std::string& trigger, instant slot,
                           const std::optional<slot_record>& row);
  result<void> bind(run_plan& plan) const;
  /// What follows from definition and edges: modes, and whether it wants a place at once.
  void settle_start(run_plan& plan) const;
  std::vector<std::pair<std::uint32_t, task_mode>> switched(const workflow_definition& of) const;
  run_record record_of(const run_plan& plan, run_id id) const;
  slot_record fired_slot(const run_plan& plan, run_id run) const;
  run_actor spawn_run(const run_plan& plan, run_record record);
  /// `failing`: its actor crashed too often; the new one only brings the run to its end.
  run_actor restore_run(const run_record& record, std::uint32_t incarnation, bool failing = false);
  void replace_run(run_id run);
  /// The decision of a slot is on its way to the disk; false: it was before.
  bool begin_writing(const std::string& trigger, instant slot);
  void end_writing(const std::string& trigger, instant slot);
  /// Calls `done` as soon as none of these slots is being decided.
  void when_durable(std::set<keys::slot_key> slots, std::function<void()> done);
  /// Decides about a slot of a trigger whose row reads `before`.
  void decide(const std::string& trigger, instant slot, const std::optional<slot_record>& before);
  /// The same for one whose decision is taken to be on its way.
  void decide_begun(const std::string& trigger, instant slot,
                    const std::optional<slot_record>& before);
  void settle(slot_record now, const slot_record* before);
  std::map<keys::slot_key, run_id>::iterator
  drop_loaded(std::map<keys::slot_key, run_id>::iterator at);
  result<std::vector<slot_record>> paused_slots(const std::string& trigger, instant since) const;
  /// Starts or queues a run; the batch gets `with`.
  run_id launch(const run_plan& plan, const admission_decision& decision, kv_batch with,
                std::function<void(result<run_id>)> done);
  /// `admitted`: what it was told.
  void fired(const msg::fired_run& made, bool admitted);
  /// Tells who waits for the slot that it is decided.
  void tell_slot(const keys::slot_key& key);
  result<run_plan> plan_made(const msg::make_slot& what, const std::optional<slot_record>& row);
  void switch_live_runs(const msg::switch_task& what,
                        caf::typed_response_promise<operation_answer> promise);
  /// Calls `count` with how many instances took it, once that is durable.
  void operate(run_id run, const msg::operate_run& what,
               const std::function<void(std::uint32_t)>& count);
  caf::result<msg::made_slot> make_again(const msg::make_slot& what, run_id run);
  std::vector<instance_key> targets_of(const run_record& run, const msg::make_slot& what);
  void rerun(const run_record& run, const msg::make_slot& what,
             caf::typed_response_promise<msg::made_slot> promise);
  void cancel_runs(const std::vector<run_id>& which);
  void admit_next();
  /// The slot's row is durable: the cursor may follow.
  void settled(const std::string& trigger, instant slot);
  void relaunch(run_id run);
  /// Tells who waits for the first batch of a run what became of it.
  void tell_launched(const keys::slot_key& key, const result<run_id>& made);
  /// As it was launched with.
  overlap_policy overlap_of(const run_record& record);
  /// A run that goes on and has no actor of its own yet.
  void enter_live(const run_record& record);
  void tell_ends_of_the_former();
  void found(run_id run, const result<run_actor>& actor);
  void submit(kv_batch batch, std::function<void()> done);
  audit_record audit(const caller& by, std::string verb, std::string object) const;
};

workflow_actor::behavior_type workflow(workflow_actor::stateful_pointer<workflow_state_data> self,
                                       workflow_seed seed);

} // namespace pinion
