#pragma once

#include "pinion/api/handler_pool.hpp"
#include "pinion/api/router.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace pinion {

/// What one client may ask of the server. Times are of each request, absolute: one byte now and
/// then does not extend them.
struct http_limits {
  std::size_t header_bytes = 16U << 10U;
  std::uint64_t body_bytes = 32ULL << 20U;
  std::size_t connections = 256;                 ///< More are answered 503 and closed.
  std::chrono::milliseconds header_time{10'000}; ///< From the first byte to the end of the header.
  std::chrono::milliseconds body_time{60'000};
  std::chrono::milliseconds idle_time{75'000};  ///< Between two requests of a connection.
  std::chrono::milliseconds write_time{60'000}; ///< For the whole answer; of a stream, for a piece.
  std::chrono::milliseconds heartbeat{15'000};  ///< A stream says so much that it is still there.
};

struct http_server_options {
  std::string socket_path; ///< At most 107 bytes; its folder must exist.
  http_limits limits;
  std::optional<std::uint32_t> group =
      {}; ///< Its members may connect, too: the socket is 0660 then.
};

/// Serves HTTP/1.1 over a Unix socket: one thread for all connections, those of `pool` for the
/// handlers. A connection's requests are answered in their order, one at a time.
class http_server {
public:
  /// Binds the socket (mode 0600, with a group 0660) and begins to serve. A socket file that nobody
  /// listens on is replaced. Fails with `errc::in_use` if someone does, `errc::invalid` for a path
  /// that is too long, `errc::os_failure` otherwise.
  static result<std::unique_ptr<http_server>> start(http_server_options options, router routes,
                                                    std::shared_ptr<handler_pool> pool);

  /// As `stop`.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Takes no more connections and requests, lets answers under way end (at most 2 s), removes the
  /// socket and joins its thread. Not from a handler or a reply function.
  void stop();

  /// Connections that are open now. From any thread.
  std::size_t connections() const noexcept;

private:
  struct parts;
  explicit http_server(std::unique_ptr<parts> made);
  std::unique_ptr<parts> parts_;
};

} // namespace pinion
