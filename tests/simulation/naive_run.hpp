#pragma once

#include "simulation/naive.hpp"

#include <optional>
#include <set>
#include <string>

namespace pinion::sim {

/// All that a task needs, over any number of needs.
std::set<std::uint32_t> tasks_before(const workflow_definition& of, std::uint32_t task);

/// The task waits for the setup although it does not directly need it: it lies behind it, and not
/// behind its teardowns.
bool waits_for_setup(const workflow_definition& of, std::uint32_t task, std::uint32_t setup);

/// The task, or the primary at the head of its chain.
std::uint32_t head_of(const workflow_definition& of, std::uint32_t task);

/// What a run comes to by its rows, end tasks left out. Nothing while one of them is alive or has
/// no row.
std::optional<run_state> outcome_of(const workflow_definition& of, const task_rows& rows,
                                    bool timed_out);

/// A row of the run is of a failure that nothing covers; one that a chain may cover is none.
bool has_failed(const workflow_definition& of, const task_rows& rows);

/// The condition of a join may be true as the rows stand. `text` is well formed.
bool may_hold(const workflow_definition& of, const std::string& text, const task_rows& rows);

/// The task is named by the switch and goes on if the value is `value`: it is chosen, or lies
/// behind a task that is. True of a task that it does not name.
bool goes_on(const workflow_definition& of, std::uint32_t choice, const std::string& value,
             std::uint32_t task);

} // namespace pinion::sim
