#pragma once

#include "pinion/model/run_core.hpp"
#include "pinion/storage/kv.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion {

/// What keeps tasks of a run from beginning, as `why` has found out.
struct forecast_limits {
  instant earliest = never;    ///< Nothing begins before.
  bool nothing_begins = false; ///< Nobody knows when anything may.
  /// By task: when what keeps it is expected to be over; `never`: nobody knows.
  std::map<std::uint32_t, instant> blocked = {};
};

/// When the tasks of a live run are expected to start and end, from how long each took in the
/// newest successful run of the workflow, under the limits. `never`: nothing is known. Waits for
/// permits that are still to come are not foreseen.
class forecast {
public:
  /// Larger graphs get no forecast: `why` must stay quick.
  static constexpr std::size_t max_tasks = 5'000;

  forecast(const run_core& run, const kv_reader& store, instant now,
           const forecast_limits& limits = {});

  instant start_of(std::uint32_t task) const { return at(task).start; }
  instant end_of(std::uint32_t task) const { return at(task).end; }
  /// The latest end of all tasks; `never` if that of one is not known.
  instant end_of_run() const;
  /// The tasks that decide when `task` starts, first one first, `task` last.
  std::vector<std::uint32_t> critical_path(std::uint32_t task) const;
  /// The task that is expected to end last.
  std::uint32_t last_task() const;

private:
  struct span {
    instant start = never;
    instant end = never;
    std::uint32_t after = no_element; ///< The upstream that ends last.
    bool counts = true;               ///< Not a fallback or end task that is not called for.
  };
  span at(std::uint32_t task) const { return task < spans_.size() ? spans_[task] : span{}; }
  void learn(const run_core& run, const kv_reader& store, std::vector<duration>& took) const;
  span predict(const run_core& run, std::uint32_t task, duration took, instant now,
               const forecast_limits& limits) const;
  /// An end task starts behind `last`, if that is known.
  void put_at_end(const run_core& run, std::uint32_t task, std::optional<std::uint32_t> last,
                  span& of) const;

  std::vector<span> spans_;
};

/// Positions of the tasks so that each comes after all that it needs and, a fallback, its primary;
/// end tasks last.
std::vector<std::uint32_t> in_order(const workflow_definition& workflow);

} // namespace pinion
