#pragma once

#include "pinion/actors/engine.hpp"
#include "pinion/actors/remote_launcher.hpp"
#include "pinion/actors/worker_node.hpp"
#include "simulation/desk.hpp"
#include "simulation/filling_disk.hpp"
#include "simulation/machine.hpp"
#include "simulation/network.hpp"
#include "simulation/observer.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <memory>
#include <optional>

namespace pinion::sim {

/// Where the engine crashes: at the commit of that number, just before it is durable or just after,
/// before the engine hears of it.
struct crash_point {
  std::uint64_t commit = 0; ///< From 1; 0: nowhere.
  bool durable = false;
};

/// Wakes the engine, or another, when the virtual clock gets there.
class virtual_alarm final : public alarm_port {
public:
  void open(listener to) override { to_ = std::move(to); }
  void wake_at(steady_instant at) override { at_ = at; }
  void close() override { cut(); }

  steady_instant due() const noexcept { return to_ ? at_ : steady_instant::max(); }
  void ring(bool wall_stepped);
  void cut() noexcept { to_ = nullptr; }

private:
  listener to_;
  steady_instant at_ = steady_instant::max();
};

/// A worker node between its start and its crash.
class worker_life {
public:
  worker_life(machine& on, network& over, const manual_clock& clock, trace& log,
              std::uint64_t number);
  ~worker_life();

  caf::scheduler::test_coordinator& jobs() { return *jobs_; }
  virtual_alarm alarm;

private:
  machine_port launcher_;
  network& over_;
  worker_end end_;
  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* jobs_ = nullptr;
  std::unique_ptr<worker_node> node_;
  trace& log_;
};

/// One engine between its start and its crash.
class generation {
public:
  generation(const scenario& of, const std::shared_ptr<surviving_disk>& disk, machine& on,
             manual_clock& clock, disk_watcher& watcher, trace& log, engine_probe* probe = nullptr,
             network* over = nullptr);
  ~generation();

  engine_client& client() { return running_->client(); }
  /// Starts what was held until there is room.
  void try_again() { local_.try_again(); }
  caf::scheduler::test_coordinator& jobs() { return *jobs_; }
  /// The engine asked to be ended: the store refused, or an actor that matters is gone.
  const std::optional<std::string>& fatal() const noexcept { return fatal_; }

  disk_port disk;
  virtual_alarm alarm;
  virtual_alarm resending; ///< Of the remote launcher.

private:
  network* over_; ///< To a worker node; null: the worker is part of the engine.
  engine_end end_;
  machine_port local_;
  std::optional<remote_launcher> remote_;
  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* jobs_ = nullptr;
  std::unique_ptr<engine> running_;
  std::optional<std::string> fatal_;
  bool dead_ = false;
  trace& log_;
};

/// What came of a simulation.
struct outcome {
  std::uint64_t hash = 0;
  std::uint64_t commits = 0;
  std::uint64_t steps = 0;
  std::uint64_t runs = 0;
  std::vector<std::string> violations;
  std::deque<std::string> history; ///< The last lines.
};

/// A whole engine with its world, in one thread, deterministic from a seed.
class world {
public:
  /// Beyond so many steps something does not come to rest.
  static constexpr std::uint64_t max_steps = 4'000'000;
  /// After the scenario everything must end within this virtual time: runs in a queue may lose
  /// their `patience` one after the other.
  static constexpr duration settle_time{std::chrono::hours{1'000}};
  /// What has not ended so long after the last thing that people did waits for what does not come.
  static constexpr duration patience{std::chrono::hours{1}};

  world(scenario of, std::uint64_t seed, crash_point at, bool echo);
  outcome run();

private:
  void step();
  void run_job(caf::scheduler::test_coordinator& jobs);
  bool has_job();
  void run_some_job();
  bool ring();
  void start_engine();
  void kill_worker();
  bool act();
  void release_commit();
  bool commit_is_there_early();
  /// How long the next commit takes.
  duration commit_takes();
  void watch_engine();
  void crash(const char* why);
  void stop_writing();
  void act_on(const scripted_action& action);
  void move_clock(duration at_most);
  steady_instant next_due();
  bool at_rest();
  void wind_up();
  void complain_unsettled();
  duration now() const { return clock_.steady_now() - start_; }

  scenario scenario_;
  random_source draw_;
  crash_point crash_at_;
  manual_clock clock_;
  trace log_;
  std::shared_ptr<surviving_disk> disk_ = std::make_shared<surviving_disk>();
  observer observer_;
  filling_disk room_;
  random_source early_;         ///< Apart from `draw_`: what happens is as it would be without it.
  std::uint64_t early_percent_; ///< Of the reads while a commit is under way that already see it.
  machine machine_;
  network network_;
  desk desk_;
  std::optional<generation> engine_;
  std::optional<worker_life> worker_;
  std::uint64_t lives_ = 0;
  std::optional<steady_instant> worker_at_; ///< When the worker node comes up again.
  steady_instant start_;
  steady_instant started_{};                 ///< The present engine, or the last one.
  std::optional<steady_instant> commit_due_; ///< Of the oldest commit that waits.
  std::optional<steady_instant> restart_at_;
  bool fail_next_ = false; ///< The next commit fails.
  bool failing_ = false;   ///< One has failed: the engine must end at once.
  steady_instant slow_until_{};
  bool winding_down_ = false;
  duration cut_at_ = duration::max(); ///< When people lose their patience.
  std::uint64_t commits_ = 0;
  std::uint64_t steps_ = 0;
};

} // namespace pinion::sim
