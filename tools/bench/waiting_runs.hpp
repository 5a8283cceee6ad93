#pragma once

#include "live_engine.hpp"

namespace pinion::bench {

/// A task that never ends, and `waiting` tasks that need it: bench.waiting.
inline workflow_definition waiting_workflow(std::uint32_t waiting) {
  auto out = workflow_of("waiting", waiting + 1, task_type::shell);
  for (std::uint32_t i = 1; i <= waiting; ++i)
    out.tasks[i].needs = {0};
  out.max_active_runs = 10;
  out.overlap = overlap_policy::allow;
  return out;
}

/// Asks until the instance stands in `state`; throws after ten thousand answers.
inline void await_state(live_engine& engine, const instance_key& key, const std::string& state) {
  for (int i = 0; i < 10'000; ++i)
    if (engine.state_of(key) == state)
      return;
  throw std::runtime_error{"an instance does not become " + state};
}

} // namespace pinion::bench
