#include "execution/task_keeper.hpp"

#include "execution/process_scan.hpp"
#include "execution/spawn.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pinion {

namespace {

using std::chrono::milliseconds;

constexpr duration log_look_every = milliseconds{100};
constexpr duration hurried_look_every = milliseconds{10};
constexpr duration slowest_check = milliseconds{20};
constexpr duration catch_up_every = std::chrono::seconds{1};
constexpr duration search_every = milliseconds{20};
constexpr duration kill_again_after = std::chrono::seconds{1};
/// fork says EAGAIN while the user has too many processes, and there may be no descriptor left:
/// that passes, or it is the attempt's end.
constexpr int most_spawn_tries = 40;
constexpr duration spawn_retry_delay = milliseconds{50};

/// `at` plus `by` without leaving the range; `by` comes from outside.
steady_instant later(steady_instant at, duration by) noexcept {
  constexpr duration longest = std::chrono::hours{24 * 365 * 100};
  return at + std::clamp(by, duration{0}, longest);
}

/// Raises the soft limit on open files (logs and cgroups of the living are kept open) and returns
/// what it was, for the tasks.
long raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return 0;
  const auto before = static_cast<long>(limit.rlim_cur);
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? before : 0;
}

/// The kernel will not put processes into cgroups of ours after all.
bool cgroup_refused(int error) {
  return error == EACCES || error == EPERM || error == EBUSY || error == EOPNOTSUPP ||
         error == EINVAL || error == ENOSYS || error == ENODEV || error == EBADF || error == ENOENT;
}

} // namespace

task_keeper::task_keeper(const launcher_options& options, launch_journal& journal,
                         cgroup_pool cgroups, const launch_journal::history& former, emitter emit)
    : options_{options}, journal_{journal}, cgroups_{std::move(cgroups)}, emit_{std::move(emit)},
      null_input_{::open("/dev/null", O_RDONLY | O_CLOEXEC)}, open_files_{raise_open_files()} {
  search_ = lost_search{former, options_.data_dir};
  // Also without a key in doubt: what the former one was burying goes with its cgroup folder.
  advance_search(steady_now());
}

void task_keeper::start(wire::start request) {
  const auto& known = journal_.known().entries;
  if (known.count(request.key) != 0) {
    inquire(request.key);
    return;
  }
  const auto key = request.key;
  if (const auto claimed = journal_.claim(key, wall_now(), request.slot); !claimed) {
    process_end end;
    end.kind = end_kind::not_started;
    end.message = claimed.assume_error().message;
    end.started_at = end.ended_at = wall_now();
    emit_(wire::ended{key, request.slot, end});
    return;
  }
  auto& of = live_[key];
  of.request = std::move(request);
  of.mark = fence_text(key, options_.data_dir);
  of.request.environment.push_back("PINION_FENCE=" + of.mark);
  spawn(of);
}

void task_keeper::spawn(task& of) {
  const auto& request = of.request;
  if (request.argv.empty())
    return not_started(of, "there is no command to execute");
  if (!of.log.is_open()) {
    auto log = log_watch::open(request.log_path, request.log_limit_bytes, wall_now());
    if (!log)
      return not_started_yet(of, std::move(log).assume_error());
    of.log = std::move(log).assume_value();
  }
  unique_fd input;
  if (!request.stdin_path.empty()) {
    input.reset(::open(request.stdin_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input)
      return not_started_yet(of, os_problem("open " + request.stdin_path, errno));
  }
  of.cgroup = cgroups_.acquire();
  spawn_request how{request.argv, request.environment, request.cwd};
  how.stdin_fd = input ? input.get() : null_input_.get();
  how.log_fd = of.log.fd();
  how.cgroup_fd = of.cgroup ? of.cgroup->folder() : -1;
  how.open_files = open_files_;
  auto outcome = spawn_process(how);
  if (of.cgroup && outcome.step == spawn_step::clone && cgroup_refused(outcome.error)) {
    cgroups_.disable();
    of.cgroup.reset();
    how.cgroup_fd = -1;
    outcome = spawn_process(how);
  }
  if (outcome.step == spawn_step::done)
    return spawned(of, outcome.pid);
  if (of.cgroup)
    cgroups_.release(std::move(of.cgroup));
  const auto passes = outcome.error == EAGAIN || outcome.error == ENOMEM ||
                      outcome.error == EMFILE || outcome.error == ENFILE;
  not_started_yet(of, {passes ? errc::unavailable : errc::os_failure, spawn_failure(how, outcome)});
}

void task_keeper::not_started_yet(task& of, problem why) {
  if (why.code != errc::unavailable || ++of.spawn_tries >= most_spawn_tries)
    return not_started(of, std::move(why.message));
  of.retry_at = steady_now() + spawn_retry_delay;
  wake_at(of.retry_at);
}

void task_keeper::spawned(task& of, pid_t pid) {
  const auto now = steady_now();
  auto& request = of.request;
  of.at = phase::running;
  of.pid = pid;
  of.started_at = wall_now();
  of.retry_at = steady_instant::max();
  if (request.timeout > duration{0})
    of.timeout_at = later(now, request.timeout);
  if (request.lease > duration{0})
    of.lease_at = later(now, request.lease);
  of.look_at = now + log_look_every;
  mains_[pid] = &of;
  // Without it the process is found by its mark only.
  const auto stat = stat_process(pid);
  const auto ticks = stat && stat.assume_value() ? stat.assume_value()->start_ticks : 0;
  // If we die before that is written, it is a claim without start: lost, which is true.
  noted(journal_.start(request.key, pid, ticks, of.started_at));
  emit_(wire::started{request.key, pid, of.started_at, request.slot});
  request.environment = {};
  request.argv = {};
  wake_at(earliest(of));
}

void task_keeper::not_started(task& of, std::string why) {
  process_end end;
  end.kind = of.cause.value_or(end_kind::not_started);
  end.message = std::move(why);
  end.started_at = end.ended_at = wall_now();
  finish(of, std::move(end));
}

void task_keeper::inquire(const process_key& key) {
  const auto& known = journal_.known().entries;
  const auto entry = known.find(key);
  if (entry == known.end())
    emit_(wire::unknown{key});
  else if (entry->second.ended)
    emit_(wire::ended{key, entry->second.slot, entry->second.end});
  else if (const auto live = live_.find(key); live != live_.end() && live->second.pid != 0)
    emit_(wire::started{key, live->second.pid, live->second.started_at, entry->second.slot});
  // Else it is about to start, or being searched for: what becomes of it will be told.
}

void task_keeper::report_all() {
  wire::reported rest;
  for (const auto& [key, entry] : journal_.known().entries) {
    inquire(key);
    const auto live = live_.find(key);
    if (!entry.ended && (live == live_.end() || live->second.pid == 0))
      rest.slots.push_back(entry.slot);
  }
  emit_(std::move(rest));
}

void task_keeper::stop(const process_key& key, duration grace) {
  const auto live = live_.find(key);
  if (live == live_.end())
    return inquire(key);
  auto& of = live->second;
  if (of.at == phase::starting) {
    of.cause = end_kind::stopped;
    return not_started(of, "stopped before it could start");
  }
  begin_stop(of, end_kind::stopped, {}, grace);
}

void task_keeper::begin_stop(task& of, end_kind cause, std::string message, duration grace) {
  const auto now = steady_now();
  // Once its main process has ended by itself, only what it left behind is still to be stopped.
  if (of.at == phase::running && !of.cause) {
    of.cause = cause;
    of.message = std::move(message);
  }
  of.timeout_at = of.lease_at = steady_instant::max();
  const auto kill_at = later(now, grace);
  if (kill_at > now)
    signal_tree(of, SIGTERM);
  of.kill_at = std::min(of.kill_at, kill_at);
  wake_at(of.kill_at);
}

void task_keeper::acknowledge(const process_key& key) {
  const auto& known = journal_.known().entries;
  if (const auto entry = known.find(key); entry != known.end() && entry->second.ended)
    // If we die before that is written the end is reported again, to an engine that has it already.
    noted(journal_.forget(key));
}

void task_keeper::renew_leases() {
  const auto now = steady_now();
  for (auto& [key, of] : live_)
    if (of.lease_at != steady_instant::max())
      of.lease_at = later(now, of.request.lease);
}

void task_keeper::reap() {
  std::vector<task*> ended;
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto main = mains_.find(pid);
    if (main == mains_.end())
      continue;
    auto& of = *main->second;
    of.status = status;
    of.ended_at = std::max(wall_now(), of.started_at);
    mains_.erase(main);
    ended.push_back(&of);
  }
  // All are reaped before the first is looked at: one search for what they left serves them all.
  for (auto* of : ended)
    main_ended(*of);
}

void task_keeper::main_ended(task& of) {
  of.at = phase::draining;
  of.timeout_at = of.lease_at = steady_instant::max();
  bury(of);
}

bool task_keeper::bury(task& of) {
  const auto tree = tree_of(of);
  if (tree == presence::gone) {
    finish(of, end_of(of));
    return true;
  }
  const auto now = steady_now();
  if (tree == presence::alive && of.kill_at == steady_instant::max()) {
    signal_tree(of, SIGTERM);
    of.kill_at = later(now, options_.leftover_grace);
  }
  of.check_at = tree == presence::alive ? now + of.check_every : std::max(scan_after_, now);
  of.check_every = std::min(2 * of.check_every, slowest_check);
  wake_at(earliest(of));
  return false;
}

process_end task_keeper::end_of(const task& of) const {
  process_end end;
  if (WIFEXITED(of.status)) {
    end.kind = end_kind::exited;
    end.exit_code = WEXITSTATUS(of.status);
  } else {
    end.kind = end_kind::signaled;
    end.signal = WTERMSIG(of.status);
    end.message = "killed by " + signal_name(end.signal);
    if (WCOREDUMP(of.status))
      end.message += ", core dumped";
  }
  if (of.cause) {
    end.kind = *of.cause;
    end.message = of.message;
  }
  end.started_at = of.started_at;
  end.ended_at = of.ended_at;
  return end;
}

void task_keeper::finish(task& of, process_end end) {
  const auto key = of.request.key;
  const auto slot = of.request.slot;
  if (of.log.is_open()) {
    of.log.look(wall_now(), true);
    end.log_bytes = of.log.size();
    end.log_cut = of.log.cut();
  }
  if (of.cgroup)
    cgroups_.release(std::move(of.cgroup));
  live_.erase(key);
  // Reported also when the disk is full: the entry in memory then stands for the record.
  noted(journal_.end(key, end));
  emit_(wire::ended{key, slot, end});
  if (live_.empty()) {
    sweep_at_ = steady_now() + log_look_every;
    wake_at(sweep_at_);
  }
}

bool task_keeper::belongs(const stray& child, const task& to) {
  return child.group == to.pid || child.session == to.pid || child.mark == to.mark;
}

void task_keeper::signal_tree(const task& of, int signal) {
  if (of.cgroup) {
    of.cgroup->signal(signal);
    if (signal != SIGKILL)
      of.cgroup->signal(SIGCONT);
    return;
  }
  if (!of.group_gone) {
    ::kill(-of.pid, signal);
    if (signal != SIGKILL)
      ::kill(-of.pid, SIGCONT);
  }
  scan_strays(true);
  for (const auto& child : strays_)
    if (belongs(child, of))
      ::kill(child.pid, signal);
}

task_keeper::presence task_keeper::tree_of(task& of) {
  if (of.cgroup)
    return of.cgroup->empty() ? presence::gone : presence::alive;
  if (!of.group_gone && (::kill(-of.pid, 0) == 0 || errno != ESRCH))
    return presence::alive;
  of.group_gone = true;
  // What left the group is our child since its parent died: we are the subreaper.
  if (!scan_strays(false))
    return presence::not_known;
  const auto left = std::any_of(strays_.begin(), strays_.end(),
                                [&of](const stray& child) { return belongs(child, of); });
  return left ? presence::alive : presence::gone;
}

bool task_keeper::scan_strays(bool at_any_cost) {
  const auto begun = steady_now();
  if (!at_any_cost && begun < scan_after_)
    return false;
  const auto whole = list_strays();
  // A kernel that does not list children makes this a look at all processes: a fifth of our time at
  // most, unless the time went to others. What could not be seen is looked for again in a while.
  const auto cost = steady_now() - begun;
  const duration pause = cost > milliseconds{1} / 4 ? 4 * cost : duration{0};
  scan_after_ = begun + cost + (whole ? std::min<duration>(pause, slowest_check) : slowest_check);
  return whole;
}

bool task_keeper::list_strays() {
  strays_.clear();
  const auto children = own_children();
  bool whole = children.has_value();
  for (const auto pid : children ? children.assume_value() : std::vector<pid_t>{}) {
    if (mains_.count(pid) != 0)
      continue;
    const auto stat = stat_process(pid);
    whole = whole && stat;
    if (!stat || !stat.assume_value() || is_dead(*stat.assume_value()))
      continue;
    const auto& is = *stat.assume_value();
    auto mark = fence_mark(pid, is);
    whole = whole && mark;
    strays_.push_back({pid, is.group, is.session,
                       mark ? std::move(mark).assume_value().value_or("") : std::string{}});
  }
  return whole;
}

void task_keeper::kill_unclaimed() {
  const auto whole = scan_strays(true);
  for (const auto& child : strays_)
    ::kill(child.pid, SIGKILL);
  if (whole && strays_.empty())
    return;
  sweep_at_ = steady_now() + log_look_every;
  wake_at(sweep_at_);
}

steady_instant task_keeper::earliest(const task& of) const noexcept {
  return std::min({of.retry_at, of.timeout_at, of.lease_at, of.kill_at, of.look_at, of.check_at});
}

bool task_keeper::advance(task& of, steady_instant now) {
  if (of.retry_at <= now) {
    of.retry_at = steady_instant::max();
    const auto key = of.request.key;
    spawn(of);
    return live_.count(key) == 0;
  }
  if (of.timeout_at <= now)
    begin_stop(of, end_kind::timed_out, "its timeout passed", of.request.grace);
  if (of.lease_at <= now)
    begin_stop(of, end_kind::stopped, "lease_expired", of.request.grace);
  if (of.kill_at <= now) {
    signal_tree(of, SIGKILL);
    of.kill_at = now + kill_again_after;
  }
  if (of.look_at <= now) {
    of.log.look(wall_now());
    of.look_at = now + (of.log.hurried() ? hurried_look_every : log_look_every);
  }
  return of.check_at <= now && bury(of);
}

void task_keeper::tick(steady_instant now) {
  if (now < next_wake_)
    return;
  // Who has ended is late for nothing, however long we were held up.
  reap();
  next_wake_ = steady_instant::max();
  for (auto at = live_.begin(); at != live_.end();) {
    auto& of = (at++)->second;
    if (earliest(of) <= now && advance(of, now))
      continue;
    wake_at(earliest(of));
  }
  if (search_at_ <= now)
    advance_search(now);
  wake_at(search_at_);
  if (sweep_at_ <= now) {
    sweep_at_ = steady_instant::max();
    if (live_.empty() && cgroups_.folder().empty())
      kill_unclaimed();
  }
  wake_at(sweep_at_);
  catch_up(now);
}

void task_keeper::noted(const result<void>& written) {
  if (!written)
    wake_at(steady_now());
}

void task_keeper::catch_up(steady_instant now) {
  if (!journal_.behind()) {
    catch_up_at_ = steady_instant::max();
    return;
  }
  if (catch_up_at_ <= now && journal_.catch_up())
    return;
  if (catch_up_at_ <= now || catch_up_at_ == steady_instant::max())
    catch_up_at_ = now + catch_up_every;
  wake_at(catch_up_at_);
}

void task_keeper::advance_search(steady_instant now) {
  for (const auto& key : search_.step())
    lose(key);
  search_at_ = search_.done() ? steady_instant::max() : now + search_every;
  wake_at(search_at_);
}

void task_keeper::lose(const process_key& key) {
  const auto& entry = journal_.known().entries.at(key);
  const auto slot = entry.slot;
  const auto end = lost_end(options_.data_dir, key, entry, "launcher_lost");
  noted(journal_.end(key, end));
  emit_(wire::ended{key, slot, end});
}

void task_keeper::stop_all() {
  std::vector<process_key> keys;
  for (const auto& [key, of] : live_)
    keys.push_back(key);
  for (const auto& key : keys)
    if (const auto live = live_.find(key); live != live_.end())
      stop(key, live->second.request.grace);
}

void task_keeper::kill_all() {
  for (auto& [key, of] : live_)
    if (of.pid != 0)
      signal_tree(of, SIGKILL);
}

} // namespace pinion
