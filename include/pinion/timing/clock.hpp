#pragma once

#include <pinion/timing/instant.hpp>

namespace pinion {

/// Where time enters the program: no other code reads the host's clocks. The two bases are never
/// mixed: wall time decides which slots are due, steady time how long to wait. An implementation
/// for the host may be called from any thread.
class clock_port {
public:
  clock_port() = default;
  clock_port(const clock_port&) = delete;
  clock_port& operator=(const clock_port&) = delete;
  virtual ~clock_port() = default;

  /// The current wall time. May step in both directions: a caller that needs order keeps the
  /// largest value it has seen.
  virtual instant wall_now() const noexcept = 0;

  /// The current steady time. Never goes backwards.
  virtual steady_instant steady_now() const noexcept = 0;
};

/// A clock that stands still until a test or a simulation moves it. For one thread.
class manual_clock final : public clock_port {
public:
  explicit manual_clock(instant wall, steady_instant steady = {}) noexcept
      : wall_{wall}, steady_{steady} {}

  instant wall_now() const noexcept override { return wall_; }
  steady_instant steady_now() const noexcept override { return steady_; }

  /// Lets `by` (not negative) pass: both bases move.
  void advance(duration by) noexcept {
    wall_ += by;
    steady_ += by;
  }

  /// Sets the wall clock, as an operator or NTP would: steady time does not move.
  void step_wall_to(instant wall) noexcept { wall_ = wall; }

private:
  instant wall_;
  steady_instant steady_;
};

} // namespace pinion
