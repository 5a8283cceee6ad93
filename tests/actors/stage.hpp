#pragma once

#include "simulation/world.hpp"

#include <functional>

namespace pinion::testing {

/// A whole engine on the test's thread, whose every part moves only when the test says so.
class stage : public engine_probe {
public:
  explicit stage(sim::scenario of);

  /// Applies the scenario's definitions and lets everything come to rest.
  void apply();
  /// Starts a run of the scenario's first workflow by hand; its number, once durable.
  run_id trigger();
  /// Runs actors, commits and the machine until nothing more happens at this moment.
  void settle();
  /// Runs the actors only: commits wait.
  void run_actors();
  /// Lets so much time pass, doing what comes due on the way.
  void pass(duration time);
  /// The engine crashes and a new one starts over its disk.
  void restart();

  store_reader store() const { return store_reader{rows}; }
  instance_record instance(run_id run, std::uint32_t task) const;
  run_record run(run_id id) const;
  std::size_t processes() const { return at.processes().size(); }

  void entering(const instance_key& key, instance_state state) override;
  void stepping(run_id id) override;
  void launching(const std::string& workflow) override;

  /// Called by the probe; may throw.
  std::function<void(const instance_key&, instance_state)> on_entering;
  std::function<void(run_id)> on_stepping;
  std::function<void(const std::string&)> on_launching;
  /// Called before a commit is carried out.
  std::function<void()> on_committing;

  sim::scenario of;
  sim::random_source draw{1};
  manual_clock clock{from_us(1'800'000'000'000'000), steady_instant{std::chrono::hours{1}}};
  sim::trace log{clock};
  std::shared_ptr<surviving_disk> disk = std::make_shared<surviving_disk>();
  memory_kv rows{disk};
  sim::observer eyes{of, disk, clock, log};
  sim::machine at{draw, clock, log, eyes};
  std::optional<sim::generation> engine;
};

} // namespace pinion::testing
