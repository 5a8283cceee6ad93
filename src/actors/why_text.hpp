#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/model/run_core.hpp"

#include <string>
#include <string_view>
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

/// The reason as a phrase, with what the record says beside it.
std::string phrase_with(reason why, const std::string& message);

/// To what a person wants to know: seconds, or milliseconds where it was over soon.
std::string rounded(duration took);

} // namespace pinion
