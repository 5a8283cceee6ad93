#pragma once

#include "failure.hpp"
#include "pinion/definitions/loader.hpp"

#include <string>
#include <vector>

namespace pinion::ctl {

/// Diagnostics as the API shows them.
json to_details(const std::vector<diagnostic>& list);

/// Loads files and folders as one set; in a folder upward or beside there may be a pinion.yaml.
/// Names of other workflows are only checked within the set.
load_result load_paths(const std::vector<std::string>& paths, const std::string& environment);

/// A file or folder of that name exists.
bool is_path(const std::string& word);

} // namespace pinion::ctl
