#pragma once

#include "pinion/timing/clock.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace pinion::sim {

/// What happened in a simulation, as lines for people and as one number: equal numbers mean equal
/// histories.
class trace {
public:
  static constexpr std::size_t kept_lines = 400;

  explicit trace(const manual_clock& clock) : clock_{clock}, start_{clock.steady_now()} {}

  void note(const std::string& line);
  /// An invariant does not hold. The first is what counts; the history goes on.
  void violation(const std::string& what);

  bool failed() const noexcept { return !violations_.empty(); }
  const std::vector<std::string>& violations() const noexcept { return violations_; }
  const std::deque<std::string>& lines() const noexcept { return lines_; }
  std::uint64_t hash() const noexcept { return hash_; }
  /// Prints each line as it comes.
  void echo() noexcept { echo_ = true; }

private:
  const manual_clock& clock_;
  steady_instant start_;
  std::deque<std::string> lines_;
  std::vector<std::string> violations_;
  std::uint64_t hash_ = 14695981039346656037ULL; // FNV-1a
  bool echo_ = false;
};

} // namespace pinion::sim
