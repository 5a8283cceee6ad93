#pragma once

#include <filesystem>
#include <string>

namespace pinion::bench {

/// One line about what the figures were measured on: processors, memory, kernel, file system of
/// `folder`, load.
std::string describe_machine(const std::filesystem::path& folder);

} // namespace pinion::bench
