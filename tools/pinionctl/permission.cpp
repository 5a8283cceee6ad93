#include "permission.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion::ctl {
namespace {

namespace fs = std::filesystem;

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
  return text.data();
}

problem told(const fs::path& what, int rights) {
  struct stat about {};
  if (::stat(what.c_str(), &about) != 0)
    return {errc::refused, what.string() + " may not be looked at", "Run this as another user"};
  const auto* const verb = !S_ISDIR(about.st_mode) ? "open "
                           : (rights & W_OK) != 0  ? "write into "
                           : (rights & R_OK) != 0  ? "read "
                                                   : "enter ";
  const auto owner = user_name(about.st_uid);
  return {errc::refused,
          "user " + user_name(::geteuid()) + " may not " + verb + what.string() +
              ": it belongs to user " + owner + " and has mode " + octal(about.st_mode),
          "Run this as " + owner};
}

} // namespace

std::string user_name(unsigned id) {
  const auto* const found = ::getpwuid(id);
  return found != nullptr ? found->pw_name : "uid:" + std::to_string(id);
}

std::optional<problem> missing_permission(const fs::path& path, int rights) {
  std::error_code failed;
  const auto whole = fs::absolute(path, failed).lexically_normal();
  fs::path at;
  for (const auto& part : whole) {
    at /= part;
    const int wanted = at == whole ? rights : X_OK;
    if (::faccessat(AT_FDCWD, at.c_str(), wanted, AT_EACCESS) == 0)
      continue;
    return errno == EACCES ? std::optional{told(at, wanted)} : std::nullopt;
  }
  return std::nullopt;
}

} // namespace pinion::ctl
