#include "api/http_session.hpp"

#include "api/unix_socket.hpp"
#include "pinion/api/event_stream.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <utility>

namespace pinion {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using error_code = boost::system::error_code;
using local_socket = asio::local::stream_protocol::socket;
using local_stream = beast::basic_stream<asio::local::stream_protocol>;

std::string to_std(beast::string_view text) { return {text.data(), text.size()}; }

/// Status and sentence for a request that could not be read; 0: nobody is there to be told (after
/// a time-out the stream is closed already).
std::pair<unsigned, problem> read_failure(error_code why, const http_limits& limits) {
  if (why == http::error::header_limit)
    return {431, problem{errc::limit, "The header of the request is larger than " +
                                          std::to_string(limits.header_bytes) + " bytes"}};
  if (why == http::error::body_limit)
    return {413, problem{errc::limit, "The body of the request is larger than " +
                                          std::to_string(limits.body_bytes) + " bytes"}};
  const error_code of_http = http::error::bad_method;
  if (why == http::error::end_of_stream || why.category() != of_http.category())
    return {0, {}};
  return {400, problem{errc::invalid, "This is not a valid HTTP request: " + why.message()}};
}

} // namespace

/// One connection: reads a request, waits for its answer, writes it, and so on. All members run on
/// the thread of the core.
class http_session : public std::enable_shared_from_this<http_session> {
public:
  http_session(std::shared_ptr<http_core> core, local_socket socket, std::uint64_t number)
      : core_{std::move(core)}, stream_{std::move(socket)}, number_{number},
        user_{peer_user(stream_.socket().native_handle())}, timer_{core_->io} {}

  ~http_session() {
    --core_->open;
    core_->sessions.erase(number_);
    if (core_->stopping && core_->sessions.empty() && core_->on_last_gone)
      core_->on_last_gone();
  }
  http_session(const http_session&) = delete;
  http_session& operator=(const http_session&) = delete;

  /// Waits for the first byte of a request, with more patience between two than for the first.
  void wait_for_request(bool first) {
    phase_ = phase::idle;
    if (core_->stopping)
      return close();
    if (buffer_.size() > 0)
      return read_header();
    stream_.expires_after(first ? core_->limits.header_time : core_->limits.idle_time);
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](error_code failed, std::size_t bytes) {
                              if (failed)
                                return self->close();
                              self->buffer_.commit(bytes);
                              self->read_header();
                            });
  }

  void end(bool idle_only) {
    if (!idle_only || phase_ == phase::idle || phase_ == phase::streaming)
      close();
  }

  /// The answer to request `serial`; late ones of a connection that went on are dropped.
  void answer(std::uint64_t serial, http_reply reply) {
    if (serial != serial_ || phase_ != phase::handling) {
      if (reply.events)
        reply.events->close();
      return;
    }
    write(std::move(reply));
  }

private:
  enum class phase { idle, reading, handling, writing, streaming, closed };

  void read_header() {
    phase_ = phase::reading;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(core_->limits.header_bytes));
    parser_->body_limit(core_->limits.body_bytes);
    keep_alive_ = false;
    stream_.expires_after(core_->limits.header_time);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code failed, std::size_t) { self->on_header(failed); });
  }

  void on_header(error_code failed) {
    if (failed)
      return refuse(failed);
    const auto& head = parser_->get();
    // Beast refuses Content-Length beside chunked; other codings would hide the body's length.
    const auto coding = head[http::field::transfer_encoding];
    if (!coding.empty() && !beast::iequals(coding, "chunked"))
      return write(
          error_reply(400, problem{errc::invalid, "Transfer-Encoding may only be 'chunked'"}));
    if (head.method() == http::verb::unknown || head.method() == http::verb::connect)
      return write(error_reply(405, problem{errc::invalid, "Unknown method"}));
    if (beast::iequals(head[http::field::expect], "100-continue") && !parser_->is_done())
      return invite_body();
    read_body();
  }

  void invite_body() {
    static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(line.data(), line.size()),
                      [self = shared_from_this()](error_code failed, std::size_t) {
                        failed ? self->close() : self->read_body();
                      });
  }

  void read_body() {
    stream_.expires_after(core_->limits.body_time);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code failed, std::size_t) {
                       failed ? self->refuse(failed) : self->handle();
                     });
  }

  void refuse(error_code why) {
    const auto [status, reason] = read_failure(why, core_->limits);
    if (status == 0)
      return close();
    write(error_reply(status, reason));
  }

  void handle() {
    http_request request;
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    is_head_ = message.method() == http::verb::head;
    request.method = to_std(message.method_string());
    request.content_type = to_std(message[http::field::content_type]);
    if (auto parsed = parse_target(to_std(message.target()), request); !parsed)
      return write(error_reply(400, parsed.error()));
    request.body = std::move(message.body());
    request.last_event_id = to_std(message["Last-Event-ID"]);
    request.user = user_;
    for (const auto& field : message.base()) {
      auto name = to_std(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) {
        return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
      });
      request.headers.emplace(std::move(name), to_std(field.value()));
    }
    version_ = message.version();
    phase_ = phase::handling;
    ++serial_;
    stream_.expires_never();
    watch_peer();
    core_->pool->post([core = core_, request = std::move(request), reply = make_reply()]() mutable {
      core->routes.dispatch(std::move(request), reply);
    });
  }

  /// Answers 500 when it is destroyed unanswered, so that no connection waits for ever.
  struct pending {
    std::shared_ptr<http_core> core;
    std::weak_ptr<http_session> session;
    std::uint64_t serial;
    std::atomic<bool> answered = false;

    pending(std::shared_ptr<http_core> of, std::weak_ptr<http_session> to, std::uint64_t number)
        : core{std::move(of)}, session{std::move(to)}, serial{number} {}
    pending(const pending&) = delete;
    pending& operator=(const pending&) = delete;
    ~pending() { deliver(error_reply(problem{errc::internal, "The request was dropped"})); }

    void deliver(http_reply reply) {
      if (answered.exchange(true))
        return;
      asio::post(core->io, [to = session, number = serial, reply = std::move(reply)]() mutable {
        if (const auto alive = to.lock())
          alive->answer(number, std::move(reply));
        else if (reply.events)
          reply.events->close();
      });
    }
  };

  reply_function make_reply() {
    auto state = std::make_shared<pending>(core_, weak_from_this(), serial_);
    // While the request is handled nothing else keeps the session alive.
    handling_ = shared_from_this();
    return [state](http_reply reply) { state->deliver(std::move(reply)); };
  }

  /// Notices a client that leaves during a long poll. Bytes of a next request end the watch.
  void watch_peer() {
    stream_.socket().async_wait(
        local_socket::wait_read, [self = weak_from_this(), serial = serial_](error_code failed) {
          const auto alive = self.lock();
          const bool waits =
              alive && (alive->phase_ == phase::handling || alive->phase_ == phase::streaming);
          if (!waits || failed || alive->serial_ != serial)
            return;
          if (peer_has_left(alive->stream_.socket().native_handle()))
            alive->close();
        });
  }

  void write(http_reply reply) {
    if (reply.events && !is_head_)
      return begin_stream(std::move(reply));
    if (reply.events)
      reply.events->close();
    phase_ = phase::writing;
    auto& message = response_.emplace();
    message.version(11);
    message.result(reply.status);
    message.set(http::field::server, "pinion");
    message.set(http::field::content_type, reply.content_type);
    message.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : reply.headers)
      message.set(name, value);
    keep_alive_ = keep_alive_ && !core_->stopping;
    message.keep_alive(keep_alive_);
    message.body() = std::move(reply.body);
    message.prepare_payload();
    if (reply.status == 304) // Its length would have to be that of the body which is left out.
      message.erase(http::field::content_length);
    if (is_head_)
      message.body().clear();
    stream_.expires_after(core_->limits.write_time);
    http::async_write(
        stream_, message,
        [self = shared_from_this()](error_code failed, std::size_t) { self->on_written(failed); });
    handling_.reset();
  }

  void on_written(error_code failed) {
    response_.reset();
    parser_.reset();
    is_head_ = false;
    if (failed || !keep_alive_)
      return close();
    stream_.socket().cancel(); // The watch, if it still waits.
    wait_for_request(false);
  }

  // The session stays alive as `handling_` until the client leaves or the stream ends.
  void begin_stream(http_reply reply) {
    phase_ = phase::streaming;
    events_ = std::move(reply.events);
    auto& head = stream_head_.emplace(http::status::ok, 11U);
    head.set(http::field::server, "pinion");
    head.set(http::field::content_type, "text/event-stream; charset=utf-8");
    head.set(http::field::cache_control, "no-store");
    head.set("X-Content-Type-Options", "nosniff");
    head.keep_alive(false);
    // Who speaks HTTP/1.0 reads to the end of the connection.
    chunked_ = version_ >= 11;
    head.chunked(chunked_);
    stream_serializer_.emplace(head);
    stream_.expires_after(core_->limits.write_time);
    http::async_write_header(stream_, *stream_serializer_,
                             [self = shared_from_this()](error_code failed, std::size_t) {
                               failed ? self->close() : self->open_stream();
                             });
  }

  void open_stream() {
    if (phase_ == phase::closed)
      return;
    events_->attach([core = core_, weak = weak_from_this()] {
      asio::post(core->io, [weak] {
        if (const auto alive = weak.lock())
          alive->pass_on();
      });
    });
    pass_on();
    tick_later();
  }

  /// Writes what waits, one piece at a time; with nothing to write a heartbeat after a while.
  void pass_on() {
    if (phase_ != phase::streaming || piece_under_way_)
      return;
    auto bytes = events_->take();
    if (!bytes.empty())
      return write_piece(std::move(bytes));
    if (events_->ended())
      return end_stream();
    stream_.expires_never();
    timer_.expires_after(core_->limits.heartbeat);
    timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
      const auto alive = weak.lock();
      if (!cancelled && alive && alive->phase_ == phase::streaming && !alive->piece_under_way_)
        alive->write_piece(":\n\n");
    });
  }

  void write_piece(std::string bytes) {
    timer_.cancel();
    piece_under_way_ = true;
    piece_ = std::move(bytes);
    stream_.expires_after(core_->limits.write_time);
    const auto written = [self = shared_from_this()](error_code failed, std::size_t) {
      self->piece_under_way_ = false;
      failed ? self->close() : self->pass_on();
    };
    if (chunked_)
      asio::async_write(stream_, http::make_chunk(asio::buffer(piece_)), written);
    else
      asio::async_write(stream_, asio::buffer(piece_), written);
  }

  void end_stream() {
    if (!chunked_)
      return close();
    piece_under_way_ = true;
    stream_.expires_after(core_->limits.write_time);
    asio::async_write(stream_, http::make_chunk_last(),
                      [self = shared_from_this()](error_code, std::size_t) { self->close(); });
  }

  void tick_later() {
    if (events_->tick_every().count() == 0)
      return;
    ticker_.emplace(core_->io, events_->tick_every());
    ticker_->async_wait([weak = weak_from_this()](error_code cancelled) {
      const auto alive = weak.lock();
      if (cancelled || !alive || alive->phase_ != phase::streaming)
        return;
      alive->events_->tick_now();
      alive->tick_later();
    });
  }

  void close() {
    if (phase_ == phase::closed)
      return;
    phase_ = phase::closed;
    timer_.cancel();
    ticker_.reset();
    if (events_)
      events_->close();
    error_code ignored;
    stream_.socket().shutdown(local_socket::shutdown_send, ignored);
    stream_.close();
    handling_.reset();
  }

  std::shared_ptr<http_core> core_;
  local_stream stream_;
  const std::uint64_t number_;
  const std::string user_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::shared_ptr<http_session> handling_;
  // Of a stream of events.
  std::shared_ptr<event_stream> events_;
  std::optional<http::response<http::empty_body>> stream_head_;
  std::optional<http::response_serializer<http::empty_body>> stream_serializer_;
  std::string piece_; ///< What is being written.
  bool piece_under_way_ = false;
  bool chunked_ = true;
  unsigned version_ = 11; ///< Of the request's HTTP.
  asio::steady_timer timer_;
  std::optional<asio::steady_timer> ticker_;
  phase phase_ = phase::idle;
  std::uint64_t serial_ = 0; ///< Number of the request that is handled.
  bool keep_alive_ = false;
  bool is_head_ = false;
};

void serve_connection(const std::shared_ptr<http_core>& core, local_socket socket) {
  if (core->open >= core->limits.connections || core->stopping) {
    const auto body = error_reply(problem{errc::unavailable, "Too many connections"}).body;
    const auto busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                      "Connection: close\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body;
    // The empty buffer of a new socket takes it at once.
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(busy), ignored);
    return;
  }
  const auto number = ++core->last_session;
  ++core->open;
  const auto session = std::make_shared<http_session>(core, std::move(socket), number);
  core->sessions.emplace(number, session);
  session->wait_for_request(true);
}

void end_sessions(http_core& core, bool idle_only) {
  // A copy: a session that ends removes itself from the map.
  const auto sessions = core.sessions;
  for (const auto& [number, session] : sessions)
    if (const auto alive = session.lock())
      alive->end(idle_only);
}

} // namespace pinion
