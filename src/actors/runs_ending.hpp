#pragma once

#include "pinion/model/ids.hpp"

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// Runs whose last batch is on its way to the disk, or is there and has not been told to those who
/// wait for the end. A RUN enters itself and takes itself out; if it is gone by then, the store
/// alone knows of the end, and whoever takes its place finds here that it is to be told. From any
/// thread.
class runs_ending {
public:
  void add(run_id run, const std::string& workflow) {
    const std::lock_guard lock{mutex_};
    all_.insert_or_assign(run, workflow);
  }
  void remove(run_id run) {
    const std::lock_guard lock{mutex_};
    all_.erase(run);
  }
  /// Those of a workflow, which are in here no more.
  std::vector<run_id> take(const std::string& workflow) {
    const std::lock_guard lock{mutex_};
    std::vector<run_id> out;
    std::erase_if(all_, [&](const auto& each) {
      if (each.second != workflow)
        return false;
      out.push_back(each.first);
      return true;
    });
    return out;
  }

private:
  std::mutex mutex_;
  std::map<run_id, std::string> all_;
};

} // namespace pinion
