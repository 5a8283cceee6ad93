#include "actors/worker.hpp"

#include "actors/crash.hpp"
#include "pinion/model/mutation.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace pinion {

void worker_state::start(const process_order& order) {
  processes[order.start->key].who = order.who;
  context->ports.launcher->start(*order.start);
}

void worker_state::watch(const process_watch& what) {
  auto& known = processes[what.key];
  known.who = what.who;
  if (known.ended)
    self->send(known.who, *known.ended);
  else if (known.started)
    self->send(known.who, *known.started);
  else
    context->ports.launcher->inquire(what.key);
}

void worker_state::forget(const process_key& key) {
  processes.erase(key);
  if (PINION_MUTATION("never_acknowledge_an_exit"))
    return;
  context->ports.launcher->acknowledge(key);
}

void worker_state::forget_all(const instance_key& of) {
  std::vector<process_key> over;
  for (auto at = processes.lower_bound({of, {}}); at != processes.end() && at->first.instance == of;
       ++at)
    if (at->second.ended)
      over.push_back(at->first);
  for (const auto& key : over)
    forget(key);
}

// What a worker that knows no fences would take for the one to tell.
process_client worker_state::who_waits_for(const instance_key& of) const {
  for (auto at = processes.lower_bound({of, {}}); at != processes.end() && at->first.instance == of;
       ++at)
    if (at->second.who)
      return at->second.who;
  return {};
}

void worker_state::take(launcher_event& event) {
  if (auto* started = std::get_if<launcher_event::started>(&event.what)) {
    auto& known = processes[started->key];
    known.started = msg::process_started{started->key, started->pid, started->at};
    if (known.who)
      self->send(known.who, *known.started);
    else if (!recovering)
      disown(started->key, known);
  } else if (auto* ended = std::get_if<launcher_event::ended>(&event.what)) {
    auto& known = processes[ended->key];
    known.ended = msg::process_ended{ended->key, std::move(ended->end)};
    if (!known.who && PINION_MUTATION("forget_fence"))
      known.who = who_waits_for(ended->key.instance);
    if (known.who)
      self->send(known.who, *known.ended);
    else if (!recovering)
      disown(ended->key, known);
  } else if (auto* unknown = std::get_if<launcher_event::unknown>(&event.what)) {
    const auto found = processes.find(unknown->key);
    if (found != processes.end() && found->second.who)
      self->send(found->second.who, msg::process_unknown{unknown->key});
  } else {
    connected = std::holds_alternative<launcher_event::connected>(event.what);
    context->launcher_connected = connected;
    if (!connected)
      spdlog::warn("the launcher is gone; another one is being started");
  }
}

// What no instance of the store claims was granted by an engine whose store is not this one, or
// ended before its instance asked and has been replaced since: it must not go on unseen.
void worker_state::disown(const process_key& key, const process& orphan) {
  spdlog::warn("a process belongs to no attempt and is ended: process={}", to_string(key));
  if (orphan.ended)
    forget(key);
  else
    context->ports.launcher->stop(key, std::chrono::seconds{30});
}

void worker_state::end_recovery() {
  recovering = false;
  std::vector<process_key> orphans;
  for (const auto& [key, known] : processes)
    if (!known.who)
      orphans.push_back(key);
  for (const auto& key : orphans)
    disown(key, process{processes.at(key)});
}

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                   context_ptr context) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.context = std::move(context);
  self->state.context->ports.launcher->open(
      [to = caf::actor_cast<worker_actor>(self)](launcher_event event) {
        caf::anon_send(to, msg::from_launcher{std::move(event)});
      });
  return {
      [self](const process_order& order) { self->state.start(order); },
      [self](const process_watch& what) { self->state.watch(what); },
      [self](const msg::stop_process& what) {
        self->state.context->ports.launcher->stop(what.key, what.grace);
      },
      [self](const msg::forget_process& what) { self->state.forget(what.key); },
      [self](const msg::forget_processes& what) { self->state.forget_all(what.of); },
      [self](msg::from_launcher& what) { self->state.take(what.event); },
      [self](const msg::recovery_done&) { self->state.end_recovery(); },
      [self](const msg::worker_query&) {
        return msg::worker_status{self->state.connected,
                                  static_cast<std::uint32_t>(self->state.processes.size())};
      },
  };
}

} // namespace pinion
