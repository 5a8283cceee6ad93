#pragma once

#include "actors/context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <optional>

namespace pinion {

/// The local worker: between the INSTANCEs and the launcher port. Keeps what the launcher reports
/// until the owner of the process has asked for it, so that nothing is lost during recovery.
struct worker_state {
  static inline constexpr const char* name = "worker";

  struct process {
    process_client who; ///< Null: reported before anybody claimed it.
    std::optional<msg::process_started> started;
    std::optional<msg::process_ended> ended;
  };

  worker_actor::stateful_pointer<worker_state> self = nullptr;
  context_ptr context;
  std::map<process_key, process> processes;
  bool connected = false;
  bool recovering = true;

  void start(const process_order& order);
  void watch(const process_watch& what);
  void forget(const process_key& key);
  void forget_all(const instance_key& of);
  process_client who_waits_for(const instance_key& of) const;
  void take(launcher_event& event);
  void end_recovery();

private:
  void disown(const process_key& key, const process& orphan);
};

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                   context_ptr context);

} // namespace pinion
