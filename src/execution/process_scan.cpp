#include "execution/process_scan.hpp"

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

} // namespace

std::vector<pid_t> all_processes() {
  std::vector<pid_t> out;
  DIR* const folder = ::opendir("/proc");
  if (folder == nullptr)
    return out;
  while (const auto* entry = ::readdir(folder))
    if (const auto pid = parse_pid(entry->d_name))
      out.push_back(*pid);
  ::closedir(folder);
  return out;
}

std::vector<pid_t> own_children() {
  const auto self = ::getpid();
  const auto name = std::to_string(self);
  std::vector<pid_t> out;
  if (const auto listed =
          read_small_file("/proc/" + name + "/task/" + name + "/children", 1U << 20U)) {
    std::string_view rest = listed.assume_value();
    while (!rest.empty()) {
      const auto space = rest.find(' ');
      if (const auto pid = parse_pid(rest.substr(0, space)))
        out.push_back(*pid);
      rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    }
    return out;
  }
  for (const auto pid : all_processes())
    if (const auto stat = stat_process(pid); stat && stat->parent == self)
      out.push_back(pid);
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

std::optional<std::string> fence_mark(pid_t pid) {
  const auto read =
      read_small_file("/proc/" + std::to_string(pid) + "/environ", max_environment_bytes);
  if (!read)
    return std::nullopt;
  constexpr std::string_view name = "PINION_FENCE=";
  std::string_view rest = read.assume_value();
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\0'), rest.size());
    if (rest.substr(0, name.size()) == name)
      return std::string{rest.substr(name.size(), end - name.size())};
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

} // namespace pinion
