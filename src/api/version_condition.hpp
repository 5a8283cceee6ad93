#pragma once

#include "api/api_state.hpp"

#include <map>
#include <string>

namespace pinion {

/// What `If-Match` and `If-None-Match` of a change of definitions ask for: versions as their `ETag`
/// names them ("dw.load:v7", "v7" for short), or `*`. Fails with `errc::invalid` for any other tag.
result<version_condition> condition_of(const http_request& request);

/// Says which version stands there: 412, with the present one as `ETag` if it is a single one.
http_reply stale_reply(const std::vector<std::pair<std::string, std::uint32_t>>& stale);

/// Replies with what an apply changed, or that its condition does not hold.
engine_client::reply<apply_answer> applied(const api_ptr& state, reply_function reply,
                                           std::map<std::string, json> fire_times, json warnings);

} // namespace pinion
