#pragma once

#include "actors/context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace pinion {

/// What an INSTANCE needs for life. Small: there may be a million of them.
struct instance_seed {
  context_ptr context;
  run_actor run;
  std::shared_ptr<const workflow_definition> definition;
  instance_key key;
};

/// The conversation about one instance: with the DISPATCHER about permits, with the WORKER about
/// processes, with the TIMEKEEPER about time. It decides nothing: what it hears goes to its RUN as
/// an event, and the RUN tells it the state it has entered. Entering a state twice is harmless.
struct instance_state_data {
  static inline constexpr const char* name = "instance";

  instance_actor::stateful_pointer<instance_state_data> self = nullptr;
  instance_seed seed;
  process_key process;           ///< The newest one asked for.
  std::uint64_t state_timer = 0; ///< Ends with the state: queue, upstream, retry.
  std::uint64_t task_timer = 0;  ///< Ends with the instance.
  instance_timer state_timer_is = instance_timer::retry_due;
  /// Of the order under way: told again when the launcher does not know the process.
  std::shared_ptr<const start_request> order;
  bool ordered = false; ///< This actor has told the WORKER to start `process`.
  bool wants_permits = false;
  std::uint32_t request = 0;    ///< Number of its newest request for permits.
  std::vector<pool_need> asked; ///< The pools of its newest request.
  bool stopping = false;        ///< A call that is under way must be cancelled when it answers.
  run_id called;                ///< By a `workflow` task.

  void enter(const msg::enter& what);
  void timer(std::uint64_t id);
  void unknown(const process_key& key);
  void granted(const msg::permits_granted& what);

private:
  const task_definition& task() const { return seed.definition->tasks[seed.key.task]; }
  void ask_for_permits(const msg::enter& what);
  void start(const msg::enter& what);
  /// From now on `process` is the one that is meant.
  void expect(const process_key& wanted);
  void watch();
  void place_order();
  void run_body(const msg::enter& what);
  void call(const msg::enter& what);
  void withdraw();
  void stop(const msg::enter& what);
  void finish();
  void arm(std::uint64_t& id, instant from, duration whole);
  void disarm(std::uint64_t& id);
  void tell(run_event event);
};

instance_actor::behavior_type instance(instance_actor::stateful_pointer<instance_state_data> self,
                                       instance_seed seed);

} // namespace pinion
