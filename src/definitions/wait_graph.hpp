#pragma once

#include "pinion/definitions/definition_directory.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pinion::definitions {

/// May a need lead to a slot that is not earlier than one's own?
bool waits_for_present(const outside_need& need) noexcept;

/// Tasks that wait for each other over several workflows.
struct wait_cycle {
  /// A reference that belongs to it: a position in the set, and there either a need of a task or
  /// an `after:` trigger.
  std::uint32_t workflow = 0;
  std::optional<std::uint32_t> task;
  std::optional<std::uint32_t> trigger;
  std::uint32_t need = 0;
  /// In the order in which they would have to run: "dw.orders.load"; a whole run is "dw.orders",
  /// and where a workflow has several triggers its run is told by them, "dw.orders/daily.load".
  std::vector<std::string> path;
};

/// Finds one of a set and the workflows that it refers to through `all`, if there is any.
/// References that lead nowhere are passed over, and so are cycles of calls alone, which the loader
/// checks. The cost is linear in tasks and edges; times the triggers only where a first look, which
/// does not tell triggers apart, has found something.
std::optional<wait_cycle> find_wait_cycle(std::span<const workflow_definition* const> set,
                                          const definition_directory& all);

} // namespace pinion::definitions
