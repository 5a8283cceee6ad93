#include "pinion/definitions/expression_value.hpp"

#include "pinion/timing/instant_text.hpp"

namespace pinion {

namespace {

constexpr unsigned max_json_depth = 256;

/// How deep brackets are nested outside of strings. nlohmann's writer and destructors recurse, so a
/// hostile output must be refused before it is read.
bool too_deep(std::string_view text) noexcept {
  unsigned depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_json_depth)
        return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

} // namespace

std::string to_text(const expression_value& value, zone in) {
  if (const auto* at = std::get_if<instant>(&value))
    return print_local(*at, in);
  const auto& data = std::get<nlohmann::json>(value);
  if (data.is_string())
    return data.get<std::string>();
  if (data.is_null())
    return {};
  return data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json to_json(const expression_value& value, zone in) {
  if (const auto* at = std::get_if<instant>(&value))
    return print_local(*at, in);
  return std::get<nlohmann::json>(value);
}

result<nlohmann::json> parse_json(std::string_view text) {
  if (too_deep(text))
    return problem{errc::invalid, "JSON nested more than 256 deep"};
  auto out = nlohmann::json::parse(text, nullptr, false);
  if (out.is_discarded())
    return problem{errc::invalid, "not valid JSON"};
  return out;
}

} // namespace pinion
