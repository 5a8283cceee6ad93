#pragma once

#include "pinion/timing/instant.hpp"

#include <mutex>
#include <set>
#include <string>
#include <tuple>

namespace pinion {

/// Slots that have been decided and whose rows are on their way to the disk: what the store does
/// not show yet, and a new definition may not know any more. WORKFLOWs enter them, each its own,
/// and take them out once the row is durable. From any thread.
class slots_under_way {
public:
  void add(const std::string& workflow, const std::string& trigger, instant slot) {
    const std::lock_guard lock{mutex_};
    all_.emplace(workflow, trigger, slot);
  }
  void remove(const std::string& workflow, const std::string& trigger, instant slot) {
    const std::lock_guard lock{mutex_};
    all_.erase({workflow, trigger, slot});
  }
  /// Nobody decides slots of this workflow any more.
  void remove_all(const std::string& workflow) {
    const std::lock_guard lock{mutex_};
    std::erase_if(all_, [&](const auto& each) { return std::get<0>(each) == workflow; });
  }
  bool contains(const std::string& workflow, const std::string& trigger, instant slot) const {
    const std::lock_guard lock{mutex_};
    return all_.contains({workflow, trigger, slot});
  }

private:
  mutable std::mutex mutex_;
  std::set<std::tuple<std::string, std::string, instant>> all_;
};

} // namespace pinion
