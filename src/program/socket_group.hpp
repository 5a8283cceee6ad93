#pragma once

#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pinion {

/// Looks a group up by its name or number. Fails with `errc::invalid` if there is none.
result<std::uint32_t> find_group(const std::string& name);

/// Lets the members of `group` reach the socket in a data folder: the folder becomes 0710 and of
/// the group, and what lies in it is closed to them. Without a group the folder becomes 0700 again.
/// Fails with `errc::os_failure`, as where the process may not give the folder to the group.
result<void> admit_group(const std::filesystem::path& folder, std::optional<std::uint32_t> group);

} // namespace pinion
