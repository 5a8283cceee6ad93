#include "actors/engine.hpp"

#include "actors/crash.hpp"
#include "actors/engine_ask.hpp"
#include "pinion/storage/pool_overrides.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <spdlog/spdlog.h>

namespace pinion {

namespace {

problem no_run(run_id run) { return {errc::not_found, to_string(run) + " does not exist", {}}; }

} // namespace

void engine_state::trigger(msg::trigger& what) {
  const auto found = workflows.find(what.request.workflow);
  if (found == workflows.end()) {
    what.done(no_workflow(what.request.workflow));
    return;
  }
  self->request(found->second.actor, patience,
                msg::trigger_run{std::move(what.request), std::move(what.by)})
      .then([done = what.done,
             use = found->second.in_use](const trigger_answer& made) { done(made); },
            [done = what.done](const caf::error& why) { done(to_problem(why)); });
}

void engine_state::make_slot(msg::make_one_slot& what) {
  const auto found = workflows.find(what.request.workflow);
  if (found == workflows.end()) {
    what.done(no_workflow(what.request.workflow));
    return;
  }
  self->request(found->second.actor, patience,
                msg::make_slot{what.request.trigger, what.request.slot, what.by, nullptr, {}})
      .then(
          [done = what.done, use = found->second.in_use](const msg::made_slot& made) {
            done(trigger_answer{made.run, false});
          },
          [done = what.done](const caf::error& why) { done(to_problem(why)); });
}

void engine_state::switch_task(msg::switch_one_task& what) {
  ask<operation_answer>(what.request.workflow, msg::switch_task{what.request, what.by}, what.done);
}

caf::result<bool> engine_state::seal(const msg::seal_run& what) {
  const auto found = workflows.find(what.workflow);
  if (found == workflows.end())
    return true;
  return self->delegate(found->second.actor, what);
}

void engine_state::unseal(const msg::unseal_run& what) {
  if (const auto found = workflows.find(what.workflow); found != workflows.end())
    self->send(found->second.actor, what);
}

caf::result<msg::made_slot> engine_state::make_for_backfill(const std::string& workflow,
                                                            const msg::make_slot& what) {
  const auto found = workflows.find(workflow);
  if (found == workflows.end())
    return to_error(no_workflow(workflow));
  auto promise = self->make_response_promise<msg::made_slot>();
  self->request(found->second.actor, patience, what)
      .then([promise, use = found->second.in_use](
                const msg::made_slot& made) mutable { promise.deliver(made); },
            [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

void engine_state::with_run(run_id run,
                            std::function<void(const run_actor&, const workflow_use&)> then,
                            std::function<void(const problem&)> failed) {
  const auto row = store_reader{*context->ports.kv}.run(run);
  if (!row) {
    failed(row.error());
    return;
  }
  const auto found = row.value() ? workflows.find(row.value()->workflow) : workflows.end();
  if (found == workflows.end()) {
    failed(no_run(run));
    return;
  }
  self->request(found->second.actor, patience, msg::find_run{run})
      .then([then = std::move(then),
             use = found->second.in_use](const run_actor& actor) { then(actor, use); },
            [failed](const caf::error& why) { failed(to_problem(why)); });
}

void engine_state::operate(msg::operate& what) {
  with_run(
      what.run,
      [this, operation = std::move(what.operation), by = std::move(what.by),
       done = what.done](const run_actor& run, const workflow_use& use) {
        self->request(run, patience, msg::operate_run{operation, by, {}})
            .then([done, use](const operation_answer& answer) { done(answer); },
                  [done](const caf::error& why) { done(to_problem(why)); });
      },
      [done = what.done](const problem& why) { done(why); });
}

void engine_state::hold(const msg::hold& what) {
  msg::submit submit;
  if (what.held)
    submit.batch.put(family::meta, held_row, "1");
  else
    submit.batch.erase(family::meta, held_row);
  audit_record audit;
  audit.at = context->now();
  audit.who = what.by.who;
  audit.verb = what.held ? "hold" : "unhold";
  audit.object = "engine";
  audit.reason = what.by.reason;
  put_audit(submit.batch, audit, what.by.request.get());
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, to = what.held, done = what.done](std::uint64_t) {
        const bool changed = held != to;
        held = to;
        self->send(context->dispatcher, msg::set_hold{to});
        done(operation_answer{changed ? 1U : 0U});
      });
}

void engine_state::keep_requests(msg::keep_requests& what) {
  msg::submit submit;
  submit.batch = std::move(what.rows);
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([done = what.done](std::uint64_t commit) { done(commit); });
}

void engine_state::set_pool(const msg::set_one_pool& what) {
  const auto& [project, pool, permits] = what.request;
  if (!context->settings(project)->pools.contains(pool)) {
    what.done(
        problem{errc::not_found, "the project '" + project + "' has no pool '" + pool + "'",
                "Declare it under `pools:` in pinion.yaml; `pinionctl get pools` lists them"});
    return;
  }
  msg::submit submit;
  if (permits)
    put_pool_override(submit.batch,
                      {project, pool, *permits, what.by.who, what.by.reason, context->now()});
  else
    erase_pool_override(submit.batch, project, pool);
  audit_record audit;
  audit.at = context->now();
  audit.who = what.by.who;
  audit.verb = permits ? "pool set" : "pool reset";
  audit.object = project + '.' + pool;
  audit.reason = what.by.reason;
  audit.details = permits ? "{\"permits\":" + std::to_string(*permits) + '}' : "{}";
  put_audit(submit.batch, audit, what.by.request.get());
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, asked = what.request, done = what.done](std::uint64_t) {
        context->set_pool_size(asked.project, asked.pool, asked.permits);
        self->send(context->dispatcher,
                   msg::set_pools{asked.project, context->settings(asked.project)->pools});
        done(operation_answer{1});
      });
}

void engine_state::shutdown(const msg::shutdown& what) {
  msg::submit submit;
  audit_record audit;
  audit.at = context->now();
  audit.who = what.by.who;
  audit.verb = "shutdown";
  audit.object = "engine";
  audit.reason = what.by.reason;
  put_audit(submit.batch, audit, what.by.request.get());
  // Nothing new starts from here on; only this start's hold, not a stored one.
  self->send(context->dispatcher, msg::set_hold{true});
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, what](std::uint64_t) {
        shutting_down = closing{what.done, context->ports.clock->steady_now() + stop_time, 0};
        if (what.stop_tasks) {
          const auto live = store_reader{*context->ports.kv}.live_runs();
          run_operation cancel;
          cancel.why = reason::run_cancelled;
          cancel.message = "the engine was shut down with --tasks stop";
          if (live)
            for (const auto& run : live.value()) {
              msg::operate each{run.id, cancel, what.by,
                                msg::answer<operation_answer>{[](const auto&) {}}};
              operate(each);
            }
        } else {
          shutting_down->until = context->ports.clock->steady_now();
        }
        check_shutdown();
      });
}

// With --tasks stop: until no process holds a slot. Runs that a trigger makes meanwhile wait, they
// cannot start anything.
void engine_state::check_shutdown() {
  self->request(context->dispatcher, caf::infinite, msg::pools_query{})
      .then([this](const std::vector<pool_status>& pools) {
        const bool late = context->ports.clock->steady_now() >= shutting_down->until;
        if (late || pools.front().used == 0) {
          shutting_down->done(operation_answer{1});
          if (over)
            std::exchange(over, nullptr)();
          return;
        }
        shutting_down->timer = context->new_timer();
        self->send(context->timekeeper,
                   msg::arm_steady{shutting_down->timer, std::chrono::milliseconds{100}},
                   caf::actor_cast<timer_client>(self));
      });
}

void engine_state::explain(const msg::why& what) {
  with_run(
      what.run,
      [this, key = what.key, done = what.done](const run_actor& run, const workflow_use&) {
        self->request(run, patience, msg::why_query{key})
            .then([done](const why_answer& answer) { done(answer); },
                  [done](const caf::error& why) { done(to_problem(why)); });
      },
      [done = what.done](const problem& why) { done(why); });
}

void engine_state::describe_wheel(const msg::wheel& what) {
  self->request(context->timekeeper, caf::infinite, msg::wheel_query{})
      .then([this, done = what.done](const wheel_answer& wheels) {
        self->request(context->planner, caf::infinite, msg::wheel_query{})
            .then([wheels, done](const wheel_answer& plan) {
              auto both = wheels;
              both.worst_lag = plan.worst_lag;
              both.total_lag = plan.total_lag;
              both.slots_fired = plan.slots_fired;
              both.minutes = plan.minutes;
              done(both);
            });
      });
}

void engine_state::health(const msg::health& what) {
  health_answer out;
  out.held = held;
  out.epoch = context->epoch;
  out.started_at = started_at;
  out.recovery = recovery;
  out.slots = context->options.slots;
  out.ready =
      recovery_over && folders.size() >= context->options.expected_folders && !shutting_down;
  for (const auto& [_, problems] : folders)
    out.problems.insert(out.problems.end(), problems.begin(), problems.end());
  if (const auto counts = store_reader{*context->ports.kv}.counts("main"))
    for (const auto& each : counts.value())
      out.live_runs +=
          static_cast<std::uint32_t>(each.by_state[static_cast<std::size_t>(run_state::queued)] +
                                     each.by_state[static_cast<std::size_t>(run_state::running)]);
  self->request(context->dispatcher, caf::infinite, msg::pools_query{})
      .then([this, out, done = what.done](const std::vector<pool_status>& pools) mutable {
        out.busy = pools.front().used;
        self->request(context->worker, caf::infinite, msg::worker_query{})
            .then([out, done](const msg::worker_status& worker) mutable {
              if (!worker.connected)
                out.problems.emplace_back("the launcher is not connected: nothing can be started");
              done(out);
            });
      });
}

void engine_state::wait_run(const msg::wait_run& what) {
  const auto row = store_reader{*context->ports.kv}.run(what.run);
  if (!row || !row.value()) {
    what.done(row ? no_run(what.run) : row.error());
    return;
  }
  if (is_terminal(row.value()->state)) {
    what.done(*row.value());
    return;
  }
  const auto timer = context->new_timer();
  waiters.emplace(what.run, waiter{what.done, timer});
  self->send(context->timekeeper, msg::arm_steady{timer, what.at_most},
             caf::actor_cast<timer_client>(self));
}

void engine_state::run_is_over(const run_record& run) {
  const auto [from, to] = waiters.equal_range(run.id);
  for (auto at = from; at != to; ++at) {
    self->send(context->timekeeper, msg::cancel_timer{at->second.timer});
    at->second.done(run);
  }
  waiters.erase(from, to);
  self->send(context->backfills, msg::backfilled{run.id, run.state});
  if (run.has_parent)
    tell_parent(run);
}

void engine_state::tell_parent(const run_record& run) {
  with_run(
      run.parent.run,
      [this, run](const run_actor& parent, const workflow_use&) {
        self->send(parent, msg::happened{run_happening::call_ended{run.parent, run.id, run.state}});
      },
      [run](const problem& why) {
        spdlog::warn("the caller of a run cannot be told: run={} {}", to_string(run.id),
                     why.message);
      });
}

caf::result<run_id> engine_state::call(const msg::call_workflow& what) {
  auto promise = self->make_response_promise<run_id>();
  // The key finds a run that a WORKFLOW made before it crashed.
  ask<run_id>(what.workflow, what.call, [this, promise](const result<run_id>& made) mutable {
    if (!made) {
      promise.deliver(to_error(made.error()));
      return;
    }
    promise.deliver(made.value());
    // It may have ended while nobody was there to hear it.
    const auto row = store_reader{*context->ports.kv}.run(made.value());
    if (row && row.value() && is_terminal(row.value()->state))
      tell_parent(*row.value());
  });
  return promise;
}

void engine_state::cancel_called(run_id run) {
  const auto row = store_reader{*context->ports.kv}.run(run);
  if (!row || !row.value())
    return;
  if (is_terminal(row.value()->state)) {
    tell_parent(*row.value());
    return;
  }
  if (row.value()->cancel_requested)
    return;
  run_operation cancel;
  cancel.why = reason::run_cancelled;
  cancel.message = "its caller was stopped";
  // Again if the actor of the run crashes over it: the caller waits for the end.
  const auto failed = [this, run](const problem& why) {
    if (why.code == errc::unavailable)
      self->request(context->journal, caf::infinite, msg::submit{})
          .then([this, run](std::uint64_t) { cancel_called(run); });
  };
  with_run(
      run,
      [this, cancel, failed](const run_actor& actor, const workflow_use& use) {
        self->request(actor, patience,
                      msg::operate_run{cancel, {"engine", "the calling task was stopped"}, {}})
            .then([use](const operation_answer&) {},
                  [failed](const caf::error& why) { failed(to_problem(why)); });
      },
      failed);
}

void engine_state::timer(std::uint64_t id) {
  if (shutting_down && id == shutting_down->timer) {
    check_shutdown();
    return;
  }
  if (id == claim_timer) {
    self->send(context->worker, msg::recovery_done{});
    return;
  }
  for (auto at = waiters.begin(); at != waiters.end(); ++at)
    if (at->second.timer == id) {
      const auto row = store_reader{*context->ports.kv}.run(at->first);
      if (row && row.value())
        at->second.done(*row.value());
      waiters.erase(at);
      return;
    }
}

void engine_state::workflow_down(const caf::actor_addr& who, const caf::error& why) {
  for (auto& [id, at] : workflows) {
    if (at.actor.address() != who)
      continue;
    ++at.crashes;
    spdlog::error("the actor of a workflow crashed: workflow={} times={} why={}", id, at.crashes,
                  caf::to_string(why));
    if (at.crashes > max_restarts) {
      context->ports.fatal("the actor of workflow " + id +
                           " keeps crashing: " + caf::to_string(why));
      return;
    }
    start_again(id);
    return;
  }
  context->ports.fatal("an actor that everything depends on is gone: " + caf::to_string(why));
}

problem engine_state::no_workflow(const std::string& id) {
  return {errc::not_found, "there is no workflow " + id, "`pinionctl get workflows` lists them"};
}

void engine_state::ask_again(std::uint64_t question) {
  const auto at = open_questions.find(question);
  if (at == open_questions.end())
    return;
  const auto once = at->second.ask; // An answer at once removes the question.
  once();
}

std::vector<std::uint64_t> engine_state::questions_to(const std::string& workflow) const {
  std::vector<std::uint64_t> out;
  for (const auto& [id, question] : open_questions)
    if (question.workflow == workflow)
      out.push_back(id);
  return out;
}

// Behind all that the old actor and its runs have submitted: a run whose first batch is under way
// would be unknown to the new one, and its slot made a second time.
void engine_state::start_again(const std::string& workflow) {
  self->request(context->journal, caf::infinite, msg::submit{})
      .then([this, workflow](std::uint64_t) {
        const auto found = workflows.find(workflow);
        if (found == workflows.end())
          return;
        context->deciding.remove_all(workflow);
        start_workflow(found->second, true);
        for (const auto id : questions_to(workflow))
          ask_again(id);
      });
}

engine_actor::behavior_type engine_door(engine_actor::stateful_pointer<engine_state> self,
                                        context_ptr context, bool held,
                                        std::function<void()> over) {
  auto& state = self->state;
  state.self = self;
  // Nobody supervises this one, and nothing goes on without it.
  self->set_exception_handler(
      [fatal = context->ports.fatal](caf::scheduled_actor* who, std::exception_ptr& thrown) {
        auto why = log_crash(who, thrown);
        fatal("the actor of the engine threw: " + caf::to_string(why));
        return why;
      });
  state.context = std::move(context);
  state.held = held;
  state.over = std::move(over);
  return {
      [self](const msg::timer_due& what) { self->state.timer(what.id); },
      [self](msg::apply& what) { self->state.apply(what); },
      [self](const msg::folder_read& what) { self->state.folders[what.origin] = what.problems; },
      [self](const msg::delete_workflow& what) { self->state.delete_workflow(what); },
      [self](const msg::workflow_erased& what) { self->state.erased(what); },
      [self](const msg::seal_run& what) { return self->state.seal(what); },
      [self](const msg::unseal_run& what) { self->state.unseal(what); },
      [self](msg::trigger& what) { self->state.trigger(what); },
      [self](msg::operate& what) { self->state.operate(what); },
      [self](msg::pause& what) { self->state.pause(what); },
      [self](msg::resume& what) { self->state.resume(what); },
      [self](msg::make_one_slot& what) { self->state.make_slot(what); },
      [self](msg::switch_one_task& what) { self->state.switch_task(what); },
      [self](const msg::set_one_pool& what) { self->state.set_pool(what); },
      [self](const msg::backfill& what) { self->send(self->state.context->backfills, what); },
      [self](const msg::preview_backfill& what) {
        self->send(self->state.context->backfills, what);
      },
      [self](const msg::steer_backfill& what) { self->send(self->state.context->backfills, what); },
      [self](msg::keep_requests& what) { self->state.keep_requests(what); },
      [self](const msg::hold& what) { self->state.hold(what); },
      [self](const msg::shutdown& what) { self->state.shutdown(what); },
      [self](const msg::why& what) { self->state.explain(what); },
      [self](const msg::wheel& what) { self->state.describe_wheel(what); },
      [self](const msg::pools& what) {
        self->request(self->state.context->dispatcher, caf::infinite, msg::pools_query{})
            .then([done = what.done](const std::vector<pool_status>& pools) { done(pools); });
      },
      [self](const msg::running& what) {
        self->request(self->state.context->dispatcher, caf::infinite, msg::holders_query{})
            .then([done = what.done](const std::vector<instance_key>& keys) { done(keys); });
      },
      [self](const msg::health& what) { self->state.health(what); },
      [self](const msg::wait_run& what) { self->state.wait_run(what); },
      [self](const std::string& workflow, const msg::make_slot& what) {
        return self->state.make_for_backfill(workflow, what);
      },
      [self](const msg::call_workflow& what) { return self->state.call(what); },
      [self](const msg::cancel_called& what) { self->state.cancel_called(what.run); },
      [self](const msg::run_is_over& what) { self->state.run_is_over(what.run); },
      [self](const msg::start_up&) { self->state.start_up(); },
      [self](const msg::recovered&) { self->state.end_recovery(); },
      [self](const msg::stop_engine&) { self->quit(caf::exit_reason::user_shutdown); },
  };
}

} // namespace pinion
