#include "execution/launcher_fixture.hpp"

#include "execution/process_scan.hpp"
#include "pinion/execution/attempt_files.hpp"
#include "pinion/execution/executor.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <poll.h>
#include <thread>

namespace pinion::test {

engine_side::~engine_side() {
  port_.reset();
  if (const auto pid = launcher_pid(); pid > 1) {
    ::kill(pid, SIGTERM);
    eventually([pid] { return !is_alive(pid); });
  }
}

void engine_side::reopen(std::uint64_t epoch) {
  port_.reset();
  log_ = std::make_unique<event_log>();
  local_launcher_options options;
  options.data_dir = folder_.path();
  options.launcher_command = {PINION_TEST_LAUNCHER,  "launcher", "--cgroups", cgroups_,
                              "--leftover-grace-ms", "200"};
  options.epoch = epoch;
  options.now = wall_now;
  auto made = make_local_launcher(options);
  REQUIRE(made.has_value());
  port_ = std::move(made).assume_value();
  port_->open(log_->listener());
}

process_key engine_side::next_key() {
  process_key key;
  key.instance.run.value = 7;
  key.instance.task = next_++;
  key.token = {1, 1, 0};
  return key;
}

start_request engine_side::shell(const process_key& key, const std::string& text) const {
  start_request out;
  out.key = key;
  out.environment = base_environment();
  out.cwd = path();
  out.grace = std::chrono::seconds{10};
  REQUIRE(set_shell_command(out, text).has_value());
  return out;
}

process_end engine_side::run(start_request request) {
  const auto key = request.key;
  port_->start(std::move(request));
  REQUIRE(log_->wait_ended(key));
  return log_->ended[key];
}

std::string engine_side::printed(const process_key& key) const {
  return read_small_file(log_path(path(), key), 64U << 20U).value();
}

pid_t engine_side::launcher_pid() const {
  // Its command line names the folder, and nobody else's does.
  for (const auto pid : all_processes().value()) {
    const auto line = read_small_file("/proc/" + std::to_string(pid) + "/cmdline", 4096);
    if (line && line.value().find("pinion_test_launcher") != std::string::npos &&
        line.value().find(path()) != std::string::npos && is_alive(pid))
      return pid;
  }
  return 0;
}

limited_process::limited_process(pid_t pid, __rlimit_resource resource, rlim_t most)
    : pid_{pid}, resource_{resource} {
  // 0 would be this process.
  REQUIRE(pid > 1);
  REQUIRE(::prlimit(pid, resource, nullptr, &usual_) == 0);
  const rlimit limit{most, usual_.rlim_max};
  REQUIRE(::prlimit(pid, resource, &limit, nullptr) == 0);
}

bool eventually(const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + event_log::deadline;
  while (std::chrono::steady_clock::now() < until) {
    if (done())
      return true;
    ::poll(nullptr, 0, 5);
  }
  return done();
}

bool is_alive(pid_t pid) {
  const auto stat = stat_process(pid).value();
  return stat && !is_dead(*stat);
}

} // namespace pinion::test
