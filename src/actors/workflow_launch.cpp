#include "actors/workflow.hpp"

#include "actors/run.hpp"
#include "pinion/definitions/params.hpp"
#include "pinion/model/binding.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/zone.hpp"

#include <algorithm>

namespace pinion {

namespace {

zone zone_of_workflow(const workflow_definition& of) {
  const auto in = zone::load(of.timezone);
  return in ? in.value() : zone{};
}

} // namespace

data_interval workflow_state_data::interval_of_slot(const workflow_definition& of,
                                                    const trigger_definition& trigger,
                                                    instant slot) const {
  if (trigger.after) {
    // Its slots, and what they cover, are those of the trigger that it follows.
    const auto definitions = seed.context->definitions();
    const auto known = definitions->directory().find(of.id(), trigger.id);
    return known ? interval_of(*known->slots, slot, known->interval, known->in)
                 : data_interval{slot, slot};
  }
  const auto rule = of.data_interval_given ? of.data_interval : default_interval(trigger.slots);
  return interval_of(trigger.slots, slot, rule, zone_of_workflow(of));
}

// A planned slot is pinned to the version and the edges that it was planned with.
result<run_plan> workflow_state_data::plan_of(const std::string& trigger, instant slot,
                                              const std::optional<slot_record>& row) {
  const bool pinned = row && row->outcome == slot_outcome::planned && row->version != 0;
  run_plan plan;
  plan.version = pinned ? row->version : seed.record.version;
  plan.definition = version(plan.version);
  if (!plan.definition)
    return problem{errc::corrupt, "version " + std::to_string(plan.version) + " is missing", {}};
  const auto& all = plan.definition->triggers;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.id == trigger; });
  if (found == all.end())
    return problem{errc::not_found, "its version has no trigger " + trigger, {}};
  plan.trigger = trigger;
  plan.slot = slot;
  plan.priority = found->priority;
  plan.overlap = found->overlap.value_or(plan.definition->overlap);
  plan.interval = interval_of_slot(*plan.definition, *found, slot);
  BOOST_OUTCOME_TRY(params, resolve_params(*plan.definition, trigger));
  plan.params = std::move(params);
  if (pinned) {
    plan.dry = row->dry;
    plan.edges = row->edges;
  } else {
    const auto definitions = seed.context->definitions();
    const auto followed =
        found->after ? definitions->directory().find(id(), trigger) : std::nullopt;
    const auto ruled = slot_at(followed ? *followed->slots : found->slots, slot);
    plan.dry = ruled && ruled->dry;
    BOOST_OUTCOME_TRY(bind(plan));
  }
  settle_start(plan);
  return plan;
}

void workflow_state_data::settle_start(run_plan& plan) const {
  plan.modes = switched(*plan.definition);
  // Without any of these a task without needs begins at once.
  const bool plain = plan.edges.empty() && plan.modes.empty() && !plan.dry;
  plan.wants =
      plain || run_core{plan.definition, record_of(plan, run_id{}), plan.edges}.could_begin();
}

result<void> workflow_state_data::bind(run_plan& plan) const {
  const auto definitions = seed.context->definitions();
  BOOST_OUTCOME_TRY(edges, bind_needs(*plan.definition, {plan.trigger, plan.slot, plan.interval},
                                      definitions->directory()));
  plan.edges = std::move(edges);
  return ok();
}

std::vector<std::pair<std::uint32_t, task_mode>>
workflow_state_data::switched(const workflow_definition& of) const {
  std::vector<std::pair<std::uint32_t, task_mode>> out;
  for (std::uint32_t task = 0; !switches.empty() && task < of.tasks.size(); ++task)
    if (const auto found = switches.find(of.tasks[task].name); found != switches.end())
      out.emplace_back(task, found->second);
  return out;
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
  record.dry = plan.dry;
  record.modes = plan.modes;
  record.isolated = plan.trigger.starts_with("@backfill.");
  if (plan.item)
    record.backfill = plan.item->backfill;
  record.created_at = seed.context->now();
  record.last_at = record.created_at;
  return record;
}

run_actor workflow_state_data::spawn_run(const run_plan& plan, run_record record) {
  run_seed made;
  made.context = seed.context;
  made.workflow = caf::actor_cast<workflow_actor>(self);
  made.core = std::make_shared<run_core>(plan.definition, std::move(record), plan.edges);
  return self->spawn<caf::linked>(run, std::move(made));
}

slot_record workflow_state_data::fired_slot(const run_plan& plan, run_id run) const {
  slot_record slot;
  slot.workflow = id();
  slot.trigger = plan.trigger;
  slot.slot = plan.slot;
  slot.version = plan.version;
  slot.run = run;
  slot.dry = plan.dry;
  slot.edges = plan.edges;
  slot.decided_at = seed.context->now();
  const auto* trigger = trigger_named(plan.trigger);
  const auto jitter = trigger == nullptr
                          ? duration{0}
                          : jitter_of(trigger->jitter, id() + '/' + trigger->id, plan.slot);
  const bool by_clock = !plan.trigger.starts_with('@');
  if (by_clock)
    slot.lateness = std::max(slot.decided_at - plan.slot - jitter, duration{0});
  slot.outcome = by_clock && slot.lateness > late_after ? slot_outcome::late : slot_outcome::fired;
  return slot;
}

run_id workflow_state_data::launch(const run_plan& plan, const admission_decision& decision,
                                   kv_batch with, std::function<void(result<run_id>)> done) {
  if (auto* probe = seed.context->ports.probe)
    probe->launching(id());
  const bool admitted = decision.verdict == admission_verdict::start;
  run_actor actor;
  run_id run;
  const auto key = key_of_slot(plan.trigger, plan.slot);
  auto ahead = loaded.find(key);
  if (ahead != loaded.end() && (!plan.by_clock || runs[ahead->second].version != plan.version ||
                                runs[ahead->second].modes != plan.modes)) {
    // It was loaded as the clock's: of the version that was planned, with the switches of then, and
    // asked for by nobody.
    drop_loaded(ahead);
    ahead = loaded.end();
  }
  if (ahead != loaded.end()) {
    run = ahead->second;
    actor = runs[run].actor;
    loaded.erase(ahead);
  } else {
    run = seed.context->new_run();
    actor = spawn_run(plan, record_of(plan, run));
  }
  auto& at = runs[run];
  at.actor = actor;
  at.candidate = {run, plan.trigger, plan.overlap, plan.ignore_overlap, admitted, plan.wants};
  at.slot = plan.slot;
  at.version = plan.version;
  at.fired = true;
  at.by_clock = plan.by_clock;
  at.cancels = decision.cancel;
  const auto before = slot_row(plan.trigger, plan.slot);
  put_slot(with, fired_slot(plan, run), before ? &*before : nullptr);
  if (!plan.request_key.empty())
    put_request_key(with, id(), plan.request_key, run);
  if (plan.asked_by) {
    auto made = *plan.asked_by;
    made.verb = "trigger";
    made.object = to_string(run);
    put_kept_request(with, made);
  }
  if (plan.item) {
    auto now = *plan.item;
    now.state = backfill_item_state::running;
    now.run = run;
    if (!PINION_MUTATION("lose_backfill_item"))
      put_backfill_item(with, now, &*plan.item);
  }
  launching[key].push_back(std::move(done));
  const auto launched = [this, key](const result<run_id>& made) {
    if (made)
      relaunched.erase(key);
    tell_launched(key, made);
  };
  self->request(actor, caf::infinite, msg::fire_run{std::move(with), admitted})
      .then(
          [this, launched, key, admitted](const msg::fired_run& made) {
            fired(made, admitted);
            launched(made.run);
            tell_slot(key);
          },
          [launched](const caf::error& why) {
            // Of a crash `run_down` tells, once it is known whether the run was written.
            if (to_problem(why).code != errc::unavailable)
              launched(to_problem(why));
          });
  return run;
}

void workflow_state_data::tell_launched(const keys::slot_key& key, const result<run_id>& made) {
  const auto waiting = launching.find(key);
  if (waiting == launching.end())
    return;
  const auto all = std::move(waiting->second);
  launching.erase(waiting);
  for (const auto& each : all)
    each(made);
}

// A run that waits for others gives its place to whoever can use it.
void workflow_state_data::fired(const msg::fired_run& made, bool admitted) {
  const auto found = runs.find(made.run);
  if (found == runs.end())
    return;
  found->second.by_clock = false;
  cancel_runs(std::exchange(found->second.cancels, {}));
  const bool declined = admitted && !made.admitted;
  if (made.wants && !declined)
    return;
  found->second.candidate.wants = made.wants; // By now it may want one after all.
  found->second.candidate.admitted = false;
  admit_next();
}

void workflow_state_data::wants(const msg::run_wants& what) {
  const auto found = runs.find(what.run);
  if (found == runs.end())
    return;
  found->second.candidate.wants = what.wants;
  admit_next();
}

void workflow_state_data::cancel_runs(const std::vector<run_id>& which) {
  for (const auto each : which) {
    const auto found = runs.find(each);
    // Of many that are launched at once each would cancel all before it.
    if (found == runs.end() || std::exchange(found->second.cancelled_by_next, true))
      continue;
    run_operation cancel;
    cancel.what = run_operation::verb::cancel;
    cancel.why = reason::cancelled_by_next;
    cancel.message = "a newer run of its trigger takes its place";
    operate(each, {cancel, {"engine", "overlap: cancel_running"}, {}}, [](std::uint32_t) {});
  }
}

} // namespace pinion
