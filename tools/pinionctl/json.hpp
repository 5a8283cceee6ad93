#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pinion::ctl {

/// Keeps the order in which the engine lists keys.
using json = nlohmann::ordered_json;

/// The text under `key`, or empty text; other values as JSON.
inline std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null())
    return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// JSON with bytes that are not UTF-8 replaced.
inline std::string dump(const json& value, int indent = -1) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

} // namespace pinion::ctl
