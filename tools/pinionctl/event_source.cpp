#include "event_source.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <limits>
#include <string_view>
#include <thread>

namespace pinion::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using error_code = boost::system::error_code;

/// Longer than a few of the engine's heartbeats.
constexpr std::chrono::seconds patience{60};
/// How long a lost engine is looked for.
constexpr std::chrono::seconds patience_again{15};
constexpr std::chrono::milliseconds pause_again{300};

} // namespace

struct event_source::connection {
  asio::io_context io;
  beast::basic_stream<asio::local::stream_protocol> stream{io};
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;

  /// Runs one asynchronous operation to its end: only so do the stream's time-outs work.
  template <class Start>
  error_code run(Start start) {
    error_code ended = asio::error::would_block;
    stream.expires_after(patience);
    start([&ended](error_code failed, auto...) { ended = failed; });
    io.restart();
    io.run();
    return ended;
  }

  /// Appends some of the body.
  error_code read_some(std::string& to) {
    char space[16384];
    auto& body = parser.get().body();
    body.data = space;
    body.size = sizeof space;
    auto failed = run([&](auto done) { http::async_read_some(stream, buffer, parser, done); });
    to.append(space, sizeof space - body.size);
    return failed == http::error::need_buffer ? error_code{} : failed;
  }
};

event_source::event_source(std::string socket_path, std::string path, query values)
    : socket_path_{std::move(socket_path)}, path_{std::move(path)}, values_{std::move(values)} {
  connect();
}

event_source::~event_source() = default;

void event_source::connect() {
  check_socket_path(socket_path_);
  connection_ = std::make_unique<connection>();
  auto& line = *connection_;
  error_code failed;
  line.stream.socket().connect(asio::local::stream_protocol::endpoint{socket_path_}, failed);
  if (failed)
    throw not_connected(socket_path_, failed);
  http::request<http::empty_body> request{http::verb::get, target_of(path_, values_), 11};
  request.set(http::field::host, "pinion");
  request.set(http::field::user_agent, "pinionctl");
  request.set(http::field::accept, "text/event-stream");
  if (!last_id_.empty())
    request.set("Last-Event-ID", last_id_);
  failed = line.run([&](auto done) { http::async_write(line.stream, request, done); });
  line.parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  if (!failed)
    failed = line.run(
        [&](auto done) { http::async_read_header(line.stream, line.buffer, line.parser, done); });
  if (failed)
    throw no_engine(socket_path_, failed.message());
  response answer;
  answer.status = line.parser.get().result_int();
  if (answer.status < 400)
    return;
  while (!line.parser.is_done() && !line.read_some(answer.body)) {
  }
  throw failure_of(answer);
}

void event_source::connect_again() {
  unread_.clear();
  const auto until = std::chrono::steady_clock::now() + patience_again;
  for (;;) {
    try {
      return connect();
    } catch (const failure& why) {
      if (why.code != exit_code::no_engine || std::chrono::steady_clock::now() >= until)
        throw;
    }
    std::this_thread::sleep_for(pause_again);
  }
}

bool event_source::read() {
  auto& line = *connection_;
  if (line.parser.is_done())
    return false;
  if (line.read_some(unread_))
    connect_again();
  return true;
}

bool event_source::has_next() const { return unread_.find("\n\n") != std::string::npos; }

std::optional<server_event> event_source::parsed() {
  const auto end = unread_.find("\n\n");
  if (end == std::string::npos)
    return std::nullopt;
  const auto text = unread_.substr(0, end);
  unread_.erase(0, end + 2);
  server_event event;
  std::string data;
  for (std::size_t at = 0; at <= text.size();) {
    const auto stop = std::min(text.find('\n', at), text.size());
    const std::string_view row{text.data() + at, stop - at};
    const auto value = [&](std::string_view field) {
      return row.starts_with(field) ? std::optional{row.substr(field.size())} : std::nullopt;
    };
    if (const auto id = value("id: "))
      last_id_ = *id;
    else if (const auto name = value("event: "))
      event.name = *name;
    else if (const auto part = value("data: "))
      data += *part;
    at = stop + 1;
  }
  event.data = json::parse(data, nullptr, false);
  return event;
}

std::optional<server_event> event_source::next() {
  for (;;) {
    // A heartbeat is an event without a name.
    while (auto event = parsed())
      if (!event->name.empty())
        return event;
    if (!read())
      return std::nullopt;
  }
}

} // namespace pinion::ctl
