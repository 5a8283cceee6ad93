#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/timing/calendar.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// A calendar of pinion.yaml.
struct named_calendar {
  std::shared_ptr<const calendar> value; ///< Null if it was refused.
  file_place at;                         ///< Of its name.
  bool below_another = false;            ///< Another one stands on it.
};

using calendar_table = std::map<std::string, named_calendar, std::less<>>;

/// Reads `calendars:`: a map from names to `{weekdays:, except:, also:, on:}`. Circles of `on:` and
/// calendars without any day are refused.
calendar_table read_calendars(const reporter& report, const node& at);

std::vector<std::string_view> calendar_keys();

} // namespace pinion::definitions
