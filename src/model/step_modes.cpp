#include "run_stepper.hpp"

#include <algorithm>

namespace pinion {
namespace {

task_mode mode_asked_for(run_operation::verb verb) {
  switch (verb) {
  case run_operation::verb::freeze:
    return task_mode::frozen;
  case run_operation::verb::dryrun:
    return task_mode::dry;
  default:
    return task_mode::normal;
  }
}

/// What has ended takes part no more. What runs can be frozen, for its next attempt, but has no way
/// to end as if it had not run.
bool may_become(const instance_record& at, task_mode mode) {
  return !is_terminal(at.state) && at.state != instance_state::stopping && at.mode != mode &&
         (mode != task_mode::dry || !is_active(at.state));
}

const char* refusal_of(task_mode mode) {
  switch (mode) {
  case task_mode::frozen:
    return "nothing named can be frozen: it has ended, is being stopped, or is frozen already";
  case task_mode::dry:
    return "nothing named can be run dry: it has begun or ended, or is dry already";
  case task_mode::normal:
    return "nothing named can be thawed: it is neither frozen nor dry, or has ended";
  }
  return "";
}

} // namespace

void run_stepper::switch_modes(const run_operation& operation) {
  const auto mode = mode_asked_for(operation.what);
  auto keys = resolve(operation.targets);
  if (!keys)
    return;
  std::erase_if(*keys,
                [&](const instance_key& key) { return !may_become(*graph_.find(key), mode); });
  if (keys->empty())
    return refuse(errc::refused, refusal_of(mode));
  for (const auto& key : *keys)
    set_mode(*graph_.find(key), mode);
}

void run_stepper::set_mode(instance_record& at, task_mode mode) {
  at.mode = mode;
  note(at.key);
  const auto task = at.key.task;
  switch (at.state) {
  case instance_state::pre_trigger:
    graph_.early_rows.insert(at.key);
    return;
  case instance_state::triggered:
    graph_.early_rows.insert(at.key);
    return look_again(task);
  case instance_state::waiting:
    if (graph_.awaits(task))
      return look_again(task);
    if (is_polling(at))
      return switch_polling(at, mode);
    return mode == task_mode::dry ? succeed_dry(at) : go_on(at); // It was frozen until now.
  case instance_state::pre_ready:
    return mode == task_mode::dry ? succeed_dry(at) : withdraw(at);
  case instance_state::retry_wait:
    if (mode == task_mode::dry)
      return succeed_dry(at);
    if (mode == task_mode::normal && at.retry_at <= time_)
      return make_ready(at, instance_event::retry_due);
    at.why = reason::retry_due_later;
    return;
  default:
    return; // Its next attempt will look.
  }
}

/// The request for permits is taken back, and a place of its fan-out is free.
void run_stepper::withdraw(instance_record& at) {
  const bool held = is_held(at);
  move(at, instance_event::frozen, reason::frozen);
  if (!held && at.key.element != no_element)
    release_held(at.key.task);
}

void run_stepper::succeed_dry(instance_record& at) {
  end_attempt(at, instance_state::success, reason::dry_run, "made dry between two looks");
  drop_outputs(at);
  at.started_at = time_;
  move(at, instance_event::declare_success, reason::dry_run, "dry run: nothing was started");
  if (graph_.task(at.key.task).type != task_type::choice)
    return;
  if (const auto value = evaluate_.choice(core_, at.key.task))
    skip_others(at.key.task, value.value());
}

void run_stepper::go_on(instance_record& at) {
  at.first_ready_at = time_;
  if (at.key.element != no_element && free_places(at.key.task) == 0) {
    at.first_ready_at = never;
    auto& fan = graph_.fans.at(at.key.task);
    fan.next_held = std::min(fan.next_held, at.key.element);
  }
  make_ready(at, instance_event::needs_met);
}

void run_stepper::look_again(std::uint32_t task) {
  if (graph_.task(task).fallback_of)
    settled_.push_back({graph_.instances[graph_.primary_of(task)].front().key, false});
  else
    joins_.push_back(task);
}

} // namespace pinion
