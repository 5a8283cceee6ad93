#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/model/run_core.hpp"

#include <string>
#include <vector>

namespace pinion {

/// The line with which `why` answers. Pure.
std::string sentence_about(const run_core& run, const instance_record& at);
std::string sentence_about(const run_core& run);

/// The upstreams that decided how an instance ended; at most `most`.
std::vector<blocked_by> ended_causes(const run_core& run, const instance_record& at,
                                     std::size_t most);
/// The instances that failed in a run, with what covers them; at most `most`.
std::vector<blocked_by> ended_causes(const run_core& run, std::size_t most);

/// "r123/load:DEU"
std::string ref_of(const run_core& run, const instance_record& at);

} // namespace pinion
