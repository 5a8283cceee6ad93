#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/needs_reader.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <string_view>
#include <vector>

namespace pinion::definitions {

/// Reads `on_failure:` and the like: a list of `{alert: channel}`, or one.
std::vector<alarm_target> read_alarms(const reporter& report, const node& at,
                                      const project_settings& settings);

/// What `on_failure:` or `on_success:` of a workflow asks for.
struct end_rules {
  std::vector<alarm_target> alarms;
  std::vector<name_use> tasks; ///< Its end tasks.
};

/// Reads `on_failure:` or `on_success:` of a workflow: a list of `{alert: channel}` and
/// `{task: name}`, or one of them.
end_rules read_end_rules(const reporter& report, const node& at, const project_settings& settings);

std::vector<std::string_view> alarm_keys();
std::vector<std::string_view> end_rule_keys();

} // namespace pinion::definitions
