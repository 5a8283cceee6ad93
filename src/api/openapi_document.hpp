#pragma once

#include <string_view>

namespace pinion {

/// The API as it describes itself: schema/openapi.json, held against the table of routes and the
/// names that handlers accept by a test.
std::string_view openapi_document() noexcept;

} // namespace pinion
