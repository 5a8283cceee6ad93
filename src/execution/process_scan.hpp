#pragma once

#include "execution/os.hpp"
#include "pinion/model/ids.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pinion {

// These fail with `errc::os_failure` or `errc::unavailable` (no descriptor left, no memory): then
// nothing is known, least of all that there is nothing.

/// Pids of all processes that /proc shows, ascending as far as the kernel lists them.
result<std::vector<pid_t>> all_processes();

/// The children of this process, zombies included. Cheap where the kernel has
/// /proc/PID/task/TID/children, else a look at every process.
result<std::vector<pid_t>> own_children();

/// What PINION_FENCE says in the processes of `key`: "r12.3.-.4.1.0@fe01.2f00a", the key and behind
/// the @ device and inode of the data folder. Two engines of one machine count the same runs:
/// without the folder one's launcher would take the other's processes for its own. Without a folder
/// at `data_dir` nothing is behind the @.
std::string fence_text(const process_key& key, const std::string& data_dir);

/// The value of PINION_FENCE in the environment with which the process was executed, "" if it has
/// none; nothing if the process is gone or its environment not ours to read.
result<std::optional<std::string>> fence_mark(pid_t pid, const process_stat& seen);

} // namespace pinion
