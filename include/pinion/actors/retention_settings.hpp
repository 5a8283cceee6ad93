#pragma once

#include "pinion/timing/instant.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace pinion {

/// A value that projects may have otherwise than all others.
template <class T>
struct by_project {
  T usual;
  std::map<std::string, T> projects = {};

  const T& of(const std::string& project) const {
    const auto own = projects.find(project);
    return own == projects.end() ? usual : own->second;
  }
  T least() const {
    T value = usual;
    for (const auto& [_, own] : projects)
      value = std::min(value, own);
    return value;
  }
  T most() const {
    T value = usual;
    for (const auto& [_, own] : projects)
      value = std::max(value, own);
    return value;
  }
};

/// How long what has ended is kept, from the end of a run on.
struct retention_settings {
  by_project<duration> history{std::chrono::hours{24 * 180}}; ///< Runs, slots, backfills.
  by_project<duration> logs{std::chrono::hours{24 * 30}};
  /// Of the logs of all ended runs of a project, the oldest go first; 0: no limit.
  by_project<std::uint64_t> log_bytes{0};
  by_project<duration> workspaces{std::chrono::hours{24 * 7}};         ///< After success.
  by_project<duration> failed_workspaces{std::chrono::hours{24 * 30}}; ///< After any other end.
};

} // namespace pinion
