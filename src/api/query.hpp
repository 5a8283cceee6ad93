#pragma once

#include "api/json.hpp"
#include "pinion/api/http_message.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/zone.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Typed reads of a request's query and of JSON bodies. All fail with `errc::invalid` and name what
/// is wrong.
namespace pinion {

/// Fails if the query has a name that is not one of `known`; the suggestion is the nearest one,
/// or all of them.
result<void> check_query(const http_request& request,
                         std::initializer_list<std::string_view> known);

/// The value, or empty text.
std::string query_text(const http_request& request, const std::string& name);

/// A whole number in [least, most], or `absent`.
result<std::uint64_t> query_number(const http_request& request, const std::string& name,
                                   std::uint64_t least, std::uint64_t most, std::uint64_t absent);

/// The moments that `since` (a duration back from `now`), `from` and `to` mean: the later of since
/// and from, and to; `instant{}` where they are absent. Times without offset are of the zone `in`.
struct time_range {
  instant from{};
  instant to{};
  bool contains(instant at) const noexcept;
};
result<time_range> query_times(const http_request& request, instant now, zone in);

/// `labels=tier=gold,team=ds`: pairs that all must hold.
result<std::vector<std::pair<std::string, std::string>>> query_labels(const http_request& request);

/// The body as a JSON object whose keys are all `known`; an empty body is an empty object.
result<json> body_object(const http_request& request,
                         std::initializer_list<std::string_view> known);

/// The text under `name`, or empty text; fails if it is no text.
result<std::string> body_text(const json& body, const char* name);
result<bool> body_flag(const json& body, const char* name);

} // namespace pinion
