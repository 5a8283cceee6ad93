#pragma once

#include "failure.hpp"

#include <boost/system/error_code.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace pinion::ctl {

struct response {
  unsigned status = 0;
  std::map<std::string, std::string> headers; ///< Names in lower case.
  std::string body;
};

/// Query of a request; empty values are left out.
using query = std::map<std::string, std::string>;
/// Further headers of a request.
using headers = std::map<std::string, std::string>;

/// Talks to one engine over its Unix socket, one request at a time over one connection that is kept
/// and made anew when the engine has closed it. All members throw `failure`: `no_engine` if nobody
/// listens or the engine goes away.
class client {
public:
  explicit client(std::string socket_path);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  const std::string& socket_path() const noexcept { return path_; }

  /// Any status is an answer.
  response send(const std::string& method, const std::string& path, const query& values,
                const std::string& body, std::chrono::seconds patience, const headers& more = {});

  /// The JSON of an answer below 400; other answers become the failure that their error means.
  json get(const std::string& path, const query& values = {});
  json remove(const std::string& path, const query& values);
  json post(const std::string& path, const json& body, const headers& more = {});

private:
  struct connection;
  response exchange(const std::string& method, const std::string& target, const std::string& body,
                    std::chrono::seconds patience, const headers& more);
  std::string path_;
  std::unique_ptr<connection> connection_;
};

/// Path and query as the target of a request; empty values are left out.
std::string target_of(const std::string& path, const query& values);

/// Nobody listens at the socket, or the engine has gone away.
failure no_engine(const std::string& path, const std::string& why);

/// `no_engine`, or a refusal that names the folder or socket that this user may not use.
failure not_connected(const std::string& path, const boost::system::error_code& why);

/// Throws a usage failure for a path that no socket can have.
void check_socket_path(const std::string& path);

/// The failure that an answer's error object means.
failure failure_of(const response& answer);

/// The socket that `--server`, else PINION_SERVER, else the default data folder names. A folder
/// means the socket in it. URLs of TCP are refused.
std::string socket_path_from(const std::string& server_option);

} // namespace pinion::ctl
