#include "pinion/definitions/diagnostic.hpp"

#include <nlohmann/json.hpp>

namespace pinion {

std::string to_text(const diagnostic& what) {
  std::string text;
  if (!what.file.empty())
    text = what.file + ':' + std::to_string(what.line) + ':' + std::to_string(what.column) + ": ";
  text += what.level == severity::error ? "error: " : "warning: ";
  text += what.message;
  if (!what.suggestion.empty())
    text += " (" + what.suggestion + ')';
  return text;
}

std::string to_json(const diagnostic& what) {
  nlohmann::ordered_json json;
  json["file"] = what.file;
  json["line"] = what.line;
  json["column"] = what.column;
  json["message"] = what.message;
  json["suggestion"] = what.suggestion;
  // A path need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace pinion
