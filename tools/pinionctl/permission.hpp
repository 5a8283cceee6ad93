#pragma once

#include "pinion/timing/problem.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace pinion::ctl {

/// What is missing for `rights` (R_OK, W_OK, X_OK of access(2), together) to `path`: names the
/// first folder on the way to it that this process's user may not enter, or `path` itself, with its
/// owner and mode. Nothing if the rights are there, and if `path` is absent: others tell that.
std::optional<problem> missing_permission(const std::filesystem::path& path, int rights);

/// The name of a user, or "uid:N".
std::string user_name(unsigned id);

} // namespace pinion::ctl
