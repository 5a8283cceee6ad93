#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace pinion {

/// Server-sent events of one client (WHATWG HTML, "server-sent events") on their way to its
/// connection. Bounded: when the client does not take what waits for it, all of that is dropped and
/// one event `reset` is left, which tells it to list again. From any thread.
class event_stream {
public:
  static constexpr std::size_t max_pending_bytes = 256U << 10U;

  /// Appends an event; `id` 0: it carries none. `data` is one line, as JSON is. Nothing happens
  /// once the client has left or after `end`.
  void send(std::string_view name, std::uint64_t id, std::string_view data);
  /// No more events: the connection is closed after what waits.
  void end();
  /// The client is there and the stream has not ended.
  bool open() const;

  /// Called every `every` as long as the client is there, on a thread that must not block. To be
  /// set before the stream is handed over.
  void tick(std::chrono::milliseconds every, std::function<void()> what);
  std::chrono::milliseconds tick_every() const noexcept { return tick_every_; }
  void tick_now() const { on_tick_(); }

  // The connection's side.
  /// `wake` is called, on any thread, when something waits or the stream has ended.
  void attach(std::function<void()> wake);
  /// What waits, at most `max_pending_bytes` and one event; empty: nothing.
  std::string take();
  bool ended() const;
  /// The client has left.
  void close();

private:
  mutable std::mutex mutex_;
  std::function<void()> wake_;
  std::string pending_;
  bool ended_ = false;
  bool closed_ = false;
  std::chrono::milliseconds tick_every_{0};
  std::function<void()> on_tick_;
};

} // namespace pinion
