#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace pinion::bench {

/// What one measurement works with.
struct surroundings {
  std::filesystem::path folder; ///< Empty, on the disk that is measured; removed afterwards.
  bool quick = false;           ///< Smaller counts: does it work, rather than how fast.

  std::uint32_t count(std::uint32_t full, std::uint32_t short_run) const noexcept {
    return quick ? short_run : full;
  }
};

/// One measured value of one quantity (see quantities.hpp).
struct figure {
  std::string quantity;
  double value = 0;
};

/// What is measured together, in a process of its own: so no case sees the heap, the threads or the
/// page faults of another. Throws std::runtime_error when it fails.
struct bench_case {
  const char* name;
  const char* what; ///< A sentence for `--list`.
  unsigned rounds;  ///< At most so many: the slow ones are repeated less.
  std::vector<figure> (*measure)(const surroundings& at);
};

/// All cases, floors first: within a round they run in this order.
std::span<const bench_case> all_cases();

// floor_cases.cpp
std::vector<figure> measure_fdatasync(const surroundings& at);
std::vector<figure> measure_spawn(const surroundings& at);
std::vector<figure> measure_idle_actor(const surroundings& at);
// part_cases.cpp
std::vector<figure> measure_store(const surroundings& at);
std::vector<figure> measure_cron(const surroundings& at);
std::vector<figure> measure_load(const surroundings& at);
// wheel_case.cpp
std::vector<figure> measure_wheel(const surroundings& at);
// simulation_cases.cpp
std::vector<figure> measure_simulated_year(const surroundings& at);
// engine_cases.cpp
std::vector<figure> measure_wide(const surroundings& at);
std::vector<figure> measure_chain(const surroundings& at);
std::vector<figure> measure_runs(const surroundings& at);
std::vector<figure> measure_processes(const surroundings& at);
// memory_cases.cpp
std::vector<figure> measure_memory(const surroundings& at);
// plan_case.cpp
std::vector<figure> measure_plan(const surroundings& at);
// recovery_cases.cpp
std::vector<figure> measure_recovery(const surroundings& at);
std::vector<figure> measure_recovery_of_queue(const surroundings& at);
/// The part of the two above that ends without closing anything: fills `at.folder`, does not
/// return.
[[noreturn]] void fill_and_die(const surroundings& at, bool queued);
// restart_case.cpp
std::vector<figure> measure_restart(const surroundings& at);
/// As above.
[[noreturn]] void fill_history_and_die(const surroundings& at);
// views_case.cpp
std::vector<figure> measure_views(const surroundings& at);
/// As above.
[[noreturn]] void fill_views_and_die(const surroundings& at);

} // namespace pinion::bench
