#pragma once

#include "actors/context.hpp"
#include "pinion/storage/store_reader.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <map>
#include <set>

namespace pinion {

/// Up to where the plan reaches at `now`: to the end of the local day, from `plan_at` on to the end
/// of the next one, and at least an hour ahead. Pure.
instant plan_horizon(instant now, duration plan_at, zone in) noexcept;

/// The PLANNER. A slot passes four gates: planned (its row is written), loaded (its run becomes an
/// actor), due (its wheel entry fires), decided (by the WORKFLOW). All but the last may be
/// repeated. It holds only the next minutes; the day stands in the store.
struct planner_state {
  static inline constexpr const char* name = "planner";
  /// Rows in one batch of the plan, and batches under way: what planning may hold in memory.
  static constexpr std::size_t max_rows = 1'000;
  static constexpr std::size_t max_batches = 4;

  struct planned_trigger {
    trigger_definition definition;
    slot_rule slots;        ///< Its own, or those of the trigger that it follows.
    interval_rule interval; ///< Likewise.
    zone in;                ///< Likewise.
    instant until{};        ///< Slots up to here have been planned.
  };
  struct planned_workflow {
    workflow_actor actor;
    std::shared_ptr<const workflow_definition> definition;
    std::uint32_t version = 0;
    instant rule_from{}; ///< Slots of this version count from here on.
    std::vector<planned_trigger> triggers;
    /// Batches of planned rows under way: until they are durable, what the store shows of this
    /// workflow's plan may be an older version's.
    std::uint32_t writing = 0;
    /// Planned slots from here on are being erased by one of them.
    instant voided_from = instant::max();
    /// Owed slots that are still being told: none of its planned ones is loaded meanwhile.
    std::uint32_t paying = 0;
    /// Changes when its triggers are planned anew.
    std::uint64_t generation = 0;
  };
  struct loaded_slot {
    std::string workflow;
    std::string trigger;
    instant slot{};
    friend auto operator<=>(const loaded_slot&, const loaded_slot&) = default;
  };
  using due_slots = std::map<std::string, std::vector<instant>>; ///< By trigger, ascending.
  /// A list of slots that passed unnoticed, told piece by piece.
  struct owed_walk {
    std::string workflow;
    std::uint64_t generation = 0;
    std::string trigger;
    slot_rule slots;
    instant from{};
    instant to{}; ///< First slot that is run, or after the last one that is missed.
    std::vector<instant> run;
    std::set<instant> jittered; ///< Not late yet: neither missed nor run.
    kv_batch kept;              ///< Planned rows of those, written once all else is decided.
  };

  planner_actor::stateful_pointer<planner_state> self = nullptr;
  context_ptr context;
  std::map<std::string, planned_workflow> workflows;
  /// By the instant at which they fire: slot plus jitter.
  std::map<instant, std::set<loaded_slot>> loaded;
  std::map<std::uint64_t, instant> slot_timers;
  std::deque<std::string> to_extend;
  std::size_t batches = 0;
  std::uint64_t load_timer = 0;
  std::uint64_t horizon_timer = 0; ///< At the end of what is loaded, by the wall clock.
  bool load_queued = false;
  std::uint64_t plan_timer = 0;
  std::uint64_t generations = 0;
  instant loaded_at{};
  wheel_answer lags; ///< Only what it says of lags.

  void start_up();
  void plan(const msg::plan_workflow& what, const workflow_actor& actor);
  void forget(const std::string& workflow, const workflow_actor& actor);
  void load_soon();
  void due(std::uint64_t id);
  void load();
  wheel_answer describe() const;

private:
  definition_directory directory_of(const planned_workflow& of) const;
  std::optional<planned_trigger> take_trigger(const planned_workflow& of,
                                              const trigger_definition& trigger);
  instant newest_slot(const std::string& workflow, const std::string& trigger) const;
  instant planned_until(const std::string& workflow, const std::string& trigger) const;
  void pay_owed(const std::string& id, planned_workflow& of, planned_trigger& trigger,
                instant cursor);
  void pay_next(owed_walk walk);
  void extend_all();
  void extend_later(const std::string& id);
  void extend_next();
  /// Adds rows for the next slots of a workflow; true if it has more of them.
  bool add_rows(const std::string& id, planned_workflow& of, kv_batch& batch);
  slot_record row_of(const std::string& id, const planned_workflow& of,
                     const planned_trigger& trigger, const ruled_slot& slot) const;
  void drop_loaded(const std::string& workflow, instant from);
  /// Erases what is planned from `from` on, but what `stays`; `version` is the first that is not
  /// void. Returns what is due already: that is with its WORKFLOW, which decides it.
  due_slots void_planned(const std::string& workflow, instant from, const workflow_definition* kept,
                         std::uint32_t version,
                         const std::function<bool(const slot_record&)>& stays = {});
  /// Voids what was on its way to the disk when the plan of an older version was voided.
  void void_surplus(const std::string& workflow, instant from, std::uint32_t version);
  void leave_out(const planned_workflow& of, due_slots due);
  void leave_out_gone(const std::string& workflow, planned_workflow& of);
  bool is_planned(const trigger_record& trigger) const;
  /// It plans no more: the workflow is retired, or its definition is without it, or disables it.
  static bool is_gone(const planned_workflow& of, const std::string& trigger);
  static instant day_after(const workflow_definition& of, instant now);
  void pay_planned(const std::string& id, planned_workflow& of, const planned_trigger& trigger,
                   instant cursor, instant to, std::size_t newer);
  void tell_owed(const std::string& id, planned_workflow& of, msg::owed_slots what,
                 std::function<void()> then);
  std::optional<std::uint32_t> planned_version(const std::string& workflow) const;
  void look_for_jump();
  void keep_jittered(const std::string& id, const planned_workflow& of,
                     const planned_trigger& trigger, instant after, owed_walk& walk);
  void submit_plan(const std::string& workflow, kv_batch batch, std::function<void()> then);
  /// What is due of triggers that have gone is added to `gone`, by workflow.
  void load_row(const slot_record& row, std::map<std::string, due_slots>& gone);
  void fire_due();
  void arm_slot(instant at);
  void arm_plan();
};

planner_actor::behavior_type planner(planner_actor::stateful_pointer<planner_state> self,
                                     context_ptr context);

} // namespace pinion
