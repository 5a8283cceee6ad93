#pragma once

#include "pinion/timing/problem.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace pinion {

class event_stream;
struct kept_request;

/// One request as handlers see it: whole, within the server's limits, its target decoded.
struct http_request {
  std::string method; ///< In capitals: GET, POST.
  std::string path;   ///< Percent-decoded, without the query: "/api/v1/runs". Valid UTF-8, no NUL.
  std::map<std::string, std::string> query;  ///< Decoded; each name at most once.
  std::map<std::string, std::string> params; ///< What the route's `{name}` parts matched, decoded.
  std::string content_type;
  std::string body;
  std::string last_event_id; ///< Header Last-Event-ID: where a stream of events goes on.
  std::string user; ///< Name of the user at the other end of the socket: for the audit record.
  std::map<std::string, std::string> headers; ///< Names in lower case; of repeated ones the first.
  /// It can be repeated (it has an `Idempotency-Key`): what it changes is marked as done by it.
  std::shared_ptr<const kept_request> kept = nullptr;
};

/// What is sent back. `body` is JSON unless `content_type` says otherwise.
struct http_reply {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers; ///< Further ones, such as Allow.
  /// Not null: the answer is this stream, as text/event-stream, for as long as both sides like.
  std::shared_ptr<event_stream> events = nullptr;
};

/// Takes the reply of one request: called at most once, from any thread, also when the client has
/// left meanwhile. If all copies go without a call, the client gets status 500.
using reply_function = std::function<void(http_reply)>;

/// Answers one request, at once or later. Called on a thread that may block on the store.
using http_handler = std::function<void(http_request, reply_function)>;

/// The HTTP status of a problem: 400 invalid, 404 not_found, 409 refused, exists and in_use,
/// 422 limit, 503 unavailable, otherwise 500.
unsigned http_status(errc code) noexcept;

/// `{"error":{"code":…,"message":…,"suggestion":…,"details":[]}}` with the status of its code.
http_reply error_reply(const problem& why);

/// The same with a status of its own (405, 413 …).
http_reply error_reply(unsigned status, const problem& why);

} // namespace pinion
