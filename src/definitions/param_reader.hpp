#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <string_view>
#include <vector>

namespace pinion::definitions {

/// Reads `params:` of a workflow. A map as value is always the long form.
std::vector<param_definition> read_params(const reporter& report, const node& params);

/// Reads `params:` of a trigger: values of declared parameters, in the declared types, sorted by
/// name.
std::vector<std::pair<std::string, json_text>>
read_param_values(const reporter& report, const node& values,
                  const std::vector<param_definition>& declared);

std::vector<std::string_view> param_keys();

} // namespace pinion::definitions
