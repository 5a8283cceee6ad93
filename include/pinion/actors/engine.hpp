#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/actors/engine_options.hpp"
#include "pinion/actors/ports.hpp"

#include <memory>

namespace caf {
class actor_system;
class actor_system_config;
} // namespace caf

namespace pinion {

/// Sets the scheduler as measured (policy `sharing`, bounded throughput) and the renderer of our
/// errors. `threads` from 1; 0: one per processor, at most 4.
void configure_actors(caf::actor_system_config& config, unsigned threads = 0);

/// A running engine: its actors, and the client through which everybody else uses it.
class engine {
public:
  virtual ~engine() = default;
  virtual engine_client& client() = 0;
  /// Ends the actors in order; tasks go on under the launcher. The ports may be closed afterwards.
  /// Called once; blocks until they are gone (under a test coordinator: returns at once).
  virtual void stop() = 0;
};

/// Recovers what the store of `ports.kv` holds, then goes on with it. Bumps the epoch before
/// anything else: fails with the store's error, and then no actor exists. `ended` is called once,
/// from an actor, when a shutdown over the client is done.
result<std::unique_ptr<engine>> start_engine(caf::actor_system& system, engine_ports ports,
                                             engine_options options, std::function<void()> ended);

} // namespace pinion
