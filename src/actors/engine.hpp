#pragma once

#include "actors/context.hpp"
#include "actors/workflow.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <set>

namespace pinion {

/// The ENGINE: supervises the WORKFLOWs, takes definitions, and is the door for everybody outside.
struct engine_state {
  static inline constexpr const char* name = "engine";
  static constexpr std::uint32_t max_restarts = 3;
  /// So long after the start, a process that no instance has asked for belongs to nobody.
  static constexpr std::chrono::seconds claim_time{30};
  /// A shutdown that stops tasks waits at most so long for them.
  static constexpr std::chrono::seconds stop_time{90};
  /// An answer of a WORKFLOW or RUN that does not come: its actor crashed with the promise.
  static constexpr std::chrono::seconds patience{120};

  struct waiter {
    msg::answer<run_record> done;
    std::uint64_t timer = 0;
  };
  struct kept_workflow {
    workflow_actor actor;
    workflow_record record;
    std::shared_ptr<const workflow_definition> definition;
    std::uint32_t crashes = 0;
    /// Shared with every request to its actors that has not been answered.
    std::shared_ptr<const bool> in_use = std::make_shared<const bool>(true);
  };
  struct closing {
    msg::answer<operation_answer> done;
    steady_instant until{};
    std::uint64_t timer = 0;
  };

  engine_actor::stateful_pointer<engine_state> self = nullptr;
  context_ptr context;
  std::function<void()> over;
  std::map<std::string, kept_workflow> workflows;
  std::map<std::string, std::vector<std::string>> folders; ///< Read ones, with their problems.
  std::multimap<run_id, waiter> waiters;
  std::optional<closing> shutting_down;
  instant started_at{};
  duration recovery{0};
  /// What a WORKFLOW has been asked and has not answered.
  struct open_question {
    std::string workflow;
    std::function<void()> ask;
  };
  std::map<std::uint64_t, open_question> open_questions;
  std::uint64_t questions_asked = 0;
  std::set<std::string> erasing; ///< Deleted workflows whose rows are not all gone.
  /// Sets of a workflows folder in which such a name comes again.
  std::vector<msg::apply> applies_after_erasure;
  /// An apply and a pause both write whole rows of triggers: never while the other is under way,
  /// and applies one by one. What has to wait, in the order in which it came.
  std::vector<std::function<void()>> rule_changes;
  bool applying = false;
  std::uint32_t pausing = 0;
  std::uint64_t claim_timer = 0;
  std::size_t restoring = 0; ///< WORKFLOWs that have not restored their runs yet.
  bool recovery_over = false;
  bool held = false;

  // engine_recovery.cpp
  void start_up();
  void end_recovery();
  // engine_apply.cpp
  void apply(msg::apply& what);
  // engine_delete.cpp
  void delete_workflow(const msg::delete_workflow& what);
  void erased(const msg::workflow_erased& what);
  // engine_pause.cpp
  void pause(msg::pause& what);
  void resume(msg::resume& what);
  /// Carries on with the changes of rules that had to wait; some may have to wait again.
  void next_rule_changes();
  // engine.cpp
  void trigger(msg::trigger& what);
  void make_slot(msg::make_one_slot& what);
  void switch_task(msg::switch_one_task& what);
  void set_pool(const msg::set_one_pool& what);
  caf::result<bool> seal(const msg::seal_run& what);
  void unseal(const msg::unseal_run& what);
  caf::result<msg::made_slot> make_for_backfill(const std::string& workflow,
                                                const msg::make_slot& what);
  void operate(msg::operate& what);
  void hold(const msg::hold& what);
  void keep_requests(msg::keep_requests& what);
  void shutdown(const msg::shutdown& what);
  void explain(const msg::why& what);
  void describe_wheel(const msg::wheel& what);
  void health(const msg::health& what);
  void wait_run(const msg::wait_run& what);
  caf::result<run_id> call(const msg::call_workflow& what);
  void cancel_called(run_id run);
  void run_is_over(const run_record& run);
  void timer(std::uint64_t id);
  void workflow_down(const caf::actor_addr& who, const caf::error& why);
  void start_again(const std::string& workflow);

private:
  /// Asks a WORKFLOW, and its successor again should it crash, until `done` has one answer. A
  /// WORKFLOW that crashes gives none, and may have done all the same what it was asked: `what`
  /// must be such that twice is as good as once. Defined in engine_ask.hpp.
  template <class Answer, class Message>
  void ask(const std::string& workflow, Message what,
           std::function<void(const result<Answer>&)> done);
  void ask_again(std::uint64_t question);
  std::vector<std::uint64_t> questions_to(const std::string& workflow) const;
  static problem no_workflow(const std::string& id);
  bool recover();
  /// Begins the backfills that new triggers with `catchup` are owed: each has a row until its
  /// backfill is durable.
  void pay_catch_up();
  void share_definitions();
  result<std::vector<problem>> keeps_from_deletion(const std::string& id) const;
  void write_deletion(const msg::delete_workflow& what);
  /// It was closed for its deletion, which did not come about.
  void open_again(const kept_workflow& of);
  bool go_on_erasing();
  /// Reads the runs that have not ended, by workflow, and tells the DISPATCHER what they hold.
  std::optional<std::map<std::string, std::vector<run_record>>> restore_permits();
  void start_workflow(kept_workflow& of, bool again, std::vector<run_record> live = {});
  /// Calls `then` with the RUN, or `failed` with the reason.
  /// As long as a copy of `use` lives the workflow is in use.
  using workflow_use = std::shared_ptr<const bool>;
  void with_run(run_id run, std::function<void(const run_actor&, const workflow_use& use)> then,
                std::function<void(const problem&)> failed);
  void tell_parent(const run_record& run);
  void check_shutdown();
  result<std::vector<std::string>> targets_of(const pause_target& target) const;
  void write_pause(const std::string& id, bool paused, const caller& by, kv_batch& batch);
  template <class MakeMessage>
  void change_pause(const pause_target& target, bool paused, const caller& by,
                    const msg::answer<operation_answer>& done, MakeMessage make);
};

/// How the engine's parts start: what `start_engine` has read before any actor exists.
engine_actor::behavior_type engine_door(engine_actor::stateful_pointer<engine_state> self,
                                        context_ptr context, bool held, std::function<void()> over);

/// The meta row of a trigger that is owed what passed before its first apply: from when and up to
/// when, in microseconds.
std::string catch_up_key(const std::string& workflow, const std::string& trigger);
inline constexpr const char* catch_up_rows = "catchup/";

/// The meta row that says that the engine is on hold.
inline constexpr const char* held_row = "held";

} // namespace pinion
