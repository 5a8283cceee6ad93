#include "simulation/machine.hpp"

#include <algorithm>
#include <chrono>

namespace pinion::sim {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

std::string describe(const process_end& end) {
  switch (end.kind) {
  case end_kind::exited:
    return "exit " + std::to_string(end.exit_code);
  case end_kind::signaled:
    return "signal " + std::to_string(end.signal);
  case end_kind::stopped:
    return "stopped";
  case end_kind::timed_out:
    return "timed out";
  case end_kind::not_started:
    return "not started";
  case end_kind::lost:
    return "lost";
  }
  return "?";
}

} // namespace

// -- the machine

steady_instant machine::next_due() const {
  auto due = steady_instant::max();
  if (connects_at_)
    due = std::min(due, *connects_at_);
  if (!commands_.empty())
    due = std::min(due, commands_.front().due);
  if (!events_.empty())
    due = std::min(due, events_.front().due);
  for (const auto& [_, each] : processes_)
    if (each.alive)
      due = std::min(due, each.ends_at);
  return due;
}

bool machine::act() {
  const auto now = clock_.steady_now();
  if (connects_at_ && *connects_at_ <= now) {
    connect();
    return true;
  }
  const bool arrives = !commands_.empty() && commands_.front().due <= now;
  const bool event = !events_.empty() && events_.front().due <= now;
  if (arrives && (!event || draw_.chance(50))) {
    auto next = std::move(commands_.front().what);
    commands_.pop_front();
    std::visit([this](auto& each) { take(each); }, next);
    return true;
  }
  if (event) {
    const auto next = std::move(events_.front().what);
    events_.pop_front();
    if (port_ != nullptr)
      port_->deliver(next);
    return true;
  }
  for (auto& [key, each] : processes_)
    if (each.alive && each.ends_at <= now) {
      finish(key, each);
      return true;
    }
  return false;
}

steady_instant machine::later(steady_instant not_before) {
  const auto slow = draw_.chance(5);
  const auto lag = slow ? draw_.between(milliseconds{50}, seconds{3})
                        : draw_.between(duration{0}, milliseconds{4});
  return std::max(not_before, clock_.steady_now() + lag);
}

void machine::attach(machine_port* port) {
  port_ = port;
  connects_at_ = later(clock_.steady_now());
}

void machine::detach() {
  port_ = nullptr;
  connected_ = false;
  connects_at_.reset();
  events_.clear();
  take_some_commands();
}

// What is in the socket's buffer is still read, up to somewhere.
void machine::take_some_commands() {
  const auto arrives = commands_.empty() ? 0 : draw_.below(commands_.size() + 1);
  for (std::size_t i = 0; i < arrives; ++i)
    std::visit([this](auto& each) { take(each); }, commands_[i].what);
  commands_.clear();
}

void machine::connect() {
  connects_at_.reset();
  connected_ = true;
  tell({launcher_event::connected{}});
  for (const auto& [key, each] : processes_) {
    if (each.alive && draw_.chance(70))
      tell({launcher_event::started{key, each.pid, each.end.started_at}});
    else if (each.over)
      tell({launcher_event::ended{key, each.end}});
  }
  if (port_ != nullptr)
    port_->connected();
}

void machine::send(command what) {
  const auto after = commands_.empty() ? steady_instant{} : commands_.back().due;
  commands_.push_back({later(after), std::move(what)});
}

void machine::tell(launcher_event what) {
  if (port_ == nullptr || !connected_)
    return;
  const auto after = events_.empty() ? steady_instant{} : events_.back().due;
  const auto twice = draw_.chance(10);
  events_.push_back({later(after), what});
  if (late_repeats_ && std::holds_alternative<launcher_event::ended>(what.what) &&
      draw_.chance(25)) {
    const auto due = clock_.steady_now() + draw_.between(milliseconds{10}, seconds{20});
    const auto after_it =
        std::upper_bound(events_.begin(), events_.end(), due,
                         [](steady_instant at, const auto& each) { return at < each.due; });
    events_.insert(after_it, {due, what});
  }
  if (twice)
    events_.push_back({later(events_.back().due), std::move(what)});
}

process_end machine::draw_end(const start_request& request) {
  process_end end;
  const auto fate = draw_.below(100);
  if (fate < 80) {
    std::string list;
    for (auto left = draw_.below(4); left > 0; --left)
      list += (list.empty() ? "" : ",") + std::to_string(left);
    if (request.key.token.check() == 0)
      end.outputs_json = "{\"n\":" + std::to_string(draw_.below(9)) + ",\"list\":[" + list + "]}";
  } else if (fate < 90) {
    end.exit_code = 1;
  } else if (fate < 95) {
    end.exit_code = 75;
  } else if (fate < 97) {
    end.exit_code = 99;
  } else {
    end.kind = end_kind::signaled;
    end.signal = 9;
  }
  return end;
}

void machine::take(start_request& request) {
  const auto key = request.key;
  if (const auto known = processes_.find(key); known != processes_.end()) {
    if (known->second.over)
      tell({launcher_event::ended{key, known->second.end}});
    else
      tell({launcher_event::started{key, known->second.pid, known->second.end.started_at}});
    return;
  }
  auto& of = processes_[key];
  of.request = request;
  of.end = draw_end(request);
  of.end.started_at = clock_.wall_now();
  if (draw_.chance(2)) {
    of.end.kind = end_kind::not_started;
    of.end.outputs_json = "{}";
    of.end.message = "no such command";
    finish(key, of);
    return;
  }
  of.alive = true;
  of.pid = next_pid_++;
  const auto lasts = draw_.chance(10) ? draw_.between(seconds{30}, minutes{4})
                                      : draw_.between(milliseconds{1}, seconds{12});
  of.ends_at = clock_.steady_now() + lasts;
  if (request.timeout > duration{0} && lasts > request.timeout) {
    of.ends_at = clock_.steady_now() + request.timeout;
    of.end.kind = end_kind::timed_out;
    of.end.outputs_json = "{}";
  }
  log_.note("process " + to_string(key) + " begins");
  watcher_.process_began(of.request);
  tell({launcher_event::started{key, of.pid, of.end.started_at}});
}

void machine::take(const inquire_command& what) {
  const auto known = processes_.find(what.key);
  if (known == processes_.end())
    tell({launcher_event::unknown{what.key}});
  else if (known->second.over)
    tell({launcher_event::ended{what.key, known->second.end}});
  else
    tell({launcher_event::started{what.key, known->second.pid, known->second.end.started_at}});
}

void machine::take(const stop_command& what) {
  const auto known = processes_.find(what.key);
  if (known == processes_.end()) {
    tell({launcher_event::unknown{what.key}});
  } else if (known->second.over) {
    tell({launcher_event::ended{what.key, known->second.end}});
  } else if (!known->second.stopping) {
    auto& of = known->second;
    of.stopping = true;
    const auto dies = clock_.steady_now() + draw_.between(milliseconds{1}, what.grace);
    if (dies < of.ends_at) {
      of.ends_at = dies;
      of.end.kind = end_kind::stopped;
      of.end.outputs_json = "{}";
    }
  }
}

void machine::take(const acknowledge_command& what) {
  const auto known = processes_.find(what.key);
  if (known == processes_.end())
    return;
  if (known->second.over) {
    watcher_.end_acknowledged(what.key);
    processes_.erase(known);
  } else {
    log_.violation("the end of " + to_string(what.key) +
                   " is acknowledged while the process is alive");
  }
}

void machine::finish(const process_key& key, process& of) {
  of.alive = false;
  of.over = true;
  of.end.ended_at = clock_.wall_now();
  log_.note("process " + to_string(key) + " ends: " + describe(of.end));
  watcher_.process_over(key, of.end);
  tell({launcher_event::ended{key, of.end}});
}

void machine::kill_launcher() {
  log_.note("the launcher dies");
  if (connected_)
    tell({launcher_event::disconnected{}});
  connected_ = false;
  commands_.clear();
  for (auto& [key, each] : processes_) {
    if (!each.alive)
      continue;
    each.end.kind = end_kind::lost;
    each.end.outputs_json = "{}";
    each.end.message = "the launcher died";
    finish(key, each);
  }
  if (port_ != nullptr)
    connects_at_ = clock_.steady_now() + draw_.between(milliseconds{50}, seconds{2});
}

void machine::break_link() {
  if (!connected_)
    return;
  log_.note("the connection to the launcher breaks");
  take_some_commands();
  if (!events_.empty())
    events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(draw_.below(events_.size() + 1)),
                  events_.end());
  tell({launcher_event::disconnected{}});
  connected_ = false;
  connects_at_ = clock_.steady_now() + draw_.between(milliseconds{50}, seconds{20});
}

void machine::reboot() {
  ++boots_;
  log_.note("the machine restarts");
  for (auto at = processes_.begin(); at != processes_.end();) {
    auto& [key, each] = *at;
    if (each.alive) {
      each.end.kind = end_kind::lost;
      each.end.outputs_json = "{}";
      each.end.message = "the machine was restarted";
      finish(key, each);
      // Its claim may never have reached the disk.
      if (draw_.chance(50)) {
        at = processes_.erase(at);
        continue;
      }
    }
    ++at;
  }
}

// -- the port

void machine_port::open(listener to) {
  if (machine_ == nullptr)
    return;
  to_ = std::move(to);
  machine_->attach(this);
}

void machine_port::start(start_request request) {
  if (machine_ == nullptr)
    return;
  machine_->watcher_.start_asked(request);
  const auto key = request.key;
  if (may_start_ && !may_start_()) {
    held_.insert_or_assign(key, std::move(request));
    return;
  }
  if (machine_->connected_)
    machine_->send(request);
  starts_.insert_or_assign(key, std::move(request));
}

void machine_port::try_again() {
  for (auto& [_, request] : std::exchange(held_, {}))
    start(std::move(request));
}

void machine_port::inquire(const process_key& key) {
  if (machine_ == nullptr || held_.contains(key))
    return; // What becomes of what is held will be told.
  inquiries_.insert(key);
  if (machine_->connected_)
    machine_->send(machine::inquire_command{key});
}

void machine_port::stop(const process_key& key, duration grace) {
  if (machine_ == nullptr)
    return;
  if (held_.erase(key) != 0)
    unstarted_.insert(key);
  stops_[key] = grace;
  if (machine_->connected_)
    machine_->send(machine::stop_command{key, grace});
}

void machine_port::acknowledge(const process_key& key) {
  if (machine_ == nullptr)
    return;
  held_.erase(key);
  starts_.erase(key);
  inquiries_.erase(key);
  stops_.erase(key);
  if (machine_->connected_)
    machine_->send(machine::acknowledge_command{key});
  else
    acknowledged_.insert(key);
}

void machine_port::connected() {
  for (const auto& key : acknowledged_)
    machine_->send(machine::acknowledge_command{key});
  acknowledged_.clear();
  for (const auto& [_, request] : starts_)
    machine_->send(request);
  for (const auto& key : inquiries_)
    machine_->send(machine::inquire_command{key});
  for (const auto& [key, grace] : stops_)
    machine_->send(machine::stop_command{key, grace});
}

void machine_port::deliver(const launcher_event& event) {
  if (const auto* started = std::get_if<launcher_event::started>(&event.what)) {
    starts_.erase(started->key);
    inquiries_.erase(started->key);
  } else if (const auto* ended = std::get_if<launcher_event::ended>(&event.what)) {
    starts_.erase(ended->key);
    unstarted_.erase(ended->key);
    inquiries_.erase(ended->key);
    stops_.erase(ended->key);
  } else if (const auto* unknown = std::get_if<launcher_event::unknown>(&event.what)) {
    inquiries_.erase(unknown->key);
    stops_.erase(unknown->key);
    if (unstarted_.erase(unknown->key) != 0) {
      process_end end;
      end.kind = end_kind::not_started;
      end.message = "stopped before it could start";
      end.started_at = end.ended_at = machine_->clock_.wall_now();
      return to_({launcher_event::ended{unknown->key, std::move(end)}});
    }
  }
  to_(event);
}

void machine_port::cut() {
  if (machine_ != nullptr && to_)
    std::exchange(machine_, nullptr)->detach();
  machine_ = nullptr;
}

} // namespace pinion::sim
