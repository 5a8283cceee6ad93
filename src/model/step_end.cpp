#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// Names that a message lists.
constexpr std::size_t max_names = 5;

const char* past_of(run_state outcome) {
  switch (outcome) {
  case run_state::success:
    return "succeeded";
  case run_state::failed:
    return "failed";
  case run_state::cancelled:
    return "was cancelled";
  default:
    return "was skipped";
  }
}

} // namespace

void run_stepper::reach_end() {
  const auto outcome = graph_.outcome();
  if (!outcome || outcome == outcome_)
    return;
  if (!PINION_MUTATION("forget_end_tasks"))
    for (const auto task : graph_.end_tasks) {
      joins_.push_back(task);
      if (graph_.chained(task))
        settled_.push_back({graph_.instances[task].front().key, false});
    }
  drain();
  if (outcome_ || run_.ended_at != never)
    return; // Its outcome was told; an operation changed it.
  const auto& rules = graph_.workflow.alarms;
  const auto send = [this](run_effect::alarm_kind kind, const std::vector<alarm_target>& targets) {
    for (const auto& target : targets)
      out_.effects.emplace_back(run_effect::alarm{kind, std::nullopt, target.channel});
  };
  if (outcome == run_state::failed)
    send(run_effect::alarm_kind::failure, rules.on_failure);
  else if (outcome == run_state::success && !run_.dry)
    send(run_effect::alarm_kind::success, rules.on_success);
}

void run_stepper::pass_over(instance_record& at) {
  const auto outcome = graph_.outcome().value_or(run_state::skipped);
  move(at, instance_event::needs_skipped, reason::end_not_needed,
       std::string{"the run "} + past_of(outcome));
}

void run_stepper::describe_end() {
  const auto outcome = graph_.outcome();
  const auto passing = {reason::run_not_admitted, reason::upstream_pending, reason::ending_failed,
                        reason::ending_success};
  if (run_.state == run_state::running && outcome)
    run_.why = outcome == run_state::failed ? reason::ending_failed : reason::ending_success;
  else if (std::find(passing.begin(), passing.end(), run_.why) != passing.end())
    run_.why = reason::none;
}

std::string run_stepper::failed_end_tasks() const {
  std::string names;
  std::size_t count = 0;
  for (const auto task : graph_.end_tasks) {
    const auto as = graph_.class_of(task);
    if (as != upstream_class::failed && as != upstream_class::upstream_failed)
      continue;
    if (++count <= max_names)
      names += (names.empty() ? "" : ", ") + graph_.task(task).name;
  }
  if (count == 0)
    return {};
  if (count > max_names)
    names += " and " + std::to_string(count - max_names) + " more";
  return (count == 1 ? "its end task did not succeed: " : "its end tasks did not succeed: ") +
         names;
}

} // namespace pinion
