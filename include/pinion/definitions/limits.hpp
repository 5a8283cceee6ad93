#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// What a definition file may hold at most. Beyond a limit the file is refused with a sentence that
/// names the limit.
namespace pinion::definition_limits {

inline constexpr std::size_t file_bytes = 16U << 20U;     ///< Of one file.
inline constexpr std::size_t set_bytes = 256U << 20U;     ///< Of all files read together.
inline constexpr std::size_t set_files = 100'000;         ///< Read together.
inline constexpr std::size_t depth = 64;                  ///< Of nested maps and lists.
inline constexpr std::size_t nodes = 1'500'000;           ///< Scalars, maps and lists of one file.
inline constexpr std::size_t documents = 10'000;          ///< Workflows of one file.
inline constexpr std::size_t template_instances = 10'000; ///< Workflows of one `each:`.
inline constexpr std::size_t tasks = 100'000;             ///< Of one workflow.
inline constexpr std::size_t edges = 1'000'000;      ///< `needs` of one workflow, `flow:` included.
inline constexpr std::size_t triggers = 1'000;       ///< Of one workflow.
inline constexpr std::size_t params = 1'000;         ///< Of one workflow.
inline constexpr std::size_t outside_needs = 1'000;  ///< On other workflows, of one task.
inline constexpr std::uint32_t bound_slots = 10'000; ///< `last:`, and `-N` of `slot:`.
inline constexpr std::size_t calendars = 1'000;      ///< Of one pinion.yaml.
inline constexpr std::size_t cases = 1'000;          ///< Of one switch.
inline constexpr std::size_t checks = 100;           ///< Of one task.
inline constexpr std::size_t for_each_elements = 10'000;       ///< Of one fan-out.
inline constexpr std::uint32_t retries = 10'000;               ///< `retry: max`.
inline constexpr std::chrono::milliseconds shortest_poll{100}; ///< `poll: every`.
inline constexpr std::int64_t looks = 10'000'000;   ///< `timeout` of a poll through its `every`.
inline constexpr std::uint32_t permits = 1'000'000; ///< Of a pool, and of one need of it.
inline constexpr std::uint32_t active_tasks = 1'000'000; ///< `max_active`, `max_active_tasks`.
inline constexpr std::uint32_t active_runs = 100'000;    ///< `max_active_runs`.
inline constexpr std::int64_t duration_days = 3'660;     ///< Of any duration: about ten years.
inline constexpr std::size_t errors = 1'000; ///< Reported of one set; the rest is counted.

} // namespace pinion::definition_limits
