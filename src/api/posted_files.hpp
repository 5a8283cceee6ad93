#pragma once

#include "api/api_state.hpp"
#include "pinion/definitions/loader.hpp"

#include <string>
#include <vector>

/// Definition files in the body of a request.
namespace pinion {

/// The `files` of a body: a list of {path, text}.
result<std::vector<source_text>> posted_files(const json& body);

/// Reads them as one set, with what the engine knows already.
load_result load_posted(api_state& state, const std::vector<source_text>& sources);

/// Reads a workflows folder of the engine from the disk, as its watch does. Blocks.
load_result load_folder(api_state& state, const std::string& folder);

/// Diagnostics as `details` and `warnings` of answers.
json details_of(const std::vector<diagnostic>& list);

/// 400 with every error of the set; `outcome` as "nothing was applied".
http_reply refused_set(const load_result& loaded, const std::string& outcome);

} // namespace pinion
