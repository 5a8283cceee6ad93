#include "actors/instance.hpp"

#include "actors/crash.hpp"
#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {

void instance_state_data::tell(run_event event) {
  self->send(seed.run, msg::happened{std::move(event)});
}

// A steady deadline is remembered as (wall, whole): what remains after a restart or a clock step is
// clamped, so neither can prolong it beyond `whole` nor fire it in the past twice.
void instance_state_data::arm(std::uint64_t& id, instant from, duration whole) {
  disarm(id);
  id = seed.context->new_timer();
  const auto remains = std::clamp(from + whole - seed.context->now(), duration{0}, whole);
  self->send(seed.context->timekeeper, msg::arm_steady{id, remains},
             caf::actor_cast<timer_client>(self));
}

void instance_state_data::disarm(std::uint64_t& id) {
  if (id == 0)
    return;
  self->send(seed.context->timekeeper, msg::cancel_timer{id});
  id = 0;
}

void instance_state_data::enter(const msg::enter& what) {
  if (auto* probe = seed.context->ports.probe)
    probe->entering(seed.key, what.state);
  disarm(state_timer);
  if (what.state == instance_state::waiting && what.poll == msg::poll_phase::none)
    disarm(task_timer); // Frozen before it began: its task timeout counts anew from the thaw.
  else if (task_timer == 0 && task().timeout.task > duration{0} && what.first_ready_at != never &&
           !is_terminal(what.state) && !PINION_MUTATION("drop_task_timer"))
    arm(task_timer, what.first_ready_at, task().timeout.task);
  switch (what.state) {
  case instance_state::pre_trigger:
  case instance_state::triggered:
  case instance_state::async_running:
    break;
  case instance_state::waiting:
    withdraw(); // It was frozen while it asked for permits.
    if (what.poll == msg::poll_phase::looks_again) {
      state_timer_is = instance_timer::look_due;
      arm(state_timer, what.since, std::max(what.retry_at - what.since, duration{0}));
    } else if (what.poll == msg::poll_phase::none && task().timeout.upstream > duration{0}) {
      state_timer_is = instance_timer::upstream_timeout;
      arm(state_timer, what.since, task().timeout.upstream);
    }
    break;
  case instance_state::pre_ready:
    ask_for_permits(what);
    break;
  case instance_state::ready:
    start(what);
    break;
  case instance_state::running:
    run_body(what);
    break;
  case instance_state::dqc_check:
    start(what);
    break;
  case instance_state::retry_wait: {
    if (PINION_MUTATION("drop_retry_timer"))
      break;
    state_timer_is = instance_timer::retry_due;
    const auto whole = std::max(what.retry_at - what.since, duration{0});
    arm(state_timer, what.since, whole);
    break;
  }
  case instance_state::stopping:
    stop(what);
    break;
  case instance_state::success:
  case instance_state::failed:
  case instance_state::cancelled:
  case instance_state::skipped:
  case instance_state::upstream_failed:
    finish();
    break;
  }
}

void instance_state_data::ask_for_permits(const msg::enter& what) {
  if (task().timeout.queue > duration{0} && !PINION_MUTATION("drop_queue_timer")) {
    state_timer_is = instance_timer::queue_timeout;
    arm(state_timer, what.since, task().timeout.queue);
  }
  if (what.why == reason::max_parallel)
    return;
  wants_permits = true;
  asked = what.pools;
  self->send(seed.context->dispatcher,
             permit_order{seed.key, caf::actor_cast<instance_actor>(self), seed.definition->project,
                          asked, limits_of(*seed.definition, seed.key.task), what.priority,
                          what.band, has_process(task().type), ++request});
}

void instance_state_data::granted(const msg::permits_granted& what) {
  if (!wants_permits || what.request != request)
    return; // It has been withdrawn: the permits are somebody else's by now.
  wants_permits = false;
  self->send(seed.run, msg::offer{seed.key, asked});
}

void instance_state_data::start(const msg::enter& what) {
  const process_key wanted{seed.key, what.token};
  // A `check` task's first process is ordered in ready; entering dqc_check is about the same one.
  if (!what.again && process == wanted)
    return;
  expect(wanted);
  order = what.start;
  if (what.again)
    watch();
  else if (order)
    place_order();
}

void instance_state_data::expect(const process_key& wanted) {
  if (process != wanted)
    ordered = false;
  process = wanted;
}

void instance_state_data::watch() {
  self->send(seed.context->worker, process_watch{process, caf::actor_cast<process_client>(self)});
}

void instance_state_data::place_order() {
  ordered = true;
  self->send(seed.context->worker, process_order{order, caf::actor_cast<process_client>(self)});
}

void instance_state_data::run_body(const msg::enter& what) {
  order = nullptr;
  switch (task().type) {
  case task_type::empty:
  case task_type::choice:
    tell(run_happening::empty_done{seed.key});
    break;
  case task_type::workflow:
    call(what);
    break;
  case task_type::shell:
  case task_type::python:
  case task_type::java:
  case task_type::check:
    if (what.again && !PINION_MUTATION("lose_adoption")) {
      expect({seed.key, what.token});
      watch();
    }
    break;
  }
}

// A repeated call finds the run that the first one made: its key is this attempt.
void instance_state_data::call(const msg::enter& what) {
  if (!what.call)
    return;
  called = what.called;
  self->request(seed.context->engine, caf::infinite, *what.call)
      .then(
          [this](run_id run) {
            called = run;
            tell(run_happening::called{seed.key, run});
            if (stopping)
              self->send(seed.context->engine, msg::cancel_called{run});
          },
          [this](const caf::error& why) {
            tell(run_happening::call_refused{seed.key, to_problem(why).message});
          });
}

void instance_state_data::withdraw() {
  if (!wants_permits)
    return;
  self->send(seed.context->dispatcher, msg::withdraw{seed.key});
  wants_permits = false;
}

void instance_state_data::stop(const msg::enter& what) {
  withdraw();
  if (task().type == task_type::workflow) {
    stopping = true;
    if (what.call)
      call(what);
    else if (const auto run = what.called != run_id{} ? what.called : called; run != run_id{})
      self->send(seed.context->engine, msg::cancel_called{run});
    return;
  }
  order = nullptr;
  expect({seed.key, what.token});
  // The start may have been passed over, or be told by an earlier actor: only after a watch does
  // the answer, also "never heard of it", come here.
  watch();
  if (PINION_MUTATION("lose_stop") || (what.again && PINION_MUTATION("forget_cancel_on_restart")))
    return;
  self->send(seed.context->worker, msg::stop_process{process, task().grace});
}

void instance_state_data::unknown(const process_key& key) {
  // After an order, this is the late answer to a question from before it: the launcher tells of
  // every process that it is asked to start.
  if (key != process || ordered)
    return;
  if (order) {
    // Never claimed, so never started: this is its first start.
    place_order();
    return;
  }
  process_end gone;
  gone.kind = end_kind::lost;
  gone.message = "the launcher does not know the process";
  gone.ended_at = seed.context->now();
  tell(run_happening::ended{key, std::move(gone)});
}

void instance_state_data::timer(std::uint64_t id) {
  if (id == state_timer) {
    state_timer = 0;
    tell(run_happening::timer{seed.key, state_timer_is});
  } else if (id == task_timer) {
    task_timer = 0;
    tell(run_happening::timer{seed.key, instance_timer::task_timeout});
  }
}

void instance_state_data::finish() {
  disarm(task_timer);
  withdraw();
  self->quit();
}

instance_actor::behavior_type instance(instance_actor::stateful_pointer<instance_state_data> self,
                                       instance_seed seed) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.seed = std::move(seed);
  return {
      [self](const msg::timer_due& what) { self->state.timer(what.id); },
      [self](const msg::process_started& what) {
        self->send(self->state.seed.run,
                   msg::happened{run_happening::started{what.key, what.pid, what.at}});
      },
      [self](const msg::process_ended& what) {
        self->send(self->state.seed.run, msg::happened{run_happening::ended{what.key, what.end}});
      },
      [self](const msg::process_unknown& what) { self->state.unknown(what.key); },
      [self](const msg::enter& what) { self->state.enter(what); },
      [self](const msg::permits_granted& what) { self->state.granted(what); },
  };
}

} // namespace pinion
