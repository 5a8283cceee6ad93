#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace pinion {

/// A run, numbered from 1 in the order of creation; never reused. Prints as `r123`.
struct run_id {
  std::uint64_t value = 0;
  friend auto operator<=>(const run_id&, const run_id&) = default;
};

/// The element of an instance that is not part of a fan-out (or not expanded yet).
inline constexpr std::uint32_t no_element = 0xffff'ffffU;

/// One task in one run; `task` is its position in the run's definition version, `element` its
/// position in the fan-out or `no_element`.
struct instance_key {
  run_id run;
  std::uint32_t task = 0;
  std::uint32_t element = no_element;
  friend auto operator<=>(const instance_key&, const instance_key&) = default;
};

/// What makes the result of an attempt acceptable: it counts only if it carries the fence that
/// stands in the attempt's row (invariant 11).
struct fence {
  /// The engine's epoch in which the attempt was granted; from 1, grows with each start.
  std::uint64_t epoch = 0;
  /// The attempt's number, from 1.
  std::uint32_t attempt = 0;
  /// Which process of the attempt. The low byte: 0 the body, from 1 its checks in order. Above it
  /// stands how many looks of a `poll:` came before; see `step_of`.
  std::uint32_t step = 0;

  /// 0 for the body, else which check.
  constexpr std::uint32_t check() const noexcept { return step & 0xffU; }
  /// Which look, from 1; 1 also for what does not poll.
  constexpr std::uint32_t look() const noexcept { return (step >> 8U) + 1; }
  static constexpr std::uint32_t step_of(std::uint32_t look, std::uint32_t check) noexcept {
    return (look > 0 ? (look - 1) << 8U : 0) | check;
  }
  friend auto operator<=>(const fence&, const fence&) = default;
};

/// One process of one attempt, in the whole life of an engine's store. Its text form is
/// the first part of the mark `PINION_FENCE` in the environment of the process.
struct process_key {
  instance_key instance;
  fence token;
  friend auto operator<=>(const process_key&, const process_key&) = default;
};

/// "r12.3.-.4.1.0": run, task, element (`-` if none), epoch, attempt, step. At most 80 bytes.
std::string to_string(const process_key& key);

/// "r12".
std::string to_string(run_id id);

} // namespace pinion

template <>
struct std::hash<pinion::run_id> {
  std::size_t operator()(pinion::run_id id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};

template <>
struct std::hash<pinion::instance_key> {
  std::size_t operator()(const pinion::instance_key& key) const noexcept {
    const auto place = (std::uint64_t{key.task} << 32U) | key.element;
    return std::hash<std::uint64_t>{}(key.run.value * 0x9E3779B97F4A7C15ULL ^ place);
  }
};
