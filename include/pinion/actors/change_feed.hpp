#pragma once

#include "pinion/storage/kv.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pinion {

/// A row that a commit put or erased. What stands in it now the store says.
struct row_change {
  family in = family::meta;
  std::string key;
};

/// Tells of commits, once they are durable and in their order: the JOURNAL publishes, one listener
/// (who serves all that watch) hears. Rows of the families meta, outputs, live and index are left
/// out. Without a listener a commit costs nothing. Safe from any thread.
class change_feed {
public:
  /// Called on a thread of the engine: must not block.
  using listener = std::function<void(std::uint64_t commit, std::vector<row_change> rows)>;

  /// From now on `to` hears of commits; whoever heard before does no more.
  void listen(listener to);
  bool heard() const noexcept { return heard_; }

  /// The rows of a batch that a listener is told of.
  static std::vector<row_change> changes_of(const kv_batch& batch);
  void publish(std::uint64_t commit, std::vector<row_change> rows) const;

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const listener> to_;
  std::atomic<bool> heard_ = false;
};

} // namespace pinion
