#pragma once

#include "pinion/timing/problem.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace pinion {

/// The longest path of a Unix socket, in bytes: sun_path holds 108 with its 0 (unix(7)).
inline constexpr std::size_t max_socket_path = 107;

/// Fails with `errc::invalid` if a Unix socket cannot be bound at `path` for its length.
result<void> check_socket_path(const std::filesystem::path& path);

/// One engine's data folder, locked while this object lives.
///
///     FORMAT       "pinion data folder, format 1\n"
///     LOCK         flock(2) exclusive while in use; the holder's pid in decimal
///     COMMIT       the mirrored commit counter, see rocks_kv.hpp
///     PLACE        which folder this is, see `claim_place`
///     RESTORING    empty; there from the beginning of a restore to its end
///     store/       RocksDB
///     pinion.sock  the API
///
/// The rest belongs to other layers.
class data_folder {
public:
  static constexpr unsigned format = 1;

  /// Opens or creates (mode 0700, parents as the umask says) and locks the folder. Fails with
  /// - `errc::in_use`: another process holds it; the message names its pid;
  /// - `errc::refused`: another user owns it, others may enter it, it is no folder, or it holds
  ///   something that is not Pinion's, or half of a restore;
  /// - `errc::newer_format`: a newer Pinion made it;
  /// - `errc::corrupt`: its FORMAT cannot be read as one;
  /// - `errc::invalid`: its path is too long for the socket in it;
  /// - `errc::os_failure`: a call of the system failed.
  static result<data_folder> open(const std::filesystem::path& folder);

  /// The same for a folder that an engine has used already: nothing is made. Fails also with
  /// `errc::not_found` if `folder` is none.
  static result<data_folder> open_existing(const std::filesystem::path& folder);

  /// Fails with `errc::refused` if a backup cannot be restored into `folder`: it must be absent,
  /// empty, or hold a restore that was cut off.
  static result<void> check_new(const std::filesystem::path& folder);

  /// Makes a folder without a store that `open` refuses until `end_restore`, also after a crash.
  /// What a restore that was cut off has left of a store is removed. Fails as `check_new` and
  /// `open` do.
  static result<data_folder> begin_restore(const std::filesystem::path& folder);

  /// What is in the folder now is a store. Fails with `errc::os_failure`; then it is refused still,
  /// or again after a crash of the machine.
  result<void> end_restore() const;

  /// Makes sure that this is the folder which an engine used before, and no copy of it: two engines
  /// that go on from one state would both start what was due. PLACE holds its own inode number, so
  /// a copy shows; a rename within a file system does not change it. Without PLACE, or with
  /// `moved`, the folder is taken as it is from here on.
  /// Fails with `errc::refused` for a copy, `errc::corrupt` if PLACE cannot be read as one,
  /// `errc::os_failure`. For engines: who only reads a folder needs no claim.
  result<void> claim_place(bool moved) const;

  /// Fails with `errc::storage_failure` if what lies at the path is no longer the folder that was
  /// opened: removed, renamed, unmounted. What is written from then on is lost with its open files.
  result<void> check_in_place() const;

  data_folder(data_folder&& other) noexcept;
  data_folder& operator=(data_folder&& other) noexcept;
  ~data_folder();

  /// Absolute.
  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path database() const { return path_ / "store"; }
  std::filesystem::path mirror() const { return path_ / "COMMIT"; }
  std::filesystem::path socket() const { return path_ / "pinion.sock"; }

private:
  /// Makes and locks it, whatever of ours it holds.
  static result<data_folder> lock(const std::filesystem::path& folder);
  data_folder(std::filesystem::path path, int lock) noexcept;
  std::filesystem::path path_;
  int lock_ = -1; ///< Descriptor of LOCK; closing it gives up the lock.
};

} // namespace pinion
