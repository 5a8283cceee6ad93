#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace pinion::bench {

/// Starts this program anew with `arguments` and returns what it wrote to standard output. Throws
/// std::runtime_error if it fails, is killed, or has not ended after `at_most` (then it is killed).
std::string run_self(const std::vector<std::string>& arguments, std::chrono::seconds at_most);

} // namespace pinion::bench
