#include "simulator/virtual_engine.hpp"

#include <algorithm>

namespace pinion::simulator {
namespace {

/// Attempt and step of a process as one number.
std::uint64_t number_of(const fence& token) {
  return (std::uint64_t{token.attempt} << 32U) | token.step;
}

duration timeout_of(const task_definition& task, const fence& token) {
  const auto check = token.check();
  return check == 0                    ? task.timeout.attempt
         : check <= task.checks.size() ? task.checks[check - 1].timeout
                                       : duration{0};
}

} // namespace

process_key virtual_engine::process_of(const live_run& run, const instance_record& at) const {
  const auto& task = run.core.definition().tasks[at.key.task];
  const bool checks =
      at.state == instance_state::dqc_check || at.step > 0 || task.type == task_type::check;
  return {at.key, {at.epoch, at.attempt, step_of(at, checks ? std::max(at.step, 1U) : 0U)}};
}

void virtual_engine::start_process(live_run& run, const instance_key& key) {
  const auto& task = run.core.definition().tasks[key.task];
  if (!has_process(task.type))
    return;
  const auto process = process_of(run, *run.core.find(key));
  send(message::kind::process_started, key, number_of(process.token));
}

process_fate virtual_engine::fate_of(const live_run& run, const instance_record& at) const {
  const auto& record = run.core.run();
  const auto process = process_of(run, at);
  return processes_.of({run.core.definition(), record.trigger, record.slot, at.key.task,
                        at.element_key, at.attempt, process.token.check(), process.token.look()});
}

void virtual_engine::process_started(const instance_key& key, std::uint64_t id) {
  auto& run = *run_of(key.run);
  const auto* at = run.core.find(key);
  if (at == nullptr || !is_active(at->state))
    return;
  const auto process = process_of(run, *at);
  if (number_of(process.token) != id || at->state == instance_state::stopping)
    return;
  const auto limit = timeout_of(run.core.definition().tasks[key.task], process.token);
  auto takes = std::max(fate_of(run, *at).takes, duration{0});
  if (limit > duration{0})
    takes = std::min(takes, limit);
  schedule(now_ + takes, timed_event::kind::process_ends, key, id);
  apply(run, run_happening::started{process, 1, now_});
}

void virtual_engine::process_ends(const instance_key& key, std::uint64_t id) {
  auto* run = run_of(key.run);
  const auto* at = run == nullptr ? nullptr : run->core.find(key);
  if (at == nullptr || !is_active(at->state) || at->state == instance_state::stopping)
    return;
  const auto process = process_of(*run, *at);
  if (number_of(process.token) != id)
    return; // Of an attempt that was stopped.
  auto fate = fate_of(*run, *at);
  const auto limit = timeout_of(run->core.definition().tasks[key.task], process.token);
  process_end end;
  const bool too_long = limit > duration{0} && fate.takes > limit;
  end.kind = too_long ? end_kind::timed_out : end_kind::exited;
  end.exit_code = fate.exit_code;
  end.started_at = now_ - (too_long ? limit : std::max(fate.takes, duration{0}));
  end.ended_at = now_;
  if (process.token.check() == 0 && !too_long)
    end.outputs_json = std::move(fate.outputs);
  apply(*run, run_happening::ended{process, std::move(end)});
}

void virtual_engine::process_stopped(const instance_key& key) {
  auto& run = *run_of(key.run);
  const auto* at = run.core.find(key);
  if (at == nullptr || at->state != instance_state::stopping)
    return;
  process_end end;
  end.kind = end_kind::stopped;
  end.started_at = at->started_at;
  end.ended_at = now_;
  apply(run, run_happening::ended{process_of(run, *at), std::move(end)});
}

} // namespace pinion::simulator
