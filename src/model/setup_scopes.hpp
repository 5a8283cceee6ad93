#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/join.hpp"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace pinion {

/// What the tasks come to on which another depends without directly needing them: setups, and all
/// that is before a teardown.
struct setup_tally {
  std::uint32_t pending = 0;
  std::uint32_t skipped = 0;
  std::uint32_t failed = 0;
};

/// The reach of setups: what is behind one waits for it, however far away and whatever its join
/// rule (Airflow's constraint on indirect setups, 3.x). With teardowns it ends where they begin.
/// And the reach of teardowns: one waits until all before it has ended, however far away, so that
/// it takes nothing from what is still being stopped.
class setup_scopes {
public:
  setup_scopes() = default;
  /// `downstream` by task. O((setups + teardowns) * tasks); nothing without either.
  setup_scopes(const workflow_definition& workflow,
               const std::vector<std::vector<std::uint32_t>>& downstream);

  /// Tasks that depend on the setup and do not directly need it, ascending.
  std::span<const std::uint32_t> gated_by(std::uint32_t setup) const noexcept;
  /// Setups between which and their teardowns the task lies, those it directly needs included,
  /// ascending.
  std::span<const std::uint32_t> around(std::uint32_t task) const noexcept;

  /// Teardowns behind the task that do not directly need it, ascending.
  std::span<const std::uint32_t> ends_behind(std::uint32_t task) const noexcept;
  /// What is before a teardown and not directly needed by it, ascending.
  std::span<const std::uint32_t> before_end(std::uint32_t teardown) const noexcept;

  void clear_tallies() noexcept { tallies_.clear(); }
  /// Counts one unit of a setup in (`by` 1) or out (`by` -1 as unsigned).
  void count(std::uint32_t task, upstream_class of, std::uint32_t by);
  /// The same of a unit of a task before a teardown.
  void count_end(std::uint32_t teardown, upstream_class of, std::uint32_t by);
  /// wait, run, skip or upstream_fail.
  join_decision decide(std::uint32_t task) const noexcept;

private:
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> gated_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> around_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> ends_behind_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> before_end_;
  std::unordered_map<std::uint32_t, setup_tally> tallies_;
};

} // namespace pinion
