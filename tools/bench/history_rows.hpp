#pragma once

#include "live_engine.hpp"

#include "pinion/storage/rows.hpp"

namespace pinion::bench {

/// Writes rows as the engine does, a few thousand runs a second; nothing waits for the disk.
class row_filler {
public:
  /// Opens or makes the store in `folder`. Throws std::runtime_error, as its members do.
  explicit row_filler(const std::filesystem::path& folder);
  kv_batch& batch() { return batch_; }
  rocks_kv& kv() { return *kv_.value(); }
  /// Commits the batch if it has that many rows.
  void commit_if(std::size_t rows);

private:
  result<std::unique_ptr<rocks_kv>> kv_;
  kv_batch batch_;
};

/// Puts a run that has ended, with an attempt for each of its tasks. All of them succeeded but for
/// the last, which ended as `last`; if that is `failed`, the run has.
void put_ended(kv_batch& batch, std::uint64_t id, const char* workflow, std::uint32_t tasks,
               instant slot, instance_state last = instance_state::success);

/// Puts a run that is alive: one task runs, the others wait for it. These have no rows, as in a
/// real run.
void put_live(kv_batch& batch, std::uint64_t id, const char* workflow, std::uint32_t tasks,
              instant slot);

} // namespace pinion::bench
