#pragma once

#include "pinion/simulator/simulation.hpp"

#include <string>
#include <vector>

namespace pinion::testing {

/// One workflow of the year, in UTC. All have a task `load`, and behind it `publish`.
struct year_workflow {
  enum class kind { hourly, daily, weekly, monthly } what = kind::daily;
  int minute = 0;
  int hour = 0;
  int weekday = 1; ///< weekly: from Sunday 0.
  enum class need { none, nearest, day, week, month } needs = need::none;
  std::size_t upstream = 0; ///< Whose `load` its own `load` needs.
  bool previous = false;    ///< depends_on_previous: self
  bool pool = false;        ///< Its `load` holds a permit of `db`.
};

/// Mixed workflows: hourly, daily, weekly and monthly, with needs on each other and a pool.
std::vector<year_workflow> mixed_workflows(std::size_t count);

inline constexpr std::uint32_t year_slots = 64;
inline constexpr std::uint32_t year_permits = 24;

/// Through the loader; throws std::runtime_error with its first error.
simulated_set load_year(const std::vector<year_workflow>& of);

/// Durations with spread, and one attempt in 200 that fails.
duration_table durations_of_year(std::uint64_t seed);

/// What is wrong with a result: slots that did not come exactly once (against arithmetic on days),
/// tasks that began before what they need had succeeded, runs of a workflow side by side, more
/// processes or permits than there are. Knows nothing of the rules' code. At most 20 sentences.
std::vector<std::string> faults_of(const std::vector<year_workflow>& of,
                                   const simulation_result& result);

} // namespace pinion::testing
