#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

namespace pinion {

void run_stepper::follow_failure_strategy() {
  const auto strategy = graph_.workflow.failure;
  if (strategy == failure_strategy::go_on || graph_.standing.failing <= failing_ ||
      run_.cancel_requested || PINION_MUTATION("ignore_failure_strategy"))
    return;
  for (auto& elements : graph_.instances)
    for (auto& at : elements) {
      if (is_terminal(at.state) || at.state == instance_state::stopping || spared(at) ||
          graph_.at_end(at.key.task))
        continue;
      const bool begun = is_active(at.state) || at.state == instance_state::retry_wait ||
                         graph_.attempts.contains(at.key);
      if (begun && strategy == failure_strategy::finish_running)
        continue;
      halt(at, instance_state::cancelled, reason::failure_strategy, "another task failed");
    }
  drain();
}

bool run_stepper::spared(const instance_record& at) const {
  const auto task = graph_.primary_of(at.key.task);
  if (!graph_.task(task).teardown)
    return false;
  const bool begun =
      is_active(at.state) || at.state == instance_state::retry_wait || at.first_ready_at != never;
  if (begun)
    return true;
  // What it needs of other runs may never come.
  if (const auto* tally = graph_.tally_of(task); tally != nullptr && tally->open > 0)
    return false;
  const auto& join = graph_.joins[task];
  return join.setup_total > 0 ? join.setup_success > 0 : run_.started_at != never;
}

} // namespace pinion
