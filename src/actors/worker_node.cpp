#include "pinion/actors/worker_node.hpp"

#include "actors/crash.hpp"
#include "actors/messages.hpp"
#include "pinion/execution/ordered_stream.hpp"
#include "pinion/model/mutation.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <spdlog/spdlog.h>

namespace pinion::msg {

struct from_engine {
  to_worker frame;
};

} // namespace pinion::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pinion::msg::from_engine)

namespace pinion {

namespace {

using worker_node_actor = caf::typed_actor<
    // A frame came from some engine.
    caf::reacts_to<msg::from_engine>,
    // The launcher reports.
    caf::reacts_to<msg::from_launcher>,
    // It is time to send again what may have been lost.
    caf::reacts_to<msg::alarm_rang>>;

/// Obeys the engine with the highest epoch, and of it the newest session only. Remembers what its
/// launcher reported until that is acknowledged, and tells it at the beginning of each session.
struct worker_node_state {
  static inline constexpr const char* name = "worker_node";

  struct process {
    std::optional<launcher_event::started> started;
    std::optional<launcher_event::ended> ended;
  };

  worker_node_actor::pointer self = nullptr;
  node_ports ports;
  std::uint64_t life = 0;
  worker_session session; ///< Epoch 0: nobody has greeted yet.
  ordered_stream<launcher_event, worker_order> stream;
  std::map<process_key, process> processes;
  bool connected = false;
  bool armed = false; ///< The alarm will ring.
  resend_pace pace;

  void hear(to_worker& frame);
  void greeted(const worker_session& by);
  void take(launcher_event event);
  void resend();
  void announce();

private:
  void carry_out(worker_order& what);
  void report(launcher_event event);
  void send(std::uint64_t number, const launcher_event* event);
  void answer(to_engine::kind what, const worker_session& to);
  void wake();
};

// Until somebody greets it.
void worker_node_state::announce() {
  answer(to_engine::kind::here, {0, 0, life});
  wake();
}

void worker_node_state::hear(to_worker& frame) {
  pace.heard();
  if (frame.session.epoch < session.epoch)
    return answer(to_engine::kind::refused, frame.session);
  if (frame.session.node == 0)
    return greeted(frame.session);
  if (frame.session != session && !PINION_MUTATION("take_any_session"))
    return answer(to_engine::kind::reset, frame.session);
  stream.acknowledged(frame.received);
  if (!frame.order)
    return;
  if (PINION_MUTATION("take_orders_as_they_come"))
    carry_out(*frame.order);
  else
    for (auto& next : stream.take(frame.number, std::move(*frame.order)))
      carry_out(next);
  send(0, nullptr);
}

void worker_node_state::greeted(const worker_session& by) {
  const std::pair greeting{by.epoch, by.greeting};
  const std::pair present{session.epoch, session.greeting};
  if (greeting < present)
    return; // Late.
  if (greeting == present)
    return answer(to_engine::kind::welcome, session);
  session = {by.epoch, by.greeting, life};
  stream = {};
  answer(to_engine::kind::welcome, session);
  if (connected)
    report({launcher_event::connected{}});
  for (const auto& [_, each] : processes) {
    if (each.started)
      report({*each.started});
    if (each.ended)
      report({*each.ended});
  }
}

void worker_node_state::carry_out(worker_order& order) {
  auto& launcher = *ports.launcher;
  if (auto* start = std::get_if<start_request>(&order.what)) {
    launcher.start(std::move(*start));
  } else if (const auto* inquire = std::get_if<worker_order::inquire>(&order.what)) {
    launcher.inquire(inquire->key);
  } else if (const auto* stop = std::get_if<worker_order::stop>(&order.what)) {
    launcher.stop(stop->key, stop->grace);
  } else if (const auto* done = std::get_if<worker_order::acknowledge>(&order.what)) {
    processes.erase(done->key);
    launcher.acknowledge(done->key);
  }
}

void worker_node_state::take(launcher_event event) {
  if (const auto* started = std::get_if<launcher_event::started>(&event.what))
    processes[started->key].started = *started;
  else if (const auto* ended = std::get_if<launcher_event::ended>(&event.what))
    processes[ended->key].ended = *ended;
  else if (std::holds_alternative<launcher_event::connected>(event.what))
    connected = true;
  else if (std::holds_alternative<launcher_event::disconnected>(event.what))
    connected = false;
  report(std::move(event));
}

void worker_node_state::report(launcher_event event) {
  if (session.epoch == 0)
    return; // The first session begins with it.
  const auto number = stream.push(std::move(event));
  send(number, &stream.unacknowledged().at(number));
  wake();
}

void worker_node_state::send(std::uint64_t number, const launcher_event* event) {
  to_engine frame{to_engine::kind::report, session, stream.received(), number, std::nullopt};
  if (event != nullptr)
    frame.report = *event;
  ports.network->send(std::move(frame));
}

void worker_node_state::answer(to_engine::kind what, const worker_session& to) {
  ports.network->send({what, to, 0, 0, std::nullopt});
}

// Not put off by what follows: then nothing would ever come again in a steady flow.
void worker_node_state::wake() {
  if (!std::exchange(armed, true))
    ports.alarm->wake_at(ports.clock->steady_now() + pace.next());
}

void worker_node_state::resend() {
  armed = false;
  if (session.epoch == 0)
    return announce();
  for (const auto& [number, event] : stream.unacknowledged())
    send(number, &event);
  if (!stream.unacknowledged().empty())
    wake();
}

worker_node_actor::behavior_type
node_behavior(worker_node_actor::stateful_pointer<worker_node_state> self, node_ports ports,
              std::uint64_t life) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.ports = ports;
  state.life = life;
  const auto me = caf::actor_cast<worker_node_actor>(self);
  ports.launcher->open(
      [me](launcher_event event) { caf::anon_send(me, msg::from_launcher{std::move(event)}); });
  ports.network->open(
      [me](to_worker frame) { caf::anon_send(me, msg::from_engine{std::move(frame)}); });
  ports.alarm->open([me](bool) { caf::anon_send(me, msg::alarm_rang{}); });
  state.announce();
  return {
      [self](msg::from_engine& what) { self->state.hear(what.frame); },
      [self](msg::from_launcher& what) { self->state.take(std::move(what.event)); },
      [self](const msg::alarm_rang&) { self->state.resend(); },
  };
}

class actor_node final : public worker_node {
public:
  actor_node(caf::actor_system& system, node_ports ports, std::uint64_t life)
      : actor_{system.spawn(node_behavior, ports, life)} {}
  void stop() override { caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown); }

private:
  worker_node_actor actor_;
};

} // namespace

std::unique_ptr<worker_node> start_worker_node(caf::actor_system& system, node_ports ports,
                                               std::uint64_t life) {
  return std::make_unique<actor_node>(system, ports, life);
}

} // namespace pinion
