#pragma once

#include <cstdint>

namespace pinion {

/// What becomes of a civil time that the clocks jump over.
enum class missing_time : std::uint8_t {
  shift, ///< It counts at the first instant after the gap; several of one gap count once.
  skip,  ///< It does not count.
};

/// What becomes of a civil time that the clocks show twice.
enum class repeated_time : std::uint8_t { first, last, both };

/// How a schedule of civil times treats changes of the zone's offset.
///
/// By default what is missing shifts, for every schedule: a daily job is not lost, and an hourly
/// one at :05 runs at the end of the gap for the hour that was jumped over, so that no hour goes
/// without a run. What is repeated counts once (first) where a schedule comes at most once a day,
/// and both times where it comes more often. Cronos and cronie treat daily entries the same way;
/// for entries below a day they skip what is missing: that is `missing: skip`.
struct dst_policy {
  missing_time missing = missing_time::shift;
  repeated_time repeated = repeated_time::first;

  friend bool operator==(dst_policy, dst_policy) = default;
};

} // namespace pinion
