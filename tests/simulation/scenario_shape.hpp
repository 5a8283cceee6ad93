#pragma once

#include "pinion/model/definition.hpp"
#include "simulation/random.hpp"

namespace pinion::sim {

/// Now and then a switch, a setup with its teardown, a join by a condition, and what follows a
/// failure. Once all other tasks are there, before anything waits for other runs.
void draw_graph(random_source& draw, workflow_definition& of);

/// Now and then one or two end tasks. Once it is drawn whom the others wait for.
void draw_end_tasks(random_source& draw, workflow_definition& of);

} // namespace pinion::sim
