#include "actors/workflow.hpp"

#include "actors/run.hpp"
#include "pinion/definitions/params.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/zone.hpp"

namespace pinion {

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

} // namespace pinion
