#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace pinion {

/// What is left on a disk.
struct disk_room {
  std::uint64_t free_bytes = 0; ///< For users other than root.
  bool free_files = true;       ///< Files can still be made.
};

/// Looks at the file system of `folder`; one that cannot be asked has room.
disk_room room_of(const std::string& folder);

/// The sentence for people when `room` is less than `reserve_bytes`; empty: it is enough.
std::string why_full(const std::string& folder, const disk_room& room, std::uint64_t reserve_bytes);

/// Watches how much room there is, once a second, on a thread of its own.
class disk_watch {
public:
  /// Room comes back with an eighth of the reserve to spare, so that a disk at the limit does not
  /// flutter.
  disk_watch(std::string folder, std::uint64_t reserve_bytes);
  ~disk_watch();
  disk_watch(const disk_watch&) = delete;
  disk_watch& operator=(const disk_watch&) = delete;

  /// Why nothing new can be taken now, as a sentence; empty: it can. From any thread.
  std::string full() const;

private:
  void look();
  void watch();

  const std::string folder_;
  const std::uint64_t reserve_;
  mutable std::mutex mutex_; ///< Guards what follows.
  std::condition_variable wake_;
  std::string full_;
  bool ended_ = false;
  std::thread thread_;
};

} // namespace pinion
