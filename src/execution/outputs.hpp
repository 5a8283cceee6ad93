#pragma once

#include "pinion/timing/problem.hpp"

#include <string>
#include <string_view>

namespace pinion {

inline constexpr std::size_t max_output_value_bytes = 64U << 10U;
inline constexpr std::size_t max_outputs_bytes = 1U << 20U;

/// Reads what a task declared as its outputs: lines `key=value`, where a value that parses as JSON
/// is that value and any other is a string, and lines that are a JSON object, each member an
/// output. Empty lines are skipped, the last of equal keys counts. Returns one JSON object. Fails
/// with `errc::limit` (a value above 64 KiB, more than 1 MiB in all, nested deeper than 64) or
/// `errc::invalid` (no key, not UTF-8, neither form), naming key or line.
result<std::string> parse_outputs(std::string_view text);

} // namespace pinion
