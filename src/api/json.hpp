#pragma once

#include "pinion/timing/problem.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pinion {

/// Answers keep the order in which the reference lists their keys.
using json = nlohmann::ordered_json;

/// Text of an answer. Bytes that are not UTF-8 (a task's message) become U+FFFD.
inline std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The error object of a problem, without details.
inline json error_object(const problem& why) {
  return {{"code", to_string(why.code)},
          {"message", why.message},
          {"suggestion", why.suggestion},
          {"details", json::array()}};
}

/// A stored JSON text as a value; what does not parse is shown as text instead of being hidden.
inline json from_stored(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

} // namespace pinion
