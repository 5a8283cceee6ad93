#pragma once

#include "pinion/model/lifecycle.hpp"

#include <cstdint>

namespace pinion {

/// How one unit of a run counts for the run's state. A unit is a task with its whole fallback chain
/// (fan-outs in it included), or one instance of a task without fallback.
enum class unit_class : std::uint8_t {
  pending,
  success,
  skipped,
  cancelled,
  /// Ended failed or upstream_failed, and neither a fallback nor `ignore_failure` covers it.
  failing,
};

/// Where a run stands, as its admission and its units say.
struct run_standing {
  bool fired = false;
  bool admitted = false;
  /// The run's timeout passed: nothing covers that, the run ends failed.
  bool timed_out = false;
  std::uint32_t pending = 0;
  std::uint32_t success = 0;
  std::uint32_t skipped = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t failing = 0;

  /// Counts one unit in (`by` 1) or out (`by` -1 as unsigned).
  void add(unit_class of, std::uint32_t by) noexcept;
  friend bool operator==(const run_standing&, const run_standing&) = default;
};

/// The run's state: planned, queued or running while instances are alive (`live`); then failed if a
/// unit is failing or the run timed out, else cancelled if one was cancelled, else skipped if all
/// were, else success. Pure.
run_state run_state_of(const run_standing& standing, std::uint32_t live) noexcept;

} // namespace pinion
