#pragma once

#include "pinion/actors/retention_settings.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/zone.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// What an engine is started with.
struct engine_options {
  std::string data_folder; ///< Absolute.
  std::uint32_t slots = 2; ///< Processes that the local worker runs at once; from 1.
  std::string worker_name = "local";
  std::string boot_id;  ///< Of the machine; tells whether processes can have survived.
  bool triggers = true; ///< Off: no trigger makes runs.
  /// Folders that must have been read before the engine is ready.
  std::uint32_t expected_folders = 0;
  duration load_ahead{std::chrono::minutes{2}}; ///< Planned runs become actors so long before.
  /// From this time of day on, in `plan_zone`, the next day is planned too; before it, this day.
  duration plan_at{std::chrono::hours{22}};
  zone plan_zone;
  std::uint64_t log_limit_bytes = 256ULL << 20U;
  /// What is older than it is kept is removed; empty: nothing is.
  std::optional<retention_settings> retention;
  /// PATH, HOME, USER, LANG: what every process gets.
  std::vector<std::pair<std::string, std::string>> base_environment;
};

} // namespace pinion
