#pragma once

#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace pinion {

/// A listening Unix socket at `path`, mode 0600, with a group of that group and 0660; non-blocking,
/// close-on-exec. A socket file that
/// nobody listens on is replaced. Fails with `errc::in_use` if someone does, `errc::invalid` for a
/// path over 107 bytes or one that is no socket, `errc::os_failure` otherwise.
result<int> listen_at(const std::string& path, std::optional<std::uint32_t> group);

/// Name of the user at the other end (SO_PEERCRED), or "uid:N" for a user without a name.
std::string peer_user(int descriptor);

/// Has the other end closed both directions? (One that only has nothing more to say has not left.)
bool peer_has_left(int descriptor) noexcept;

} // namespace pinion
