#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

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

/// So much of the reserve must be free before the store is opened: opening it writes.
std::uint64_t room_to_open(std::uint64_t reserve_bytes) noexcept;

/// Decides, from one look at the disk of `folder` after the other, whether new work can be taken.
/// Room comes back with an eighth of the reserve to spare, so that a disk at the limit does not
/// flutter.
class room_gate {
public:
  room_gate(std::string folder, std::uint64_t reserve_bytes)
      : folder_{std::move(folder)}, reserve_{reserve_bytes} {}

  /// Returns whether it opened or closed.
  bool look(const disk_room& room);
  /// The sentence for people while it is closed; empty: it is open.
  const std::string& why_full() const noexcept { return full_; }
  const std::string& folder() const noexcept { return folder_; }

private:
  std::string folder_;
  std::uint64_t reserve_;
  std::string full_;
};

/// Watches how much room there is, once a second, on a thread of its own.
class disk_watch {
public:
  /// `reserve_bytes` 0: there is always room. `each_look` is called with each look, on the watch's
  /// thread; empty: nothing is.
  disk_watch(std::string folder, std::uint64_t reserve_bytes, std::function<void()> each_look);
  ~disk_watch();
  disk_watch(const disk_watch&) = delete;
  disk_watch& operator=(const disk_watch&) = delete;

  /// Why nothing new can be taken now, as a sentence; empty: it can. From any thread.
  std::string full() const;

private:
  void look();
  void watch();

  const std::function<void()> each_look_;
  mutable std::mutex mutex_; ///< Guards what follows.
  std::condition_variable wake_;
  room_gate gate_;
  bool ended_ = false;
  std::thread thread_;
};

} // namespace pinion
