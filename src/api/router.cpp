#include "pinion/api/router.hpp"

#include "api/conditional.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace pinion {
namespace {

/// The next part of a path behind a slash; cuts it off `rest`.
std::string_view next_part(std::string_view& rest) {
  rest.remove_prefix(1);
  const auto end = std::min(rest.find('/'), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end);
  return part;
}

/// What the pattern's `{name}` parts matched, or nothing.
std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        std::string_view path) {
  std::map<std::string, std::string> params;
  while (!pattern.empty() && !path.empty()) {
    const auto want = next_part(pattern);
    const auto got = next_part(path);
    if (want.starts_with('{'))
      params.emplace(want.substr(1, want.size() - 2), got);
    else if (want != got)
      return std::nullopt;
  }
  if (!pattern.empty() || !path.empty())
    return std::nullopt;
  return params;
}

void call(const route& found, http_request request, const reply_function& reply) {
  try {
    found.handle(std::move(request), reply);
  } catch (const std::exception& error) {
    reply(error_reply(problem{errc::internal, std::string{"The request failed: "} + error.what()}));
  }
}

} // namespace

router::router(std::vector<route> table) : table_{std::move(table)} {}

void router::dispatch(http_request request, const reply_function& reply) const {
  const auto method = request.method == "HEAD" ? std::string{"GET"} : request.method;
  std::string allowed;
  for (const auto& candidate : table_) {
    auto params = match(candidate.pattern, request.path);
    if (!params)
      continue;
    if (candidate.method == method) {
      request.params = std::move(*params);
      const auto tagged = method == "GET" ? conditional(request, reply) : reply;
      return call(candidate, std::move(request), tagged);
    }
    allowed += (allowed.empty() ? "" : ", ") + candidate.method;
  }
  if (allowed.empty())
    return reply(error_reply(problem{errc::not_found, "There is nothing at '" + request.path + "'",
                                     "The API is described at /api/v1/openapi.json"}));
  auto refusal = error_reply(
      405, problem{errc::invalid, "'" + request.path + "' does not take " + request.method});
  refusal.headers["Allow"] = allowed;
  reply(std::move(refusal));
}

} // namespace pinion
