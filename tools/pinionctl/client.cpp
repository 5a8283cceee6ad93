#include "client.hpp"

#include "permission.hpp"
#include "pinion/api/router.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cctype>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using error_code = boost::system::error_code;

constexpr std::size_t longest_socket_path = 107;
constexpr std::uint64_t most_bytes = 1ULL << 30U; ///< Of one answer.

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

} // namespace

failure no_engine(const std::string& path, const std::string& why) {
  return fail_with(exit_code::no_engine,
                   {errc::unavailable, "No engine answers at '" + path + "': " + why,
                    "Start one with 'pinion standalone', or name its socket with --server"});
}

failure not_connected(const std::string& path, const error_code& why) {
  if (why == boost::system::errc::permission_denied)
    if (auto missing = missing_permission(path, R_OK | W_OK)) {
      missing->suggestion += " or root; the engine's --socket-group lets a group in";
      return fail_with(exit_code::refused, *missing);
    }
  return no_engine(path, why.message());
}

std::string target_of(const std::string& path, const query& values) {
  auto target = path;
  char mark = '?';
  for (const auto& [name, value] : values) {
    if (value.empty())
      continue;
    target += std::exchange(mark, '&') + percent_encode(name) + '=' + percent_encode(value);
  }
  return target;
}

void check_socket_path(const std::string& path) {
  if (path.size() > longest_socket_path)
    throw usage_failure("The path of the socket is longer than 107 bytes: '" + path + "'",
                        "Use a shorter data folder");
}

struct client::connection {
  asio::io_context io;
  beast::basic_stream<asio::local::stream_protocol> stream{io};
  beast::flat_buffer buffer;

  /// Runs one asynchronous operation to its end: only so do the stream's time-outs work.
  template <class Start>
  error_code run(Start start) {
    error_code ended = asio::error::would_block;
    start([&ended](error_code failed, auto...) { ended = failed; });
    io.restart();
    io.run();
    return ended;
  }
};

client::client(std::string socket_path) : path_{std::move(socket_path)} {}
client::~client() = default;

response client::exchange(const std::string& method, const std::string& target,
                          const std::string& body, std::chrono::seconds patience,
                          const headers& more) {
  auto& line = *connection_;
  http::request<http::string_body> request{http::string_to_verb(method), target, 11};
  request.set(http::field::host, "pinion");
  request.set(http::field::user_agent, "pinionctl");
  for (const auto& [name, value] : more)
    request.set(name, value);
  if (method != "GET") {
    request.set(http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
  }
  line.stream.expires_after(patience);
  auto failed = line.run([&](auto done) { http::async_write(line.stream, request, done); });
  http::response_parser<http::string_body> parser;
  parser.body_limit(most_bytes);
  if (!failed)
    failed = line.run([&](auto done) { http::async_read(line.stream, line.buffer, parser, done); });
  if (failed)
    throw no_engine(path_, failed == beast::error::timeout ? "it did not answer in time"
                                                           : failed.message());
  response answer;
  auto message = parser.release();
  answer.status = message.result_int();
  for (const auto& field : message)
    answer.headers[lower_case({field.name_string().data(), field.name_string().size()})] = {
        field.value().data(), field.value().size()};
  answer.body = std::move(message.body());
  if (!message.keep_alive())
    connection_.reset();
  return answer;
}

response client::send(const std::string& method, const std::string& path, const query& values,
                      const std::string& body, std::chrono::seconds patience, const headers& more) {
  const auto target = target_of(path, values);
  if (connection_ && method == "GET") {
    // The engine may have closed an idle connection; asking again is harmless for a GET.
    try {
      return exchange(method, target, body, patience, more);
    } catch (const failure&) {
      connection_.reset();
    }
  }
  check_socket_path(path_);
  connection_ = std::make_unique<connection>();
  error_code refused;
  connection_->stream.socket().connect(asio::local::stream_protocol::endpoint{path_}, refused);
  if (refused) {
    connection_.reset();
    throw not_connected(path_, refused);
  }
  return exchange(method, target, body, patience, more);
}

failure failure_of(const response& answer) {
  const auto body = json::parse(answer.body, nullptr, false);
  if (body.is_object() && body.contains("error") && body["error"].is_object())
    return {exit_code_of(text_of(body["error"], "code")), body["error"]};
  return fail_with(exit_code::failed, {errc::internal, "The engine answered with status " +
                                                           std::to_string(answer.status)});
}

namespace {

json parsed(const response& answer) {
  if (answer.status >= 400)
    throw failure_of(answer);
  auto body = json::parse(answer.body, nullptr, false);
  if (body.is_discarded())
    throw fail_with(exit_code::failed, {errc::internal, "The engine's answer is not JSON"});
  return body;
}

constexpr std::chrono::seconds usual_patience{120};

} // namespace

json client::get(const std::string& path, const query& values) {
  return parsed(send("GET", path, values, {}, usual_patience));
}

json client::remove(const std::string& path, const query& values) {
  return parsed(send("DELETE", path, values, {}, usual_patience));
}

json client::post(const std::string& path, const json& body, const headers& more) {
  return parsed(send("POST", path, {}, dump(body), usual_patience, more));
}

std::string socket_path_from(const std::string& server_option) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string{value != nullptr ? value : ""};
  };
  auto path = !server_option.empty() ? server_option : variable("PINION_SERVER");
  if (path.starts_with("http://") || path.starts_with("https://"))
    throw usage_failure("The engine listens on a Unix socket only: '" + path +
                            "' cannot be reached",
                        "Give the path of the socket, as /var/lib/pinion/pinion.sock");
  if (path.starts_with("unix://"))
    path.erase(0, 7);
  if (path.empty()) {
    const auto state_home = variable("XDG_STATE_HOME");
    path = ::geteuid() == 0      ? "/var/lib/pinion"
           : !state_home.empty() ? state_home + "/pinion"
                                 : variable("HOME") + "/.local/state/pinion";
    return path + "/pinion.sock";
  }
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode))
    path += "/pinion.sock";
  return path;
}

} // namespace pinion::ctl
