#include "actors/workflow.hpp"

#include "actors/crash.hpp"
#include "actors/run.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/params.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/zone.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

void workflow_state_data::start_up() {
  versions[seed.record.version] = seed.definition;
  self->set_exit_handler([this](caf::exit_msg& what) {
    const auto mine = std::any_of(runs.begin(), runs.end(), [&](const auto& each) {
      return each.second.actor.address() == what.source;
    });
    if (mine && what.reason != caf::exit_reason::user_shutdown)
      run_down(what.source, what.reason);
    else if (what.source == seed.context->engine.address())
      self->quit(what.reason);
    // Anything else is a run that was unloaded, or only looked at: whoever asks next reads it anew.
  });
  read_triggers();
  if (seed.again) {
    auto live_runs = store_reader{*seed.context->ports.kv}.live_runs();
    if (!live_runs) {
      seed.context->ports.fatal("the live runs cannot be read: " + live_runs.error().message);
      return;
    }
    std::erase_if(live_runs.value(), [&](const auto& run) { return run.workflow != id(); });
    seed.live = std::move(live_runs).value();
  }
  for (const auto& record : std::exchange(seed.live, {})) {
    const auto* trigger = trigger_named(record.trigger);
    auto& at = runs[record.id];
    at.candidate = {record.id, record.trigger,
                    trigger != nullptr && trigger->overlap ? *trigger->overlap
                                                           : seed.definition->overlap,
                    record.ignore_overlap, record.admitted};
    at.slot = record.slot;
    at.version = record.version;
    at.fired = true;
    if (seed.again)
      replace_run(record.id);
    else
      at.actor = restore_run(record, 0);
  }
  admit_next();
}

void workflow_state_data::read_triggers() {
  const auto before = std::exchange(triggers, {});
  const auto rows = store_reader{*seed.context->ports.kv}.triggers_of(id());
  if (!rows) {
    seed.context->ports.fatal("the triggers cannot be read: " + rows.error().message);
    return;
  }
  for (const auto& row : rows.value()) {
    auto& at = triggers[row.trigger] = row;
    // Of a trigger that goes on, this actor knows better: its last changes may be on their way.
    const auto known = before.find(row.trigger);
    if (known != before.end() && known->second.since == row.since) {
      at = known->second;
      at.retired = row.retired;
    }
    decided[row.trigger] = std::max(decided[row.trigger], at.cursor);
  }
}

std::shared_ptr<const workflow_definition> workflow_state_data::version(std::uint32_t number) {
  if (const auto known = versions.find(number); known != versions.end())
    return known->second;
  const auto row = store_reader{*seed.context->ports.kv}.version(id(), number);
  if (!row || !row.value())
    return nullptr;
  auto definition = from_canonical_json(row.value()->definition);
  if (!definition)
    return nullptr;
  return versions[number] =
             std::make_shared<const workflow_definition>(std::move(definition).value());
}

const trigger_definition* workflow_state_data::trigger_named(const std::string& wanted) const {
  const auto& all = seed.definition->triggers;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.id == wanted; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<admission_candidate> workflow_state_data::live() const {
  std::vector<admission_candidate> out;
  for (const auto& [_, run] : runs)
    if (run.fired)
      out.push_back(run.candidate);
  return out;
}

void workflow_state_data::set_version(const msg::set_version& what) {
  seed.definition = what.definition;
  seed.record = what.record;
  versions[what.record.version] = what.definition;
  // Of the others, only those that runs are pinned to.
  std::erase_if(versions, [&](const auto& each) {
    return each.first != what.record.version &&
           std::none_of(runs.begin(), runs.end(),
                        [&](const auto& run) { return run.second.version == each.first; });
  });
  read_triggers();
  admit_next();
}

// -- making runs

result<run_plan> workflow_state_data::plan_of(const trigger_definition& trigger,
                                              instant slot) const {
  const auto& definition = *seed.definition;
  run_plan plan;
  plan.trigger = trigger.id;
  plan.slot = slot;
  plan.version = seed.record.version;
  plan.priority = trigger.priority;
  plan.overlap = trigger.overlap.value_or(definition.overlap);
  const auto in = zone::load(definition.timezone);
  plan.interval =
      interval_of(trigger.when, slot, definition.data_interval, in ? in.value() : zone{});
  BOOST_OUTCOME_TRY(params, resolve_params(definition, trigger.id));
  plan.params = std::move(params);
  return plan;
}

run_record workflow_state_data::record_of(const run_plan& plan, run_id run) const {
  run_record record;
  record.id = run;
  record.workflow = id();
  record.version = plan.version;
  record.trigger = plan.trigger;
  record.slot = plan.slot;
  record.interval_start = plan.interval.start;
  record.interval_end = plan.interval.end;
  record.params = plan.params;
  record.priority = plan.priority;
  record.ignore_overlap = plan.ignore_overlap;
  record.has_parent = plan.parent.has_value();
  if (plan.parent)
    record.parent = *plan.parent;
  record.requested_by = plan.requested_by;
  record.request_key = plan.request_key;
  record.created_at = seed.context->now();
  record.last_at = record.created_at;
  return record;
}

run_actor workflow_state_data::spawn_run(run_record record, std::uint32_t number) {
  run_seed made;
  made.context = seed.context;
  made.workflow = caf::actor_cast<workflow_actor>(self);
  made.core = std::make_shared<run_core>(version(number), std::move(record));
  return self->spawn<caf::linked>(run, std::move(made));
}

run_actor workflow_state_data::restore_run(const run_record& record, std::uint32_t incarnation,
                                           bool failing) {
  const store_reader store{*seed.context->ports.kv};
  const auto fail = [&](const std::string& why) {
    if (is_terminal(record.state)) {
      spdlog::error("a run that has ended cannot be read: run={} {}", to_string(record.id), why);
      return run_actor{};
    }
    seed.context->ports.fatal("run " + to_string(record.id) + " cannot be restored: " + why);
    return run_actor{};
  };
  auto definition = version(record.version);
  if (!definition)
    return fail("version " + std::to_string(record.version) + " of " + id() + " is missing");
  auto instances = store.instances_of(record.id);
  auto attempts = store.newest_attempts_of(record.id);
  auto outputs = store.outputs_of(record.id);
  if (!instances || !attempts || !outputs)
    return fail("its rows cannot be read");
  auto core = run_core::restore(definition, record, std::move(instances).value(),
                                std::move(attempts).value(), std::move(outputs).value());
  if (!core)
    return fail(core.error().message);
  run_seed made;
  made.context = seed.context;
  made.workflow = caf::actor_cast<workflow_actor>(self);
  made.core = std::make_shared<run_core>(std::move(core).value());
  made.stored = record;
  made.incarnation = incarnation;
  made.failing = failing;
  return self->spawn<caf::linked>(run, std::move(made));
}

run_id workflow_state_data::launch(const run_plan& plan, const admission_decision& decision,
                                   kv_batch with, std::function<void(result<run_id>)> done) {
  const bool admitted = decision.verdict == admission_verdict::start;
  run_actor actor;
  run_id run;
  const keys::slot_key key{"main", id(), plan.trigger, plan.slot};
  if (const auto ahead = loaded.find(key); ahead != loaded.end()) {
    run = ahead->second;
    actor = runs[run].actor;
    loaded.erase(ahead);
  } else {
    run = seed.context->new_run();
    actor = spawn_run(record_of(plan, run), plan.version);
  }
  auto& at = runs[run];
  at.actor = actor;
  at.candidate = {run, plan.trigger, plan.overlap, plan.ignore_overlap, admitted};
  at.slot = plan.slot;
  at.version = plan.version;
  at.fired = true;
  slot_record slot;
  slot.workflow = id();
  slot.trigger = plan.trigger;
  slot.slot = plan.slot;
  slot.version = plan.version;
  slot.run = run;
  slot.decided_at = seed.context->now();
  slot.lateness = std::max(slot.decided_at - plan.slot, duration{0});
  const bool by_clock = !plan.trigger.starts_with('@');
  slot.outcome = by_clock && slot.lateness > late_after ? slot_outcome::late : slot_outcome::fired;
  const auto before = store_reader{*seed.context->ports.kv}.slot(key);
  put_slot(with, slot, before && before.value() ? &*before.value() : nullptr);
  if (!plan.request_key.empty())
    put_request_key(with, id(), plan.request_key, run);
  launching[key].push_back(std::move(done));
  const auto launched = [this, key](const result<run_id>& made) {
    const auto waiting = std::exchange(launching[key], {});
    launching.erase(key);
    for (const auto& each : waiting)
      each(made);
  };
  self->request(actor, caf::infinite, msg::fire_run{std::move(with), admitted})
      .then([launched](run_id made) { launched(made); },
            [launched](const caf::error& why) { launched(to_problem(why)); });
  cancel_runs(decision.cancel);
  return run;
}

void workflow_state_data::cancel_runs(const std::vector<run_id>& which) {
  for (const auto each : which) {
    const auto found = runs.find(each);
    if (found == runs.end() || !found->second.actor)
      continue;
    run_operation cancel;
    cancel.what = run_operation::verb::cancel;
    cancel.why = reason::cancelled_by_next;
    cancel.message = "a newer run of its trigger takes its place";
    self->request(found->second.actor, caf::infinite,
                  msg::operate_run{cancel, {"engine", "overlap: cancel_running"}})
        .then([](const operation_answer&) {}, [](const caf::error&) {});
  }
}

// -- slots

void workflow_state_data::load(const msg::load_slot& what) {
  const keys::slot_key key{"main", id(), what.trigger, what.slot};
  const auto* trigger = trigger_named(what.trigger);
  const auto known = triggers.find(what.trigger);
  if (trigger == nullptr || seed.record.retired || loaded.contains(key) ||
      known == triggers.end() || what.slot <= decided[what.trigger])
    return;
  const auto plan = plan_of(*trigger, what.slot);
  if (!plan)
    return;
  const auto run = seed.context->new_run();
  auto& at = runs[run];
  at.actor = spawn_run(record_of(plan.value(), run), plan.value().version);
  at.slot = what.slot;
  at.version = plan.value().version;
  loaded[key] = run;
}

void workflow_state_data::unload() {
  for (const auto& [_, run] : loaded) {
    self->send(runs[run].actor, msg::unload_run{});
    runs.erase(run);
  }
  loaded.clear();
}

void workflow_state_data::fire(const std::string& trigger, instant slot) {
  const auto* definition = trigger_named(trigger);
  const auto known = triggers.find(trigger);
  if (definition == nullptr || known == triggers.end() || seed.record.retired ||
      slot <= decided[trigger])
    return;
  const auto row = store_reader{*seed.context->ports.kv}.slot({"main", id(), trigger, slot});
  if (!row) {
    seed.context->ports.fatal("a slot cannot be read: " + row.error().message);
    return;
  }
  if (row.value() && row.value()->outcome != slot_outcome::planned) {
    decided[trigger] = slot;
    return;
  }
  decide(*definition, slot, row.value());
}

void workflow_state_data::decide(const trigger_definition& trigger, instant slot,
                                 const std::optional<slot_record>& before) {
  if (!writing[trigger.id].insert(slot).second)
    return;
  auto& newest = decided[trigger.id];
  newest = std::max(newest, slot);
  slot_record now;
  now.workflow = id();
  now.trigger = trigger.id;
  now.slot = slot;
  now.version = seed.record.version;
  now.decided_at = seed.context->now();
  now.lateness = std::max(now.decided_at - slot, duration{0});
  const auto* row = before ? &*before : nullptr;
  const auto& record = triggers[trigger.id];
  if (record.paused || seed.record.paused) {
    now.outcome = slot_outcome::paused;
    now.why = reason::trigger_paused;
    settle(now, row);
    return;
  }
  auto plan = plan_of(trigger, slot);
  if (!plan) {
    spdlog::error("a slot cannot run: trigger={}/{} {}", id(), trigger.id, plan.error().message);
    now.outcome = slot_outcome::missed;
    now.why = reason::render_failed;
    settle(now, row);
    return;
  }
  const auto all = live();
  const auto decision =
      decide_admission(all, seed.definition->max_active_runs,
                       {run_id{}, trigger.id, plan.value().overlap, false, false});
  if (decision.verdict == admission_verdict::skip || decision.verdict == admission_verdict::miss) {
    now.outcome = decision.verdict == admission_verdict::skip ? slot_outcome::skipped_overlap
                                                              : slot_outcome::missed;
    now.why = decision.why;
    settle(now, row);
    return;
  }
  launch(plan.value(), decision, {},
         [this, name_of = trigger.id, slot](const result<run_id>& made) {
           if (made)
             settled(name_of, slot);
         });
}

void workflow_state_data::settled(const std::string& trigger, instant slot) {
  auto& under_way = writing[trigger];
  under_way.erase(slot);
  const auto known = triggers.find(trigger);
  const auto upto = under_way.empty() ? decided[trigger] : *under_way.begin() - duration{1};
  if (known == triggers.end() || upto <= known->second.cursor)
    return;
  known->second.cursor = upto;
  msg::submit what;
  put_trigger(what.batch, known->second);
  what.bulk = true;
  self->request(seed.context->journal, caf::infinite, std::move(what)).then([](std::uint64_t) {});
}

void workflow_state_data::settle(slot_record now, const slot_record* before) {
  const keys::slot_key key{"main", id(), now.trigger, now.slot};
  if (const auto ahead = loaded.find(key); ahead != loaded.end()) {
    self->send(runs[ahead->second].actor, msg::unload_run{});
    runs.erase(ahead->second);
    loaded.erase(ahead);
  }
  kv_batch batch;
  put_slot(batch, now, before);
  submit(std::move(batch),
         [this, name_of = now.trigger, slot = now.slot] { settled(name_of, slot); });
}

void workflow_state_data::miss(const msg::miss_slots& what) {
  const auto known = triggers.find(what.trigger);
  if (known == triggers.end())
    return;
  const store_reader store{*seed.context->ports.kv};
  kv_batch batch;
  for (const auto slot : what.slots) {
    if (slot <= decided[what.trigger])
      continue;
    const auto before = store.slot({"main", id(), what.trigger, slot});
    if (!before || (before.value() && before.value()->outcome != slot_outcome::planned))
      continue;
    slot_record now;
    now.workflow = id();
    now.trigger = what.trigger;
    now.slot = slot;
    now.version = seed.record.version;
    now.outcome = slot_outcome::missed;
    now.why = reason::misfire_policy;
    now.decided_at = seed.context->now();
    now.lateness = now.decided_at - slot;
    put_slot(batch, now, before.value() ? &*before.value() : nullptr);
  }
  if (batch.empty())
    return;
  spdlog::warn("slots were missed and are left out by the misfire policy: trigger={}/{} slots={}",
               id(), what.trigger, what.slots.size());
  const auto last = what.slots.back();
  writing[what.trigger].insert(last);
  decided[what.trigger] = std::max(decided[what.trigger], last);
  submit(std::move(batch), [this, name_of = what.trigger, last] { settled(name_of, last); });
}

void workflow_state_data::submit(kv_batch batch, std::function<void()> done) {
  msg::submit what;
  what.batch = std::move(batch);
  self->request(seed.context->journal, caf::infinite, std::move(what))
      .then([done = std::move(done)](std::uint64_t) { done(); });
}

// -- runs made by hand or by a task

caf::result<trigger_answer> workflow_state_data::trigger_manually(const msg::trigger_run& what) {
  const auto& ask = what.request;
  if (seed.record.retired)
    return to_error({errc::refused, id() + " is retired: its file is gone", {}});
  const store_reader store{*seed.context->ports.kv};
  // A promise takes the right to answer from `return`: it is made where nothing is returned but it.
  if (!ask.key.empty()) {
    if (const auto found = keys_under_way.find(ask.key); found != keys_under_way.end()) {
      auto promise = self->make_response_promise<trigger_answer>();
      launching[found->second].push_back([promise](const result<run_id>& made) mutable {
        if (made)
          promise.deliver(trigger_answer{made.value(), true});
        else
          promise.deliver(to_error(made.error()));
      });
      return promise;
    }
    const auto known = store.run_by_request_key(id(), ask.key);
    if (known && known.value())
      return trigger_answer{*known.value(), true};
  }
  auto params = resolve_params(*seed.definition, std::nullopt, ask.params);
  if (!params)
    return to_error(params.error());
  const auto in = zone::load(seed.definition->timezone);
  const auto zone_of = in ? in.value() : zone{};
  run_plan plan;
  plan.trigger = "@manual";
  plan.slot = seed.context->now();
  if (ask.biz_date) {
    const auto local = zone_of.local(plan.slot);
    const auto day = day_of(*ask.biz_date, zone_of) + std::chrono::days{1};
    plan.slot = resolve(civil_time{day.time_since_epoch() + (local - day_of(local))}, zone_of);
  }
  const auto is_taken = [&](instant slot) {
    const keys::slot_key key{"main", id(), plan.trigger, slot};
    const auto row = store.slot(key);
    return launching.contains(key) || !row || row.value();
  };
  while (is_taken(plan.slot))
    plan.slot += duration{1};
  const auto rule = seed.definition->data_interval.kind == interval_kind::previous
                        ? interval_rule{interval_kind::point, {}}
                        : seed.definition->data_interval;
  plan.interval = interval_of(plan.slot, rule, zone_of);
  plan.version = seed.record.version;
  plan.params = std::move(params).value();
  plan.ignore_overlap = ask.ignore_overlap;
  plan.overlap = seed.definition->overlap;
  plan.requested_by = what.by.who;
  plan.request_key = ask.key;
  const auto decision =
      decide_admission(live(), seed.definition->max_active_runs,
                       {run_id{}, plan.trigger, plan.overlap, plan.ignore_overlap, false});
  if (decision.verdict == admission_verdict::skip)
    return to_error({errc::refused,
                     "a run of " + id() + " is under way and its overlap policy is skip",
                     "wait for it, cancel it, or use --ignore-overlap"});
  if (decision.verdict == admission_verdict::miss)
    return to_error({errc::limit,
                     std::to_string(max_queued_per_trigger) + " runs of " + id() +
                         " made by hand are queued already",
                     "cancel some, or raise max_active_runs"});
  kv_batch with;
  put_audit(with, audit(what.by, "trigger", id()));
  if (!ask.key.empty())
    keys_under_way[ask.key] = {"main", id(), plan.trigger, plan.slot};
  auto promise = self->make_response_promise<trigger_answer>();
  launch(plan, decision, std::move(with), [this, promise, ask](const result<run_id>& made) mutable {
    keys_under_way.erase(ask.key);
    if (made)
      promise.deliver(trigger_answer{made.value(), false});
    else
      promise.deliver(to_error(made.error()));
  });
  return promise;
}

caf::result<run_id> workflow_state_data::call(const msg::call_run& what) {
  run_plan plan;
  plan.trigger = "@call." + to_string(what.parent.run) + '.' + std::to_string(what.parent.task) +
                 '.' +
                 (what.parent.element == no_element ? "-" : std::to_string(what.parent.element)) +
                 '.' + std::to_string(what.attempt);
  plan.slot = what.slot;
  const keys::slot_key key{"main", id(), plan.trigger, plan.slot};
  const auto known = store_reader{*seed.context->ports.kv}.run_by_key(key);
  if (known && known.value())
    return *known.value();
  const auto answer = [](caf::typed_response_promise<run_id> promise) {
    return [promise](const result<run_id>& made) mutable {
      if (made)
        promise.deliver(made.value());
      else
        promise.deliver(to_error(made.error()));
    };
  };
  if (const auto found = launching.find(key); found != launching.end()) {
    auto promise = self->make_response_promise<run_id>();
    found->second.push_back(answer(promise));
    return promise;
  }
  if (what.only_find)
    return to_error({errc::not_found, "the call had not been made yet", {}});
  if (seed.record.retired)
    return to_error({errc::refused, id() + " is retired: its file is gone", {}});
  auto params = resolve_params(*seed.definition, std::nullopt, what.params);
  if (!params)
    return to_error(params.error());
  plan.interval = {what.interval_start, what.interval_end};
  plan.version = seed.record.version;
  plan.params = std::move(params).value();
  plan.priority = what.priority;
  plan.parent = what.parent;
  plan.overlap = overlap_policy::queue;
  const auto decision = decide_admission(live(), seed.definition->max_active_runs,
                                         {run_id{}, plan.trigger, plan.overlap, false, false});
  auto promise = self->make_response_promise<run_id>();
  launch(plan, decision, {}, answer(promise));
  return promise;
}

audit_record workflow_state_data::audit(const caller& by, std::string verb,
                                        std::string object) const {
  audit_record record;
  record.at = seed.context->now();
  record.who = by.who;
  record.verb = std::move(verb);
  record.object = std::move(object);
  record.reason = by.reason;
  return record;
}

// -- pause

// The row of the workflow is the ENGINE's to write: it has done so when it sends `record`.
caf::result<operation_answer> workflow_state_data::pause(const msg::pause_trigger& what) {
  if (what.record) {
    seed.record = *what.record;
    return operation_answer{1};
  }
  const auto known = triggers.find(what.trigger);
  if (known == triggers.end())
    return to_error({errc::not_found, id() + " has no trigger " + what.trigger, {}});
  auto& record = known->second;
  record.paused = true;
  record.paused_by = what.by.who;
  record.paused_reason = what.by.reason;
  record.paused_at = seed.context->now();
  kv_batch batch;
  put_trigger(batch, record);
  put_audit(batch, audit(what.by, "pause", id() + '/' + what.trigger));
  auto promise = self->make_response_promise<operation_answer>();
  submit(std::move(batch), [promise]() mutable { promise.deliver(operation_answer{1}); });
  return promise;
}

caf::result<operation_answer> workflow_state_data::resume(const msg::resume_trigger& what) {
  kv_batch batch;
  std::map<std::string, instant> since;
  if (what.record) {
    for (const auto& [name_of, _] : triggers)
      since[name_of] = seed.record.paused_at;
    seed.record = *what.record;
  } else {
    const auto known = triggers.find(what.trigger);
    if (known == triggers.end())
      return to_error({errc::not_found, id() + " has no trigger " + what.trigger, {}});
    since[what.trigger] = known->second.paused_at;
    known->second.paused = false;
    put_trigger(batch, known->second);
    put_audit(batch, audit(what.by, "resume", id() + '/' + what.trigger));
  }
  std::vector<slot_record> owed;
  if (what.owed != catch_up::none) {
    const store_reader store{*seed.context->ports.kv};
    for (const auto& [name_of, from] : since) {
      slot_filter filter;
      filter.workflow = id();
      filter.trigger = name_of;
      filter.outcome = slot_outcome::paused;
      page_request ask;
      ask.limit = 1'000;
      std::vector<slot_record> of_trigger;
      do {
        const auto rows = store.list_slots(filter, ask);
        if (!rows)
          return to_error(rows.error());
        for (const auto& row : rows.value().items)
          if (row.decided_at >= from && row.trigger == name_of)
            of_trigger.push_back(row);
        ask.cursor = rows.value().next;
      } while (!ask.cursor.empty());
      std::sort(of_trigger.begin(), of_trigger.end(),
                [](const auto& a, const auto& b) { return a.slot < b.slot; });
      if (what.owed == catch_up::last && of_trigger.size() > 1)
        of_trigger.erase(of_trigger.begin(), of_trigger.end() - 1);
      owed.insert(owed.end(), of_trigger.begin(), of_trigger.end());
    }
  }
  auto promise = self->make_response_promise<operation_answer>();
  submit(std::move(batch), [this, promise, owed]() mutable {
    const store_reader store{*seed.context->ports.kv};
    for (const auto& row : owed) {
      const auto* trigger = trigger_named(row.trigger);
      const auto now = store.slot({"main", id(), row.trigger, row.slot});
      if (trigger != nullptr && now && now.value() && now.value()->outcome == slot_outcome::paused)
        decide(*trigger, row.slot, now.value());
    }
    promise.deliver(operation_answer{static_cast<std::uint32_t>(owed.size())});
  });
  return promise;
}

// -- runs on their way

void workflow_state_data::ended(run_id run) {
  // A weak pointer keeps the memory of its actor.
  std::erase_if(visited, [](const auto& each) {
    return caf::actor_cast<caf::strong_actor_ptr>(each.second) == nullptr;
  });
  if (const auto found = runs.find(run); found != runs.end()) {
    visited[run] = caf::actor_cast<caf::weak_actor_ptr>(found->second.actor);
    runs.erase(found);
  }
  admit_next();
}

void workflow_state_data::reopened(run_id run) {
  const auto seen = visited.find(run);
  const auto strong =
      seen == visited.end() ? nullptr : caf::actor_cast<caf::strong_actor_ptr>(seen->second);
  if (!strong || runs.contains(run))
    return;
  const auto row = store_reader{*seed.context->ports.kv}.run(run);
  if (!row || !row.value())
    return;
  const auto& record = *row.value();
  auto& at = runs[run];
  at.actor = caf::actor_cast<run_actor>(strong);
  at.candidate = {run, record.trigger, seed.definition->overlap, record.ignore_overlap, true};
  at.slot = record.slot;
  at.version = record.version;
  at.fired = true;
  visited.erase(seen);
}

void workflow_state_data::admit_next() {
  const auto all = live();
  for (const auto run : admitted_next(all, seed.definition->max_active_runs)) {
    runs[run].candidate.admitted = true;
    if (runs[run].actor)
      self->send(runs[run].actor, msg::admit_run{});
  }
}

caf::result<run_actor> workflow_state_data::find(run_id run) {
  const auto live_one = runs.find(run);
  if (live_one != runs.end() && live_one->second.actor)
    return live_one->second.actor;
  std::erase_if(visited, [](const auto& each) {
    return caf::actor_cast<caf::strong_actor_ptr>(each.second) == nullptr;
  });
  if (const auto seen = visited.find(run); seen != visited.end())
    if (const auto strong = caf::actor_cast<caf::strong_actor_ptr>(seen->second))
      return caf::actor_cast<run_actor>(strong);
  auto promise = self->make_response_promise<run_actor>();
  auto& waiting = finding[run];
  waiting.push_back(promise);
  // One restoring at a time: two actors of one run would make each other stale.
  if (waiting.size() > 1 || live_one != runs.end())
    return promise;
  self->request(seed.context->journal, caf::infinite, msg::replace_writer{run.value})
      .then([this, run](std::uint32_t incarnation) {
        const auto row = store_reader{*seed.context->ports.kv}.run(run);
        if (!row || !row.value()) {
          found(run, problem{errc::not_found, to_string(run) + " does not exist", {}});
          return;
        }
        auto actor = restore_run(*row.value(), incarnation);
        if (actor) {
          visited[run] = caf::actor_cast<caf::weak_actor_ptr>(actor);
          found(run, actor);
        } else {
          found(run, problem{errc::corrupt, to_string(run) + " cannot be restored", {}});
        }
      });
  return promise;
}

void workflow_state_data::found(run_id run, const result<run_actor>& actor) {
  const auto waiting = finding.find(run);
  if (waiting == finding.end())
    return;
  auto all = std::move(waiting->second);
  finding.erase(waiting);
  for (auto& promise : all)
    if (actor)
      promise.deliver(actor.value());
    else
      promise.deliver(to_error(actor.error()));
}

void workflow_state_data::run_down(const caf::actor_addr& who, const caf::error& why) {
  for (auto& [run, at] : runs) {
    if (at.actor.address() != who)
      continue;
    ++at.crashes;
    spdlog::error("the actor of a run crashed: run={} times={} why={}", to_string(run), at.crashes,
                  caf::to_string(why));
    if (!at.fired) {
      std::erase_if(loaded, [&](const auto& each) { return each.second == run; });
      runs.erase(run);
    } else if (at.crashes > max_restarts + 1) {
      seed.context->ports.fatal("the actor of run " + to_string(run) +
                                " keeps crashing: " + caf::to_string(why));
    } else {
      replace_run(run);
    }
    return;
  }
}

void workflow_state_data::replace_run(run_id run) {
  runs[run].actor = nullptr;
  self->request(seed.context->journal, caf::infinite, msg::replace_writer{run.value})
      .then([this, run](std::uint32_t incarnation) {
        const auto row = store_reader{*seed.context->ports.kv}.run(run);
        const auto at = runs.find(run);
        if (at == runs.end())
          return;
        if (!row || !row.value()) {
          relaunch(run);
          return;
        }
        const auto& record = *row.value();
        // Whoever waits for the first batch: it is durable.
        const keys::slot_key key{"main", id(), record.trigger, record.slot};
        if (const auto waiting = launching.find(key); waiting != launching.end()) {
          const auto all = std::exchange(waiting->second, {});
          launching.erase(waiting);
          for (const auto& each : all)
            each(run);
        }
        if (is_terminal(record.state)) {
          // It crashed before it could tell.
          found(run, problem{errc::unavailable, to_string(run) + " has just ended", "ask again"});
          ended(run);
          self->send(seed.context->engine, msg::run_is_over{record});
          return;
        }
        at->second.actor = restore_run(record, incarnation, at->second.crashes > max_restarts);
        found(run, at->second.actor);
        if (at->second.candidate.admitted && !record.admitted)
          self->send(at->second.actor, msg::admit_run{});
      });
}

// Its first batch never became durable: nothing of it exists. A clock's slot is decided anew.
void workflow_state_data::relaunch(run_id run) {
  const auto at = runs.find(run);
  const auto trigger = at->second.candidate.trigger;
  const auto slot = at->second.slot;
  const keys::slot_key key{"main", id(), trigger, slot};
  runs.erase(at);
  found(run, problem{errc::not_found, to_string(run) + " does not exist", {}});
  const problem why{errc::unavailable, "the run crashed before it was written", "try again"};
  if (const auto waiting = launching.find(key); waiting != launching.end()) {
    const auto all = std::exchange(waiting->second, {});
    launching.erase(waiting);
    for (const auto& each : all)
      each(why);
  }
  const auto* definition = trigger_named(trigger);
  const auto row = store_reader{*seed.context->ports.kv}.slot(key);
  if (definition == nullptr || !row)
    return;
  writing[trigger].erase(slot);
  if (++relaunched[key] <= max_restarts) {
    decide(*definition, slot, row.value());
    return;
  }
  slot_record now;
  now.workflow = id();
  now.trigger = trigger;
  now.slot = slot;
  now.version = seed.record.version;
  now.outcome = slot_outcome::missed;
  now.why = reason::actor_crashed;
  now.decided_at = seed.context->now();
  writing[trigger].insert(slot);
  settle(now, row.value() ? &*row.value() : nullptr);
}

blocked_by workflow_state_data::explain_admission(run_id run) const {
  const auto self_at = runs.find(run);
  blocked_by cause{"limit", id(), {}, self_at == runs.end() ? never : self_at->second.slot};
  std::string others;
  for (const auto& [other, at] : runs)
    if (at.fired && at.candidate.admitted && other != run)
      others += (others.empty() ? "" : ", ") + to_string(other);
  cause.message = "waits for its turn: max_active_runs is " +
                  std::to_string(seed.definition->max_active_runs) +
                  ", active: " + (others.empty() ? "none" : others);
  return cause;
}

msg::workflow_status workflow_state_data::status() const {
  msg::workflow_status out;
  out.paused = seed.record.paused;
  for (const auto& [_, at] : runs)
    if (at.fired) {
      ++out.live;
      out.queued += at.candidate.admitted ? 0U : 1U;
    }
  return out;
}

workflow_actor::behavior_type workflow(workflow_actor::stateful_pointer<workflow_state_data> self,
                                       workflow_seed seed) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.seed = std::move(seed);
  self->state.start_up();
  return {
      [self](const msg::set_version& what) { self->state.set_version(what); },
      [self](const msg::load_slot& what) { self->state.load(what); },
      [self](const msg::fire_slot& what) { self->state.fire(what.trigger, what.slot); },
      [self](const msg::miss_slots& what) { self->state.miss(what); },
      [self](const msg::unload_slots&) { self->state.unload(); },
      [self](const msg::trigger_run& what) { return self->state.trigger_manually(what); },
      [self](const msg::call_run& what) { return self->state.call(what); },
      [self](const msg::pause_trigger& what) { return self->state.pause(what); },
      [self](const msg::resume_trigger& what) { return self->state.resume(what); },
      [self](const msg::run_ended& what) { self->state.ended(what.run); },
      [self](const msg::run_reopened& what) { self->state.reopened(what.run); },
      [self](const msg::find_run& what) { return self->state.find(what.run); },
      [self](const msg::workflow_query&) { return self->state.status(); },
      [self](const msg::admission_query& what) { return self->state.explain_admission(what.run); },
  };
}

} // namespace pinion
