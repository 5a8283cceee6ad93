#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>
#include <limits>

namespace pinion {

void run_stepper::expand(std::uint32_t task) {
  auto& placeholder = graph_.instances[task].front();
  auto listed = evaluate_.elements(core_, task);
  if (!listed)
    return move(placeholder, instance_event::declare_failed, reason::expansion_failed,
                listed.error().message);
  auto& items = listed.value();
  if (items.empty())
    return move(placeholder, instance_event::needs_skipped, reason::empty_list,
                "its list is empty");

  // The placeholder goes: its row is deleted, and what counted once counts once per element.
  const auto model = placeholder;
  const auto waiting = static_cast<std::size_t>(instance_state::waiting);
  const auto more = static_cast<std::uint32_t>(items.size()) - 1;
  note(model.key);
  out_.effects.emplace_back(run_effect::expanded{task});
  auto& elements = graph_.instances[task];
  elements.assign(items.size(), model);
  run_.counts[waiting] += more;
  graph_.live += more;
  if (graph_.at_end(task))
    graph_.live_at_end += more;
  graph_.fans[task].by_state[waiting] += more;
  graph_.fans[task].next_held = 0;
  if (!graph_.chained(task)) {
    graph_.standing.add(unit_class::pending, more);
    const bool setup = graph_.task(task).setup;
    for (const auto behind : graph_.downstream_of(task)) {
      graph_.joins[behind].total += more;
      graph_.joins[behind].setup_total += setup ? more : 0;
    }
    for (const auto gated : graph_.setups.gated_by(task))
      graph_.setups.count(gated, upstream_class::pending, more);
    for (const auto end : graph_.setups.ends_behind(task))
      graph_.setups.count_end(end, upstream_class::pending, more);
  }
  for (std::uint32_t element = 0; element < elements.size(); ++element) {
    auto& at = elements[element];
    at.key.element = element;
    at.placeholder = false;
    at.element_key = std::move(items[element].key);
    at.element_value = std::move(items[element].value);
  }
  auto free = free_places(task);
  for (auto& at : elements) {
    if (free > 0) {
      --free;
      at.first_ready_at = time_;
    }
    make_ready(at, instance_event::needs_met);
  }
}

/// How many further elements may ask for permits now. Elements still in `waiting` (being expanded
/// or reset in this step) hold no place yet.
std::uint32_t run_stepper::free_places(std::uint32_t task) const {
  const auto limit = graph_.task(task).for_each->max_parallel;
  if (limit == 0 || PINION_MUTATION("ignore_max_parallel"))
    return std::numeric_limits<std::uint32_t>::max();
  const auto& fan = graph_.fans.at(task);
  std::uint32_t busy = 0;
  for (std::size_t state = 0; state < instance_state_count; ++state)
    if (!is_terminal(static_cast<instance_state>(state)) &&
        state != static_cast<std::size_t>(instance_state::waiting))
      busy += fan.by_state[state];
  busy += fan.polling;
  busy -= fan.held;
  return limit - std::min(busy, limit);
}

void run_stepper::release_held(std::uint32_t task) {
  auto& fan = graph_.fans.at(task);
  auto free = fan.held > 0 ? free_places(task) : 0;
  auto& elements = graph_.instances[task];
  for (; free > 0 && fan.held > 0 && fan.next_held < elements.size(); ++fan.next_held) {
    auto& at = elements[fan.next_held];
    if (!is_held(at))
      continue;
    --free;
    --fan.held;
    at.first_ready_at = time_;
    at.pre_ready_at = time_;
    at.why = reason::permits_pending;
    note(at.key);
    announce(at.key);
    if (!needs_dispatcher(graph_.task(task)))
      start_at_once(at);
  }
}

void run_stepper::collapse(std::uint32_t task, std::optional<task_mode> mode) {
  auto& elements = graph_.instances[task];
  auto placeholder = initial_record(graph_.workflow, run_, task);
  placeholder.priority = elements.front().priority;
  placeholder.repooled = elements.front().repooled;
  placeholder.pools = elements.front().pools;
  const auto same = [&](const instance_record& at) { return at.mode == elements.front().mode; };
  if (mode)
    placeholder.mode = *mode;
  else if (std::all_of(elements.begin(), elements.end(), same))
    placeholder.mode = elements.front().mode;
  for (auto& at : elements) {
    // The new elements go on from the largest number: an attempt's number is used once.
    placeholder.attempt = std::max(placeholder.attempt, at.attempt);
    drop_outputs(at);
    note(at.key);
  }
  elements.assign(1, placeholder);
  note(placeholder.key);
  announce(placeholder.key);
}

} // namespace pinion
