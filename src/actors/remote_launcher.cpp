#include "pinion/actors/remote_launcher.hpp"

#include <spdlog/spdlog.h>

namespace pinion {

remote_launcher::remote_launcher(engine_network& network, alarm_port& alarm,
                                 const clock_port& clock, std::uint64_t epoch)
    : network_{network}, alarm_{alarm}, clock_{clock} {
  session_.epoch = epoch;
}

void remote_launcher::open(listener to) {
  {
    const std::lock_guard lock{mutex_};
    to_ = std::move(to);
  }
  network_.open([this](const to_engine& frame) {
    const std::lock_guard lock{mutex_};
    if (to_)
      hear(frame);
  });
  alarm_.open([this](bool) {
    const std::lock_guard lock{mutex_};
    if (to_)
      resend();
  });
  const std::lock_guard lock{mutex_};
  greet();
}

void remote_launcher::close() {
  {
    const std::lock_guard lock{mutex_};
    to_ = nullptr;
  }
  network_.close();
  alarm_.close();
}

// -- calls

void remote_launcher::start(start_request request) {
  const std::lock_guard lock{mutex_};
  order({request});
  const auto key = request.key;
  starts_.insert_or_assign(key, std::move(request));
}

void remote_launcher::inquire(const process_key& key) {
  const std::lock_guard lock{mutex_};
  inquiries_.insert(key);
  order({worker_order::inquire{key}});
}

void remote_launcher::stop(const process_key& key, duration grace) {
  const std::lock_guard lock{mutex_};
  stops_[key] = grace;
  order({worker_order::stop{key, grace}});
}

void remote_launcher::acknowledge(const process_key& key) {
  const std::lock_guard lock{mutex_};
  forget(key); // Nothing about it may come after: the worker's launcher knows it no more.
  acknowledged_.insert(key);
  order({worker_order::acknowledge{key}});
}

void remote_launcher::order(worker_order what) {
  if (!up_)
    return; // With the next session.
  const auto number = stream_.push(std::move(what));
  send(number, &stream_.unacknowledged().at(number));
  wake();
}

// -- frames

void remote_launcher::send(std::uint64_t number, const worker_order* what) {
  to_worker frame{session_, stream_.received(), number, std::nullopt};
  if (what != nullptr)
    frame.order = *what;
  network_.send(std::move(frame));
}

void remote_launcher::greet() {
  up_ = false;
  session_.node = 0;
  ++session_.greeting;
  send(0, nullptr);
  wake();
}

// Not put off by what follows: then nothing would ever come again in a steady flow.
void remote_launcher::wake() {
  if (!std::exchange(armed_, true))
    alarm_.wake_at(clock_.steady_now() + pace_.next());
}

// A greeting, or whatever may have been lost.
void remote_launcher::resend() {
  armed_ = false;
  if (refused_)
    return;
  if (!up_)
    send(0, nullptr);
  for (const auto& [number, what] : stream_.unacknowledged())
    send(number, &what);
  if (!up_ || !stream_.unacknowledged().empty())
    wake();
}

void remote_launcher::hear(const to_engine& frame) {
  pace_.heard();
  // A node that was restarted says so, or has heard a greeting that came late, of the session that
  // stands: it answers that one and announces itself no more.
  const bool answers =
      frame.what == to_engine::kind::welcome || frame.what == to_engine::kind::report;
  const bool fresh =
      frame.session.node != session_.node &&
      (frame.what == to_engine::kind::here || (answers && frame.session.epoch == session_.epoch &&
                                               frame.session.greeting == session_.greeting));
  if (fresh && up_ && !refused_)
    return lose_session();
  if (refused_ || frame.session.epoch != session_.epoch ||
      frame.session.greeting != session_.greeting)
    return;
  switch (frame.what) {
  case to_engine::kind::welcome:
    return welcomed(frame.session);
  case to_engine::kind::refused:
    spdlog::error("the worker obeys a newer engine: this one is deposed");
    refused_ = true;
    up_ = false;
    return;
  case to_engine::kind::reset:
    if (up_)
      lose_session();
    return;
  case to_engine::kind::here: // It is being greeted.
    return;
  case to_engine::kind::report:
    if (up_ && frame.session == session_)
      reported(frame);
    return;
  }
}

void remote_launcher::welcomed(const worker_session& by) {
  if (up_)
    return; // Told twice.
  session_ = by;
  up_ = true;
  stream_ = {};
  for (const auto& key : acknowledged_)
    order({worker_order::acknowledge{key}});
  for (const auto& [_, request] : starts_)
    order({request});
  for (const auto& key : inquiries_)
    order({worker_order::inquire{key}});
  for (const auto& [key, grace] : stops_)
    order({worker_order::stop{key, grace}});
}

// The node was restarted: its launcher and the processes go on.
void remote_launcher::lose_session() {
  stream_ = {};
  greet();
  to_({launcher_event::disconnected{}});
}

void remote_launcher::reported(const to_engine& frame) {
  const auto& sent = stream_.unacknowledged();
  for (auto at = sent.begin(); at != sent.end() && at->first <= frame.received; ++at)
    if (const auto* done = std::get_if<worker_order::acknowledge>(&at->second.what))
      acknowledged_.erase(done->key);
  stream_.acknowledged(frame.received);
  if (!frame.report)
    return;
  for (const auto& event : stream_.take(frame.number, *frame.report))
    deliver(event);
  send(0, nullptr); // Also for what came twice: the acknowledgement may be what was lost.
}

void remote_launcher::deliver(const launcher_event& event) {
  if (const auto* started = std::get_if<launcher_event::started>(&event.what)) {
    starts_.erase(started->key);
    inquiries_.erase(started->key);
  } else if (const auto* ended = std::get_if<launcher_event::ended>(&event.what)) {
    forget(ended->key);
  } else if (const auto* unknown = std::get_if<launcher_event::unknown>(&event.what)) {
    inquiries_.erase(unknown->key);
    stops_.erase(unknown->key);
  }
  to_(event);
}

void remote_launcher::forget(const process_key& key) {
  starts_.erase(key);
  inquiries_.erase(key);
  stops_.erase(key);
}

} // namespace pinion
