#include "pinion/api/http_server.hpp"

#include "api/http_session.hpp"
#include "api/quiet_thread.hpp"
#include "api/unix_socket.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace pinion {
namespace {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

/// Which file a path names, so that the end of a server does not remove the socket of a later one.
std::pair<dev_t, ino_t> file_at(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? std::pair{found.st_dev, found.st_ino}
                                            : std::pair<dev_t, ino_t>{};
}

constexpr std::chrono::seconds farewell{2};
constexpr std::chrono::milliseconds accept_pause{100};

} // namespace

struct http_server::parts {
  std::shared_ptr<http_core> core;
  std::string path;
  std::pair<dev_t, ino_t> file;
  asio::local::stream_protocol::acceptor acceptor;
  asio::steady_timer timer;
  std::thread thread;

  parts(std::shared_ptr<http_core> shared, std::string socket_path, int listening)
      : core{std::move(shared)}, path{std::move(socket_path)}, file{file_at(path)},
        acceptor{core->io, asio::local::stream_protocol{}, listening}, timer{core->io} {}

  void accept() {
    acceptor.async_accept([this](error_code failed, asio::local::stream_protocol::socket socket) {
      if (core->stopping)
        return;
      if (!failed) {
        serve_connection(core, std::move(socket));
        return accept();
      }
      // Out of descriptors, as a rule: the kernel keeps the connections until there are some again.
      timer.expires_after(accept_pause);
      timer.async_wait([this](error_code cancelled) {
        if (!cancelled)
          accept();
      });
    });
  }

  /// On the server's thread.
  void begin_stop() {
    core->stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    if (file_at(path) == file)
      ::unlink(path.c_str());
    core->on_last_gone = [this] { timer.cancel(); };
    timer.expires_after(farewell);
    timer.async_wait([this](error_code) { end_sessions(*core, false); });
    end_sessions(*core, true);
    if (core->sessions.empty())
      timer.cancel();
  }
};

http_server::http_server(std::unique_ptr<parts> made) : parts_{std::move(made)} {
  parts_->accept();
  parts_->thread = quiet_thread([core = parts_->core] { core->io.run(); });
}

http_server::~http_server() { stop(); }

result<std::unique_ptr<http_server>> http_server::start(http_server_options options, router routes,
                                                        std::shared_ptr<handler_pool> pool) {
  BOOST_OUTCOME_TRY(listening, listen_at(options.socket_path, options.group));
  auto core = std::make_shared<http_core>(options.limits, std::move(routes), std::move(pool));
  auto made = std::make_unique<parts>(std::move(core), std::move(options.socket_path), listening);
  return std::unique_ptr<http_server>{new http_server{std::move(made)}};
}

void http_server::stop() {
  if (!parts_->thread.joinable())
    return;
  asio::post(parts_->core->io, [shared = parts_.get()] { shared->begin_stop(); });
  parts_->thread.join();
}

std::size_t http_server::connections() const noexcept { return parts_->core->open; }

} // namespace pinion
