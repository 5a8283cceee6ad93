#pragma once

#include "pinion/actors/ports.hpp"
#include "pinion/execution/network.hpp"

#include <memory>

namespace caf {
class actor_system;
}

namespace pinion {

/// Everything through which a worker node touches the world. All outlive the node.
struct node_ports {
  const clock_port* clock = nullptr;
  alarm_port* alarm = nullptr; ///< Its own.
  launcher_port* launcher = nullptr;
  worker_network* network = nullptr;
};

/// A worker node: an actor between the network and its launcher.
class worker_node {
public:
  virtual ~worker_node() = default;
  /// Ends the actor. Processes go on.
  virtual void stop() = 0;
};

/// `life` names this life of the node: never 0, never the same twice, so that nothing that was sent
/// to an earlier one is taken by this one.
std::unique_ptr<worker_node> start_worker_node(caf::actor_system& system, node_ports ports,
                                               std::uint64_t life);

} // namespace pinion
