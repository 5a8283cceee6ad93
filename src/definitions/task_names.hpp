#pragma once

#include "pinion/model/definition.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pinion {

/// The root names of every expression, loop names apart.
inline constexpr std::array<std::string_view, 21> root_names{"params",
                                                             "vars",
                                                             "secrets",
                                                             "run",
                                                             "task",
                                                             "inputs",
                                                             "slot",
                                                             "logical_date",
                                                             "data_interval_start",
                                                             "data_interval_end",
                                                             "biz_date",
                                                             "biz_date_nodash",
                                                             "ds",
                                                             "ds_nodash",
                                                             "ts",
                                                             "ts_nodash",
                                                             "ds_utc",
                                                             "ds_utc_nodash",
                                                             "ts_utc",
                                                             "ts_utc_nodash",
                                                             "lane"};

inline constexpr std::array<std::string_view, 11> run_keys{
    "id",   "project",      "workflow", "version", "trigger", "lane",
    "note", "requested_by", "outcome",  "reason",  "failed"};

/// Those of them that only end tasks know.
inline constexpr std::array<std::string_view, 3> outcome_keys{"outcome", "reason", "failed"};

/// Names that `run.failed` and PINION_RUN_FAILED have at most.
inline constexpr std::size_t max_failed_names = 100;

inline constexpr std::array<std::string_view, 3> task_keys{"name", "index", "attempt"};

/// Whose `needs` count for a task: its own, or for a fallback those of the primary at the head of
/// the chain.
std::uint32_t head_of_chain(const workflow_definition& workflow, std::uint32_t task);

/// Does a need of `task` on another workflow, of a fallback one of its primary, go by this name
/// under `inputs`?
bool is_need_name(const workflow_definition& workflow, std::uint32_t task, std::string_view name);

/// The task, or the primary at the head of its chain, is an end task.
bool is_at_end(const workflow_definition& workflow, std::uint32_t task);

/// Positions of all tasks that `task` needs, directly or not, ascending; of a fallback those of its
/// primary. An end task has all tasks of the run before it. Linear in tasks and edges above it.
std::vector<std::uint32_t> ancestors_of(const workflow_definition& workflow, std::uint32_t task);

} // namespace pinion
