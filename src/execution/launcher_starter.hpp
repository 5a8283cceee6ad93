#pragma once

#include "execution/os.hpp"

#include <string>
#include <vector>

namespace pinion {

/// Connects to the launcher that serves `data_dir`. Fails with `errc::unavailable` when there is
/// none.
result<unique_fd> connect_launcher(const std::string& data_dir);

/// Runs `command --data DIR` and waits, at most some 10 s, until the launcher listens; its messages
/// go to `DIR/launcher.log`. Succeeds also when another launcher turned out to serve the folder.
/// Fails with `errc::unavailable`, the message holding its last words.
result<void> start_launcher(const std::vector<std::string>& command, const std::string& data_dir);

} // namespace pinion
