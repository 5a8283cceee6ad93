#include "actors/workflow.hpp"

#include "actors/backfill_plan.hpp"
#include "pinion/definitions/params.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {

namespace {

/// As references are written: local, with offset.
std::string print_slot(instant slot, const workflow_definition& of) {
  const auto in = zone::load(of.timezone);
  return print_local(slot, in ? in.value() : zone{});
}

std::string name_of(const keys::slot_key& key, const workflow_definition& of) {
  return key.workflow + '/' + key.trigger + '@' + print_slot(key.slot, of);
}

std::string isolated_trigger(std::uint64_t backfill) {
  return "@backfill." + std::to_string(backfill);
}

/// Previous slots of an isolated backfill are its own.
void isolate(run_plan& plan, std::uint64_t backfill) {
  for (auto& edge : plan.edges)
    if (edge.previous())
      edge.trigger = isolated_trigger(backfill);
}

/// The tasks that a backfill does not name are dry.
void dry_all_but(const std::vector<std::string>& chosen, run_plan& plan) {
  const auto& tasks = plan.definition->tasks;
  const std::map<std::uint32_t, task_mode> before{plan.modes.begin(), plan.modes.end()};
  plan.modes.clear();
  for (std::uint32_t task = 0; task < tasks.size(); ++task)
    if (std::find(chosen.begin(), chosen.end(), tasks[task].name) == chosen.end())
      plan.modes.emplace_back(task, task_mode::dry);
    else if (const auto known = before.find(task); known != before.end())
      plan.modes.emplace_back(*known);
}

} // namespace

// What the trigger's own slot would be, with what the backfill changes of it.
result<run_plan> workflow_state_data::plan_made(const msg::make_slot& what,
                                                const std::optional<slot_record>& row) {
  const auto& of = what.backfill;
  auto known = row;
  // Pinned: to the version that was current when the slot was left out.
  if (known && of && of->pinned)
    known->outcome = slot_outcome::planned;
  else
    known.reset();
  BOOST_OUTCOME_TRY(plan, plan_of(what.trigger, what.slot, known));
  if (known) {
    BOOST_OUTCOME_TRY(bind(plan));
  }
  plan.requested_by = what.by.who;
  // Whoever asks for a slot means it, whatever else is under way: it waits its turn.
  plan.overlap = overlap_policy::queue;
  if (!of) {
    plan.asked_by = what.by.request;
    return std::move(plan);
  }
  plan.item = what.item;
  if (!of->params.empty()) {
    BOOST_OUTCOME_TRY(params,
                      resolve_params(*plan.definition, what.trigger, params_object(of->params)));
    plan.params = std::move(params);
  }
  if (of->isolated) {
    isolate(plan, of->id);
    plan.trigger = isolated_trigger(of->id);
  }
  settle_start(plan);
  if (!of->tasks.empty() && what.item.workflow == of->workflow)
    dry_all_but(of->tasks, plan);
  return std::move(plan);
}

bool workflow_state_data::clock_fires() const {
  return seed.context->options.triggers &&
         seed.context->settings(seed.definition->project)->triggers_enabled;
}

caf::result<msg::made_slot> workflow_state_data::make(const msg::make_slot& what) {
  if (seed.record.retired)
    return to_error({errc::refused, id() + " is retired: its file is gone", {}});
  const auto* trigger = trigger_named(what.trigger);
  if (trigger == nullptr)
    return to_error({errc::not_found, id() + " has no trigger " + what.trigger, {}});
  const bool isolated = what.backfill && what.backfill->isolated;
  const auto key =
      key_of_slot(isolated ? isolated_trigger(what.backfill->id) : what.trigger, what.slot);
  const auto row = slot_row(key.trigger, key.slot);
  // Its planned row may still be on its way: what is decided would be overwritten. One that waits
  // for its jitter, or for a clock that is switched off, is made as any other.
  const auto now = seed.context->now();
  const auto owner = triggers.find(what.trigger);
  const bool owed = owner != triggers.end() && what.slot > owner->second.since;
  const bool fresh = !row && !isolated && owed && what.slot > now - std::chrono::minutes{1};
  const bool planned = row && row->outcome == slot_outcome::planned;
  const auto fires_at = what.slot + jitter_of(trigger->jitter, id() + '/' + trigger->id, what.slot);
  if (under_way(key) || (clock_fires() && fires_at <= now && (fresh || planned)))
    return to_error({errc::unavailable, name_of(key, *seed.definition) + " is just being decided",
                     "ask again"});
  if (row && row->run != run_id{})
    return make_again(what, row->run);
  // The other tasks are to be left as they are, and there are none.
  if (what.backfill && what.backfill->leave_rest && !what.backfill->tasks.empty() &&
      what.item.workflow == what.backfill->workflow)
    return msg::made_slot{run_id{}, true};
  const auto definitions = seed.context->definitions();
  const auto known = definitions->directory().find(id(), what.trigger);
  if (!known || !is_slot(*known->slots, what.slot))
    return to_error(
        {errc::refused,
         print_slot(what.slot, *seed.definition) + " is no slot of " + id() + '/' + trigger->id,
         "`pinionctl preview` lists its slots"});
  if (what.slot > now && !isolated)
    return to_error({errc::refused, name_of(key, *seed.definition) + " is still to come",
                     "it is made when its time has come"});
  auto plan = plan_made(what, row);
  if (!plan)
    return to_error(plan.error());
  const auto& made = plan.value();
  const auto decision = decide_admission(
      live(), seed.definition->max_active_runs,
      {run_id{}, made.trigger, made.overlap, made.ignore_overlap, false, made.wants});
  kv_batch with;
  if (!what.backfill)
    put_audit(with, audit(what.by, "trigger", name_of(key, *seed.definition)));
  auto promise = self->make_response_promise<msg::made_slot>();
  if (!made.trigger.starts_with('@'))
    begin_writing(made.trigger, made.slot);
  launch(made, decision, std::move(with), [this, promise, key](const result<run_id>& run) mutable {
    if (!key.trigger.starts_with('@'))
      settled(key.trigger, key.slot);
    if (run)
      promise.deliver(msg::made_slot{run.value(), false});
    else
      promise.deliver(to_error(run.error()));
  });
  return promise;
}

// The slot has a run: for a person that is a mistake, a backfill says what it wants.
caf::result<msg::made_slot> workflow_state_data::make_again(const msg::make_slot& what,
                                                            run_id run) {
  if (!what.backfill)
    return to_error({errc::refused,
                     name_of(key_of_slot(what.trigger, what.slot), *seed.definition) +
                         " has a run: " + to_string(run),
                     "`pinionctl rerun " + to_string(run) + "` runs it again"});
  const auto row = store_reader{*seed.context->ports.kv}.run(run);
  if (!row || !row.value())
    return to_error(row ? problem{errc::not_found, to_string(run) + " does not exist", {}}
                        : row.error());
  const auto& record = *row.value();
  const auto wanted = what.backfill->reprocess;
  const bool good = record.state == run_state::success || record.state == run_state::skipped;
  const bool alive = !is_terminal(record.state);
  const bool nothing = !what.backfill->tasks.empty() && wanted == reprocess_policy::failed &&
                       targets_of(record, what).empty();
  if (!alive && nothing)
    return msg::made_slot{run, true};
  if (!alive && (wanted == reprocess_policy::none || (wanted == reprocess_policy::failed && good)))
    return msg::made_slot{run, true};
  auto promise = self->make_response_promise<msg::made_slot>();
  if (!alive) {
    rerun(record, what, promise);
    return promise;
  }
  // It is under way already: the backfill waits for it.
  auto now = what.item;
  now.state = backfill_item_state::running;
  now.run = run;
  kv_batch batch;
  put_backfill_item(batch, now, &what.item);
  submit(std::move(batch), [promise, run]() mutable {
    promise.deliver(msg::made_slot{run, false});
  });
  return promise;
}

// None: what failed in the whole run.
std::vector<instance_key> workflow_state_data::targets_of(const run_record& run,
                                                          const msg::make_slot& what) {
  std::vector<instance_key> out;
  const auto& of = *what.backfill;
  const bool chosen = !of.tasks.empty() && what.item.workflow == of.workflow;
  const auto definition = version(run.version);
  if (!definition || (of.reprocess != reprocess_policy::all && !chosen))
    return out;
  std::set<std::uint32_t> failed;
  if (of.reprocess == reprocess_policy::failed)
    if (const auto rows = store_reader{*seed.context->ports.kv}.instances_of(run.id))
      for (const auto& at : rows.value())
        if (at.state != instance_state::success && at.state != instance_state::skipped)
          failed.insert(at.key.task);
  for (std::uint32_t task = 0; task < definition->tasks.size(); ++task) {
    const auto& each = definition->tasks[task];
    const bool meant =
        !chosen || std::find(of.tasks.begin(), of.tasks.end(), each.name) != of.tasks.end();
    if (meant && !each.fallback_of &&
        (of.reprocess == reprocess_policy::all || failed.contains(task)))
      out.push_back({run.id, task, no_element});
  }
  return out;
}

void workflow_state_data::rerun(const run_record& run, const msg::make_slot& what,
                                caf::typed_response_promise<msg::made_slot> promise) {
  run_operation again;
  again.what = run_operation::verb::rerun;
  again.why = reason::rerun;
  again.message = "backfill b" + std::to_string(what.backfill->id);
  again.backfill = what.backfill->id;
  again.targets = targets_of(run, what);
  if (!again.targets.empty())
    again.scope = rerun_scope::only;
  auto now = what.item;
  now.state = backfill_item_state::running;
  now.run = run.id;
  kv_batch with;
  put_backfill_item(with, now, &what.item);
  self->request(caf::actor_cast<workflow_actor>(self), caf::infinite, msg::find_run{run.id})
      .then(
          [this, again, with, promise, by = what.by, id = run.id](const run_actor& actor) {
            self->request(actor, caf::infinite, msg::operate_run{again, by, with})
                .then(
                    [promise, id](const operation_answer&) mutable {
                      promise.deliver(msg::made_slot{id, false});
                    },
                    [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
}

// For all runs to come by its row; the live ones are told, and refuse where it is too late.
caf::result<operation_answer> workflow_state_data::switch_task(const msg::switch_task& what) {
  const auto& ask = what.request;
  const auto& tasks = seed.definition->tasks;
  if (std::none_of(tasks.begin(), tasks.end(),
                   [&](const auto& task) { return task.name == ask.task; }))
    return to_error({errc::not_found, id() + " has no task " + ask.task, {}});
  if (ask.mode == task_mode::normal)
    switches.erase(ask.task);
  else
    switches[ask.task] = ask.mode;
  seed.context->set_switches(id(), switches);
  static constexpr const char* verbs[] = {"thaw", "freeze", "dryrun"};
  kv_batch batch;
  put_task_switch(batch,
                  {id(), ask.task, ask.mode, what.by.who, what.by.reason, seed.context->now()});
  put_audit(batch, audit(what.by, verbs[static_cast<std::size_t>(ask.mode)], id() + '.' + ask.task),
            what.by.request.get());
  auto promise = self->make_response_promise<operation_answer>();
  submit(std::move(batch), [this, promise, what] {
    // What has not fired has no rows, and must get none: it is loaded anew.
    const auto ahead = loaded;
    unload(never);
    for (const auto& [key, _] : ahead)
      load({key.trigger, key.slot});
    switch_live_runs(what, promise);
  });
  return promise;
}

// The answer waits for all of them: who asked may rely on it after a crash too.
void workflow_state_data::switch_live_runs(const msg::switch_task& what,
                                           caf::typed_response_promise<operation_answer> promise) {
  static constexpr run_operation::verb operations[] = {
      run_operation::verb::thaw, run_operation::verb::freeze, run_operation::verb::dryrun};
  struct tally {
    std::size_t open = 1;
    operation_answer sum;
    caf::typed_response_promise<operation_answer> promise;
  };
  const auto all = std::make_shared<tally>();
  all->promise = std::move(promise);
  const auto count = [all](std::uint32_t affected) {
    all->sum.affected += affected;
    if (--all->open == 0)
      all->promise.deliver(all->sum);
  };
  for (const auto& [run, at] : runs) {
    const auto definition = version(at.version);
    if (!at.fired || !definition)
      continue;
    const auto& tasks = definition->tasks;
    const auto found = std::find_if(tasks.begin(), tasks.end(), [&](const auto& task) {
      return task.name == what.request.task;
    });
    if (found == tasks.end())
      continue;
    run_operation operation;
    operation.what = operations[static_cast<std::size_t>(what.request.mode)];
    operation.targets = {{run, static_cast<std::uint32_t>(found - tasks.begin()), no_element}};
    ++all->open;
    operate(run, {operation, what.by, {}}, count);
  }
  count(0);
}

// Again if its actor crashes over it, which it may do a few times only. What is too far refuses.
void workflow_state_data::operate(run_id run, const msg::operate_run& what,
                                  const std::function<void(std::uint32_t)>& count) {
  const auto refused = [this, run, what, count](const caf::error& why) {
    if (to_problem(why).code != errc::unavailable || !runs.contains(run)) {
      count(0);
      return;
    }
    // Not sooner than its next actor is made.
    self->request(seed.context->journal, caf::infinite, msg::submit{})
        .then([this, run, what, count](std::uint64_t) { operate(run, what, count); });
  };
  self->request(caf::actor_cast<workflow_actor>(self), caf::infinite, msg::find_run{run})
      .then(
          [this, what, count, refused](const run_actor& actor) {
            self->request(actor, caf::infinite, what)
                .then([count](const operation_answer& answer) { count(answer.affected); }, refused);
          },
          refused);
}

} // namespace pinion
