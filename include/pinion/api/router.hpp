#pragma once

#include "pinion/api/http_message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// One line of the table of routes.
struct route {
  std::string method;  ///< "GET" or "POST".
  std::string pattern; ///< "/api/v1/runs/{run}": a `{name}` part matches one part of the path.
  std::string summary; ///< One sentence, for the reference.
  http_handler handle;
};

/// Finds the route of a request. Immutable once made; safe from any thread.
class router {
public:
  explicit router(std::vector<route> table);

  /// The table as data: tests and the reference list it.
  const std::vector<route>& routes() const noexcept { return table_; }

  /// Hands the request to its route. Unknown paths answer 404; known ones with another method 405
  /// and `Allow`. An exception of a handler answers 500. HEAD is served as GET. JSON that is read
  /// carries an `ETag`, and `If-None-Match` with that tag is answered 304 without a body.
  void dispatch(http_request request, const reply_function& reply) const;

private:
  std::vector<route> table_;
};

/// Splits a request target into path and query and decodes both. Fails with `errc::invalid` for
/// what is no absolute path, broken percent codes, control characters, bytes that are not UTF-8,
/// `.`, `..` or empty parts, and a query name given twice.
result<void> parse_target(std::string_view target, http_request& into);

/// The inverse for one part of a path or one value of a query: all but [A-Za-z0-9._~-] in
/// percent codes.
std::string percent_encode(std::string_view text);

} // namespace pinion
