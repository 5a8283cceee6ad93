#include "pinion/api/event_stream.hpp"

#include <utility>

namespace pinion {

namespace {

std::string event_text(std::string_view name, std::uint64_t id, std::string_view data) {
  std::string text;
  text.reserve(name.size() + data.size() + 48);
  if (id != 0)
    text.append("id: ").append(std::to_string(id)).append("\n");
  text.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
  return text;
}

} // namespace

void event_stream::send(std::string_view name, std::uint64_t id, std::string_view data) {
  std::function<void()> wake;
  {
    const std::lock_guard lock{mutex_};
    if (ended_ || closed_)
      return;
    pending_ += event_text(name, id, data);
    if (pending_.size() > max_pending_bytes)
      pending_ = event_text("reset", id, "{}");
    wake = wake_;
  }
  if (wake)
    wake();
}

void event_stream::end() {
  std::function<void()> wake;
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    wake = wake_;
  }
  if (wake)
    wake();
}

bool event_stream::open() const {
  const std::lock_guard lock{mutex_};
  return !ended_ && !closed_;
}

void event_stream::tick(std::chrono::milliseconds every, std::function<void()> what) {
  tick_every_ = every;
  on_tick_ = std::move(what);
}

void event_stream::attach(std::function<void()> wake) {
  const std::lock_guard lock{mutex_};
  wake_ = std::move(wake);
}

std::string event_stream::take() {
  const std::lock_guard lock{mutex_};
  return std::exchange(pending_, {});
}

bool event_stream::ended() const {
  const std::lock_guard lock{mutex_};
  return ended_;
}

void event_stream::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  wake_ = nullptr;
  pending_.clear();
}

} // namespace pinion
