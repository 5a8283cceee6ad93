#include "bench_case.hpp"
#include "resident_memory.hpp"
#include "stopwatch.hpp"

#include <algorithm>
#include <array>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pinion::bench {

std::vector<figure> measure_fdatasync(const surroundings& at) {
  const auto file = at.folder / "appended";
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0)
    throw std::runtime_error{"cannot create " + file.string()};
  const std::array<char, 200> row{};
  // Bounded in count and in time: with a busy neighbour a sync may take milliseconds.
  const auto most = at.count(4'000, 200);
  std::uint32_t done = 0;
  const stopwatch whole;
  while (done < most && whole.seconds() < 2) {
    if (::write(descriptor, row.data(), row.size()) != static_cast<ssize_t>(row.size()) ||
        ::fdatasync(descriptor) != 0)
      throw std::runtime_error{"cannot append to " + file.string()};
    ++done;
  }
  const auto rate = done / whole.seconds();
  ::close(descriptor);
  return {{"fdatasync", rate}};
}

std::vector<figure> measure_spawn(const surroundings& at) {
  const auto at_once = 2 * std::max(std::thread::hardware_concurrency(), 1U);
  const auto most = at.count(500, 50);
  posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  for (const int each : {STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&quiet, each, "/dev/null", O_WRONLY, 0);
  std::string program{"/bin/true"};
  std::array<char*, 2> argv{program.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  std::uint32_t started = 0;
  std::uint32_t ended = 0;
  const stopwatch whole;
  while (ended < most) {
    if (started < most && started - ended < at_once) {
      pid_t child = -1;
      if (::posix_spawn(&child, argv[0], &quiet, nullptr, argv.data(), environment.data()) != 0)
        throw std::runtime_error{"cannot start /bin/true"};
      ++started;
    } else if (::waitpid(-1, nullptr, 0) > 0) {
      ++ended;
    }
  }
  const auto rate = ended / whole.seconds();
  ::posix_spawn_file_actions_destroy(&quiet);
  return {{"spawn", rate}};
}

std::vector<figure> measure_idle_actor(const surroundings& at) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  const auto idle = [](caf::event_based_actor*) -> caf::behavior { return {[](caf::unit_t) {}}; };
  std::vector<caf::actor> all(at.count(100'000, 10'000));
  const auto before = resident_bytes();
  for (auto& each : all)
    each = system.spawn<caf::lazy_init>(idle);
  const auto bytes = (resident_bytes() - before) / static_cast<double>(all.size());
  for (const auto& each : all)
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  return {{"idle_actor", bytes}};
}

} // namespace pinion::bench
