#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pinion {

/// What a run has on the disk beside the store.
enum class run_folder_kind : std::uint8_t { logs, workspace };

struct run_folder {
  run_id run;
  std::uint64_t bytes = 0; ///< Of its files; 0 where nobody asked.
};

/// Lists and removes the folders of runs, off the engine's threads. Calls back exactly once, on a
/// thread of its own, unless it is closed first.
class run_files_port {
public:
  virtual ~run_files_port() = default;
  /// All runs that have such a folder, ascending. `measure`: with their sizes.
  virtual void list(run_folder_kind kind, bool measure,
                    std::function<void(result<std::vector<run_folder>>)> done) = 0;
  /// Removes them with all that is in them; those that are not there are fine. Answers with how
  /// many went; what cannot be removed is passed over.
  virtual void remove(run_folder_kind kind, std::vector<run_id> runs,
                      std::function<void(std::uint64_t)> done) = 0;
  /// Waits for the folder that is being removed. No callback after it.
  virtual void close() = 0;
};

/// Of the data folder of an engine on this machine; owns a thread.
std::unique_ptr<run_files_port> make_host_run_files(std::string data_dir);

} // namespace pinion
