#pragma once

#include "api/json.hpp"
#include "pinion/model/definition.hpp"
#include "pinion/model/records.hpp"
#include "pinion/timing/problem.hpp"

#include <limits>
#include <optional>
#include <vector>

namespace pinion {

/// The rows of one run; tasks without a row stand in their initial state.
struct run_instances {
  const run_record& run;
  const std::vector<instance_record>& rows;
};

/// Which part of a graph: everything, or so many steps up and down from one task.
struct graph_extent {
  std::optional<std::uint32_t> around;
  std::uint32_t upstream = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t downstream = std::numeric_limits<std::uint32_t>::max();
  /// Of more tasks than these, those whose state needs attention first, then from the top.
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

class store_view;

/// {workflow, run, state, at, more, nodes: [{task, type, state, counts, level, needs[], fallback,
/// started_at, ended_at}]} in the order of the definition. `more`: so many tasks are left out.
/// `level` is the longest way from a task without needs; a fallback stands one level below its
/// primary. `state` of a fan-out: that of its instance that needs attention first; `counts` has all
/// of them. Without `instances` both are null.
json graph_of(const workflow_definition& definition, const run_instances* instances,
              const graph_extent& extent);

/// Adds `across: {upstream: [{task, workflow, trigger, upstream_task, slot, run, state}],
/// downstream:
/// [{task, workflow, downstream_task}]}` to a graph: needs on other runs of the tasks that it
/// shows, of a run with what they are bound to, and the tasks of all workflows that need it. Fails
/// with the store's errors.
result<void> add_across(const store_view& view, const workflow_definition& definition,
                        const run_record* run, json& graph);

} // namespace pinion
