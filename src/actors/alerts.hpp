#pragma once

#include "actors/context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <set>

namespace pinion {

/// Hands alarms to channels. An alarm's row is written with the transition that caused it and
/// erased once its channel has it, so a crash in between repeats the hand-over, never loses it. A
/// channel's command runs under the launcher, keyed by the alarm: a repeated start does not run it
/// twice.
struct alerts_state {
  static inline constexpr const char* name = "alerts";
  /// A command that fails is run again so often, then given up with a line in the log.
  static constexpr std::uint32_t max_tries = 3;
  static constexpr std::chrono::seconds command_timeout{60};

  struct under_way {
    msg::send_alarm alarm;
    std::uint32_t tries = 0;
  };

  alerts_actor::stateful_pointer<alerts_state> self = nullptr;
  context_ptr context;
  std::map<process_key, under_way> commands;
  std::set<std::string> known; ///< Alarms in hand whose rows still stand.

  /// Takes no notice of one that is in hand.
  void send(const msg::send_alarm& alarm);
  void ended(const msg::process_ended& what);
  /// What has a row whose key begins so and is not in hand: after a restart, or a crash of a RUN.
  void resume(const std::string& prefix);

private:
  void run_command(under_way what, const channel_definition& channel);
  void done(const msg::send_alarm& alarm);
};

alerts_actor::behavior_type alerts(alerts_actor::stateful_pointer<alerts_state> self,
                                   context_ptr context);

} // namespace pinion
