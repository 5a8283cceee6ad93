#pragma once

#include "pinion/api/http_server.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace pinion {

class http_session;

/// What all connections of a server share. Lives as long as the last of its reply functions, so
/// that an answer which comes after the server's end finds something to be dropped by.
struct http_core {
  http_core(http_limits bounds, router table, std::shared_ptr<handler_pool> handlers)
      : limits{bounds}, routes{std::move(table)}, pool{std::move(handlers)} {}

  const http_limits limits;
  const router routes;
  const std::shared_ptr<handler_pool> pool;
  boost::asio::io_context io{1};
  // The rest belongs to the thread of `io`.
  std::map<std::uint64_t, std::weak_ptr<http_session>> sessions;
  std::uint64_t last_session = 0;
  bool stopping = false;
  std::function<void()> on_last_gone; ///< Called when `stopping` and the last session ends.
  std::atomic<std::size_t> open = 0;
};

/// Begins to serve a connection that was accepted. On the thread of `core->io`.
void serve_connection(const std::shared_ptr<http_core>& core,
                      boost::asio::local::stream_protocol::socket socket);

/// Ends the sessions that wait for a request (the others end after their answer), or all.
void end_sessions(http_core& core, bool idle_only);

} // namespace pinion
