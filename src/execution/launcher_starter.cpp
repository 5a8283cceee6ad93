#include "execution/launcher_starter.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace pinion {

namespace {

constexpr int start_timeout_ms = 10'000;
constexpr std::int64_t max_log_bytes = 1 << 20;

/// The log of launchers, emptied when it has grown large: they hardly ever say anything.
unique_fd open_launcher_log(const std::string& path) {
  unique_fd log{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
  struct stat status {};
  if (log && ::fstat(log.get(), &status) == 0 && status.st_size > max_log_bytes)
    static_cast<void>(::ftruncate(log.get(), 0));
  return log;
}

std::string last_line(int log) {
  struct stat status {};
  char text[512];
  if (::fstat(log, &status) != 0)
    return {};
  const auto from = std::max<off_t>(0, status.st_size - static_cast<off_t>(sizeof text));
  const auto size = ::pread(log, text, sizeof text, from);
  std::string out{text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  while (!out.empty() && out.back() == '\n')
    out.pop_back();
  return out.substr(out.rfind('\n') + 1);
}

/// Spawns with default signals, /dev/null as input, `log` as output. Returns 0 or an errno.
int spawn_launcher(std::vector<std::string> command, int log, pid_t& pid) {
  std::vector<char*> argv;
  for (auto& argument : command)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, log, 1);
  ::posix_spawn_file_actions_adddup2(&files, log, 2);
  posix_spawnattr_t how;
  ::posix_spawnattr_init(&how);
  sigset_t all;
  ::sigfillset(&all);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&how, &all);
  ::posix_spawnattr_setsigmask(&how, &none);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const auto error = ::posix_spawnp(&pid, argv.front(), &files, &how, argv.data(), environ);
  ::posix_spawnattr_destroy(&how);
  ::posix_spawn_file_actions_destroy(&files);
  return error;
}

/// The exit status of `pid`; one that takes too long is killed.
int await(pid_t pid) {
  int status = 0;
  for (int waited = 0; waited < start_timeout_ms; ++waited) {
    const auto ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR))
      return status;
    ::poll(nullptr, 0, 1);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return status;
}

} // namespace

result<unique_fd> connect_launcher(const std::string& data_dir) {
  BOOST_OUTCOME_TRY(path, launcher_socket_path(data_dir));
  unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd)
    return os_problem("make a socket", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return problem{errc::unavailable, "no launcher listens at " + path};
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

result<void> start_launcher(const std::vector<std::string>& command, const std::string& data_dir) {
  const auto log_file = data_dir + "/launcher.log";
  const auto log = open_launcher_log(log_file);
  if (!log)
    return os_problem("open " + log_file, errno);
  auto whole = command;
  whole.insert(whole.end(), {"--data", data_dir});
  pid_t pid = -1;
  if (const auto error = spawn_launcher(whole, log.get(), pid); error != 0)
    return problem{errc::unavailable,
                   "cannot execute the launcher " + command.front() + ": " + errno_text(error)};
  const auto status = await(pid);
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EX_TEMPFAIL))
    return ok();
  return problem{errc::unavailable, "the launcher did not start: " + last_line(log.get()),
                 "see " + log_file};
}

} // namespace pinion
