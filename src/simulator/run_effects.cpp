#include "simulator/virtual_engine.hpp"

#include <algorithm>

namespace pinion::simulator {
namespace {

/// Timers keep whole milliseconds, and are never early: as the engine's.
instant timer_tick(instant at) { return std::chrono::ceil<std::chrono::milliseconds>(at); }

constexpr std::uint64_t epoch = 1;
constexpr std::uint32_t run_timeout = 0xffff'ffffU; ///< In the place of a task.

bool comes_first(const run_effects& effect) {
  return std::holds_alternative<run_effect::expanded>(effect) ||
         std::holds_alternative<run_effect::released>(effect) ||
         std::holds_alternative<run_effect::grant_unwanted>(effect);
}

} // namespace

void virtual_engine::apply(live_run& run, const run_event& event) {
  carry_out(run, run.core.step(event, now_, *workflow_of(run).evaluator));
}

// In the order of the engine: permits go back before anybody asks for new ones.
void virtual_engine::carry_out(live_run& run, const run_step& step) {
  for (const auto& effect : step.effects)
    if (const auto* released = std::get_if<run_effect::released>(&effect))
      release(released->key);
    else if (const auto* unwanted = std::get_if<run_effect::grant_unwanted>(&effect))
      release(unwanted->key);
  for (const auto& effect : step.effects)
    if (const auto* each = std::get_if<run_effect::entered>(&effect))
      entered(run, each->key);
  const auto id = run.core.run().id;
  for (const auto& effect : step.effects) {
    if (comes_first(effect))
      continue;
    if (std::holds_alternative<run_effect::wants_place>(effect)) {
      send(message::kind::wants_place, {id});
    } else if (const auto* settled = std::get_if<run_effect::task_settled>(&effect)) {
      tell(run, settled->task);
    } else if (std::holds_alternative<run_effect::run_ended>(effect)) {
      tell(run, std::nullopt);
      send(message::kind::over, {id});
    } else if (std::holds_alternative<run_effect::activated>(effect)) {
      const auto whole = run.core.definition().timeout;
      if (whole > duration{0} && run.timeout == 0)
        run.timeout = arm(run.core.run().started_at, whole, {id, run_timeout});
    }
  }
  if (const auto idle = run.core.only_waits(); std::exchange(run.idle, idle) != idle)
    send(message::kind::wants_place, {id}, idle ? 1 : 0);
}

std::uint64_t virtual_engine::arm(instant from, duration whole, const instance_key& key) {
  const auto remains = std::clamp(from + whole - now_, duration{0}, whole);
  schedule(timer_tick(now_ + remains), timed_event::kind::timer, key, ++timers_);
  return timers_;
}

void virtual_engine::timer_due(const instance_key& key, std::uint64_t id) {
  auto* run = run_of(key.run);
  if (run == nullptr)
    return;
  if (key.task == run_timeout) {
    if (run->timeout == id)
      apply(*run, run_happening::run_timeout{});
    return;
  }
  const auto found = run->timers.find(key);
  if (found == run->timers.end())
    return;
  auto& armed = found->second;
  if (armed.state == id) {
    armed.state = 0;
    apply(*run, run_happening::timer{key, armed.state_is});
  } else if (armed.task == id) {
    armed.task = 0;
    apply(*run, run_happening::timer{key, instance_timer::task_timeout});
  }
}

void virtual_engine::entered(live_run& run, const instance_key& key) {
  const auto* at = run.core.find(key);
  if (at == nullptr)
    return;
  const auto& task = run.core.definition().tasks[key.task];
  if (const auto armed = run.timers.find(key); armed != run.timers.end()) {
    armed->second.state = 0;
    if (is_terminal(at->state))
      run.timers.erase(armed);
  }
  const auto set_timer = [&](instance_timer which, instant from, duration whole) {
    const auto id = arm(from, whole, key);
    auto& armed = run.timers[key];
    armed.state = id;
    armed.state_is = which;
  };
  if (task.timeout.task > duration{0} && at->first_ready_at != never && !is_terminal(at->state) &&
      run.timers[key].task == 0)
    run.timers[key].task = arm(at->first_ready_at, task.timeout.task, key);
  switch (at->state) {
  case instance_state::waiting:
    permits_.withdraw(key, now_);
    if (is_polling(*at))
      return set_timer(instance_timer::look_due, at->waiting_at,
                       std::max(at->retry_at - at->waiting_at, duration{0}));
    if (task.timeout.upstream > duration{0})
      set_timer(instance_timer::upstream_timeout, at->waiting_at, task.timeout.upstream);
    return;
  case instance_state::pre_ready:
    if (task.timeout.queue > duration{0})
      set_timer(instance_timer::queue_timeout, at->pre_ready_at, task.timeout.queue);
    if (at->why != reason::max_parallel)
      ask_for_permits(run, *at);
    return;
  case instance_state::ready:
    return start_process(run, key);
  case instance_state::dqc_check:
    // The first process of a `check` task is ordered when it is ready.
    if (task.type != task_type::check || at->step > 1)
      start_process(run, key);
    return;
  case instance_state::running:
    if (ends_at_once(task.type))
      send(message::kind::empty_done, key);
    else if (task.type == task_type::workflow)
      send(message::kind::call, key);
    return;
  case instance_state::retry_wait:
    return set_timer(instance_timer::retry_due, at->ended_at,
                     std::max(at->retry_at - at->ended_at, duration{0}));
  case instance_state::stopping:
    return stop(run, *at);
  default:
    if (is_terminal(at->state))
      permits_.withdraw(key, now_);
  }
}

void virtual_engine::ask_for_permits(live_run& run, const instance_record& at) {
  const auto& definition = run.core.definition();
  const auto& task = definition.tasks[at.key.task];
  const auto priority = at.priority != 0               ? at.priority
                        : run.core.run().priority != 0 ? run.core.run().priority
                                                       : task.priority;
  permits_.ask(at.key, definition, priority, now_);
  asked_ = true;
}

void virtual_engine::stop(live_run& run, const instance_record& at) {
  permits_.withdraw(at.key, now_);
  if (run.core.definition().tasks[at.key.task].type != task_type::workflow)
    return send(message::kind::process_stopped, at.key);
  if (at.called != run_id{})
    send(message::kind::cancel, {at.called}, static_cast<std::uint64_t>(reason::run_cancelled));
}

void virtual_engine::give_permits() {
  for (const auto& each : permits_.grant(now_))
    send(message::kind::granted, each.key);
}

void virtual_engine::release(const instance_key& key) {
  if (permits_.release(key, now_))
    give_permits();
}

void virtual_engine::granted(const instance_key& key) {
  auto& run = *run_of(key.run);
  const auto* at = run.core.find(key);
  if (at == nullptr || at->state != instance_state::pre_ready)
    return release(key);
  apply(run, run_happening::granted{key, epoch, "local", "simulated", "{}"});
}

void virtual_engine::note_end(live_run& run) {
  auto& row = result_.runs[run.row];
  const auto& record = run.core.run();
  row.state = record.state;
  row.why = record.why;
  row.started_at = record.started_at;
  row.ended_at = record.ended_at;
  row.first = static_cast<std::uint32_t>(result_.instances.size());
  const auto tasks = static_cast<std::uint32_t>(run.core.definition().tasks.size());
  for (std::uint32_t task = 0; task < tasks; ++task)
    for (const auto& at : run.core.instances_of(task)) {
      simulated_instance out;
      out.run = run.row;
      out.task = task;
      if (!at.element_key.empty()) {
        const auto next = static_cast<std::uint32_t>(result_.indexes.size());
        const auto [found, fresh] = index_numbers_.try_emplace(at.element_key, next);
        if (fresh)
          result_.indexes.push_back(at.element_key);
        out.index = found->second;
      }
      out.state = at.state;
      out.why = at.why;
      out.attempts = static_cast<std::uint16_t>(std::min(at.attempt, 0xffffU));
      out.ready_at = at.pre_ready_at;
      out.started_at = at.started_at;
      out.ended_at = is_terminal(at.state) ? at.ended_at : never;
      result_.instances.push_back(out);
    }
  row.count = static_cast<std::uint32_t>(result_.instances.size()) - row.first;
  too_many_ = too_many_ || result_.instances.size() > options_.max_instances;
}

} // namespace pinion::simulator
