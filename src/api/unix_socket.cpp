#include "api/unix_socket.hpp"

#include "pinion/storage/data_folder.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace pinion {
namespace {

struct descriptor {
  int value = -1;
  explicit descriptor(int opened) noexcept : value{opened} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (value >= 0)
      ::close(value);
  }
  int release() noexcept { return std::exchange(value, -1); }
};

/// The mask is the process's own: engines bind before they have other threads that make files.
struct owner_only_umask {
  mode_t before = ::umask(0177);
  ~owner_only_umask() { ::umask(before); }
};

problem os_problem(const std::string& what, const std::string& path) {
  return problem{errc::os_failure, what + " '" + path + "': " + std::strerror(errno)};
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes a socket file that nobody listens on.
result<void> clear_stale(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return errno == ENOENT ? result<void>{ok()} : os_problem("Cannot look at", path);
  if (!S_ISSOCK(found.st_mode))
    return problem{errc::invalid, "'" + path + "' exists and is no socket",
                   "Move it away or choose another data folder"};
  const descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (probe.value < 0)
    return os_problem("Cannot make a socket for", path);
  const auto address = address_of(path);
  if (::connect(probe.value, generic(address), sizeof address) == 0 || errno == EAGAIN)
    return problem{errc::in_use, "Another engine listens at '" + path + "'",
                   "Stop it, or choose another data folder"};
  if (errno != ECONNREFUSED && errno != ENOENT)
    return os_problem("Cannot probe", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return os_problem("Cannot replace the stale socket", path);
  return ok();
}

} // namespace

result<int> listen_at(const std::string& path, std::optional<std::uint32_t> group) {
  BOOST_OUTCOME_TRYV(check_socket_path(path));
  BOOST_OUTCOME_TRYV(clear_stale(path));
  descriptor made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (made.value < 0)
    return os_problem("Cannot make a socket for", path);
  const auto address = address_of(path);
  {
    const owner_only_umask mask;
    if (::bind(made.value, generic(address), sizeof address) != 0)
      return os_problem("Cannot bind the socket", path);
  }
  // Nobody can connect before `listen`: there is no moment in which the wrong ones might.
  if (group && (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 ||
                ::chmod(path.c_str(), 0660) != 0))
    return os_problem("Cannot give to the group the socket", path);
  if (::listen(made.value, SOMAXCONN) != 0)
    return os_problem("Cannot listen at", path);
  return made.release();
}

std::string peer_user(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return "unknown";
  std::array<char, 16384> space{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, space.data(), space.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return "uid:" + std::to_string(peer.uid);
}

bool peer_has_left(int descriptor) noexcept {
  pollfd watched{descriptor, 0, 0};
  return ::poll(&watched, 1, 0) == 1 && (watched.revents & (POLLHUP | POLLERR)) != 0;
}

} // namespace pinion
