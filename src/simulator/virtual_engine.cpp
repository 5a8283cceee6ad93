#include "simulator/virtual_engine.hpp"

#include "pinion/definitions/params.hpp"

#include <algorithm>

namespace pinion::simulator {

virtual_engine::virtual_engine(const simulated_set& of, const simulation_options& options,
                               const process_model& processes)
    : of_{of}, options_{options}, processes_{processes},
      directory_{[this](std::string_view id) -> const workflow_definition* {
        const auto found = by_id_.find(std::string{id});
        return found == by_id_.end() ? nullptr : workflows_[found->second].definition.get();
      }},
      permits_{of, options.slots} {
  result_.workflows = of.workflows;
  result_.from = result_.ended_at = now_ = options.from;
  result_.to = options.to;
  result_.indexes.emplace_back();
  index_numbers_.emplace("", 0);
  for (std::uint32_t position = 0; position < of.workflows.size(); ++position)
    add_workflow(position);
  for (auto& trigger : triggers_) {
    const auto& definition = *workflows_[trigger.workflow].definition;
    if (const auto known = directory_.find(definition.id(), trigger.definition->id))
      trigger.known = *known;
    const auto settings = of.projects.find(definition.project);
    trigger.fires = trigger.definition->enabled && trigger.known.slots != nullptr &&
                    (settings == of.projects.end() || settings->second.triggers_enabled);
  }
  mark_needed();
  number_triggers();
}

void virtual_engine::add_workflow(std::uint32_t position) {
  live_workflow made;
  made.definition = of_.workflows[position];
  const auto& definition = *made.definition;
  by_id_.emplace(definition.id(), position);
  for (const auto& trigger : definition.triggers) {
    live_trigger live;
    live.workflow = position;
    live.number = static_cast<std::uint32_t>(result_.triggers.size());
    live.definition = &trigger;
    live.name = definition.id() + '/' + trigger.id;
    live.params = resolve_params(definition, trigger.id);
    made.triggers.push_back(static_cast<std::uint32_t>(triggers_.size()));
    made.binds = made.binds || trigger.after;
    result_.triggers.push_back({position, trigger.id});
    triggers_.push_back(std::move(live));
  }
  made.calls = static_cast<std::uint32_t>(result_.triggers.size());
  result_.triggers.push_back({position, "@call"});
  for (const auto& task : definition.tasks)
    made.binds = made.binds || !task.outside_needs.empty() ||
                 task.depends_on_previous != previous_need::none;
  const auto settings = of_.projects.find(definition.project);
  made.evaluator = std::make_unique<assuming_evaluator>(
      settings == of_.projects.end() ? no_settings_ : settings->second, processes_,
      result_.assumptions);
  workflows_.push_back(std::move(made));
}

// Only of these is anything kept beyond the end of a run.
void virtual_engine::mark_needed() {
  std::vector<std::set<std::uint32_t>> tasks(workflows_.size());
  const auto need = [&](const std::string& workflow, std::optional<std::string> task) {
    const auto found = by_id_.find(workflow);
    if (found == by_id_.end())
      return;
    auto& of = workflows_[found->second];
    of.needed = true;
    const auto& all = of.definition->tasks;
    for (std::uint32_t at = 0; task && at < all.size(); ++at)
      if (all[at].name == *task)
        tasks[found->second].insert(at);
  };
  for (const auto& of : workflows_) {
    const auto& definition = *of.definition;
    for (const auto& trigger : definition.triggers)
      if (trigger.after)
        need(trigger.after->workflow, std::nullopt);
    for (const auto& task : definition.tasks) {
      for (const auto& outside : task.outside_needs)
        need(outside.workflow, outside.task);
      if (task.depends_on_previous != previous_need::none)
        for (const auto& own : definition.tasks)
          need(definition.id(), own.name);
    }
  }
  for (std::size_t at = 0; at < tasks.size(); ++at)
    workflows_[at].needed_tasks.assign(tasks[at].begin(), tasks[at].end());
}

void virtual_engine::number_triggers() {
  std::vector<std::uint32_t> order;
  for (std::uint32_t at = 0; at < triggers_.size(); ++at)
    order.push_back(at);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto name_of = [&](std::uint32_t at) {
      return std::pair{workflows_[triggers_[at].workflow].definition->id(),
                       triggers_[at].definition->id};
    };
    return name_of(a) < name_of(b);
  });
  for (std::uint32_t turn = 0; turn < order.size(); ++turn)
    triggers_[order[turn]].turn = turn;
}

void virtual_engine::schedule(instant at, timed_event::kind what, instance_key key,
                              std::uint64_t id) {
  events_.push({at, what, ++sequence_, key, id});
}

result<simulation_result> virtual_engine::run() {
  for (std::uint32_t trigger = 0; trigger < triggers_.size(); ++trigger)
    await_slot(trigger, options_.from - duration{1});
  while (next_event())
    if (too_many_)
      return problem{errc::limit,
                     "the simulation has more than " + std::to_string(options_.max_instances) +
                         " instances",
                     "simulate a shorter time or fewer workflows"};
  for (const auto& run : live_)
    if (run)
      note_end(*run);
  result_.pools = permits_.take(now_);
  result_.ended_at = now_;
  return std::move(result_);
}

// Timers and slots of an instant come side by side, as from one look at the clock: what they lead
// to waits for the turn of all. Permits are given when all have asked, so that priority decides.
bool virtual_engine::next_event() {
  if (events_.empty())
    return false;
  const bool process = events_.top().what == timed_event::kind::process_ends;
  now_ = events_.top().at;
  do {
    const auto event = events_.top();
    events_.pop();
    handle(event);
  } while (!process && !events_.empty() && events_.top().at == now_ &&
           events_.top().what != timed_event::kind::process_ends);
  drain();
  while (asked_) {
    asked_ = false;
    give_permits();
    drain();
  }
  return true;
}

void virtual_engine::handle(const timed_event& event) {
  switch (event.what) {
  case timed_event::kind::process_ends:
    return process_ends(event.key, event.id);
  case timed_event::kind::timer:
    return timer_due(event.key, event.id);
  case timed_event::kind::slot_comes:
    return slot_comes(event.key.task);
  case timed_event::kind::slot_fires:
    return slot_fires(event.key.task, event.key.element);
  }
}

void virtual_engine::drain() {
  while (!messages_.empty()) {
    const auto what = messages_.front();
    messages_.pop_front();
    handle(what);
  }
}

void virtual_engine::handle(const message& what) {
  if (what.what == message::kind::edge_settled) {
    auto edge = std::move(settled_.front());
    settled_.pop_front();
    if (auto* run = run_of(what.key.run))
      apply(*run, run_happening::edge_settled{std::move(edge)});
    return;
  }
  auto* run = run_of(what.key.run);
  if (run == nullptr) {
    if (what.what == message::kind::granted)
      release(what.key);
    return;
  }
  switch (what.what) {
  case message::kind::granted:
    return granted(what.key);
  case message::kind::process_started:
    return process_started(what.key, what.id);
  case message::kind::process_stopped:
    return process_stopped(what.key);
  case message::kind::empty_done:
    return apply(*run, run_happening::empty_done{what.key});
  case message::kind::call:
    return call(what.key);
  case message::kind::call_ended:
    return apply(
        *run, run_happening::call_ended{what.key, run_id{what.id},
                                        result_.runs[static_cast<row_number>(what.id - 1)].state});
  case message::kind::wants_place:
    return wants(what.key.run, what.id == 0);
  case message::kind::admit:
    return apply(*run, run_happening::admit{});
  case message::kind::cancel:
    return cancel(*run, static_cast<reason>(what.id));
  case message::kind::over:
    return over(what.key.run);
  case message::kind::edge_settled:
    return;
  }
}

} // namespace pinion::simulator
