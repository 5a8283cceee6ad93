#pragma once

#include <chrono>
#include <cstdint>

namespace pinion {

/// The one grain of time in the program.
using duration = std::chrono::microseconds;

/// An instant of UTC wall time, in microseconds since 1970-01-01T00:00Z. Wall time decides which
/// slots are due; it may step backwards (NTP, an operator).
using instant = std::chrono::time_point<std::chrono::system_clock, duration>;

/// An instant of monotonic time, in microseconds since an arbitrary start. Steady time decides how
/// long to wait; it means nothing after a restart and is never stored.
using steady_instant = std::chrono::time_point<std::chrono::steady_clock, duration>;

/// Microseconds since the epoch of either kind of instant.
template <class Instant>
constexpr std::int64_t to_us(Instant at) noexcept {
  return static_cast<std::int64_t>(at.time_since_epoch().count());
}

/// Inverse of `to_us` for wall time.
constexpr instant from_us(std::int64_t us) noexcept { return instant{duration{us}}; }

} // namespace pinion
