#pragma once

#include "actors/context.hpp"
#include "pinion/timing/wheel.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <unordered_map>

namespace pinion {

/// Two wheels of millisecond ticks: wall time since 1970, steady time since its own zero. A timer
/// never fires early: its tick is rounded up, the present one down.
struct timekeeper_state {
  static inline constexpr const char* name = "timekeeper";

  struct armed {
    timer_id entry;
    bool wall = false;
    /// Weak: a timer keeps nobody alive.
    caf::weak_actor_ptr who;
  };

  timekeeper_actor::stateful_pointer<timekeeper_state> self = nullptr;
  context_ptr context;
  wheel wall;
  wheel steady;
  std::unordered_map<std::uint64_t, armed> timers;
  steady_instant alarm_at = steady_instant::max();

  void arm(std::uint64_t id, bool on_wall, tick at, const timer_client& who);
  void cancel(std::uint64_t id);
  void ring(bool wall_stepped);
  wheel_answer describe() const;

private:
  void fire(const std::vector<expired_timer>& due);
  void set_alarm();
};

timekeeper_actor::behavior_type
timekeeper(timekeeper_actor::stateful_pointer<timekeeper_state> self, context_ptr context);

} // namespace pinion
