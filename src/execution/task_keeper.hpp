#pragma once

#include "execution/cgroups.hpp"
#include "execution/launch_journal.hpp"
#include "execution/log_index.hpp"
#include "execution/lost_search.hpp"
#include "execution/protocol.hpp"
#include "pinion/execution/launcher_process.hpp"

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace pinion {

/// The launcher without its socket: starts, watches, stops and buries processes, and writes the
/// journal before each deed. For one thread, with all signals blocked.
class task_keeper {
public:
  using emitter = std::function<void(const wire_message&)>;

  /// What `former`, of this boot, has without an end belongs to a former launcher: it is searched
  /// for and killed, and ends as lost ("launcher_lost"). `journal` is that of `former` gone on.
  task_keeper(const launcher_options& options, launch_journal& journal, cgroup_pool cgroups,
              const launch_journal::history& former, emitter emit);

  void start(wire::start request);
  void inquire(const process_key& key);
  void stop(const process_key& key, duration grace);
  void acknowledge(const process_key& key);
  void renew_leases();
  /// Emits what is alive and what is not acknowledged.
  void report_all();

  /// Takes the status of every child that has ended.
  void reap();
  /// Does what is due at `now`, for those that have not ended by then.
  void tick(steady_instant now);
  /// When `tick` has something to do next; `steady_instant::max()` if never.
  steady_instant next_wake() const noexcept { return next_wake_; }

  /// Stops all that is alive as if each was asked for.
  void stop_all();
  /// Kills all that is alive, at once.
  void kill_all();
  /// No process is alive, wanted or sought.
  bool nothing_alive() const noexcept { return live_.empty() && search_.done(); }
  /// Nothing is alive and every end is acknowledged.
  bool nothing_known() const noexcept { return journal_.known().entries.empty(); }

private:
  enum class phase { starting, running, draining };

  struct task {
    wire::start request;
    phase at = phase::starting;
    pid_t pid = 0;
    int spawn_tries = 0;
    /// Nobody is left in its process group: the number may belong to others from now on.
    bool group_gone = false;
    int status = 0;
    instant started_at{};
    instant ended_at{};
    /// Why we end it, if we do.
    std::optional<end_kind> cause;
    std::string message;
    steady_instant retry_at = steady_instant::max();
    steady_instant timeout_at = steady_instant::max();
    steady_instant lease_at = steady_instant::max();
    steady_instant kill_at = steady_instant::max();
    steady_instant look_at = steady_instant::max();
    steady_instant check_at = steady_instant::max();
    duration check_every{std::chrono::milliseconds{1}};
    std::unique_ptr<cgroup_slot> cgroup;
    log_watch log;
    /// Of the task: stands in the environment of its processes.
    std::string mark;
  };

  /// A child of ours that is no task's main process: something a task started and left.
  struct stray {
    pid_t pid = 0;
    pid_t group = 0;
    pid_t session = 0;
    std::string mark;
  };

  enum class presence { gone, alive, not_known };

  void spawn(task& of);
  void spawned(task& of, pid_t pid);
  /// Tries again in a moment if `why` passes (`errc::unavailable`), a limited number of times.
  void not_started_yet(task& of, problem why);
  void not_started(task& of, std::string why);
  void begin_stop(task& of, end_kind cause, std::string message, duration grace);
  void main_ended(task& of);
  /// Ends the task if its tree is gone, else goes on ending the tree. True if `of` is no more.
  bool bury(task& of);
  void finish(task& of, process_end end);
  process_end end_of(const task& of) const;
  void signal_tree(const task& of, int signal);
  presence tree_of(task& of);
  /// Brings `strays_` up to date. False if that is not due yet, or not all could be looked at.
  bool scan_strays(bool at_any_cost);
  bool list_strays();
  static bool belongs(const stray& child, const task& to);
  void kill_unclaimed();
  bool advance(task& of, steady_instant now);
  void advance_search(steady_instant now);
  /// What could not be written is, once there is room.
  void noted(const result<void>& written);
  void catch_up(steady_instant now);
  void lose(const process_key& key);
  void wake_at(steady_instant when) noexcept { next_wake_ = std::min(next_wake_, when); }
  steady_instant earliest(const task& of) const noexcept;

  launcher_options options_;
  launch_journal& journal_;
  cgroup_pool cgroups_;
  emitter emit_;
  unique_fd null_input_;
  long open_files_ = 0;
  std::map<process_key, task> live_;
  std::unordered_map<pid_t, task*> mains_;
  lost_search search_;
  steady_instant catch_up_at_ = steady_instant::max();
  steady_instant search_at_ = steady_instant::max();
  steady_instant sweep_at_ = steady_instant::max();
  steady_instant next_wake_ = steady_instant::max();
  std::vector<stray> strays_;
  steady_instant scanned_at_{};
  steady_instant scan_after_{};
};

} // namespace pinion
