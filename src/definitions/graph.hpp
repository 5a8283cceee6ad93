#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/task_reader.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// Turns the names of `needs:`, `fallback:` and `flow:` into positions and checks the graph: names
/// that do not exist, the rules of fallbacks, cycles, the limit of edges. `flow` may be null.
/// `links[i]` belongs to `tasks[i]`. Time and memory are linear in tasks and edges; no recursion.
void link_tasks(const reporter& report, const node* flow, const std::vector<task_links>& links,
                std::vector<task_definition>& tasks);

/// A cycle of a directed graph, `successors[i]` being where the arrows of i lead: its nodes in the
/// order of the arrows, beginning at the smallest. Empty if there is none.
std::vector<std::uint32_t> find_cycle(const std::vector<std::vector<std::uint32_t>>& successors);

/// "a -> b -> a"; the middle of a long one is left out.
std::string print_cycle(const std::vector<std::string_view>& names);

} // namespace pinion::definitions
