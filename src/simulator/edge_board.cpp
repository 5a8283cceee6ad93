#include "simulator/virtual_engine.hpp"

#include <algorithm>

namespace pinion::simulator {
namespace {

upstream_class class_of(run_state state) {
  switch (state) {
  case run_state::success:
    return upstream_class::success;
  case run_state::skipped:
    return upstream_class::skipped;
  case run_state::failed:
  case run_state::cancelled:
    return upstream_class::failed;
  default:
    return upstream_class::pending;
  }
}

bound_state as_state(upstream_class outcome, json_text outputs) {
  return {outcome == upstream_class::pending ? bound_state::kind::pending
                                             : bound_state::kind::ended,
          outcome, std::move(outputs)};
}

constexpr auto by_slot = [](const slot_row& a, instant slot) { return a.slot < slot; };

} // namespace

std::optional<std::uint32_t> virtual_engine::trigger_named(const std::string& workflow,
                                                           const std::string& trigger) const {
  const auto of = by_id_.find(workflow);
  if (of == by_id_.end())
    return std::nullopt;
  for (const auto at : workflows_[of->second].triggers)
    if (triggers_[at].definition->id == trigger)
      return at;
  return std::nullopt;
}

void virtual_engine::watch_edges(live_run& run, std::vector<bound_edge> edges) {
  for (auto& edge : edges) {
    if (run.core.settled_edge(edge.task, edge.need) != nullptr)
      continue;
    const auto trigger = trigger_named(edge.workflow, edge.trigger);
    if (!trigger)
      continue; // Binding has refused such.
    watched_edge made;
    made.trigger = *trigger;
    const auto& tasks = workflows_[triggers_[*trigger].workflow].definition->tasks;
    if (!edge.upstream_task.empty()) {
      const auto found = std::find_if(tasks.begin(), tasks.end(), [&](const auto& task) {
        return task.name == edge.upstream_task;
      });
      made.task = static_cast<std::uint32_t>(found - tasks.begin());
    }
    made.edge = std::move(edge);
    read(made);
    await(made, run.core.run().id);
    run.edges.push_back(std::move(made));
  }
  settle(run);
}

void virtual_engine::await(const watched_edge& at, run_id run) {
  for (std::size_t i = 0; i < at.slots.size(); ++i)
    if (at.slots[i].what == bound_state::kind::pending)
      waiting_[{at.trigger, at.edge.slots[i]}].push_back(run);
}

// A previous slot that was left out is passed over: what counts is the run before it.
void virtual_engine::read(watched_edge& at) {
  at.slots.clear();
  for (const auto slot : at.edge.slots)
    at.slots.push_back(state_of(at, slot));
  while (at.edge.previous() && !at.slots.empty() &&
         at.slots.front().what == bound_state::kind::left_out) {
    const auto& rows = triggers_[at.trigger].slots;
    auto before = std::lower_bound(rows.begin(), rows.end(), at.edge.slots.front(), by_slot);
    while (before != rows.begin() &&
           result_.runs[std::prev(before)->row].outcome != slot_outcome::fired &&
           result_.runs[std::prev(before)->row].outcome != slot_outcome::planned)
      --before;
    at.edge.slots.clear();
    at.slots.clear();
    if (before != rows.begin()) {
      at.edge.slots.push_back(std::prev(before)->slot);
      at.slots.push_back(state_of(at, at.edge.slots.front()));
    }
  }
  count_pending(at);
}

void virtual_engine::count_pending(watched_edge& at) {
  at.pending = static_cast<std::size_t>(
      std::count_if(at.slots.begin(), at.slots.end(), [](const bound_state& each) {
        return each.what == bound_state::kind::pending;
      }));
}

bound_state virtual_engine::state_of(const watched_edge& at, instant slot) const {
  const auto& of = triggers_[at.trigger];
  const auto row = std::lower_bound(of.slots.begin(), of.slots.end(), slot, by_slot);
  if (row != of.slots.end() && row->slot == slot)
    return of_row(at, row->row);
  // The clock still makes it, or it never will.
  const bool there =
      of.definition->enabled && of.known.slots != nullptr && is_slot(*of.known.slots, slot);
  if (there && slot >= options_.from)
    return {};
  if (there && options_.before == simulation_options::past::succeeded)
    return as_state(upstream_class::success, "{}");
  return {bound_state::kind::left_out, upstream_class::pending, "{}"};
}

bound_state virtual_engine::of_row(const watched_edge& at, row_number row) const {
  const auto& run = result_.runs[row];
  if (run.outcome == slot_outcome::planned)
    return {};
  if (run.outcome != slot_outcome::fired)
    return {bound_state::kind::left_out, upstream_class::pending, "{}"};
  const auto* live = live_[row].get();
  if (!at.task)
    return as_state(class_of(live != nullptr ? live->core.run().state : run.state), "{}");
  if (live != nullptr) {
    const auto outcome = live->core.class_of(*at.task);
    return as_state(outcome, outcome == upstream_class::pending ? json_text{"{}"}
                                                                : live->core.outputs_of(*at.task));
  }
  const auto& tasks = workflows_[run.workflow].needed_tasks;
  const auto place = std::lower_bound(tasks.begin(), tasks.end(), *at.task) - tasks.begin();
  const auto outputs = outputs_.find({run_id{row + 1ULL}, *at.task, no_element});
  return as_state(classes_[classes_at_[row] + static_cast<std::size_t>(place)],
                  outputs == outputs_.end() ? json_text{"{}"} : outputs->second);
}

// What others may ask about it once its core is gone.
void virtual_engine::note_classes(const live_run& run) {
  classes_at_[run.row] = static_cast<std::uint32_t>(classes_.size());
  for (const auto task : workflow_of(run).needed_tasks) {
    classes_.push_back(run.core.class_of(task));
    if (auto outputs = run.core.outputs_of(task); outputs != "{}")
      outputs_[{run.core.run().id, task, no_element}] = std::move(outputs);
  }
}

void virtual_engine::settle(live_run& run) {
  std::erase_if(run.edges, [&](const watched_edge& at) {
    if (at.pending > 0)
      return false;
    auto settled = settle_edge(at.edge, at.slots);
    if (!settled)
      return false;
    settled->task = at.edge.task;
    settled->need = at.edge.need;
    send(message::kind::edge_settled, {run.core.run().id});
    settled_.push_back(std::move(*settled));
    return true;
  });
}

void virtual_engine::tell(const live_run& run, std::optional<std::uint32_t> task) {
  const auto& row = result_.runs[run.row];
  if (row.called || !workflow_of(run).needed)
    return;
  const auto trigger = trigger_named(run.core.run().workflow, run.core.run().trigger);
  if (!trigger)
    return;
  const auto found = waiting_.find({*trigger, row.slot});
  if (found == waiting_.end())
    return;
  const auto waiting = found->second;
  for (const auto id : waiting) {
    auto* other = run_of(id);
    if (other == nullptr)
      continue;
    for (auto& at : other->edges)
      if (at.trigger == *trigger && at.task == task)
        for (std::size_t i = 0; i < at.slots.size(); ++i)
          if (at.edge.slots[i] == row.slot) {
            const bool was = at.slots[i].what == bound_state::kind::pending;
            at.slots[i] = of_row(at, run.row);
            const bool is = at.slots[i].what == bound_state::kind::pending;
            at.pending = at.pending + (is ? 1U : 0U) - (was ? 1U : 0U);
          }
    settle(*other);
  }
  if (!task)
    waiting_.erase({*trigger, row.slot});
}

void virtual_engine::tell_slot(std::uint32_t trigger, instant slot) {
  const auto found = waiting_.find({trigger, slot});
  if (found == waiting_.end())
    return;
  const auto waiting = std::move(found->second);
  waiting_.erase(found);
  for (const auto id : waiting) {
    auto* other = run_of(id);
    if (other == nullptr)
      continue;
    for (auto& at : other->edges) {
      if (at.trigger != trigger)
        continue;
      read(at);
      await(at, id);
    }
    settle(*other);
  }
}

} // namespace pinion::simulator
