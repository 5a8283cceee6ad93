#pragma once

#include "pinion/storage/store_figures.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <filesystem>

namespace pinion {

/// One backup of a store.
struct backup_record {
  std::uint32_t id = 0;      ///< From 1, in the order in which they were made.
  instant at{};              ///< To the second.
  std::uint64_t commits = 0; ///< It holds at least so many.
  std::uint64_t bytes = 0;   ///< Of its files, those that it shares with others included.
  std::uint32_t files = 0;
};

/// What is done with a store as a whole, beside its rows, while an engine uses it. Safe from any
/// thread.
class store_keeper {
public:
  virtual ~store_keeper() = default;
  virtual result<store_figures> figures() const = 0;

  /// Adds a backup of this moment to `folder`, which is made (0700) if it is absent: what is
  /// acknowledged by now is in it. Files that an earlier backup has are not copied again. Then
  /// removes all but the `keep` newest (0: none). One at a time for a folder. Reads the whole store
  /// first: if it is damaged nothing is made or removed. Fails with `errc::corrupt` then;
  /// `errc::refused` if the folder holds something else, or lies in the store;
  /// `errc::storage_failure` if it cannot be written; `errc::unavailable` while the store's own
  /// file system is full.
  virtual result<backup_record> back_up(const std::filesystem::path& folder,
                                        std::uint32_t keep) = 0;
};

} // namespace pinion
