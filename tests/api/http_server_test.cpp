#include <catch2/catch.hpp>

#include "pinion/api/event_stream.hpp"
#include "pinion/api/http_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace pinion;

namespace {

/// A connection that sends what it is told, byte by byte if need be.
class raw_client {
public:
  explicit raw_client(const std::string& path)
      : descriptor_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected =
        ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~raw_client() { leave(); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  bool connected = false;

  void leave() {
    if (descriptor_ >= 0)
      ::close(std::exchange(descriptor_, -1));
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// What comes until the end of the connection, or until `wanted` stands in it; at most 10 s.
  std::string read_until(std::string_view wanted) {
    std::string got;
    std::array<char, 4096> space{};
    while (wanted.empty() || got.find(wanted) == std::string::npos) {
      pollfd watched{descriptor_, POLLIN, 0};
      if (::poll(&watched, 1, 10'000) != 1)
        return got + "<nothing for 10 s>";
      const auto count = ::recv(descriptor_, space.data(), space.size(), 0);
      if (count <= 0)
        return got;
      got.append(space.data(), static_cast<std::size_t>(count));
    }
    return got;
  }
  std::string rest() { return read_until({}); }

private:
  int descriptor_;
};

/// A gate for handlers that answer late.
class held_replies {
public:
  void hold(reply_function reply) {
    const std::lock_guard lock{guard_};
    held_.push_back(std::move(reply));
    wake_.notify_all();
  }
  reply_function take() {
    std::unique_lock lock{guard_};
    wake_.wait_for(lock, std::chrono::seconds{10}, [this] { return !held_.empty(); });
    auto reply = std::move(held_.back());
    held_.pop_back();
    return reply;
  }

private:
  std::mutex guard_;
  std::condition_variable wake_;
  std::vector<reply_function> held_;
};

class server_fixture {
public:
  std::filesystem::path folder;
  std::string path;
  held_replies late;
  std::shared_ptr<event_stream> events = std::make_shared<event_stream>();
  std::string asked_after;
  std::shared_ptr<handler_pool> pool = std::make_shared<handler_pool>(2);
  std::unique_ptr<http_server> server;

  explicit server_fixture(http_limits limits = {}) {
    std::string name = "/tmp/pinion-http-XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder / "api.sock";
    server = start(limits).value();
  }
  ~server_fixture() {
    server.reset();
    pool->stop();
    std::filesystem::remove_all(folder);
  }

  result<std::unique_ptr<http_server>> start(http_limits limits = {}) {
    const auto echo = [](const http_request& request, const reply_function& reply) {
      http_reply answer;
      answer.body = request.user.empty() ? "no user" : request.body + "." + request.path;
      reply(answer);
    };
    const auto hold = [this](const http_request&, const reply_function& reply) {
      late.hold(reply);
    };
    const auto drop = [](const http_request&, const reply_function&) {};
    const auto stream = [this](const http_request& request, const reply_function& reply) {
      asked_after = request.last_event_id;
      http_reply answer;
      answer.events = events;
      reply(std::move(answer));
    };
    http_server_options options;
    options.socket_path = path;
    options.limits = limits;
    return http_server::start(std::move(options),
                              router{{{"GET", "/echo", "", echo},
                                      {"POST", "/echo", "", echo},
                                      {"GET", "/late", "", hold},
                                      {"GET", "/stream", "", stream},
                                      {"GET", "/drop", "", drop}}},
                              pool);
  }

  std::string exchange(const std::string& request) {
    raw_client client{path};
    client.send(request);
    return client.rest();
  }
};

constexpr const char* get_stream = "GET /stream HTTP/1.1\r\nLast-Event-ID: 41\r\n\r\n";

/// Looks until it holds, at most 30 s.
bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

constexpr const char* last_get = "GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n";

} // namespace

TEST_CASE("the socket is its owner's alone and goes with the server", "[http_server]") {
  server_fixture uut;
  struct stat found {};
  REQUIRE(::stat(uut.path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0600U);
  uut.server->stop();
  CHECK(::stat(uut.path.c_str(), &found) != 0);
}

TEST_CASE("a live socket is refused, a stale one replaced", "[http_server]") {
  server_fixture uut;
  const auto second = uut.start();
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::in_use);
  uut.server->stop();
  const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, uut.path.data(), uut.path.size());
  REQUIRE(::bind(stale, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(stale);
  const auto third = uut.start();
  REQUIRE(third);
  CHECK(uut.exchange(last_get).starts_with("HTTP/1.1 200"));
}

TEST_CASE("a path that no socket can have is refused", "[http_server]") {
  server_fixture uut;
  uut.path = uut.folder / std::string(120, 'x');
  const auto refused = uut.start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid);
}

TEST_CASE("requests on one connection are answered in their order", "[http_server]") {
  server_fixture uut;
  const auto got =
      uut.exchange("GET /echo HTTP/1.1\r\n\r\nPOST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
                   "GET /nothing HTTP/1.1\r\n\r\n" +
                   std::string{last_get});
  const auto first = got.find("\r\n\r\n./echo");
  const auto second = got.find("\r\n\r\nhi./echo");
  const auto third = got.find("HTTP/1.1 404");
  CHECK(first != std::string::npos);
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third < got.rfind("\r\n\r\n./echo"));
}

TEST_CASE("a chunked body arrives whole", "[http_server]") {
  server_fixture uut;
  const auto got =
      uut.exchange("POST /echo HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(got.find("abcde./echo") != std::string::npos);
}

TEST_CASE("ambiguous and malformed requests are refused and their connection closed",
          "[http_server]") {
  server_fixture uut;
  for (const auto* bad :
       {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "rubbish\r\n\r\n",
        "GET /echo HTTP/9.9\r\n\r\n", "GET http://other/ HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /%2e%2e/x HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
    CAPTURE(bad);
    CHECK(uut.exchange(bad).starts_with("HTTP/1.1 400"));
  }
  CHECK(uut.exchange("BREW /echo HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
  CHECK(uut.exchange(last_get).starts_with("HTTP/1.1 200"));
}

TEST_CASE("header and body beyond their limits are refused", "[http_server]") {
  http_limits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 1000;
  server_fixture uut{limits};
  CHECK(uut.exchange("GET /echo HTTP/1.1\r\nX: " + std::string(5000, 'x'))
            .starts_with("HTTP/1.1 431"));
  CHECK(uut.exchange("POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")
            .starts_with("HTTP/1.1 413"));
  const auto chunk = "400\r\n" + std::string(1024, 'x') + "\r\n";
  CHECK(uut.exchange("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
            .starts_with("HTTP/1.1 413"));
}

TEST_CASE("slow clients are cut off while others are served", "[http_server]") {
  http_limits limits;
  limits.header_time = std::chrono::milliseconds{100};
  limits.body_time = std::chrono::milliseconds{100};
  limits.idle_time = std::chrono::milliseconds{100};
  server_fixture uut{limits};
  raw_client silent{uut.path};
  raw_client half_header{uut.path};
  raw_client half_body{uut.path};
  half_header.send("GET /echo HT");
  half_body.send("POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
  CHECK(uut.exchange(last_get).starts_with("HTTP/1.1 200"));
  CHECK(silent.rest().empty());
  CHECK(half_header.rest().empty());
  CHECK(half_body.rest().empty());
}

TEST_CASE("connections beyond the limit are told so", "[http_server]") {
  http_limits limits;
  limits.connections = 2;
  server_fixture uut{limits};
  raw_client one{uut.path};
  raw_client two{uut.path};
  one.send("GET /echo HTTP/1.1\r\n\r\n");
  two.send("GET /echo HTTP/1.1\r\n\r\n");
  CHECK(one.read_until("/echo").starts_with("HTTP/1.1 200"));
  CHECK(two.read_until("/echo").starts_with("HTTP/1.1 200"));
  raw_client three{uut.path};
  CHECK(three.rest().starts_with("HTTP/1.1 503"));
}

TEST_CASE("a reply may come later, and after its client has left", "[http_server]") {
  server_fixture uut;
  raw_client patient{uut.path};
  patient.send("GET /late HTTP/1.1\r\nConnection: close\r\n\r\n");
  http_reply answer;
  answer.body = "at last";
  uut.late.take()(answer);
  CHECK(patient.rest().ends_with("at last"));

  raw_client leaver{uut.path};
  leaver.send("GET /late HTTP/1.1\r\n\r\n");
  const auto orphan = uut.late.take();
  leaver.leave();
  orphan(answer);
  CHECK(uut.exchange(last_get).starts_with("HTTP/1.1 200"));
}

TEST_CASE("a request that its handler dropped is answered 500", "[http_server]") {
  server_fixture uut;
  CHECK(
      uut.exchange("GET /drop HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500"));
}

TEST_CASE("HEAD has the header of GET and no body", "[http_server]") {
  server_fixture uut;
  const auto got = uut.exchange("HEAD /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(got.find("Content-Length: 6") != std::string::npos);
  CHECK(got.ends_with("\r\n\r\n"));
}

TEST_CASE("a reply outlives its server", "[http_server]") {
  reply_function orphan;
  {
    server_fixture uut;
    raw_client client{uut.path};
    client.send("GET /late HTTP/1.1\r\n\r\n");
    orphan = uut.late.take();
    client.leave();
  }
  orphan(http_reply{});
}

TEST_CASE("a stream passes on events as they come, and ends in order", "[http_server]") {
  server_fixture uut;
  raw_client client{uut.path};
  client.send(get_stream);
  const auto head = client.read_until("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200"));
  CHECK(head.find("text/event-stream") != std::string::npos);
  CHECK(head.find("chunked") != std::string::npos);
  CHECK(uut.asked_after == "41");
  uut.events->send("item", 42, R"({"id":"r1"})");
  const auto first = client.read_until("\n\n");
  CHECK(first.find("id: 42\nevent: item\ndata: {\"id\":\"r1\"}\n\n") != std::string::npos);
  uut.events->send("item", 43, "{}");
  uut.events->end();
  const auto rest = client.rest();
  CHECK(rest.find("id: 43") != std::string::npos);
  CHECK(rest.ends_with("0\r\n\r\n"));
}

TEST_CASE("a stream without events says that it is there", "[http_server]") {
  server_fixture uut{{.heartbeat = std::chrono::milliseconds{50}}};
  raw_client client{uut.path};
  client.send(get_stream);
  CHECK(client.read_until(":\n\n").find("<nothing") == std::string::npos);
}

TEST_CASE("a stream is closed when its client leaves, takes nothing, or the server stops",
          "[http_server]") {
  server_fixture uut{{.write_time = std::chrono::milliseconds{200}}};
  raw_client client{uut.path};
  client.send(get_stream);
  client.read_until("\r\n\r\n");
  SECTION("it leaves") {
    client.leave();
    CHECK(eventually([&] { return !uut.events->open(); }));
  }
  SECTION("it takes nothing, and what waits for it stays bounded") {
    const std::string large(10'000, 'x');
    CHECK(eventually([&] {
      uut.events->send("item", 1, large);
      return !uut.events->open();
    }));
    CHECK(eventually([&] { return uut.server->connections() == 0; }));
  }
  SECTION("the server stops") {
    uut.server->stop();
    CHECK_FALSE(uut.events->open());
  }
}

TEST_CASE("a stream ticks as long as its client is there", "[http_server]") {
  server_fixture uut;
  std::atomic<int> ticks = 0;
  uut.events->tick(std::chrono::milliseconds{5}, [&] { ++ticks; });
  raw_client client{uut.path};
  client.send(get_stream);
  CHECK(eventually([&] { return ticks > 3; }));
}
