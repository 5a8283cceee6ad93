#pragma once

#include "pinion/model/definition.hpp"

#include <string>
#include <vector>

namespace pinion {

/// A limit that a definition sets for attempts at once, over all runs. It works like a pool of
/// which each attempt holds one permit.
struct task_limit {
  std::string name; ///< For people, unique: "max_active of dw.orders.load".
  std::uint32_t most = 1;
};

/// The limits under which attempts of the task stand. Those without a process stand under none,
/// unless they hold permits.
std::vector<task_limit> limits_of(const workflow_definition& workflow, std::uint32_t task);

} // namespace pinion
