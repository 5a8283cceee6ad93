#include "execution/lost_search.hpp"

#include "execution/cgroups.hpp"
#include "execution/log_index.hpp"
#include "execution/process_scan.hpp"
#include "pinion/execution/attempt_files.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/stat.h>
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
  const auto now = stat_process(pid);
  if (now && now.assume_value() && now.assume_value()->start_ticks == start_ticks)
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0U);
}

} // namespace

process_end lost_end(const std::string& data_dir, const process_key& key,
                     const journal_entry& entry, std::string why) {
  process_end end;
  end.kind = end_kind::lost;
  end.message = std::move(why);
  end.started_at = entry.pid != 0 ? entry.started_at : entry.claimed_at;
  end.ended_at = std::max(wall_now(), end.started_at);
  const auto path = log_path(data_dir, key);
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0)
    end.log_bytes = static_cast<std::uint64_t>(status.st_size);
  if (const auto head = read_small_file(path + ".idx", index_head_bytes)) {
    const auto index = decode_log_index(head.assume_value());
    end.log_cut = index.cut_end > index.cut_begin;
  }
  return end;
}

lost_search::lost_search(const launch_journal::history& from, const std::string& data_dir)
    : cgroup_{from.cgroup} {
  for (const auto& [key, entry] : from.entries)
    if (!entry.ended)
      left_[key] = {entry.pid, entry.start_ticks, fence_text(key, data_dir), 0, false};
}

/// A process at one look. Its environment is read only when it is asked for.
struct lost_search::sight {
  const std::string& mark() {
    if (asked_mark)
      return known_mark;
    asked_mark = true;
    auto read = fence_mark(pid, stat);
    whole = whole && read;
    is_readable = read && read.assume_value();
    if (is_readable)
      known_mark = *std::move(read).assume_value();
    return known_mark;
  }
  bool bears_no_mark() { return mark().empty() && is_readable; }
  bool is_of_our_user() {
    struct stat status {};
    if (::stat(("/proc/" + std::to_string(pid)).c_str(), &status) == 0)
      return status.st_uid == ::geteuid();
    whole = whole && (errno == ENOENT || errno == ESRCH);
    return false;
  }

  pid_t pid = 0;
  process_stat stat;
  bool asked_mark = false;
  bool is_readable = false;
  std::string known_mark = {};
  /// Nothing that was asked for could not be read.
  bool whole = true;
};

/// It is in the group or session that the sought process led, which nobody else's pid can name as
/// long as anyone is in it.
bool lost_search::is_member(sight& seen, const quarry& sought) {
  const auto& stat = seen.stat;
  if (sought.pid == 0 || sought.start_ticks == 0 ||
      (stat.group != sought.pid && stat.session != sought.pid))
    return false;
  const auto leader = stat_process(static_cast<pid_t>(sought.pid));
  if (!leader) {
    seen.whole = false;
    return false;
  }
  if (leader.assume_value())
    return leader.assume_value()->start_ticks == sought.start_ticks;
  // A member may outlive its leader, and have cleared its environment. The mark of another process
  // says that everyone was gone and the number was given out again; what is another user's, or
  // hides its environment, is too likely to be a stranger.
  return stat.start_ticks >= sought.start_ticks && seen.is_of_our_user() && seen.bears_no_mark();
}

bool lost_search::is_of(sight& seen, const quarry& sought) {
  return (seen.pid == sought.pid && seen.stat.start_ticks == sought.start_ticks) ||
         is_member(seen, sought) || seen.mark() == sought.mark;
}

lost_search::view lost_search::look() {
  view out;
  const auto all = all_processes();
  if (!all)
    return {{}, false};
  for (const auto pid : all.assume_value()) {
    if (pid <= 1 || pid == ::getpid())
      continue;
    const auto stat = stat_process(pid);
    if (!stat) {
      out.whole = false;
      continue;
    }
    if (!stat.assume_value() || is_dead(*stat.assume_value()))
      continue;
    sight seen{pid, *stat.assume_value()};
    const auto found = std::find_if(left_.begin(), left_.end(),
                                    [&seen](const auto& each) { return is_of(seen, each.second); });
    if (found == left_.end()) {
      out.whole = out.whole && seen.whole;
      continue;
    }
    found->second.found = true;
    out.found.push_back({pid, seen.stat.start_ticks});
  }
  return out;
}

std::vector<process_key> lost_search::step() {
  std::vector<process_key> gone;
  if (!kill_cgroup_folder(cgroup_))
    return gone;
  cgroup_.clear();
  for (auto& [key, sought] : left_)
    sought.found = false;
  // Nobody is killed before all have been looked at: a leader proves who its members are.
  const auto seen = left_.empty() ? view{} : look();
  for (const auto& each : seen.found)
    kill_exactly(each.pid, each.start_ticks);
  for (auto at = left_.begin(); at != left_.end();) {
    auto& sought = at->second;
    sought.clean_looks = sought.found || !seen.whole ? 0 : sought.clean_looks + 1;
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
