#include "actors/workflow.hpp"

#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

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

} // namespace pinion
