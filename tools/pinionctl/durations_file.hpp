#pragma once

#include "client.hpp"
#include "pinion/simulator/simulation.hpp"

#include <string>

namespace pinion::ctl {

/// A file of durations in JSON or YAML, see `parse_durations`. Throws a failure with the place in
/// the file; also for a name that no task of `of` has.
duration_table durations_from(const std::string& path, const simulated_set& of, std::uint64_t seed);

/// Puts in mean durations of the newest successful instances of each task, as the engine has them,
/// where the table says nothing of that very task.
void add_history(duration_table& to, const simulated_set& of, client& engine);

} // namespace pinion::ctl
