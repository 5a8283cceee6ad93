#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <string>

namespace pinion {

/// Where the files of runs and attempts lie under the data folder. The only place that knows.
///
///     logs/<run / 1000>/r<run>/<task>[-<element>]-a<attempt>.log   stdout and stderr, all steps
///     logs/ ... .log.idx                                           (offset, time) pairs and the
///     cut work/<slot>/                                                 script, inputs, outputs,
///     TMPDIR of one process workspaces/r<run>/ PINION_WORKSPACE

/// The log of the attempt, relative to the data folder. `step` and `epoch` play no part: the checks
/// of an attempt append to its log.
std::string log_name(const instance_key& instance, std::uint32_t attempt);

/// The same as an absolute path.
std::string log_path(const std::string& data_dir, const process_key& key);

/// The shared folder of the run's tasks, absolute.
std::string workspace_path(const std::string& data_dir, run_id run);

/// Removes all logs of a run. Succeeds when there are none.
result<void> remove_run_logs(const std::string& data_dir, run_id run);

/// Removes the run's workspace. Succeeds when there is none. Links are removed, not followed.
result<void> remove_run_workspace(const std::string& data_dir, run_id run);

} // namespace pinion
