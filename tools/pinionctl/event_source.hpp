#pragma once

#include "client.hpp"

#include <memory>
#include <optional>
#include <string>

namespace pinion::ctl {

/// One of the engine's server-sent events.
struct server_event {
  std::string name; ///< ready, reset, item, gone, log, end.
  json data;
};

/// Reads server-sent events over a connection of its own. When that breaks it is made anew for a
/// while, going on behind the last event that had an id: an engine may be restarted meanwhile.
class event_source {
public:
  event_source(std::string socket_path, std::string path, query values);
  ~event_source();
  event_source(const event_source&) = delete;
  event_source& operator=(const event_source&) = delete;

  /// Waits for the next event; nothing once the stream has come to its end. Throws `failure`: the
  /// engine's refusal, or `no_engine` if it is gone for good.
  std::optional<server_event> next();
  /// The next event is here already: more can be printed before anything is flushed.
  bool has_next() const;

private:
  struct connection;
  void connect();
  void connect_again();
  /// Reads some bytes; false: the stream has ended in order.
  bool read();
  std::optional<server_event> parsed();

  std::string socket_path_;
  std::string path_;
  query values_;
  std::unique_ptr<connection> connection_;
  std::string unread_;
  std::string last_id_;
};

} // namespace pinion::ctl
