#pragma once

#include "pinion/model/definition.hpp"

#include <cstdint>

namespace pinion {

/// How one upstream counts for a join.
enum class upstream_class : std::uint8_t {
  pending,
  success,
  skipped,
  failed,
  upstream_failed,
  removed
};

/// The direct upstreams of one task by class. An expanded fan-out counts once per element, a task
/// with a fallback once for its chain, any other task once. `setup_*` count upstreams marked as
/// setup tasks among them.
struct join_counts {
  std::uint32_t total = 0; ///< n
  std::uint32_t success = 0;
  std::uint32_t skipped = 0;
  std::uint32_t failed = 0; ///< Cancelled ones included.
  std::uint32_t upstream_failed = 0;
  std::uint32_t removed = 0;
  std::uint32_t setup_total = 0;
  std::uint32_t setup_success = 0;
  std::uint32_t setup_skipped = 0;

  std::uint32_t done() const noexcept {
    return success + skipped + failed + upstream_failed + removed;
  }
  /// Counts one upstream of class `of` in (`by` 1) or out (`by` -1 as unsigned); `total` stays.
  void add(upstream_class of, std::uint32_t by) noexcept;
  /// The same of an upstream that is a setup, beside `add`; `setup_total` stays.
  void add_setup(upstream_class of, std::uint32_t by) noexcept;
  friend bool operator==(const join_counts&, const join_counts&) = default;
};

enum class join_decision : std::uint8_t { wait, run, skip, upstream_fail, remove };

/// What the rule says about an instance with these upstreams: Airflow's decision table
/// (`trigger_rule_dep.py`, 3.x), whose "set a terminal state now" column comes first and does not
/// wait for upstreams that are still pending. `element` is the instance's position in its fan-out,
/// or `no_element`; only `remove` depends on it. Other than Airflow, which subtracts removed
/// upstreams from the missing ones for mapped instances only, we always do: else a join behind a
/// list that shrank would wait for ever. Pure.
join_decision decide_join(join_rule rule, const join_counts& counts,
                          std::uint32_t element) noexcept;

} // namespace pinion
