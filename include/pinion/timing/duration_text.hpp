#pragma once

#include <pinion/timing/instant.hpp>
#include <pinion/timing/problem.hpp>
#include <string>
#include <string_view>

namespace pinion {

/// The durations that a setting accepts, both ends included.
struct duration_range {
  duration least = duration::zero();
  /// A hundred years: more is a slip of the pen.
  duration most = std::chrono::days{36'525};
};

/// Reads `100ms`, `30s`, `5m`, `2h`, `1d`, `1w`, or several of them from large to small (`1h30m`).
/// The units are w (7 d), d (24 h), h, m, s, ms, us; a number is a whole number and always has a
/// unit. Fails with `errc::invalid` and, where one is near, the spelling that was meant.
result<duration> parse_duration(std::string_view text, duration_range allowed = {});

/// Writes `d` so that `parse_duration` reads it back, from days down, without the units that are
/// zero: `90s` comes out as `1m30s`, zero as `0s`. A negative duration begins with `-` (and is not
/// read back).
std::string print_duration(duration d);

} // namespace pinion
