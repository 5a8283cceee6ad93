#pragma once

#include "pinion/definitions/definition_directory.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace pinion {

/// What is wrong with a reference of one workflow to another.
struct reference_problem {
  std::uint32_t workflow = 0; ///< Position in the set that was checked.
  /// Exactly one of the two is there, unless it is a cycle that no single reference closes.
  std::optional<std::uint32_t> task;    ///< Position of a task with outside needs.
  std::optional<std::uint32_t> trigger; ///< Position of an `after:` trigger.
  std::uint32_t need = 0;               ///< Position in the task's `outside_needs`.
  /// Which part of the reference is wrong.
  enum class part : std::uint8_t { whole, workflow, task, trigger } where = part::whole;
  problem what;
};

/// Checks what the definitions of a set say about each other and about workflows elsewhere: that
/// the workflows, tasks and triggers exist which `needs:` and `after:` name, that a trigger is
/// named where the upstream has several, that chains of `after:` end, and that no task waits for
/// itself over several workflows. `elsewhere` is asked for what the set does not define, and may be
/// empty: then nothing exists elsewhere. An engine asks again at each apply, with its other
/// workflows.
///
/// Of a cycle the edges count that lead to a slot not earlier than one's own: needs on the nearest,
/// the same slot or day, `window: data` and `slot_day`, `last:` without a window, `after:`, and
/// calls of workflows. `previous`, `-N` and windows of hours, days, weeks and months look back. The
/// cycle that is found first is told.
std::vector<reference_problem> check_references(std::span<const workflow_definition* const> set,
                                                const definition_lookup& elsewhere = {});

} // namespace pinion
