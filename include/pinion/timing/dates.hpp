#pragma once

#include <pinion/timing/dst.hpp>
#include <pinion/timing/problem.hpp>
#include <pinion/timing/zone.hpp>
#include <string>
#include <vector>

namespace pinion {

/// Slots at single times. Made by `parse_dates`.
struct date_schedule {
  std::vector<std::string> text; ///< As written.
  /// Those written without offset: times of `in`, under `dst`. Sorted, no two equal.
  std::vector<civil_time> times;
  /// Those written with offset or Z: instants. Sorted, no two equal.
  std::vector<instant> instants;
  zone in = {};
  dst_policy dst = {};

  friend bool operator==(const date_schedule& a, const date_schedule& b) noexcept {
    return a.times == b.times && a.instants == b.instants && a.in == b.in && a.dst == b.dst;
  }
};

/// Reads `2026-12-24T02:00`, with seconds and fractions too, with `Z` or an offset (then it is that
/// instant, whatever the zone), or a date alone, which means midnight. At least one and at most
/// 10,000. Fails with `errc::invalid` or `errc::limit`.
result<date_schedule> parse_dates(std::vector<std::string> text, zone in);

} // namespace pinion
