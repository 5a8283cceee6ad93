#pragma once

#include "execution/os.hpp"
#include "pinion/model/ids.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pinion {

/// Pids of all processes that /proc shows, ascending as far as the kernel lists them.
std::vector<pid_t> all_processes();

/// The children of this process, zombies included. Cheap where the kernel has
/// /proc/PID/task/TID/children, else a look at every process.
std::vector<pid_t> own_children();

/// What PINION_FENCE says in the processes of `key`: "r12.3.-.4.1.0@fe01.2f00a", the key and behind
/// the @ device and inode of the data folder. Two engines of one machine count the same runs:
/// without the folder one's launcher would take the other's processes for its own. Without a folder
/// at `data_dir` nothing is behind the @.
std::string fence_text(const process_key& key, const std::string& data_dir);

/// The value of PINION_FENCE in the environment with which the process was executed; nothing if it
/// has none or it is not ours to read.
std::optional<std::string> fence_mark(pid_t pid);

} // namespace pinion
