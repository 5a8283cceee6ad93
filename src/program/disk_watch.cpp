#include "program/disk_watch.hpp"

#include <chrono>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>
#include <utility>

namespace pinion {

namespace {

constexpr std::chrono::milliseconds look_every{1'000};
/// So few that a start's own files may not fit.
constexpr std::uint64_t least_files = 64;

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

disk_watch::disk_watch(std::string folder, std::uint64_t reserve_bytes)
    : folder_{std::move(folder)}, reserve_{reserve_bytes} {
  if (reserve_ == 0)
    return;
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
  return full_;
}

void disk_watch::look() {
  const bool was_full = !full().empty();
  auto why = why_full(folder_, room_of(folder_), was_full ? reserve_ + reserve_ / 8 : reserve_);
  const bool is_full = !why.empty();
  if (is_full != was_full && is_full)
    spdlog::error("{}", why);
  else if (is_full != was_full)
    spdlog::info("there is room on the disk again: the engine goes on");
  const std::lock_guard lock{mutex_};
  full_ = std::move(why);
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
