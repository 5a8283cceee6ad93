#pragma once

#include "simulation/world.hpp"

#include <optional>

namespace pinion::sim {

/// A simulation that broke an invariant, and how to see it again.
struct finding {
  std::uint64_t seed = 0;
  crash_point crash;
  outcome what;
};

/// What a sweep over one seed did.
struct sweep_result {
  std::optional<finding> found; ///< The first.
  std::uint64_t hash = 0;       ///< Of all its histories.
  std::uint64_t simulations = 0;
  std::uint64_t commits = 0; ///< Of the history without a crash.
  std::uint64_t runs = 0;
};

/// One history of the seed's scenario.
outcome simulate(std::uint64_t seed, crash_point crash, bool echo = false);

/// The seed's scenario without a crash, then with one at each of its commits, before and after it
/// is durable; `most` histories with a crash, spread evenly (0: all).
sweep_result sweep(std::uint64_t seed, std::uint64_t most = 0);

/// The finding for people: what was violated, the last events, how to replay it.
void print(const finding& what);

} // namespace pinion::sim
