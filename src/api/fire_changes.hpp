#pragma once

#include "api/api_state.hpp"
#include "pinion/definitions/loader.hpp"

#include <map>
#include <string>

namespace pinion {

/// What an apply of these definitions would do to the next fire times: by workflow a list of
/// {trigger, before[], after[]} of the triggers whose next three slots change, come or go.
/// Workflows of which nothing changes are left out.
std::map<std::string, json> fire_changes(const store_view& view,
                                         const std::vector<loaded_workflow>& loaded);

} // namespace pinion
