#pragma once

#include "pinion/model/run_core.hpp"

#include <map>
#include <memory>
#include <string>

namespace pinion {

/// Elements of one fan-out that a trial run has at most.
inline constexpr std::size_t max_trial_elements = 20;

/// A run that nobody starts, to see what its tasks would be: `run` as it would fire, `inputs` the
/// outputs (a JSON object) of tasks by name, which count as ended well. Lists that can be made from
/// these are expanded. Fails with `errc::not_found` for a name that no task has.
result<run_core> trial_run(const std::shared_ptr<const workflow_definition>& definition,
                           run_record run, const std::map<std::string, json_text>& inputs,
                           const std::map<std::string, std::uint32_t>& pools);

/// The record of such a run, made by hand now. Fails as `resolve_params` does.
result<run_record> trial_record(const workflow_definition& definition, instant slot,
                                const json_text& params);

/// The same rows with the lists expanded that can be made by now and have not been.
std::vector<instance_record> with_elements(const run_core& run,
                                           const std::map<std::string, std::uint32_t>& pools);

} // namespace pinion
