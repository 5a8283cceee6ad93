#pragma once

#include "pinion/model/run_core.hpp"
#include "pinion/storage/kv.hpp"

#include <string>
#include <vector>

namespace pinion {

/// When the tasks of a live run are expected to start and end, from how long each took in the
/// newest successful run of the workflow. `never`: nothing is known.
class forecast {
public:
  /// Larger graphs get no forecast: `why` must stay quick.
  static constexpr std::size_t max_tasks = 5'000;

  forecast(const run_core& run, const kv_reader& store, instant now);

  instant start_of(std::uint32_t task) const { return at(task).start; }
  instant end_of(std::uint32_t task) const { return at(task).end; }
  /// The latest end of all tasks.
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
  };
  span at(std::uint32_t task) const { return task < spans_.size() ? spans_[task] : span{}; }
  void learn(const run_core& run, const kv_reader& store, std::vector<duration>& took) const;
  span predict(const run_core& run, std::uint32_t task, duration took, instant now) const;

  std::vector<span> spans_;
};

/// Positions of the tasks so that each comes after all that it needs and, a fallback, its primary.
std::vector<std::uint32_t> in_order(const workflow_definition& workflow);

} // namespace pinion
