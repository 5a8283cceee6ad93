#pragma once

#include "pinion/execution/launcher.hpp"
#include "pinion/execution/run_files.hpp"
#include "pinion/model/run_core.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/timing/clock.hpp"

#include <functional>
#include <string>

namespace pinion {

/// Wakes the TIMEKEEPER. An implementation for the host owns a thread; a simulation calls the
/// listener when its virtual clock gets there.
class alarm_port {
public:
  /// `wall_stepped`: the wall clock was set; otherwise the moment asked for has come.
  using listener = std::function<void(bool wall_stepped)>;

  virtual ~alarm_port() = default;
  /// Called once, before the first `wake_at`. Never called back after `close` returns.
  virtual void open(listener to) = 0;
  /// Replaces the moment of the next wake-up; `steady_instant::max()`: none. Returns at once.
  virtual void wake_at(steady_instant at) = 0;
  virtual void close() = 0;
};

/// Called as the engine goes, for an observer that is not the code under test. Never blocks. May
/// throw: that crashes the actor that called it, which is how tests prove containment.
class engine_probe {
public:
  virtual ~engine_probe() = default;
  /// An INSTANCE is about to do what `state` asks; the row is durable.
  virtual void entering(const instance_key& key, instance_state state) = 0;
  /// A RUN is about to apply an event.
  virtual void stepping(run_id run) = 0;
  /// A WORKFLOW is about to start a run.
  virtual void launching(const std::string& workflow) = 0;
};

/// Everything through which the engine touches the world. All outlive the engine.
struct engine_ports {
  clock_port* clock = nullptr;
  alarm_port* alarm = nullptr;
  kv_port* kv = nullptr;
  launcher_port* launcher = nullptr;
  /// The store refused a write or an actor that everything depends on is gone: the engine must end
  /// at once and recover at its next start. In production it ends the process and does not return.
  std::function<void(const std::string& why)> fatal;
  /// Optional: without it logs and workspaces stay.
  run_files_port* files = nullptr;
  /// Optional.
  engine_probe* probe = nullptr;
};

} // namespace pinion
