#pragma once

#include "actors/interfaces.hpp"
#include "actors/known_definitions.hpp"
#include "actors/runs_ending.hpp"
#include "actors/slots_under_way.hpp"
#include "pinion/actors/engine_options.hpp"
#include "pinion/actors/ports.hpp"

#include <atomic>
#include <caf/error.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace pinion {

/// What every actor of one engine knows. Made once by the ENGINE; shared by all; the counters and
/// the settings may be used from any thread.
class engine_context {
public:
  engine_context(engine_ports with, engine_options chosen, std::uint64_t this_epoch)
      : ports{std::move(with)}, options{std::move(chosen)}, epoch{this_epoch} {}

  const engine_ports ports;
  const engine_options options;
  const std::uint64_t epoch;

  journal_actor journal;
  timekeeper_actor timekeeper;
  dispatcher_actor dispatcher;
  worker_actor worker;
  planner_actor planner;
  alerts_actor alerts;
  directory_actor directory;
  backfills_actor backfills;
  retention_actor retention; ///< Null: nothing is removed.
  engine_actor engine;

  /// What is committed, for those who watch.
  change_feed changes;
  slots_under_way deciding;
  runs_ending ending;
  std::atomic<bool> launcher_connected = false; ///< Told by the WORKER.

  instant now() const noexcept { return ports.clock->wall_now(); }

  /// Names a timer; never zero, never the same twice.
  std::uint64_t new_timer() const noexcept { return ++timers_; }
  /// Names a run; never the same twice in the life of the store.
  run_id new_run() const noexcept { return {++runs_}; }
  /// Runs up to this one exist.
  void runs_exist_up_to(run_id highest) noexcept { runs_ = highest.value; }

  /// The settings of a project as last applied, pools in the sizes that people have set; an empty
  /// set for an unknown one.
  std::shared_ptr<const project_settings> settings(const std::string& project) const;
  void set_settings(project_settings settings);
  /// A pool's size in the place of the applied one; empty: that one again.
  void set_pool_size(const std::string& project, const std::string& pool,
                     std::optional<std::uint32_t> permits);

  /// All workflows as last applied.
  std::shared_ptr<const known_definitions> definitions() const;
  void set_definitions(known_definitions::map all);

  /// Somebody may wait for runs of this workflow: whoever runs it tells the DIRECTORY. That is who
  /// needs it by a present definition, or has begun to wait for it by an older one.
  bool is_needed(const std::string& workflow) const;
  /// Told by the DIRECTORY before it looks at what stands in the store; holds until the next start.
  void wait_for(const std::string& workflow);

  /// The tasks of a workflow that people have switched, by name; told by its WORKFLOW.
  std::map<std::string, task_mode> switches(const std::string& workflow) const;
  void set_switches(const std::string& workflow, std::map<std::string, task_mode> switches);

  /// Drops the handles: they form cycles with the actors that share this context.
  void disconnect();

private:
  void renew(const std::string& project); ///< Under the lock.

  mutable std::atomic<std::uint64_t> timers_{0};
  mutable std::atomic<std::uint64_t> runs_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const project_settings>> settings_;
  std::map<std::string, project_settings> applied_;
  std::map<std::string, std::map<std::string, std::uint32_t>> pool_sizes_; ///< By project.
  std::map<std::string, std::map<std::string, task_mode>> switches_;
  std::set<std::string> waited_for_;
  std::shared_ptr<const known_definitions> definitions_ =
      std::make_shared<known_definitions>(known_definitions::map{});
};

using context_ptr = std::shared_ptr<engine_context>;

/// Errors between actors: category `pinion`, code = errc, context = (message, suggestion).
caf::error to_error(const problem& what);
/// Inverse; an error of CAF itself becomes `errc::unavailable`.
problem to_problem(const caf::error& what);

} // namespace pinion
