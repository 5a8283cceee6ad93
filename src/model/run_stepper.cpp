#include "run_stepper.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>
#include <cassert>

namespace pinion {
namespace {

constexpr std::uint32_t minus_one = 0xffff'ffffU; // Modulo 2^32, for tallies.

} // namespace

std::string name_of(const workflow_definition& workflow, const instance_record& at) {
  auto name = workflow.tasks[at.key.task].name;
  if (at.key.element != no_element)
    name += ':' + at.element_key;
  return name;
}

run_stepper::run_stepper(run_core& core, instant now, const run_evaluator& evaluate)
    : core_(core), graph_(*core.graph_), run_(core.run_), evaluate_(evaluate),
      time_(std::max(now, core.run_.last_at)), wanted_place_(core.wants_place()),
      failing_(core.graph_->standing.failing), outcome_(core.graph_->outcome()) {}

run_step run_stepper::apply(const run_event& event) {
  std::visit([this](const auto& happening) { on(happening); }, event);
  return finish();
}

void run_stepper::refuse(errc code, std::string message) {
  assert(!changed_);
  out_.refused = problem{code, std::move(message)};
}

void run_stepper::note(const instance_key& key) {
  changed_ = true;
  if (noted_.insert(key).second)
    out_.instances.push_back(key);
}

void run_stepper::announce(const instance_key& key) {
  if (announced_.insert(key).second)
    entered_.push_back(key);
}

void run_stepper::write_attempt(const attempt_record& attempt) {
  changed_ = true;
  const auto same = [&attempt](const attempt_record& other) {
    return other.instance == attempt.instance && other.number == attempt.number;
  };
  const auto found = std::find_if(out_.attempts.begin(), out_.attempts.end(), same);
  if (found == out_.attempts.end())
    out_.attempts.push_back(attempt);
  else
    *found = attempt;
}

void run_stepper::activate() {
  if (run_.started_at != never)
    return;
  run_.started_at = time_;
  out_.effects.emplace_back(run_effect::activated{});
}

void run_stepper::shift(instance_record& at, instance_state to) {
  const auto from = at.state;
  const auto task = at.key.task;
  const auto chained = graph_.chained(task);
  const auto head = chained ? graph_.primary_of(task) : task;
  watch(head);
  const auto outcome = [&] {
    return chained ? graph_.chain_outcome(head) : graph_.instance_outcome(at);
  };
  const auto before = outcome();
  const bool was_held = is_held(at);
  const auto was_polling = static_cast<std::uint32_t>(is_polling(at));

  --run_.counts[static_cast<std::size_t>(from)];
  ++run_.counts[static_cast<std::size_t>(to)];
  const auto more_alive =
      static_cast<std::uint32_t>(!is_terminal(to)) - static_cast<std::uint32_t>(!is_terminal(from));
  graph_.live += more_alive;
  if (graph_.at_end(task))
    graph_.live_at_end += more_alive;
  at.state = to;
  const auto now_polling = static_cast<std::uint32_t>(is_polling(at));
  graph_.polling += now_polling - was_polling;
  if (to != instance_state::triggered && to != instance_state::waiting)
    graph_.set_startable(task, false);
  if (graph_.task(task).for_each) {
    auto& fan = graph_.fans[task];
    --fan.by_state[static_cast<std::size_t>(from)];
    ++fan.by_state[static_cast<std::size_t>(to)];
    fan.held += static_cast<std::uint32_t>(is_held(at)) - static_cast<std::uint32_t>(was_held);
    fan.polling += now_polling - was_polling;
  }

  const auto after = outcome();
  if (after == before)
    return;
  graph_.standing.add(before.run, minus_one);
  graph_.standing.add(after.run, 1);
  if (after.join == before.join)
    return;
  graph_.tell_conditions(head);
  const bool setup = graph_.task(head).setup;
  for (const auto behind : graph_.downstream_of(head)) {
    auto& join = graph_.joins[behind];
    join.add(before.join, minus_one);
    join.add(after.join, PINION_MUTATION("wrong_join_counter") ? 2 : 1);
    if (setup) {
      join.add_setup(before.join, minus_one);
      join.add_setup(after.join, 1);
    }
    if (!PINION_MUTATION("forget_downstream"))
      joins_.push_back(behind);
  }
  for (const auto end : graph_.setups.ends_behind(head)) {
    graph_.setups.count_end(end, before.join, minus_one);
    graph_.setups.count_end(end, after.join, 1);
    joins_.push_back(end);
  }
  for (const auto gated : graph_.setups.gated_by(head)) {
    graph_.setups.count(gated, before.join, minus_one);
    graph_.setups.count(gated, after.join, 1);
    joins_.push_back(gated);
  }
}

void run_stepper::stamp(instance_record& at) {
  switch (at.state) {
  case instance_state::triggered:
    at.triggered_at = time_;
    break;
  case instance_state::waiting:
    at.waiting_at = time_;
    break;
  case instance_state::pre_ready:
    at.pre_ready_at = time_;
    break;
  case instance_state::ready:
    at.ready_at = time_;
    break;
  case instance_state::running:
    at.started_at = time_;
    break;
  case instance_state::dqc_check:
    at.body_ended_at = time_;
    break;
  default:
    if (is_terminal(at.state))
      at.ended_at = time_;
  }
}

void run_stepper::move(instance_record& at, instance_event event, reason why, std::string message) {
  const auto from = at.state;
  const auto to = next_state(from, event);
  assert(to && "a handler asked for an edge that the lifecycle does not have");
  shift(at, *to);
  at.why = why;
  at.message = std::move(message);
  stamp(at);
  note(at.key);
  if (!is_held(at))
    announce(at.key);
  if (is_terminal(*to))
    settled_.push_back({at.key, !is_terminal(from)});
}

void run_stepper::drain() {
  while (!settled_.empty() || !joins_.empty()) {
    if (!settled_.empty()) {
      const auto next = settled_.front();
      settled_.pop_front();
      settle(next.key, next.fresh);
    } else {
      const auto task = joins_.front();
      joins_.pop_front();
      evaluate(task);
    }
  }
}

void run_stepper::settle(const instance_key& key, bool freshly_ended) {
  const auto* at = graph_.find(key);
  if (at == nullptr || !is_terminal(at->state))
    return;
  if (freshly_ended)
    send_alarms(*at);
  if (graph_.chained(key.task))
    advance_chain(graph_.primary_of(key.task));
  if (key.element != no_element)
    release_held(key.task);
}

void run_stepper::send_alarms(const instance_record& at) {
  const auto& rules = graph_.task(at.key.task).alarms;
  const auto send = [&](run_effect::alarm_kind kind, const std::vector<alarm_target>& targets) {
    for (const auto& target : targets)
      out_.effects.emplace_back(run_effect::alarm{kind, at.key, target.channel});
  };
  if (at.state == instance_state::failed)
    send(run_effect::alarm_kind::failure, rules.on_failure);
  else if (at.state == instance_state::success && at.mode != task_mode::dry)
    send(run_effect::alarm_kind::success, rules.on_success);
}

void run_stepper::watch(std::uint32_t task) {
  if (graph_.tell_tasks && watching_.insert(task).second)
    watched_.emplace_back(task, graph_.class_of(task));
}

run_step run_stepper::finish() {
  if (out_.refused)
    return std::move(out_);
  drain();
  follow_failure_strategy();
  reach_end();
  if (!changed_)
    return std::move(out_);
  run_.last_at = time_;
  out_.run_changed = true;
  for (const auto& key : entered_)
    if (const auto* at = graph_.find(key))
      out_.effects.emplace_back(run_effect::entered{key, at->state});
  if (!wanted_place_ && !run_.admitted && core_.wants_place())
    out_.effects.emplace_back(run_effect::wants_place{});
  for (const auto& [task, before] : watched_)
    if (graph_.class_of(task) != before)
      out_.effects.emplace_back(run_effect::task_settled{task});
  finish_run();
  return std::move(out_);
}

void run_stepper::finish_run() {
  const auto former = run_.state;
  run_.state = run_state_of(graph_.standing, graph_.live);
  if (!is_terminal(run_.state)) {
    if (run_.state == run_state::queued)
      run_.why = core_.wants_place() ? reason::run_not_admitted : reason::upstream_pending;
    else
      describe_end();
    return;
  }
  if (run_.state != run_state::cancelled)
    run_.why = core_.reason_of_outcome();
  else if (!run_.cancel_requested)
    run_.why = reason::by_user; // Single instances were cancelled, not the run.

  if (!run_.cancel_requested || run_.cancel_failed) // A person's words stay.
    run_.message = failed_end_tasks();
  if (run_.ended_at != never) { // Its end was told; an operation changed an instance of it.
    if (run_.state != former)
      out_.effects.emplace_back(run_effect::restated{run_.state});
    return;
  }
  run_.ended_at = time_;
  out_.effects.emplace_back(run_effect::run_ended{run_.state});
}

} // namespace pinion
