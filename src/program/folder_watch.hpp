#pragma once

#include "pinion/actors/engine_client.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion {

/// Reads workflow folders and hands each to the engine as one set: once at the start, and again 2 s
/// after the last change below it. A set with errors is reported and leaves the engine as it is.
class folder_watch {
public:
  struct options {
    std::vector<std::string> folders; ///< Absolute.
    std::string environment;
    bool watch = true;
  };

  virtual ~folder_watch() = default;
  /// Ends its thread. What is under way is finished first.
  virtual void stop() = 0;
};

/// Starts the thread. `engine` must outlive the watch.
std::unique_ptr<folder_watch> watch_folders(engine_client& engine, folder_watch::options options);

} // namespace pinion
