#include "pinion/execution/launcher_process.hpp"

#include "execution/launcher_server.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace pinion {

namespace {

int complain(const problem& why, int code) {
  const auto line = "pinion launcher: " + why.message +
                    (why.suggestion.empty() ? "" : " (" + why.suggestion + ")") + '\n';
  write_all(2, line);
  return code;
}

/// Keeps 0, 1, 2 and `ready_fd`; closes what the starter left open, and takes default dispositions.
/// Returns the new number of `ready_fd`.
int shed_inheritance(int ready_fd) {
  constexpr int kept = 3;
  if (ready_fd >= 0 && ready_fd != kept)
    ::dup2(ready_fd, kept);
  const auto first = ready_fd >= 0 ? 4U : 3U;
  ::syscall(SYS_close_range, first, ~0U, 0U);
  if (ready_fd >= 0)
    ::fcntl(kept, F_SETFD, FD_CLOEXEC);
  const unique_fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  ::dup2(null.get(), 0);
  ::dup2(null.get(), 1);
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  return ready_fd >= 0 ? kept : -1;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool someone_listens(const std::string& path) {
  const unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = address_of(path);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// The folder's lock, held for life. A launcher that was killed may leave a child that has not
/// executed yet and holds its copy of the lock for that moment: so, while nobody listens, there are
/// some tries.
result<unique_fd> take_lock(const std::string& data_dir, const std::string& socket_path) {
  const auto path = data_dir + "/launcher.lock";
  unique_fd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock)
    return os_problem("open " + path, errno);
  constexpr int tries = 200;
  for (int i = 0; i < tries; ++i) {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0)
      return lock;
    if (someone_listens(socket_path))
      break;
    ::poll(nullptr, 0, 10);
  }
  return problem{errc::in_use, "another launcher serves " + data_dir};
}

result<unique_fd> listen_at(const std::string& path) {
  unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd)
    return os_problem("make a socket", errno);
  // We hold the lock: a socket that is there is a dead launcher's.
  ::unlink(path.c_str());
  const auto address = address_of(path);
  const auto mask = ::umask(0177);
  const auto bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const auto error = errno;
  ::umask(mask);
  if (bound != 0)
    return os_problem("bind " + path, error);
  if (::listen(fd.get(), 16) != 0)
    return os_problem("listen at " + path, errno);
  return fd;
}

result<unique_fd> signal_descriptor() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const auto number : {SIGCHLD, SIGTERM, SIGINT})
    ::sigaddset(&wanted, number);
  unique_fd fd{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd)
    return os_problem("make a signalfd", errno);
  return fd;
}

int code_of(const problem& why) {
  switch (why.code) {
  case errc::in_use:
    return EX_TEMPFAIL;
  case errc::os_failure:
  case errc::unavailable:
    return EX_OSERR;
  default:
    return EX_CONFIG;
  }
}

/// Nothing of it runs any more: it was before this boot.
void end_all(launch_journal::history& of, const std::string& data_dir) {
  of.cgroup.clear();
  for (auto& [key, entry] : of.entries)
    if (!entry.ended) {
      entry.end = lost_end(data_dir, key, entry, "host_restarted");
      entry.ended = true;
    }
}

result<void> serve(const launcher_options& options, int ready_fd) {
  BOOST_OUTCOME_TRY(path, launcher_socket_path(options.data_dir));
  BOOST_OUTCOME_TRY(lock, take_lock(options.data_dir, path));
  static_cast<void>(lock);
  BOOST_OUTCOME_TRY(former, launch_journal::read(options.data_dir));
  BOOST_OUTCOME_TRY(boot, boot_identity());
  // Before the journal names this boot: whatever happens then, their pids are others' by now.
  if (!is_same_boot(former.boot_id, boot))
    end_all(former, options.data_dir);
  auto cgroups = options.use_cgroups ? cgroup_pool::make() : cgroup_pool{};
  auto fresh = former;
  fresh.boot_id = boot;
  // Should this launcher die before the former one's cgroup folder is empty, that one's tasks are
  // still found by mark.
  fresh.cgroup = cgroups.folder();
  BOOST_OUTCOME_TRY(journal, launch_journal::open(options.data_dir, std::move(fresh)));
  BOOST_OUTCOME_TRY(socket, listen_at(path));
  BOOST_OUTCOME_TRY(signals, signal_descriptor());
  unique_fd poll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!poll)
    return os_problem("make an epoll", errno);
  if (::chdir("/") != 0)
    return os_problem("enter /", errno);
  launcher_server server{options,
                         std::move(journal),
                         std::move(cgroups),
                         former,
                         {std::move(socket), std::move(signals), std::move(poll)}};
  BOOST_OUTCOME_TRY(server.begin());
  if (ready_fd >= 0 && write_all(ready_fd, "1"))
    ::close(ready_fd);
  server.run();
  ::unlink(path.c_str());
  return ok();
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

struct command_line {
  launcher_options options;
  bool foreground = false;
};

result<command_line> parse(int argc, char** argv) {
  command_line out;
  int at = 1;
  while (at < argc && argv[at][0] != '-')
    ++at;
  while (at < argc) {
    const std::string_view name = argv[at++];
    if (name == "--foreground") {
      out.foreground = true;
      continue;
    }
    if (at == argc)
      return problem{errc::invalid, std::string{name} + " needs a value"};
    const std::string_view value = argv[at++];
    const auto number = number_of(value);
    if (name == "--data")
      out.options.data_dir = value;
    else if (name == "--cgroups" && (value == "on" || value == "off"))
      out.options.use_cgroups = value == "on";
    else if (name == "--idle-ms" && number)
      out.options.idle = std::chrono::milliseconds{*number};
    else if (name == "--leftover-grace-ms" && number)
      out.options.leftover_grace = std::chrono::milliseconds{*number};
    else
      return problem{errc::invalid,
                     "wrong option: " + std::string{name} + ' ' + std::string{value}};
  }
  if (out.options.data_dir.empty())
    return problem{errc::invalid, "--data DIR is missing"};
  return out;
}

} // namespace

int run_launcher(const launcher_options& options) {
  const auto ready_fd = shed_inheritance(options.ready_fd);
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (const auto served = serve(options, ready_fd); !served)
    return complain(served.assume_error(), code_of(served.assume_error()));
  return 0;
}

int launcher_main(int argc, char** argv) {
  auto parsed = parse(argc, argv);
  if (!parsed)
    return complain(parsed.assume_error(), EX_USAGE);
  auto& [options, foreground] = parsed.assume_value();
  if (foreground)
    return run_launcher(options);
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0)
    return complain(os_problem("make a pipe", errno), EX_OSERR);
  // This process has done nothing yet and has one thread: here fork is harmless. Its child is
  // nobody's child once we return, so that it outlives whoever started us and leaves no zombie.
  const auto child = ::fork();
  if (child < 0)
    return complain(os_problem("make a process", errno), EX_OSERR);
  if (child == 0) {
    options.ready_fd = ready[1];
    ::_exit(run_launcher(options));
  }
  ::close(ready[1]);
  char sign = 0;
  while (::read(ready[0], &sign, 1) < 0 && errno == EINTR) {
  }
  if (sign != 0)
    return 0;
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

} // namespace pinion
