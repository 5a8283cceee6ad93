#include "actors/timekeeper.hpp"

#include "actors/crash.hpp"
#include "pinion/model/mutation.hpp"

#include <algorithm>
#include <caf/send.hpp>

namespace pinion {

namespace {

/// Timers fired in one turn; the rest follows in the next, so that others get theirs.
constexpr std::size_t max_fired_a_turn = 2'000;

constexpr std::int64_t us_a_tick = 1'000;

template <class Instant>
tick tick_down(Instant at) noexcept {
  return static_cast<tick>(std::max<std::int64_t>(to_us(at), 0) / us_a_tick);
}

template <class Instant>
tick tick_up(Instant at) noexcept {
  return static_cast<tick>((std::max<std::int64_t>(to_us(at), 0) + us_a_tick - 1) / us_a_tick);
}

} // namespace

void timekeeper_state::arm(std::uint64_t id, bool on_wall, tick at, const timer_client& who) {
  cancel(id);
  const auto entry = (on_wall ? wall : steady).arm(at, id);
  timers.emplace(id, armed{entry, on_wall, caf::actor_cast<caf::weak_actor_ptr>(who)});
  set_alarm();
}

void timekeeper_state::cancel(std::uint64_t id) {
  const auto found = timers.find(id);
  if (found == timers.end())
    return;
  (found->second.wall ? wall : steady).cancel(found->second.entry);
  timers.erase(found);
}

void timekeeper_state::ring(bool wall_stepped) {
  alarm_at = steady_instant::max();
  const auto& clock = *context->ports.clock;
  if (wall_stepped)
    wall.rewind(tick_down(clock.wall_now()));
  std::vector<expired_timer> due;
  bool more = wall.advance(tick_down(clock.wall_now()), max_fired_a_turn, due);
  more = steady.advance(tick_down(clock.steady_now()), max_fired_a_turn, due) || more;
  fire(due);
  if (more)
    self->send(self, msg::alarm_rang{});
  else if (!PINION_MUTATION("forget_the_next_alarm"))
    set_alarm();
}

void timekeeper_state::fire(const std::vector<expired_timer>& due) {
  const auto now = context->now();
  for (const auto& timer : due) {
    const auto found = timers.find(timer.payload);
    if (found == timers.end() || (PINION_MUTATION("lose_a_timer_of_two") && &timer != &due.front()))
      continue;
    if (const auto who = caf::actor_cast<caf::strong_actor_ptr>(found->second.who))
      self->send(caf::actor_cast<timer_client>(who), msg::timer_due{timer.payload, now});
    timers.erase(found);
  }
}

void timekeeper_state::set_alarm() {
  const auto& clock = *context->ports.clock;
  auto at = steady_instant::max();
  if (const auto next = steady.next_due())
    at = steady_instant{duration{static_cast<std::int64_t>(*next) * us_a_tick}};
  if (const auto next = wall.next_due()) {
    const auto due = from_us(static_cast<std::int64_t>(*next) * us_a_tick);
    at = std::min(at, clock.steady_now() + std::max(due - clock.wall_now(), duration{0}));
  }
  if (at == alarm_at)
    return;
  alarm_at = at;
  context->ports.alarm->wake_at(at);
}

wheel_answer timekeeper_state::describe() const {
  const auto& clock = *context->ports.clock;
  wheel_answer out;
  const auto of_wall = wall.stats();
  const auto of_steady = steady.stats();
  out.wall_entries = wall.size();
  out.steady_entries = steady.size();
  if (of_wall.next_due)
    out.next_wall = from_us(static_cast<std::int64_t>(*of_wall.next_due) * us_a_tick);
  if (of_steady.next_due)
    out.next_steady = std::max(
        steady_instant{duration{static_cast<std::int64_t>(*of_steady.next_due) * us_a_tick}} -
            clock.steady_now(),
        duration{0});
  out.fired = of_wall.fired + of_steady.fired;
  out.cancelled = of_wall.cancelled + of_steady.cancelled;
  return out;
}

timekeeper_actor::behavior_type
timekeeper(timekeeper_actor::stateful_pointer<timekeeper_state> self, context_ptr context) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.context = std::move(context);
  state.wall = wheel{tick_down(state.context->ports.clock->wall_now())};
  state.steady = wheel{tick_down(state.context->ports.clock->steady_now())};
  state.context->ports.alarm->open(
      [to = caf::actor_cast<timekeeper_actor>(self)](bool wall_stepped) {
        caf::anon_send(to, msg::alarm_rang{wall_stepped});
      });
  return {
      [self](const msg::arm_steady& what, const timer_client& who) {
        const auto at = self->state.context->ports.clock->steady_now() + what.in;
        self->state.arm(what.id, false, tick_up(at), who);
      },
      [self](const msg::arm_wall& what, const timer_client& who) {
        self->state.arm(what.id, true, tick_up(what.at), who);
      },
      [self](const msg::cancel_timer& what) { self->state.cancel(what.id); },
      [self](const msg::alarm_rang& what) { self->state.ring(what.wall_stepped); },
      [self](const msg::wheel_query&) { return self->state.describe(); },
  };
}

} // namespace pinion
