#include "program/socket_group.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {
namespace {

namespace fs = std::filesystem;

problem os_problem(const std::string& what, const fs::path& path) {
  return {errc::os_failure, "cannot " + what + ' ' + path.string() + ": " + std::strerror(errno),
          errno == EPERM ? "the engine's user must be a member of the group" : ""};
}

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t value = 0;
  const auto end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, value);
  return failed == std::errc{} && at == end ? std::optional{value} : std::nullopt;
}

/// Folders and files that were made while only the owner could come near.
result<void> close_contents(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator it{folder, failed}, end; !failed && it != end; it.increment(failed)) {
    struct stat about {};
    if (::lstat(it->path().c_str(), &about) != 0)
      return os_problem("look at", it->path());
    const auto mode = about.st_mode;
    if (!S_ISDIR(mode) && !S_ISREG(mode))
      continue;
    if ((mode & 0077U) != 0 && ::chmod(it->path().c_str(), S_ISDIR(mode) ? 0700 : 0600) != 0)
      return os_problem("close", it->path());
  }
  if (failed)
    return problem{errc::os_failure, "cannot read " + folder.string() + ": " + failed.message()};
  return ok();
}

} // namespace

result<std::uint32_t> find_group(const std::string& name) {
  std::array<char, 16384> space{};
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found) == 0 &&
      found != nullptr)
    return std::uint32_t{found->gr_gid};
  if (const auto number = number_of(name))
    return *number;
  return problem{errc::invalid, "there is no group `" + name + "`", "`getent group` lists them"};
}

result<void> admit_group(const fs::path& folder, std::optional<std::uint32_t> group) {
  BOOST_OUTCOME_TRYV(close_contents(folder));
  if (group && ::chown(folder.c_str(), static_cast<uid_t>(-1), *group) != 0)
    return os_problem("give to the group", folder);
  if (::chmod(folder.c_str(), group ? 0710 : 0700) != 0)
    return os_problem("set the mode of", folder);
  return ok();
}

} // namespace pinion
