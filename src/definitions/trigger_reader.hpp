#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// Reads `triggers:` of a workflow whose timezone and parameters are known: a list of maps.
std::vector<trigger_definition> read_triggers(const reporter& report, const node& triggers,
                                              const workflow_definition& workflow);

/// queue | queue_one | skip | cancel_running | allow
std::optional<overlap_policy> read_overlap(const reporter& report, const node& at);

/// The schedule of `cron:` or `every:`, from text that was checked before or comes from a stored
/// definition. `zone_name` counts for cron only.
result<schedule> make_cron(std::string_view text, std::string_view zone_name);

std::vector<std::string_view> trigger_keys();

} // namespace pinion::definitions
