#pragma once

#include "pinion/api/http_message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// The entity tag of a body: a quoted hash (RFC 9110, 8.8.3).
std::string entity_tag(std::string_view body);

/// The entity tags that a header lists, without quotes and `W/`.
std::vector<std::string> tags_of(std::string_view header);

/// Whether a header `If-None-Match` or `If-Match` lists the tag, weakly compared, or is `*`.
bool lists_tag(std::string_view header, std::string_view tag);

/// `reply`, which gives the JSON of a read its `ETag`, where its handler has not, and answers 304
/// without a body if the request's `If-None-Match` lists that.
reply_function conditional(const http_request& request, reply_function reply);

} // namespace pinion
