#pragma once

#include "pinion/model/join.hpp"
#include "pinion/model/run_core.hpp"
#include "pinion/model/run_state.hpp"

#include <array>
#include <span>

namespace pinion {

/// How one unit (see unit_class) counts: for the joins behind it, and for the run's state. They
/// differ where a failed primary's fallback did not make good: skipped, it skips what is behind it,
/// but the run has a failure that nothing covers.
struct unit_outcome {
  upstream_class join = upstream_class::pending;
  unit_class run = unit_class::pending;
  friend bool operator==(const unit_outcome&, const unit_outcome&) = default;
};

/// Tallies of one fan-out task, kept as its elements move.
struct fan_tally {
  std::array<std::uint32_t, instance_state_count> by_state{};
  std::uint32_t held = 0;      ///< Elements in pre_ready behind `max_parallel`.
  std::uint32_t next_held = 0; ///< No element before this position is held.
};

/// The part of a run's state that follows from its instances, for O(1) decisions, and the instances
/// themselves.
struct run_core::graph {
  graph(const workflow_definition& workflow, const run_record& run);

  const workflow_definition& workflow;
  std::vector<std::uint32_t> downstream_begin; ///< Size tasks + 1; into `downstream`.
  std::vector<std::uint32_t> downstream;
  std::vector<std::uint32_t> by_name; ///< Task positions in the order of their names.

  std::vector<std::vector<instance_record>> instances; ///< By task, then in the order of elements.
  std::vector<join_counts> joins;                      ///< By task.
  std::unordered_map<std::uint32_t, fan_tally> fans;   ///< By task; only those with for_each.
  std::unordered_map<instance_key, attempt_record> attempts; ///< Not ended.
  std::unordered_map<instance_key, json_text> outputs;
  run_standing standing;
  std::uint32_t live = 0; ///< Instances that are not terminal.

  const task_definition& task(std::uint32_t position) const { return workflow.tasks[position]; }
  std::span<const std::uint32_t> downstream_of(std::uint32_t task) const;
  instance_record* find(const instance_key& key) noexcept;

  /// The primary at the head of the task's fallback chain: itself if it is no fallback.
  std::uint32_t primary_of(std::uint32_t task) const;
  /// The task is a unit together with others: it has a fallback or is one.
  bool chained(std::uint32_t task) const;
  /// The member of the chain whose turn it is or was last: all before it ended failed.
  std::uint32_t current_member(std::uint32_t primary) const;
  /// The state of a task as one: that of its only instance; of an expanded fan-out the first that
  /// applies of: still alive, failed, cancelled, success, skipped.
  instance_state aggregate_state(std::uint32_t task) const;

  unit_outcome instance_outcome(const instance_record& at) const;
  unit_outcome chain_outcome(std::uint32_t primary) const;
  /// Number of units that the task is (0 for a fallback), as its direct downstream counts them.
  std::uint32_t units_of(std::uint32_t task) const;

  /// Recounts everything that follows from `instances`, and the run's counts.
  void recount(run_record& run);
  /// Counts the instances of `task` into the joins behind it and the run's standing.
  void count_units(std::uint32_t task);
};

/// The record of an instance that has no row: the initial state of `run`.
instance_record initial_record(const workflow_definition& workflow, const run_record& run,
                               std::uint32_t task);

/// Waits for `max_parallel` of its fan-out; its turn for permits has not come.
bool is_held(const instance_record& at) noexcept;

/// The task's attempts come through the dispatcher: it has a process or holds permits.
bool needs_dispatcher(const task_definition& task) noexcept;

} // namespace pinion
