#include "run_stepper.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// The events by which an instance ends as `as`: when nothing of it runs, and out of `stopping`.
struct end_events {
  instance_event now;
  instance_event stopped;
};

end_events ends_as(instance_state as) {
  switch (as) {
  case instance_state::failed:
    return {instance_event::declare_failed, instance_event::stopped_failed};
  case instance_state::skipped:
    return {instance_event::declare_skipped, instance_event::stopped_skipped};
  case instance_state::success:
    return {instance_event::declare_success, instance_event::stopped_success};
  default:
    return {instance_event::cancel, instance_event::stopped_cancelled};
  }
}

instance_state end_asked_for(run_operation::verb verb) {
  switch (verb) {
  case run_operation::verb::fail:
    return instance_state::failed;
  case run_operation::verb::skip:
    return instance_state::skipped;
  case run_operation::verb::succeed:
    return instance_state::success;
  default:
    return instance_state::cancelled;
  }
}

/// The state has an edge to `as` that an operation may take.
bool may_end_as(instance_state from, instance_state as) {
  return next_state(from, ends_as(as).now) || next_state(from, instance_event::stop);
}

} // namespace

void run_stepper::halt(instance_record& at, instance_state as, reason why,
                       const std::string& message) {
  if (!is_active(at.state)) {
    end_attempt(at, as, why, message); // Between two looks it has one.
    return move(at, ends_as(as).now, why, message);
  }
  at.stop_as = as;
  at.stop_reason = why;
  move(at, instance_event::stop, why, message);
  if (ends_at_once(graph_.task(at.key.task).type))
    complete_stop(at); // It has no process whose end would come.
}

void run_stepper::complete_stop(instance_record& at) {
  const auto as = at.stop_as;
  const auto why = at.stop_reason;
  end_attempt(at, as, why, at.message);
  if (as != instance_state::success)
    drop_outputs(at);
  at.stop_as = instance_state::pre_trigger;
  at.stop_reason = reason::none;
  move(at, ends_as(as).stopped, why, std::move(at.message));
}

void run_stepper::on(const run_happening::timer& event) {
  auto* at = graph_.find(event.key);
  const auto stale = [&] { refuse(errc::refused, "the timer is no longer awaited"); };
  if (at == nullptr)
    return stale();
  const auto fail = [&](reason why, const char* message) {
    halt(*at, instance_state::failed, why, message);
  };
  switch (event.which) {
  case instance_timer::retry_due:
    if (at->state != instance_state::retry_wait)
      return stale();
    if (at->mode != task_mode::frozen)
      return make_ready(*at, instance_event::retry_due);
    at->why = reason::frozen;
    at->retry_at = time_; // Due for the thaw, also if the wall clock was set back meanwhile.
    return note(at->key);
  case instance_timer::queue_timeout:
    if (at->state != instance_state::pre_ready || is_held(*at))
      return stale();
    return fail(reason::queue_timeout, "waited too long for permits or a worker");
  case instance_timer::upstream_timeout:
    if (at->state != instance_state::waiting || graph_.task(event.key.task).fallback_of ||
        graph_.at_end(event.key.task) || !graph_.awaits(event.key.task) ||
        graph_.decide(event.key.task) == join_decision::run)
      return stale();
    return fail(reason::upstream_timeout, "waited too long for upstream");
  case instance_timer::task_timeout:
    if (at->first_ready_at == never || is_terminal(at->state) ||
        at->state == instance_state::stopping ||
        (at->state == instance_state::waiting && !is_polling(*at)))
      return stale();
    return fail(reason::task_timeout, "all its attempts together took too long");
  case instance_timer::look_due:
    if (!is_polling(*at) || at->mode == task_mode::frozen)
      return stale();
    return look_due(*at);
  }
}

void run_stepper::on(const run_happening::run_timeout&) {
  if (run_.cancel_requested || run_.started_at == never || graph_.outcome())
    return refuse(errc::refused, "the run's timeout is no longer awaited");
  changed_ = true;
  run_.cancel_requested = true;
  run_.cancel_failed = true;
  graph_.standing.timed_out = true;
  for (auto& elements : graph_.instances) {
    for (auto& at : elements) {
      if (is_terminal(at.state) || at.state == instance_state::stopping || spared(at) ||
          graph_.at_end(at.key.task))
        continue;
      const bool begun = is_active(at.state) || at.state == instance_state::retry_wait;
      halt(at, begun ? instance_state::failed : instance_state::cancelled, reason::run_timeout,
           "the run took too long");
    }
  }
}

void run_stepper::on(const run_happening::crashed& event) {
  auto* at = graph_.find(event.key);
  if (at == nullptr || is_terminal(at->state) || at->state == instance_state::stopping)
    return refuse(errc::refused, "the instance has ended or is being stopped");
  halt(*at, instance_state::failed, reason::actor_crashed, event.message);
}

void run_stepper::on(const run_operation& operation) {
  switch (operation.what) {
  case run_operation::verb::rerun:
    return rerun(operation);
  case run_operation::verb::freeze:
  case run_operation::verb::thaw:
  case run_operation::verb::dryrun:
    return switch_modes(operation);
  case run_operation::verb::bump:
  case run_operation::verb::repool:
    return edit(operation);
  case run_operation::verb::unblock:
    return unblock(operation);
  case run_operation::verb::move:
    changed_ = true;
    return enter_again();
  case run_operation::verb::note:
    changed_ = true;
    run_.note = operation.note;
    return;
  case run_operation::verb::cancel:
    if (operation.targets.empty())
      return cancel_all(operation);
    [[fallthrough]];
  default:
    return declare(operation);
  }
}

void run_stepper::cancel_all(const run_operation& operation) {
  std::vector<instance_key> ends;
  for (const auto& elements : graph_.instances)
    for (const auto& at : elements)
      if (!is_terminal(at.state) && at.state != instance_state::stopping &&
          (operation.now || !spared(at)))
        ends.push_back(at.key);
  // A second time it is of use only for the teardowns that the first one left alone.
  const bool again = run_.cancel_requested && (!operation.now || ends.empty());
  if (run_.ended_at != never || again)
    return refuse(errc::refused,
                  to_string(run_.id) +
                      (run_.ended_at == never ? " is being cancelled already" : " has ended"));
  changed_ = true;
  if (!run_.cancel_requested) {
    run_.why = operation.why;
    run_.message = operation.message;
  }
  run_.cancel_requested = true;
  for (const auto& key : ends)
    halt(*graph_.find(key), instance_state::cancelled, operation.why, operation.message);
}

std::optional<std::vector<instance_key>>
run_stepper::resolve(const std::vector<instance_key>& targets) {
  std::vector<instance_key> keys;
  for (const auto& target : targets) {
    const bool exists = target.run == run_.id && target.task < graph_.instances.size();
    if (exists && graph_.find(target) == nullptr && target.element == no_element) {
      for (const auto& at : graph_.instances[target.task])
        keys.push_back(at.key);
    } else if (exists && graph_.find(target) != nullptr) {
      keys.push_back(target);
    } else {
      refuse(errc::not_found, to_string(run_.id) + " has no instance " +
                                  std::to_string(target.task) + '.' +
                                  std::to_string(target.element));
      return std::nullopt;
    }
  }
  if (targets.empty())
    for (const auto& elements : graph_.instances)
      for (const auto& at : elements)
        keys.push_back(at.key);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

/// cancel, fail, skip and succeed of named instances, or of all. Those that the operation cannot
/// change (ended in another way, being stopped already) are left out; it is refused if none is
/// left. What ended upstream_failed behind an instance that is now declared well stays so: starting
/// it again is a rerun.
void run_stepper::declare(const run_operation& operation) {
  const auto as = end_asked_for(operation.what);
  auto keys = resolve(operation.targets);
  if (!keys)
    return;
  // "All" means what is alive; what has ended is named one by one.
  const bool all = operation.targets.empty();
  const auto runs_on = [&](const instance_record& at) {
    return !operation.now && (spared(at) || (run_.fired_at != never && graph_.at_end(at.key.task)));
  };
  std::erase_if(*keys, [&](const instance_key& key) {
    const auto& at = *graph_.find(key);
    return !may_end_as(at.state, as) || (all && (is_terminal(at.state) || runs_on(at)));
  });
  if (keys->empty())
    return refuse(errc::refused, "nothing named can become " + std::string{to_string(as)} +
                                     ": it has ended or is being stopped");
  for (const auto& key : *keys)
    halt(*graph_.find(key), as, operation.why, operation.message);
}

} // namespace pinion
