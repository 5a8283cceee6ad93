#pragma once

#include "execution/os.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pinion {

/// Pids of all processes that /proc shows, ascending as far as the kernel lists them.
std::vector<pid_t> all_processes();

/// The children of this process, zombies included. Cheap where the kernel has
/// /proc/PID/task/TID/children, else a look at every process.
std::vector<pid_t> own_children();

/// The value of PINION_FENCE in the environment with which the process was executed; nothing if it
/// has none or it is not ours to read.
std::optional<std::string> fence_mark(pid_t pid);

} // namespace pinion
