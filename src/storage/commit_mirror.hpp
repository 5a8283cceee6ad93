#pragma once

#include "pinion/storage/rocks_kv.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pinion {

/// What the mirror said when it was opened.
struct mirrored_commits {
  std::uint64_t commits = 0;
  durability how = durability::sync; ///< Of the process that wrote it.
  bool same_boot = false;            ///< The machine has not been restarted since.
};

/// The number of the last acknowledged commit, outside the database. ON DISK one line of 97 bytes,
/// overwritten in place:
///
///     commits <20 digits> <"sync" or "os  "> boot <36 characters> sum <16 hex digits>\n
///
/// `sum` is FNV-1a (64 bit) of what stands before " sum". The file is synced when it is opened, so
/// that it names the durability of all commits since, and not after a commit: it may fall behind
/// the database when the machine loses power, never run ahead of what a `sync` database has.
class commit_mirror {
public:
  /// Opens the file if it exists. Fails with `errc::corrupt` if it is no mirror, and with
  /// `errc::storage_failure`.
  static result<commit_mirror> open(std::filesystem::path file, durability how);

  commit_mirror(commit_mirror&& other) noexcept;
  commit_mirror& operator=(commit_mirror&&) = delete;
  ~commit_mirror();

  /// What stood in the file; nothing if there was none.
  const std::optional<mirrored_commits>& found() const noexcept { return found_; }
  const std::filesystem::path& file() const noexcept { return file_; }

  /// Makes sure that the file exists and has number and durability, on disk. A file that is new is
  /// there as a whole or not at all.
  result<void> start(std::uint64_t commits);
  /// After `start`. About a microsecond.
  result<void> write(std::uint64_t commits);
  /// The last write failed because the disk is full.
  bool out_of_room() const noexcept { return out_of_room_; }

private:
  commit_mirror(std::filesystem::path file, durability how);
  result<void> read();
  problem os_problem(const char* doing) const;

  std::filesystem::path file_;
  durability how_;
  std::string boot_id_;
  std::optional<mirrored_commits> found_;
  int descriptor_ = -1;
  bool out_of_room_ = false;
};

} // namespace pinion
