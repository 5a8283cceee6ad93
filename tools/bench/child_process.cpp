#include "child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace pinion::bench {

namespace {

using clock = std::chrono::steady_clock;

pid_t start(const std::vector<std::string>& arguments, int output) {
  std::string self{"/proc/self/exe"};
  std::vector<char*> argv{self.data()};
  auto copies = arguments;
  for (auto& each : copies)
    argv.push_back(each.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, self.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::runtime_error{"cannot start a measuring process"};
  return child;
}

/// Reads until the other end is closed; false: the time ran out first.
bool read_all(int input, clock::time_point until, std::string& text) {
  std::array<char, 4096> part{};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
    if (left <= 0)
      return false;
    pollfd one{input, POLLIN, 0};
    if (::poll(&one, 1, static_cast<int>(left)) <= 0)
      continue;
    const auto got = ::read(input, part.data(), part.size());
    if (got == 0)
      return true;
    if (got > 0)
      text.append(part.data(), static_cast<std::size_t>(got));
    else if (errno != EINTR)
      return true;
  }
}

} // namespace

std::string run_self(const std::vector<std::string>& arguments, std::chrono::seconds at_most) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"cannot make a pipe"};
  const auto child = start(arguments, ends[1]);
  ::close(ends[1]);
  std::string text;
  const bool in_time = read_all(ends[0], clock::now() + at_most, text);
  ::close(ends[0]);
  if (!in_time)
    ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time)
    throw std::runtime_error{"not done after " + std::to_string(at_most.count()) + " s"};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error{"the measuring process failed"};
  return text;
}

} // namespace pinion::bench
