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

/// The tasks that a workflow's `on_failure:` and `on_success:` name.
struct end_links {
  std::vector<name_use> on_failure;
  std::vector<name_use> on_success;
};

/// What a workflow says about the order of its tasks.
struct order_links {
  const node* flow = nullptr; ///< Null: it has no `flow:`.
  const end_links& ends;
};

/// Turns the names of `needs:`, `fallback:`, `flow:` and of end tasks into positions and checks the
/// graph: names that do not exist, the rules of fallbacks and end tasks, cycles, the limit of
/// edges. `links[i]` belongs to `tasks[i]`. Time and memory are linear in tasks and edges; no
/// recursion.
void link_tasks(const reporter& report, const order_links& order,
                const std::vector<task_links>& links, std::vector<task_definition>& tasks);

/// The rules of end tasks, once all positions are there. `fallback_of` must form no circle.
void check_end_tasks(const reporter& report, const end_links& ends,
                     const std::vector<task_links>& links,
                     const std::vector<task_definition>& tasks);

/// A cycle of a directed graph, `successors[i]` being where the arrows of i lead: its nodes in the
/// order of the arrows, beginning at the smallest. Empty if there is none.
std::vector<std::uint32_t> find_cycle(const std::vector<std::vector<std::uint32_t>>& successors);

/// "a -> b -> a"; the middle of a long one is left out.
std::string print_cycle(const std::vector<std::string_view>& names);

} // namespace pinion::definitions
