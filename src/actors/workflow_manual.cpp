#include "actors/workflow.hpp"

#include "pinion/definitions/params.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/zone.hpp"

namespace pinion {

caf::result<trigger_answer> workflow_state_data::trigger_manually(const msg::trigger_run& what) {
  const auto& ask = what.request;
  if (seed.record.retired && seed.record.source != unlisted_source)
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
    if (!known)
      return to_error(known.error());
    if (known.value())
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
  // The first moment from then on that no run by hand has.
  for (bool taken = true; taken;) {
    const auto key = key_of_slot(plan.trigger, plan.slot);
    const auto row = store.slot(key);
    if (!row)
      return to_error(row.error());
    taken = launching.contains(key) || row.value();
    plan.slot += duration{taken ? 1 : 0};
  }
  const auto rule = seed.definition->data_interval.kind == interval_kind::previous
                        ? interval_rule{interval_kind::point}
                        : seed.definition->data_interval;
  plan.interval = interval_of(plan.slot, rule, zone_of);
  plan.version = seed.record.version;
  plan.definition = seed.definition;
  plan.params = std::move(params).value();
  plan.ignore_overlap = ask.ignore_overlap;
  plan.overlap = seed.definition->overlap;
  plan.requested_by = what.by.who;
  plan.request_key = ask.key;
  plan.asked_by = what.by.request;
  if (auto bound = bind(plan); !bound)
    return to_error(bound.error());
  settle_start(plan);
  const auto decision = decide_admission(
      live(), seed.definition->max_active_runs,
      {run_id{}, plan.trigger, plan.overlap, plan.ignore_overlap, false, plan.wants});
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
    keys_under_way[ask.key] = key_of_slot(plan.trigger, plan.slot);
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
  const auto key = key_of_slot(plan.trigger, plan.slot);
  const auto known = store_reader{*seed.context->ports.kv}.run_by_key(key);
  if (!known)
    return to_error(known.error());
  if (known.value())
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
    found->second.emplace_back(answer(promise));
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
  plan.definition = seed.definition;
  plan.params = std::move(params).value();
  plan.priority = what.priority;
  plan.parent = what.parent;
  plan.overlap = overlap_policy::queue;
  if (auto bound = bind(plan); !bound)
    return to_error(bound.error());
  settle_start(plan);
  const auto decision =
      decide_admission(live(), seed.definition->max_active_runs,
                       {run_id{}, plan.trigger, plan.overlap, false, false, plan.wants});
  auto promise = self->make_response_promise<run_id>();
  launch(plan, decision, {}, answer(promise));
  return promise;
}

} // namespace pinion
