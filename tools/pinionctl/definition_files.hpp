#pragma once

#include "client.hpp"
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

/// The texts of the files, under absolute paths: the default `cwd` of their tasks. Throws a failure
/// with what cannot be read.
json files_of(const std::vector<std::string>& paths);

/// Posts a body with `files`. Errors in the definitions are a failure of what was asked about.
json post_definitions(client& engine, const std::string& path, const json& body,
                      const headers& more = {});

/// The present time.
instant wall_now();

/// `{slot:, utc:}`, and `dry: true` for a dry slot.
json to_item(const fire_time& time);

/// A file or folder of that name exists.
bool is_path(const std::string& word);

} // namespace pinion::ctl
