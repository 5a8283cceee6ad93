#pragma once

#include "pinion/model/join.hpp"
#include "pinion/model/join_condition.hpp"
#include "pinion/model/run_core.hpp"
#include "pinion/model/run_state.hpp"
#include "setup_scopes.hpp"

#include <array>
#include <map>
#include <span>
#include <unordered_set>

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
  std::uint32_t polling = 0;   ///< Elements between two looks.
};

/// What the edges of one task come to, beside what its join counts of them.
struct edge_tally {
  std::uint32_t open = 0; ///< Not settled, gates included.
  std::uint32_t gates_open = 0;
  std::uint32_t gates_skipped = 0;
  std::uint32_t gates_failed = 0;
};

/// The edge is no upstream of the join, but must be settled before the join is looked at.
constexpr bool is_gate(std::uint32_t need) noexcept { return need >= bound_edge::first_previous; }

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

  std::vector<bound_edge> edges;                         ///< By task and need.
  std::vector<std::optional<edge_record>> settled;       ///< Of the edge in the same place.
  std::unordered_map<std::uint32_t, edge_tally> tallies; ///< By task; only those with edges.

  /// By task: the upstream tasks that it no longer waits for.
  std::unordered_map<std::uint32_t, std::vector<edge_record>> dropped;

  /// Tasks that could begin, were the run admitted; empty while none could, and once it is.
  std::vector<bool> startable;
  std::uint32_t startable_count = 0;
  /// Instances with a row although they stand in the initial state of a run that is not admitted.
  std::unordered_set<instance_key> early_rows;
  bool tell_tasks = false;
  setup_scopes setups;
  /// Of the tasks with a `join_condition`. The conditions stay where they are.
  struct conditional {
    join_condition what;
    join_condition_state truth;
  };
  std::map<std::uint32_t, conditional> conditions;

  std::vector<std::uint32_t> end_tasks; ///< Ascending; their fallbacks left out.

  run_standing standing;
  std::uint32_t live = 0;        ///< Instances that are not terminal.
  std::uint32_t live_at_end = 0; ///< Those of them that belong to end tasks and their fallbacks.
  std::uint32_t polling = 0;     ///< Those between two looks.

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
  /// The same for what goes on from it: where failures of elements do not matter, a cancelled one
  /// beside them still does.
  instance_state counted_state(std::uint32_t task, bool ignored) const;

  /// The task is an end task, or a fallback of one.
  bool at_end(std::uint32_t task) const;
  /// How the run came out: decided when all but end tasks have ended. A run that has not fired is
  /// not decided before its end tasks are.
  std::optional<run_state> outcome() const;
  /// The outcome is decided, and the end task's.
  bool is_meant(std::uint32_t task) const;
  /// Why the task stands in `waiting`, when nothing but what it needs is missing.
  reason reason_to_wait(std::uint32_t task) const;
  void read_end_tasks();

  unit_outcome instance_outcome(const instance_record& at) const;
  unit_outcome chain_outcome(std::uint32_t primary) const;
  /// Number of units that the task is (0 for a fallback), as its direct downstream counts them.
  std::uint32_t units_of(std::uint32_t task) const;

  /// The task's instance waits for upstream, its fallback's turn or the run's place. Not so before
  /// its time, nor once it was let on: an element of a fan-out, or one frozen in pre_ready.
  bool awaits(std::uint32_t task) const;
  void read_condition(std::uint32_t task);
  /// The task as a whole may count otherwise now: the conditions behind it hear of it.
  void tell_conditions(std::uint32_t head);
  /// The condition, and the edges, which must all have succeeded.
  join_decision decide_condition(std::uint32_t task, const conditional& condition) const;
  /// What the run's end, gates and join say about the task.
  join_decision decide(std::uint32_t task) const;
  /// The task (a fallback: its primary) lets it begin, and nothing but the run's admission is
  /// missing.
  bool could_begin(std::uint32_t task) const;
  void set_startable(std::uint32_t task, bool on);

  /// Takes over those that fit the definition.
  void place_edges(std::vector<bound_edge> bound);
  /// The place of an edge in `edges`.
  std::optional<std::size_t> edge_at(std::uint32_t task, std::uint32_t need) const noexcept;
  /// The places [first, second) of a task's edges.
  std::pair<std::size_t, std::size_t> edges_of(std::uint32_t task) const noexcept;
  const edge_tally* tally_of(std::uint32_t task) const noexcept;
  void settle_edge(std::size_t place, edge_record as);
  /// The record by which `task` no longer waits for the chain of `upstream`, or null.
  const edge_record* drop_of(std::uint32_t task, std::uint32_t upstream) const noexcept;
  /// What the task's join counts, its dropped upstreams as success.
  join_counts counts_of(std::uint32_t task) const;
  /// Counts the edge, settled or not, into its task's tally and join.
  void count_edge(std::size_t place);

  /// How the task as a whole counts for joins.
  upstream_class class_of(std::uint32_t task) const;

  /// Recounts everything that follows from `instances`, and the run's counts.
  void recount(run_record& run);
  /// Counts the instances of `task` into the joins behind it and the run's standing.
  void count_units(std::uint32_t task);
};

/// The record of an instance that has no row: the initial state of `run`.
instance_record initial_record(const workflow_definition& workflow, const run_record& run,
                               std::uint32_t task);

/// Why an instance of the task waits in a run that has begun.
reason first_reason_to_wait(const task_definition& task) noexcept;

/// How an instance of `run` takes part as long as nobody switches it.
task_mode initial_mode(const run_record& run, std::uint32_t task) noexcept;

/// Waits for `max_parallel` of its fan-out; its turn for permits has not come.
bool is_held(const instance_record& at) noexcept;

/// The task's attempts come through the dispatcher: it has a process or holds permits.
bool needs_dispatcher(const task_definition& task) noexcept;

} // namespace pinion
