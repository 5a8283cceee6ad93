#include "program/disk_watch.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>
#include <chrono>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

namespace pinion {

namespace {

constexpr std::chrono::milliseconds look_every{1'000};
/// So few that a start's own files may not fit.
constexpr std::uint64_t least_files = 64;
constexpr std::uint64_t least_room = std::uint64_t{4} << 20U;

std::string mib(std::uint64_t bytes) {
  const auto tenths = bytes * 10 / (std::uint64_t{1} << 20U);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " MiB";
}

} // namespace

disk_room room_of(const std::string& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0)
    return {UINT64_MAX, true};
  // Some file systems make files as they need them and count none.
  const bool files = status.f_files == 0 || status.f_favail >= least_files;
  return {std::uint64_t{status.f_bavail} * status.f_frsize, files};
}

std::string why_full(const std::string& folder, const disk_room& room,
                     std::uint64_t reserve_bytes) {
  if (reserve_bytes == 0)
    return {};
  if (room.free_bytes < reserve_bytes)
    return "the disk of " + folder + " is almost full: " + mib(room.free_bytes) +
           " are free, less than the reserve of " + mib(reserve_bytes) +
           "; nothing new is taken or started";
  if (!room.free_files)
    return "the disk of " + folder + " takes no more files; nothing new is taken or started";
  return {};
}

std::uint64_t room_to_open(std::uint64_t reserve_bytes) noexcept {
  return std::max(reserve_bytes / 2, least_room);
}

bool room_gate::look(const disk_room& room) {
  const bool was_full = !full_.empty();
  if (PINION_MUTATION("overlook_a_full_disk") ||
      (was_full && PINION_MUTATION("stay_full_for_ever")))
    return false;
  full_ = pinion::why_full(folder_, room, was_full ? reserve_ + reserve_ / 8 : reserve_);
  return full_.empty() == was_full;
}

disk_watch::disk_watch(std::string folder, std::uint64_t reserve_bytes,
                       std::function<void()> each_look)
    : each_look_{std::move(each_look)}, gate_{std::move(folder), reserve_bytes} {
  look();
  thread_ = std::thread{[this] { watch(); }};
}

disk_watch::~disk_watch() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

std::string disk_watch::full() const {
  const std::lock_guard lock{mutex_};
  return gate_.why_full();
}

void disk_watch::look() {
  if (each_look_)
    each_look_();
  // Before the lock: a file system that hangs must not hold up those who ask.
  const auto room = room_of(gate_.folder());
  const std::lock_guard lock{mutex_};
  if (!gate_.look(room))
    return;
  if (gate_.why_full().empty())
    spdlog::info("there is room on the disk again: the engine goes on");
  else
    spdlog::error("{}", gate_.why_full());
}

void disk_watch::watch() {
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, look_every, [this] { return ended_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

} // namespace pinion
