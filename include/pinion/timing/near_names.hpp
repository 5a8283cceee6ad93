#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// The name that was most likely meant by `written`: equal but for case, or a few letters away (a
/// third of its length, at most 3; a swap of neighbours counts once). Empty if none is near.
std::string nearest_name(std::string_view written, const std::vector<std::string>& names);

/// ASCII lower case.
std::string lower(std::string_view text);

} // namespace pinion
