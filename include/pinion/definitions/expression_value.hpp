#pragma once

#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"
#include "pinion/timing/zone.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace pinion {

/// A value of the expression language: JSON, or an instant (which prints in local time and which
/// the date functions take). Inside a list or map an instant becomes its text.
using expression_value = std::variant<nlohmann::json, instant>;

/// How a value prints in text: strings as they are, true and false in lower case, null as nothing,
/// numbers shortest, lists and maps as compact JSON, instants as `print_local`.
std::string to_text(const expression_value& value, zone in);

/// The value as JSON; an instant becomes its text.
nlohmann::json to_json(const expression_value& value, zone in);

/// Reads JSON text nested at most 256 deep. Fails with `errc::invalid`.
result<nlohmann::json> parse_json(std::string_view text);

} // namespace pinion
