#pragma once

#include "failure.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/preview.hpp"

#include <string>
#include <vector>

namespace pinion::ctl {

/// Diagnostics as the API shows them.
json to_details(const std::vector<diagnostic>& list);

/// Loads files and folders as one set, checked at the present time; in a folder upward or beside
/// there may be a pinion.yaml. Names of other workflows are only checked within the set.
load_result load_paths(const std::vector<std::string>& paths, const std::string& environment);

/// The present time.
instant wall_now();

/// `{slot:, utc:}`, and `dry: true` for a dry slot.
json to_item(const fire_time& time);

/// A file or folder of that name exists.
bool is_path(const std::string& word);

} // namespace pinion::ctl
