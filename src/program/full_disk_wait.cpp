#include "program/full_disk_wait.hpp"

#include "pinion/api/full_disk.hpp"
#include "pinion/api/handler_pool.hpp"
#include "pinion/api/http_server.hpp"
#include "pinion/api/routes.hpp"
#include "program/disk_watch.hpp"

#include <linux/close_range.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

namespace pinion {

namespace {

constexpr int look_every_ms = 500;

} // namespace

bool too_full_to_open(const std::string& folder, std::uint64_t reserve_bytes) {
  return !why_full(folder, room_of(folder), room_to_open(reserve_bytes)).empty();
}

bool wait_for_room(const std::string& folder, const http_server_options& listening,
                   std::uint64_t reserve_bytes, int signals) {
  const auto why = why_full(folder, room_of(folder), room_to_open(reserve_bytes)) +
                   ": the store cannot be opened; tasks that run go on";
  spdlog::critical("{}", why);
  auto pool = std::make_shared<handler_pool>(1);
  // Without a socket the wait is the same, only nobody can ask.
  const auto server = http_server::start(listening, full_disk_only(make_api({}), why), pool);
  pollfd ended{signals, POLLIN, 0};
  do {
    ::poll(&ended, 1, look_every_ms);
  } while (ended.revents == 0 && too_full_to_open(folder, reserve_bytes));
  if (server)
    server.value()->stop();
  pool->stop();
  return ended.revents == 0;
}

void start_over(char** argv) {
  // A disk that takes nothing although it seems to have room must not make this spin.
  ::poll(nullptr, 0, look_every_ms);
  // Not all libraries mark what they open.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execv("/proc/self/exe", argv);
  ::_exit(EX_IOERR);
}

} // namespace pinion
