#pragma once

#include "execution/os.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion {

/// One cgroup v2 folder, for one process tree at a time.
class cgroup_slot {
public:
  cgroup_slot(std::string path, unique_fd folder, unique_fd events) noexcept
      : path_{std::move(path)}, folder_{std::move(folder)}, events_{std::move(events)} {}

  const std::string& path() const noexcept { return path_; }
  int folder() const noexcept { return folder_.get(); }
  /// True if no process is in it or below. A process counts until it is dead to the kernel, which
  /// may be moments after it was reaped.
  bool empty() const;
  /// Sends `signal` to each process in it (not below); SIGKILL to all, at once where the kernel can
  /// (5.14).
  void signal(int number);
  /// It was killed as a whole. It cannot be used again: Linux then kills also what is born into it
  /// later by CLONE_INTO_CGROUP (its count of kills is compared with that of the parent's cgroup).
  bool spent() const noexcept { return spent_; }

private:
  std::string path_;
  bool spent_ = false;
  unique_fd folder_;
  unique_fd events_;
};

/// Makes cgroups for attempts below the one in which the launcher runs. Folders are used again:
/// making and removing one costs more than a process.
class cgroup_pool {
public:
  /// Without cgroups: `acquire` returns nothing.
  cgroup_pool() = default;
  /// Makes the pool's folder; without cgroups where that is not possible (no cgroup v2, not ours to
  /// write).
  static cgroup_pool make();
  cgroup_pool(cgroup_pool&&) noexcept = default;
  cgroup_pool& operator=(cgroup_pool&&) noexcept = default;
  /// Removes what is empty.
  ~cgroup_pool();

  /// The folder of all of them, or "".
  const std::string& folder() const noexcept { return folder_; }
  /// An empty one, or nothing.
  std::unique_ptr<cgroup_slot> acquire();
  /// Takes back one that is empty.
  void release(std::unique_ptr<cgroup_slot> slot);
  /// From now on `acquire` returns nothing: the kernel refused to start a process in one.
  void disable() noexcept { enabled_ = false; }

private:
  std::string folder_;
  bool enabled_ = false;
  std::uint64_t made_ = 0;
  std::vector<std::unique_ptr<cgroup_slot>> free_;
};

/// Kills all that is in the folder of a former launcher's pool, and below. True once it is empty,
/// and the folder then removed, or once it is gone or not ours to enter; false also for what could
/// not be looked at now, for want of descriptors or memory.
bool kill_cgroup_folder(const std::string& folder);

} // namespace pinion
