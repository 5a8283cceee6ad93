#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/api/handler_pool.hpp"
#include "pinion/api/router.hpp"
#include "pinion/storage/store_keeper.hpp"
#include "pinion/timing/clock.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion {

/// What the handlers work with. All of it outlives the router and is safe from any thread.
struct api_handles {
  engine_client* engine = nullptr;
  const clock_port* clock = nullptr;
  /// Where a handler goes on after the engine's answer; null: on the engine's thread (tests).
  std::shared_ptr<handler_pool> pool;
  /// The store as a whole; null: it is none on a disk (tests).
  store_keeper* keeper = nullptr;
  std::vector<std::string> folders; ///< Workflows folders of the engine: absolute paths.
  std::string environment; ///< `--env` of the engine: definitions that are posted are read with it.
};

/// The routes of /api/v1.
router make_api(api_handles handles);

/// The path of the engine's socket under its data folder.
std::string api_socket_path(const std::string& data_folder);

} // namespace pinion
