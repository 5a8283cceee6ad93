#pragma once

#include "actors/context.hpp"
#include "pinion/storage/store_reader.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <set>

namespace pinion {

/// Which of the slots that passed unnoticed (the engine was down, the clock was set) still run.
struct owed_slots {
  std::vector<instant> run;    ///< Ascending.
  std::vector<instant> missed; ///< Ascending; the newest 1,000 at most.
};

/// The slots of `of` in (cursor, now] under the default misfire policy: all within one day, at most
/// the newest 100; for what polls only the last. Pure.
owed_slots slots_owed(const schedule& of, instant cursor, instant now);

/// The PLANNER. A slot passes four gates: planned (its row is written), loaded (its run becomes an
/// actor), due (its wheel entry fires), decided (by the WORKFLOW). All but the last may be
/// repeated.
struct planner_state {
  static inline constexpr const char* name = "planner";
  /// Slots of one trigger planned in one pass: beyond that the pass ends and is repeated.
  static constexpr std::size_t max_planned = 10'000;

  struct planned_trigger {
    trigger_definition definition;
    std::uint32_t version = 0;
    instant until{}; ///< Slots up to here have been planned.
  };
  struct planned_workflow {
    workflow_actor actor;
    std::vector<planned_trigger> triggers;
    /// Batches of planned rows under way: until they are durable, what the store shows of this
    /// workflow's plan may be an older version's.
    std::uint32_t writing = 0;
  };
  struct loaded_slot {
    std::string workflow;
    std::string trigger;
    friend auto operator<=>(const loaded_slot&, const loaded_slot&) = default;
  };

  planner_actor::stateful_pointer<planner_state> self = nullptr;
  context_ptr context;
  std::map<std::string, planned_workflow> workflows;
  std::map<instant, std::set<loaded_slot>> loaded;
  std::map<std::uint64_t, instant> slot_timers;
  std::uint64_t load_timer = 0;
  instant loaded_at{};
  duration worst_lag{0};

  void plan(const msg::plan_workflow& what, const workflow_actor& actor);
  void forget(const std::string& workflow);
  void due(std::uint64_t id);
  void load();
  wheel_answer describe() const;

private:
  void pay_owed(planned_workflow& of, planned_trigger& trigger, const trigger_record& record);
  void extend(const std::string& id, planned_workflow& of);
  void void_planned(const std::string& workflow);
  void catch_up_all();
  void write_plan(const std::string& workflow, kv_batch batch);
  void submit_plan(const std::string& workflow, kv_batch batch);
  void fire_due();
  void arm_slot(instant slot);
};

planner_actor::behavior_type planner(planner_actor::stateful_pointer<planner_state> self,
                                     context_ptr context);

} // namespace pinion
