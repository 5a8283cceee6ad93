#include "execution/lost_search.hpp"

#include "execution/cgroups.hpp"
#include "execution/process_scan.hpp"

#include <csignal>
#include <sys/syscall.h>
#include <unistd.h>

namespace pinion {

namespace {

constexpr int looks_needed = 2;

/// Kills the process that has this pid and start time, and no other that came to the pid since.
void kill_exactly(pid_t pid, std::uint64_t start_ticks) {
  const unique_fd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
  if (!process)
    return;
  // The descriptor holds on to the process: if the start time fits now, the signal reaches it or
  // nobody.
  if (const auto now = stat_process(pid); now && now->start_ticks == start_ticks)
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0U);
}

} // namespace

lost_search::lost_search(const launch_journal::history& from, const std::string& data_dir)
    : cgroup_{from.cgroup} {
  for (const auto& [key, entry] : from.entries)
    if (!entry.ended)
      left_[key] = {entry.pid, entry.start_ticks, fence_text(key, data_dir), 0, false};
}

void lost_search::look_at(pid_t pid) {
  const auto stat = stat_process(pid);
  if (pid <= 1 || pid == ::getpid() || !stat || stat->state == 'Z' || stat->state == 'X')
    return;
  std::optional<std::string> mark;
  for (auto& [key, sought] : left_) {
    const auto is_main = pid == sought.pid && stat->start_ticks == sought.start_ticks;
    // A group's number cannot be given out again while its first process lives.
    bool is_member = false;
    if (!is_main && sought.pid != 0 && (stat->group == sought.pid || stat->session == sought.pid)) {
      const auto leader = stat_process(static_cast<pid_t>(sought.pid));
      is_member = leader && leader->start_ticks == sought.start_ticks;
    }
    if (!is_main && !is_member) {
      if (!mark)
        mark = fence_mark(pid).value_or("");
      if (*mark != sought.mark)
        continue;
    }
    sought.found = true;
    kill_exactly(pid, stat->start_ticks);
    return;
  }
}

std::vector<process_key> lost_search::step() {
  std::vector<process_key> gone;
  if (!kill_cgroup_folder(cgroup_))
    return gone;
  cgroup_.clear();
  for (auto& [key, sought] : left_)
    sought.found = false;
  if (!left_.empty())
    for (const auto pid : all_processes())
      look_at(pid);
  for (auto at = left_.begin(); at != left_.end();) {
    auto& sought = at->second;
    sought.clean_looks = sought.found ? 0 : sought.clean_looks + 1;
    if (sought.clean_looks < looks_needed) {
      ++at;
      continue;
    }
    gone.push_back(at->first);
    at = left_.erase(at);
  }
  return gone;
}

} // namespace pinion
