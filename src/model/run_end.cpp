#include "run_graph.hpp"

#include <algorithm>

namespace pinion {

void run_core::graph::read_end_tasks() {
  for (std::uint32_t task = 0; task < workflow.tasks.size(); ++task)
    if (workflow.tasks[task].is_end_task())
      end_tasks.push_back(task);
}

bool run_core::graph::at_end(std::uint32_t task) const {
  return !end_tasks.empty() && workflow.tasks[primary_of(task)].is_end_task();
}

std::optional<run_state> run_core::graph::outcome() const {
  if (live > (standing.fired ? live_at_end : 0))
    return std::nullopt;
  return run_state_of(standing, 0);
}

bool run_core::graph::is_meant(std::uint32_t task) const {
  const auto& definition = workflow.tasks[task];
  const auto how = outcome();
  return (how == run_state::failed && definition.on_run_failure) ||
         (how == run_state::success && definition.on_run_success);
}

reason run_core::graph::reason_to_wait(std::uint32_t task) const {
  const auto first = first_reason_to_wait(workflow.tasks[task]);
  return first == reason::end_pending && outcome() ? reason::upstream_pending : first;
}

std::optional<run_state> run_core::outcome() const noexcept { return graph_->outcome(); }

reason run_core::reason_of_outcome() const noexcept {
  if (graph_->outcome() != run_state::failed)
    return reason::all_done;
  return run_.cancel_failed ? reason::run_timeout : reason::tasks_failed;
}

std::vector<std::uint32_t> run_core::failing_tasks(std::size_t most) const {
  std::vector<std::uint32_t> failing;
  for (std::uint32_t task = 0; task < graph_->instances.size() && failing.size() < most; ++task) {
    if (graph_->task(task).fallback_of)
      continue;
    const auto fails = [&](const instance_record& at) {
      const auto outcome =
          graph_->chained(task) ? graph_->chain_outcome(task) : graph_->instance_outcome(at);
      return outcome.run == unit_class::failing;
    };
    const auto& elements = graph_->instances[task];
    if (std::any_of(elements.begin(), elements.end(), fails))
      failing.push_back(task);
  }
  return failing;
}

bool run_core::belongs_to_end(std::uint32_t task) const noexcept {
  return task < graph_->instances.size() && graph_->at_end(task);
}

} // namespace pinion
