#pragma once

#include "console.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pinion::ctl {

/// When each task of a run ran, as bars over the time of the run: the lines, from the graph that
/// the API answers. At most `most` tasks, those that took longest, in the order of their start;
/// `columns` wide.
std::vector<std::string> gantt_text(const console& out, const json& graph, std::size_t columns,
                                    std::size_t most);

} // namespace pinion::ctl
