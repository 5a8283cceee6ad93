#pragma once

#include "api/api_state.hpp"
#include "api/store_directory.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pinion {

/// One slot of a day as its trigger has it: planned, decided, or not planned yet.
struct plan_entry {
  instant slot{};
  slot_outcome outcome = slot_outcome::planned;
  bool expected = false; ///< The planner has not come to it: by the rule as it is now.
  bool dry = false;
  std::uint32_t version = 0;
  run_id run;

  /// It runs or has run.
  bool runs() const noexcept {
    return outcome == slot_outcome::planned || outcome == slot_outcome::fired ||
           outcome == slot_outcome::late;
  }
  std::string_view state() const noexcept { return expected ? "expected" : to_string(outcome); }
};

/// A trigger of the store with its workflow.
struct planned_trigger {
  trigger_record record;
  bool clock_stopped = false; ///< Paused or retired, it or its workflow: nothing is expected.
};

/// The triggers that the plan speaks of, by workflow and name; with `workflow` only its own.
result<std::vector<planned_trigger>> planned_triggers(const store_view& view,
                                                      const std::string& workflow);

/// The slots of a trigger in [from, to), ascending: those of the store, and after now those that
/// its rule has beyond them.
result<std::vector<plan_entry>> plan_of(const store_view& view, const store_directory& others,
                                        const planned_trigger& trigger, instant from, instant to);

/// How much runs of a workflow occupy, minute by minute from their slot on: the mean of the last
/// successful runs.
struct load_profile {
  std::vector<double> slots;
  std::map<std::string, std::vector<double>> pools; ///< By "project.pool".
};
result<load_profile> profile_of(const store_view& view, const std::string& workflow);

/// One minute of the plan.
struct plan_minute {
  std::uint64_t runs = 0;
  std::uint64_t instances = 0; ///< Of these runs; a fan-out that is not expanded counts as one.
  std::map<std::string_view, std::uint64_t> states; ///< Slots by state.
  double busy_slots = 0;                            ///< Expected, of all runs of the answer.
  std::map<std::string, double> busy_pools;
};

/// The plan of [from, to) by minute; holds the minutes, not the instances.
result<std::vector<plan_minute>> plan_by_minute(const store_view& view, const std::string& workflow,
                                                instant from, instant to);

} // namespace pinion
