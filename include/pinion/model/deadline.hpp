#pragma once

#include "pinion/model/definition.hpp"

namespace pinion {

/// The deadline of a task in the run of a slot: that time of day on the slot's date, in the zone of
/// the workflow. For a task that has one. Pure.
instant deadline_of(const workflow_definition& workflow, const task_definition& task, instant slot);

} // namespace pinion
