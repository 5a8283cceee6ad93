#include "execution/process_scan.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <dirent.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {

namespace {

/// More environment than exec takes by default.
constexpr std::size_t max_environment_bytes = 8U << 20U;

std::optional<pid_t> parse_pid(std::string_view text) {
  pid_t pid = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return pid;
}

/// The numbers that name entries of the folder.
result<std::vector<pid_t>> numbers_in(const std::string& path) {
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr)
    return os_problem("list " + path, errno);
  std::vector<pid_t> out;
  errno = 0;
  while (const auto* entry = ::readdir(folder))
    if (const auto number = parse_pid(entry->d_name))
      out.push_back(*number);
  const auto error = errno;
  ::closedir(folder);
  if (error != 0)
    return os_problem("list " + path, error);
  return out;
}

/// The environment behind `path`, "" also for what has none any more; nothing for what is gone or
/// not ours.
result<std::optional<std::string>> read_environment(const std::string& path) {
  auto read = read_small_file(path, max_environment_bytes);
  if (read)
    return std::optional{std::move(read).assume_value()};
  if (read.assume_error().code == errc::unavailable)
    return std::move(read).assume_error();
  return std::optional<std::string>{};
}

/// Of a thread that goes on: the main one gives up the environment with its memory as it ends.
result<std::optional<std::string>> environment_of(pid_t pid, const process_stat& seen) {
  const auto process = "/proc/" + std::to_string(pid);
  if (seen.state != 'Z' || is_dead(seen))
    return read_environment(process + "/environ");
  std::optional<std::string> out;
  const auto threads = numbers_in(process + "/task");
  if (!threads && threads.assume_error().code == errc::unavailable)
    return threads.assume_error();
  if (threads)
    for (const auto thread : threads.assume_value()) {
      BOOST_OUTCOME_TRY(each,
                        read_environment(process + "/task/" + std::to_string(thread) + "/environ"));
      if (each && (!out || out->empty()))
        out = std::move(each);
    }
  return out;
}

} // namespace

result<std::vector<pid_t>> all_processes() { return numbers_in("/proc"); }

result<std::vector<pid_t>> own_children() {
  const auto self = ::getpid();
  const auto name = std::to_string(self);
  std::vector<pid_t> out;
  const auto listed = read_small_file("/proc/" + name + "/task/" + name + "/children", 1U << 20U);
  if (listed) {
    std::string_view rest = listed.assume_value();
    while (!rest.empty()) {
      const auto space = rest.find(' ');
      if (const auto pid = parse_pid(rest.substr(0, space)))
        out.push_back(*pid);
      rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    }
    return out;
  }
  if (listed.assume_error().code != errc::not_found)
    return listed.assume_error();
  BOOST_OUTCOME_TRY(all, all_processes());
  for (const auto pid : all) {
    BOOST_OUTCOME_TRY(stat, stat_process(pid));
    if (stat && stat->parent == self)
      out.push_back(pid);
  }
  return out;
}

std::string fence_text(const process_key& key, const std::string& data_dir) {
  struct stat status {};
  auto out = to_string(key) + '@';
  if (::stat(data_dir.c_str(), &status) != 0)
    return out;
  char folder[48];
  std::snprintf(folder, sizeof folder, "%jx.%jx", static_cast<std::uintmax_t>(status.st_dev),
                static_cast<std::uintmax_t>(status.st_ino));
  return out += folder;
}

result<std::optional<std::string>> fence_mark(pid_t pid, const process_stat& seen) {
  BOOST_OUTCOME_TRY(read, environment_of(pid, seen));
  if (!read)
    return std::optional<std::string>{};
  constexpr std::string_view name = "PINION_FENCE=";
  std::string_view rest = *read;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\0'), rest.size());
    if (rest.substr(0, name.size()) == name)
      return std::optional{std::string{rest.substr(name.size(), end - name.size())}};
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::optional{std::string{}};
}

} // namespace pinion
