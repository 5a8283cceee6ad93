#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// The one of `names` that was most likely meant by `written`: equal but for case, or a few edits
/// away (a third of its length, at most 3). Empty if none is near. Beyond 5,000 names only equality
/// but for case and `-` against `_` is looked for, so that a message never costs more than a file.
std::string_view nearest(std::string_view written, const std::vector<std::string_view>& names);

/// "did you mean `x`?", or nothing.
std::string did_you_mean(std::string_view written, const std::vector<std::string_view>& names);

/// User text for a message: in backticks, at most 60 characters of it, control characters and marks
/// that reorder text written as `\u{...}`.
std::string shown(std::string_view text);

/// "`a`, `b` or `c`" with `last` before the last one; more than 20 names end in "...".
std::string listed(const std::vector<std::string_view>& names, std::string_view last = " or ");

} // namespace pinion::definitions
