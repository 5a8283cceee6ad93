#include "execution/os.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {

void unique_fd::reset(int fd) noexcept {
  const auto old = std::exchange(fd_, fd);
  if (old >= 0)
    ::close(old);
}

std::string errno_text(int error) {
  const auto* text = ::strerrordesc_np(error);
  const auto* name = ::strerrorname_np(error);
  std::string out = text != nullptr ? text : "error " + std::to_string(error);
  if (name != nullptr)
    out.append(" (").append(name).append(")");
  return out;
}

problem os_problem(std::string_view what, int error) {
  // Of these the machine has more in a while.
  const bool passes = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSPC;
  return {passes ? errc::unavailable : errc::os_failure,
          "cannot " + std::string{what} + ": " + errno_text(error)};
}

std::string signal_name(int signal) {
  const auto* name = ::sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string{name} : "signal " + std::to_string(signal);
}

namespace {

std::int64_t clock_us(clockid_t clock) noexcept {
  timespec at{};
  ::clock_gettime(clock, &at);
  return std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1'000;
}

} // namespace

instant wall_now() noexcept { return from_us(clock_us(CLOCK_REALTIME)); }

steady_instant steady_now() noexcept { return steady_instant{duration{clock_us(CLOCK_MONOTONIC)}}; }

bool is_dead(const process_stat& process) noexcept {
  return process.state == 'X' || (process.state == 'Z' && process.threads <= 1);
}

namespace {

/// Of proc(5). Nothing for what is no such line.
std::optional<process_stat> parse_stat(std::string_view all) {
  // The name in parentheses is the program's own choice and may hold anything: the last ')' ends
  // it.
  const auto name_end = all.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= all.size())
    return std::nullopt;
  process_stat out;
  out.state = all[name_end + 2];
  const char* at = all.data() + name_end + 3;
  const char* const end = all.data() + all.size();
  // Counted from 1: state is 3; 4 ppid, 5 pgrp, 6 session, 20 num_threads, 22 starttime.
  for (int field = 4; field <= 22; ++field) {
    while (at < end && *at == ' ')
      ++at;
    std::int64_t value = 0;
    const auto parsed = std::from_chars(at, end, value);
    if (parsed.ec != std::errc{})
      return std::nullopt;
    at = parsed.ptr;
    switch (field) {
    case 4:
      out.parent = static_cast<pid_t>(value);
      break;
    case 5:
      out.group = static_cast<pid_t>(value);
      break;
    case 6:
      out.session = static_cast<pid_t>(value);
      break;
    case 20:
      out.threads = value;
      break;
    case 22:
      out.start_ticks = static_cast<std::uint64_t>(value);
      break;
    default:
      break;
    }
  }
  return out;
}

/// There is no such process, or, where /proc hides those of others, it is none of ours.
bool is_nobody(int error) noexcept {
  return error == ENOENT || error == ESRCH || error == EACCES || error == EPERM;
}

} // namespace

result<std::optional<process_stat>> stat_process(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const unique_fd file{::open(path, O_RDONLY | O_CLOEXEC)};
  char text[1024];
  const auto size = file ? ::read(file.get(), text, sizeof text) : -1;
  if (size < 0 && is_nobody(errno))
    return std::optional<process_stat>{};
  if (size < 0)
    return os_problem(std::string{"read "} + path, errno);
  auto parsed = parse_stat({text, static_cast<std::size_t>(size)});
  if (!parsed)
    return problem{errc::os_failure, std::string{"cannot understand "} + path};
  return parsed;
}

result<std::string> boot_identity() {
  auto read = read_small_file("/proc/sys/kernel/random/boot_id", 64);
  if (!read && read.assume_error().code == errc::not_found)
    return std::string{};
  if (!read)
    return read;
  auto id = std::move(read).assume_value();
  while (!id.empty() && id.back() == '\n')
    id.pop_back();
  // A first process that is hidden from us stays so.
  BOOST_OUTCOME_TRY(first, stat_process(1));
  struct stat pids {};
  if (::stat("/proc/self/ns/pid", &pids) != 0 && errno != ENOENT)
    return os_problem("read /proc/self/ns/pid", errno);
  return id + ' ' + std::to_string(first ? first->start_ticks : 0) + ' ' +
         std::to_string(pids.st_ino);
}

bool is_same_boot(const std::string& former, const std::string& now) {
  return former.empty() || now.empty() || former == now || former == now.substr(0, now.find(' '));
}

result<std::string> read_small_file(const std::string& path, std::size_t limit) {
  const unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file && errno == ENOENT)
    return problem{errc::not_found, "there is no file " + path};
  if (!file)
    return os_problem("open " + path, errno);
  std::string out;
  while (out.size() < limit) {
    char block[4096];
    const auto got = ::read(file.get(), block, std::min(sizeof block, limit - out.size()));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return os_problem("read " + path, errno);
    if (got == 0)
      break;
    out.append(block, static_cast<std::size_t>(got));
  }
  return out;
}

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST)
    return ok();
  return os_problem("make the folder " + path, errno);
}

namespace {

bool remove_children(int folder, int depth);

/// Removes `name` in the open folder `parent`.
bool remove_at(int parent, const char* name, int depth) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT)
    return true;
  if (errno != EISDIR && errno != EPERM)
    return false;
  if (::unlinkat(parent, name, AT_REMOVEDIR) == 0)
    return true;
  if ((errno != ENOTEMPTY && errno != EEXIST) || depth == 0)
    return false;
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd >= 0 && remove_children(fd, depth - 1) && ::unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/// Removes what is in the open folder, and closes it. One descriptor a level: the depth is bounded,
/// because tasks choose it.
bool remove_children(int folder, int depth) {
  DIR* const entries = ::fdopendir(folder);
  if (entries == nullptr) {
    ::close(folder);
    return false;
  }
  bool all = true;
  while (const auto* entry = ::readdir(entries)) {
    const std::string_view name{entry->d_name};
    if (name != "." && name != "..")
      all = remove_at(folder, entry->d_name, depth) && all;
  }
  ::closedir(entries);
  return all;
}

constexpr int deepest_folder = 256;

} // namespace

result<void> remove_tree(const std::string& path) {
  if (remove_at(AT_FDCWD, path.c_str(), deepest_folder))
    return ok();
  return os_problem("remove " + path, errno);
}

result<void> empty_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || !remove_children(fd, deepest_folder))
    return os_problem("empty the folder " + path, errno);
  return ok();
}

bool folder_watch::is_gone() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0)
    return errno == ENOENT || errno == ENOTDIR;
  const identity now{status.st_dev, status.st_ino};
  if (!first_)
    first_ = now;
  return now != *first_;
}

result<std::string> launcher_socket_path(const std::string& data_dir) {
  if (data_dir.empty() || data_dir.front() != '/')
    return problem{errc::invalid, "the data folder \"" + data_dir + "\" is not an absolute path"};
  auto path = data_dir + "/launcher.sock";
  if (path.size() > max_socket_path)
    return problem{errc::invalid,
                   "the path of the launcher's socket, " + path + ", has " +
                       std::to_string(path.size()) + " bytes; a Unix socket's path may have " +
                       std::to_string(max_socket_path),
                   "choose a data folder with a shorter path"};
  return path;
}

} // namespace pinion
