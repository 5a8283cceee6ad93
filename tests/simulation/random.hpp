#pragma once

#include "pinion/timing/instant.hpp"

#include <cstdint>

namespace pinion::sim {

/// The only source of chance in a simulation (splitmix64): equal seeds give equal draws on every
/// machine, which the standard distributions do not promise.
class random_source {
public:
  explicit random_source(std::uint64_t seed) noexcept : state_{seed} {}

  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15ULL;
    auto z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  /// 0 .. bound - 1; bound from 1.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// `low` .. `high`, both included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }
  /// True in `percent` of 100 draws.
  bool chance(std::uint64_t percent) noexcept { return below(100) < percent; }
  duration between(duration low, duration high) noexcept {
    return duration{static_cast<std::int64_t>(between(static_cast<std::uint64_t>(low.count()),
                                                      static_cast<std::uint64_t>(high.count())))};
  }

private:
  std::uint64_t state_;
};

} // namespace pinion::sim
