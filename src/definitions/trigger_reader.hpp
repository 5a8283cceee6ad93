#pragma once

#include "definitions/calendar_reader.hpp"
#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// What triggers are read with, beside their workflow.
struct trigger_context {
  const calendar_table* calendars = nullptr; ///< Of pinion.yaml; null: there are none.
  std::optional<instant> now;                ///< For what is over already; unknown: not told.
};

struct read_triggers_result {
  std::vector<trigger_definition> triggers;
  std::vector<std::string> calendars; ///< Names of those that are used, perhaps several times.
  /// Where `after:` stands; of triggers of other kinds, 0.
  std::vector<std::uint32_t> after_offsets;
  std::vector<std::uint32_t> followed_offsets; ///< Likewise `trigger:`, else as `after:`.
};

/// Reads `triggers:` of a workflow whose project, timezone and parameters are known: a list of
/// maps.
read_triggers_result read_triggers(const reporter& report, const node& triggers,
                                   const workflow_definition& workflow,
                                   const trigger_context& context);

/// queue | queue_one | skip | cancel_running | allow
std::optional<overlap_policy> read_overlap(const reporter& report, const node& at);

std::vector<std::string_view> trigger_keys();

} // namespace pinion::definitions
