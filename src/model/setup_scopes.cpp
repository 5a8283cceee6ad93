#include "setup_scopes.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {
namespace {

using graph_view = std::vector<std::vector<std::uint32_t>>;

/// What can be reached from `from`, `from` itself left out.
std::vector<bool> reached(const graph_view& next, const std::vector<std::uint32_t>& from) {
  std::vector<bool> seen(next.size(), false);
  auto open = from;
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    for (const auto to : next[at])
      if (!seen[to]) {
        seen[to] = true;
        open.push_back(to);
      }
  }
  return seen;
}

std::span<const std::uint32_t>
listed(const std::unordered_map<std::uint32_t, std::vector<std::uint32_t>>& in,
       std::uint32_t task) noexcept {
  const auto found = in.find(task);
  return found == in.end() ? std::span<const std::uint32_t>{} : std::span{found->second};
}

} // namespace

setup_scopes::setup_scopes(const workflow_definition& workflow, const graph_view& downstream) {
  const auto& tasks = workflow.tasks;
  if (downstream.empty())
    return;
  graph_view upstream(tasks.size());
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> teardowns;
  for (std::uint32_t task = 0; task < tasks.size(); ++task) {
    upstream[task] = tasks[task].needs;
    for (const auto setup : tasks[task].teardown_of)
      teardowns[setup].push_back(task);
  }
  for (std::uint32_t setup = 0; setup < tasks.size(); ++setup) {
    if (!tasks[setup].setup)
      continue;
    const auto behind = reached(downstream, {setup});
    const auto ends = teardowns.find(setup);
    const auto before_end = ends == teardowns.end() ? std::vector<bool>(tasks.size(), true)
                                                    : reached(upstream, ends->second);
    for (std::uint32_t task = 0; task < tasks.size(); ++task) {
      if (!behind[task] || !before_end[task] || tasks[task].teardown)
        continue;
      around_[task].push_back(setup);
      const auto& needs = tasks[task].needs;
      if (!std::binary_search(needs.begin(), needs.end(), setup))
        gated_[setup].push_back(task);
    }
  }
  for (std::uint32_t end = 0; end < tasks.size(); ++end) {
    if (!tasks[end].teardown)
      continue;
    const auto before = reached(upstream, {end});
    const auto& needs = tasks[end].needs;
    for (std::uint32_t task = 0; task < tasks.size(); ++task)
      if (before[task] && !std::binary_search(needs.begin(), needs.end(), task)) {
        ends_behind_[task].push_back(end);
        before_end_[end].push_back(task);
      }
  }
}

std::span<const std::uint32_t> setup_scopes::gated_by(std::uint32_t setup) const noexcept {
  return listed(gated_, setup);
}

std::span<const std::uint32_t> setup_scopes::around(std::uint32_t task) const noexcept {
  return listed(around_, task);
}

std::span<const std::uint32_t> setup_scopes::ends_behind(std::uint32_t task) const noexcept {
  return listed(ends_behind_, task);
}

std::span<const std::uint32_t> setup_scopes::before_end(std::uint32_t teardown) const noexcept {
  return listed(before_end_, teardown);
}

void setup_scopes::count(std::uint32_t task, upstream_class of, std::uint32_t by) {
  auto& tally = tallies_[task];
  switch (of) {
  case upstream_class::pending:
    tally.pending += by;
    break;
  case upstream_class::skipped:
    tally.skipped += by;
    break;
  case upstream_class::failed:
  case upstream_class::upstream_failed:
    tally.failed += by;
    break;
  case upstream_class::success:
  case upstream_class::removed:
    break;
  }
}

void setup_scopes::count_end(std::uint32_t teardown, upstream_class of, std::uint32_t by) {
  if (of == upstream_class::pending)
    tallies_[teardown].pending += by;
}

join_decision setup_scopes::decide(std::uint32_t task) const noexcept {
  const auto found = tallies_.find(task);
  if (found == tallies_.end() || PINION_MUTATION("forget_setups"))
    return join_decision::run;
  if (found->second.failed > 0)
    return join_decision::upstream_fail;
  if (found->second.skipped > 0)
    return join_decision::skip;
  return found->second.pending > 0 ? join_decision::wait : join_decision::run;
}

} // namespace pinion
