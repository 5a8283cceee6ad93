#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/needs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// A name that a file mentions, and where. The text belongs to the tree of nodes.
struct name_use {
  std::string_view name;
  std::uint32_t offset = 0;
};

/// Where the parts of a need on another workflow stand in the file.
struct need_places {
  std::uint32_t whole = 0;
  std::uint32_t upstream = 0; ///< The value of `task:` or `workflow:`.
  std::uint32_t trigger = 0;  ///< Where it is not written, as `upstream`.
  std::uint32_t as = 0;       ///< Where it is not written, as `whole`.
};

/// Reads `workflow` or `project.workflow`; without project it is of `project`.
std::optional<std::string> read_workflow_reference(const reporter& report, const node& at,
                                                   std::string_view project);

/// success | done
std::optional<need_state> read_need_state(const reporter& report, const node& at);

/// Reads a mapping of `needs:`, `{task: dw.orders.load, slot: same_day}`. `project` is that of the
/// file. Nothing if it was refused; that has then been reported.
struct read_need {
  outside_need need;
  need_places places;
};
std::optional<read_need> read_outside_need(const reporter& report, const node& at,
                                           std::string_view project);

/// Reads `depends_on_previous: self | children | [tasks]`; the tasks' names go into `tasks`.
previous_need read_previous(const reporter& report, const node& at, std::vector<name_use>& tasks);

std::vector<std::string_view> need_keys();

} // namespace pinion::definitions
