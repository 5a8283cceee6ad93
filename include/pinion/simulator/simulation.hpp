#pragma once

#include "pinion/model/lifecycle.hpp"
#include "pinion/model/records.hpp"
#include "pinion/simulator/process_model.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pinion {

/// What is simulated: workflows with unique ids, and the settings of their projects.
struct simulated_set {
  std::vector<std::shared_ptr<const workflow_definition>> workflows;
  std::map<std::string, project_settings> projects;
};

struct simulation_options {
  instant from{}; ///< Slots in [from, to) fire; what they began is followed to its end.
  instant to{};
  std::uint32_t slots = 16; ///< Processes that run at once.
  /// What counts where a need names a slot before `from`: that it succeeded, or that there never
  /// was one, as for an engine that starts then.
  enum class past : std::uint8_t { succeeded, absent } before = past::succeeded;
  /// More instances than this are `errc::limit`.
  std::size_t max_instances = 50'000'000;
};

/// One instance as it came to rest. Positions are those in the result's lists.
struct simulated_instance {
  std::uint32_t run = 0;
  std::uint32_t task = 0;  ///< Position in its workflow.
  std::uint32_t index = 0; ///< In `simulation_result::indexes`; 0: no element of a fan-out.
  instance_state state = instance_state::pre_trigger;
  reason why = reason::none;
  std::uint16_t attempts = 0;
  instant ready_at{};   ///< It asked for permits; of the newest attempt, likewise the next.
  instant started_at{}; ///< `never` if it did not run.
  instant ended_at{};   ///< `never` if it had not ended when nothing more could happen.
};

/// One slot that was decided, or one run that a task called.
struct simulated_run {
  std::uint32_t workflow = 0;
  std::uint32_t trigger = 0; ///< In `simulation_result::triggers`.
  instant slot{};
  instant fired_at{}; ///< Slot and jitter.
  slot_outcome outcome = slot_outcome::planned;
  run_state state = run_state::planned;
  reason why = reason::none; ///< Of the run; of a slot without one why it was left out.
  bool dry = false;
  bool called = false;     ///< By a task of another run; the slot is that run's.
  instant started_at{};    ///< First attempt.
  instant ended_at{};      ///< `never` if it did not end.
  std::uint32_t first = 0; ///< Its instances are [first, first + count) of the result's.
  std::uint32_t count = 0;
};

/// A trigger as the simulation numbers it.
struct simulated_trigger {
  std::uint32_t workflow = 0;
  std::string id; ///< "@call" for all runs that tasks called.
};

/// Use of a pool in one hour of UTC.
struct pool_hour {
  instant start{};
  double used = 0;   ///< Mean permits out.
  double queued = 0; ///< Mean instances that waited for it.
  std::uint32_t most_used = 0;
  std::uint32_t most_queued = 0;
};

struct simulated_pool {
  std::string name; ///< "slots", or project.pool
  std::uint32_t capacity = 0;
  std::vector<pool_hour> hours; ///< Ascending, without those in which nothing used or waited.
};

struct simulation_result {
  std::vector<std::shared_ptr<const workflow_definition>> workflows; ///< As given.
  std::vector<simulated_trigger> triggers;
  std::vector<std::string> indexes; ///< Names of elements; the first is empty.
  std::vector<simulated_run> runs;  ///< In the order of slots.
  std::vector<simulated_instance> instances;
  std::vector<simulated_pool> pools;
  /// What could not be known and was taken for granted; each sentence once.
  std::set<std::string> assumptions;
  instant from{};
  instant to{};
  instant ended_at{}; ///< The last thing happened; `from` if nothing did.

  const workflow_definition& workflow_of(const simulated_run& run) const {
    return *workflows[run.workflow];
  }
  const std::string& trigger_of(const simulated_run& run) const { return triggers[run.trigger].id; }
  const task_definition& task_of(const simulated_instance& at) const {
    return workflow_of(runs[at.run]).tasks[at.task];
  }
};

/// Runs the planner's rules, the lifecycle, admission, needs and pools of an engine on a virtual
/// clock, with processes as `processes` says. Everything that happens takes no time but processes
/// and delays. Pure and deterministic. Fails with `errc::invalid` where `to` is not after `from`,
/// `errc::limit`.
result<simulation_result> simulate(const simulated_set& of, const simulation_options& options,
                                   const process_model& processes);

} // namespace pinion
