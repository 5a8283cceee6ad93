#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {

void run_stepper::choose(instance_record& at) {
  const auto task = at.key.task;
  const auto value = evaluate_.choice(core_, task);
  if (!value)
    return fail_attempt(at, {attempt_verdict::kind::failed, reason::condition_failed,
                             value.error().message, false});
  const auto key = at.key;
  end_attempt(at, instance_state::success, reason::chosen, {});
  move(at, instance_event::succeeded, reason::chosen);
  auto message = skip_others(task, value.value());
  graph_.find(key)->message = std::move(message);
}

std::string run_stepper::skip_others(std::uint32_t task, const std::string& value) {
  const auto& choice = *graph_.task(task).choice;
  const auto found = std::find_if(choice.cases.begin(), choice.cases.end(),
                                  [&](const auto& option) { return option.value == value; });
  const auto& chosen = found == choice.cases.end() ? choice.otherwise : found->tasks;

  std::vector<bool> goes_on(graph_.instances.size(), false);
  auto open = chosen;
  while (!open.empty()) {
    const auto next = open.back();
    open.pop_back();
    if (goes_on[next])
      continue;
    goes_on[next] = true;
    const auto behind = graph_.downstream_of(next);
    open.insert(open.end(), behind.begin(), behind.end());
  }

  std::string names;
  for (const auto each : chosen)
    names += (names.empty() ? "" : ", ") + graph_.task(each).name;
  auto what = "\"" + value + "\" chose " + (names.empty() ? "nothing" : names);
  const auto skip = [&](const std::vector<std::uint32_t>& tasks) {
    for (const auto each : tasks)
      if (!goes_on[each] && graph_.awaits(each) && !PINION_MUTATION("choose_all"))
        move(graph_.instances[each].front(), instance_event::needs_skipped, reason::not_chosen,
             graph_.task(task).name + ": " + what);
  };
  for (const auto& option : choice.cases)
    skip(option.tasks);
  skip(choice.otherwise);
  return what;
}

} // namespace pinion
