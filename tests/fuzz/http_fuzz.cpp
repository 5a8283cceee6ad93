#include "fuzz_target.hpp"

#include "api/query.hpp"
#include "pinion/api/http_server.hpp"
#include "pinion/api/reference.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace pinion;
using fuzz::require;

namespace {

/// Reads what handlers read of a request, and says so.
void answer(const http_request& request, const reply_function& reply) {
  static_cast<void>(check_query(request, {"limit", "cursor", "since", "from", "to", "labels"}));
  static_cast<void>(query_number(request, "limit", 1, 1000, 100));
  static_cast<void>(query_times(request, instant{std::chrono::hours{490'000}}, zone{}));
  static_cast<void>(query_labels(request));
  static_cast<void>(body_object(request, {"reason", "key", "params"}));
  for (const auto& [name, value] : request.params)
    static_cast<void>(parse_reference(value));
  reply({200, request.body, "application/octet-stream", {}});
}

/// The real server over a socket of its own; it lives as long as the process.
class echo_server {
public:
  echo_server() {
    std::string folder = "/tmp/pinion-fuzz-XXXXXX";
    require(::mkdtemp(folder.data()) != nullptr, "a temporary folder can be made");
    path_ = folder + "/s";
    http_server_options options;
    options.socket_path = path_;
    options.limits.body_bytes = 1U << 20U;
    router routes{{{"GET", "/api/v1/things", "", answer},
                   {"GET", "/api/v1/things/{ref}", "", answer},
                   {"POST", "/api/v1/things/{ref}", "", answer}}};
    auto started =
        http_server::start(options, std::move(routes), std::make_shared<handler_pool>(1));
    require(started.has_value(), "the server starts");
    server_ = std::move(started).assume_value();
    std::atexit([] { instance().leave(); });
  }

  static echo_server& instance() {
    static auto* server = new echo_server; // Left to the end of the process, with its threads.
    return *server;
  }

  /// Sends all bytes, closes that side, and returns what comes until the server closes.
  std::string converse(std::string_view bytes) const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    require(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
            "the server takes a connection");
    std::string out;
    char block[4096];
    while (!bytes.empty()) {
      const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0)
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      else if (errno != EAGAIN)
        break; // It has refused the rest.
      const auto got = ::recv(fd, block, sizeof block, MSG_DONTWAIT);
      if (got > 0)
        out.append(block, static_cast<std::size_t>(got));
    }
    ::shutdown(fd, SHUT_WR);
    pollfd wait{fd, POLLIN, 0};
    for (;;) {
      // libFuzzer's own timer interrupts it.
      require(TEMP_FAILURE_RETRY(::poll(&wait, 1, 20'000)) == 1,
              "the server answers or closes within 20 s");
      const auto got = ::recv(fd, block, sizeof block, 0);
      if (got <= 0)
        break;
      out.append(block, static_cast<std::size_t>(got));
    }
    ::close(fd);
    return out;
  }

private:
  void leave() {
    server_->stop();
    static_cast<void>(::rmdir(path_.substr(0, path_.rfind('/')).c_str()));
  }

  std::string path_;
  std::unique_ptr<http_server> server_;
};

} // namespace

/// The bytes are what a client sends; the first byte is `t` for a target alone, `r` for a
/// reference.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  const auto kind = fuzz::take_byte(text);
  if (kind == 't') {
    http_request request;
    if (parse_target(text, request))
      require(!request.path.empty() && request.path.front() == '/', "a path is absolute");
  } else if (kind == 'r') {
    const auto parsed = parse_reference(text);
    require(parsed.has_value() || !parsed.error().message.empty(), "a refusal has a sentence");
  } else {
    const auto answered = echo_server::instance().converse(fuzz::text_of(data, size));
    require(answered.empty() || answered.starts_with("HTTP/1.1 "), "an answer is one of HTTP/1.1");
  }
  return 0;
}
