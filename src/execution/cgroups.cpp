#include "execution/cgroups.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {

namespace {

/// Folders kept for the next attempt.
constexpr std::size_t most_free = 64;

/// The value of the file's "populated" line; true when it cannot be told.
bool populated(int events) {
  char text[256];
  const auto size = ::pread(events, text, sizeof text, 0);
  if (size < 0)
    return errno != ENODEV && errno != ENOENT;
  return std::string_view{text, static_cast<std::size_t>(size)}.find("populated 0") ==
         std::string_view::npos;
}

bool write_file(int folder, const char* name, std::string_view text) {
  const unique_fd file{::openat(folder, name, O_WRONLY | O_CLOEXEC)};
  return file && write_all(file.get(), text);
}

void signal_members(int folder, int number) {
  const unique_fd file{::openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC)};
  std::string text;
  char block[4096];
  for (ssize_t got = 0; file && (got = ::read(file.get(), block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(got));
  const char* at = text.data();
  const char* const end = at + text.size();
  pid_t pid = 0;
  for (auto parsed = std::from_chars(at, end, pid); parsed.ec == std::errc{};
       parsed = std::from_chars(at, end, pid)) {
    if (pid > 1)
      ::kill(pid, number);
    at = parsed.ptr + (parsed.ptr < end ? 1 : 0);
  }
}

void kill_all(int folder) {
  if (!write_file(folder, "cgroup.kill", "1"))
    signal_members(folder, SIGKILL);
}

/// Where cgroup v2 is mounted, or "".
std::string mount_point() {
  auto text = read_small_file("/proc/self/mountinfo", 1U << 20U);
  if (!text)
    return {};
  std::istringstream lines{std::move(text).assume_value()};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos)
      continue;
    // proc(5): mount id, parent id, device, root, mount point.
    std::istringstream fields{line};
    std::string skipped, root, where;
    fields >> skipped >> skipped >> skipped >> root >> where;
    if (root == "/")
      return where;
  }
  return {};
}

/// The path of our own cgroup v2 below the mount point ("/a/b"), or "".
std::string own_path() {
  auto text = read_small_file("/proc/self/cgroup", 1U << 16U);
  if (!text)
    return {};
  std::istringstream lines{std::move(text).assume_value()};
  for (std::string line; std::getline(lines, line);)
    if (line.compare(0, 3, "0::") == 0)
      return line.substr(3);
  return {};
}

unique_fd open_folder(const std::string& path) {
  return unique_fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// Removes the cgroup and those below it; a cgroup folder has no files that could be unlinked.
void remove_cgroup(const std::string& path, int depth) {
  if (::rmdir(path.c_str()) == 0 || depth == 0)
    return;
  if (DIR* const folder = ::opendir(path.c_str()); folder != nullptr) {
    while (const auto* entry = ::readdir(folder)) {
      const std::string_view name{entry->d_name};
      if (entry->d_type == DT_DIR && name != "." && name != "..")
        remove_cgroup(path + '/' + entry->d_name, depth - 1);
    }
    ::closedir(folder);
  }
  ::rmdir(path.c_str());
}

} // namespace

bool cgroup_slot::empty() const { return !populated(events_.get()); }

void cgroup_slot::signal(int number) {
  if (number != SIGKILL) {
    signal_members(folder_.get(), number);
    return;
  }
  spent_ = true;
  kill_all(folder_.get());
}

cgroup_pool cgroup_pool::make() {
  cgroup_pool out;
  const auto mount = mount_point();
  auto own = own_path();
  if (mount.empty() || own.empty())
    return out;
  if (own == "/")
    own.clear();
  const auto self = stat_process(::getpid());
  const auto ticks = self && self.assume_value() ? self.assume_value()->start_ticks : 0;
  const auto name = "pinion-" + std::to_string(::getpid()) + '-' + std::to_string(ticks);
  auto folder = mount + own + '/' + name;
  if (::mkdir(folder.c_str(), 0755) != 0)
    return out;
  // A folder that came into being in another file system would have no such file.
  if (::access((folder + "/cgroup.procs").c_str(), W_OK) != 0) {
    ::rmdir(folder.c_str());
    return out;
  }
  out.folder_ = std::move(folder);
  out.enabled_ = true;
  return out;
}

cgroup_pool::~cgroup_pool() {
  free_.clear();
  if (!folder_.empty())
    remove_cgroup(folder_, 4);
}

std::unique_ptr<cgroup_slot> cgroup_pool::acquire() {
  if (!enabled_)
    return nullptr;
  if (!free_.empty()) {
    auto slot = std::move(free_.back());
    free_.pop_back();
    return slot;
  }
  auto path = folder_ + '/' + std::to_string(made_++);
  if (::mkdir(path.c_str(), 0755) != 0)
    return nullptr;
  auto folder = open_folder(path);
  if (!folder)
    return nullptr;
  unique_fd events{::openat(folder.get(), "cgroup.events", O_RDONLY | O_CLOEXEC)};
  if (!events)
    return nullptr;
  return std::make_unique<cgroup_slot>(std::move(path), std::move(folder), std::move(events));
}

void cgroup_pool::release(std::unique_ptr<cgroup_slot> slot) {
  if (!slot->spent() && free_.size() < most_free)
    free_.push_back(std::move(slot));
  else
    remove_cgroup(slot->path(), 4);
}

bool kill_cgroup_folder(const std::string& folder) {
  if (folder.empty())
    return true;
  const auto open = open_folder(folder);
  if (!open)
    return os_problem("open " + folder, errno).code != errc::unavailable;
  kill_all(open.get());
  const unique_fd events{::openat(open.get(), "cgroup.events", O_RDONLY | O_CLOEXEC)};
  if (!events || populated(events.get())) {
    // Before 5.14 there is no cgroup.kill: members are signalled one by one, folder by folder.
    if (DIR* const children = ::fdopendir(::dup(open.get())); children != nullptr) {
      while (const auto* entry = ::readdir(children))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
          if (const auto child = open_folder(folder + '/' + entry->d_name))
            kill_all(child.get());
      ::closedir(children);
    }
    return false;
  }
  remove_cgroup(folder, 4);
  return true;
}

} // namespace pinion
