#include "actors/planner.hpp"

#include "actors/crash.hpp"
#include "pinion/storage/rows.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

namespace {
constexpr duration owed_within{std::chrono::days{1}};
constexpr std::size_t max_owed = 100;
constexpr std::size_t max_missed = 1'000;
constexpr duration minute{std::chrono::minutes{1}};
} // namespace

owed_slots slots_owed(const schedule& of, instant cursor, instant now) {
  owed_slots out;
  const std::size_t most = is_polling(of) ? 1 : max_owed;
  auto at = previous_slot(of, now + duration{1});
  for (; at && *at > cursor && *at >= now - owed_within && out.run.size() < most;
       at = previous_slot(of, *at))
    out.run.push_back(*at);
  for (; at && *at > cursor && out.missed.size() < max_missed; at = previous_slot(of, *at))
    out.missed.push_back(*at);
  std::reverse(out.run.begin(), out.run.end());
  std::reverse(out.missed.begin(), out.missed.end());
  return out;
}

void planner_state::plan(const msg::plan_workflow& what, const workflow_actor& actor) {
  const auto id = what.definition->id();
  const auto known = workflows.find(id);
  auto writing = known == workflows.end() ? 0U : known->second.writing;
  if (what.replace) {
    forget(id);
    ++writing; // What `forget` erases: its acknowledgement counts too.
  }
  auto& of = workflows[id];
  of.writing = writing;
  of.actor = actor;
  of.triggers.clear();
  const store_reader store{*context->ports.kv};
  const auto settings = context->settings(what.definition->project);
  if (!context->options.triggers || !settings->triggers_enabled)
    return;
  for (const auto& trigger : what.definition->triggers) {
    if (!trigger.enabled)
      continue;
    const auto record = store.trigger(id, trigger.id);
    if (!record || !record.value()) {
      spdlog::error("a trigger has no row and is not planned: trigger={}/{}", id, trigger.id);
      continue;
    }
    of.triggers.push_back({trigger, what.version, record.value()->cursor});
    pay_owed(of, of.triggers.back(), *record.value());
  }
  extend(id, of);
}

// Slots that came while nobody could fire them go through the misfire policy; all else is planned.
void planner_state::pay_owed(planned_workflow& of, planned_trigger& trigger,
                             const trigger_record& record) {
  const auto now = context->now();
  auto owed = slots_owed(trigger.definition.when, record.cursor, now);
  if (!owed.missed.empty())
    self->send(of.actor, msg::miss_slots{trigger.definition.id, std::move(owed.missed)});
  for (const auto slot : owed.run)
    self->send(of.actor, msg::fire_slot{trigger.definition.id, slot});
  trigger.until = std::max(record.cursor, now);
}

void planner_state::extend(const std::string& id, planned_workflow& of) {
  const auto now = context->now();
  const auto horizon = now + context->options.plan_ahead;
  kv_batch batch;
  for (auto& trigger : of.triggers) {
    std::size_t count = 0;
    auto slot = next_slot(trigger.definition.when, trigger.until);
    for (; slot && *slot <= horizon && count < max_planned;
         slot = next_slot(trigger.definition.when, *slot), ++count) {
      slot_record row;
      row.workflow = id;
      row.trigger = trigger.definition.id;
      row.slot = *slot;
      row.version = trigger.version;
      put_slot(batch, row, nullptr);
      trigger.until = *slot;
    }
    if (!slot || *slot > horizon)
      trigger.until = std::max(trigger.until, horizon);
  }
  if (!batch.empty())
    write_plan(id, std::move(batch));
}

void planner_state::write_plan(const std::string& workflow, kv_batch batch) {
  if (const auto known = workflows.find(workflow); known != workflows.end())
    ++known->second.writing;
  submit_plan(workflow, std::move(batch));
}

void planner_state::submit_plan(const std::string& workflow, kv_batch batch) {
  msg::submit submit;
  submit.batch = std::move(batch);
  submit.bulk = true;
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, workflow](std::uint64_t) {
        if (const auto known = workflows.find(workflow);
            known != workflows.end() && known->second.writing > 0)
          --known->second.writing;
        load();
      });
}

// Nobody looked for a while: the machine slept, or its clock was set forward. What came meanwhile
// goes through the misfire policy, planned or not.
void planner_state::catch_up_all() {
  const store_reader store{*context->ports.kv};
  for (auto& [id, of] : workflows)
    for (auto& trigger : of.triggers)
      if (const auto record = store.trigger(id, trigger.definition.id); record && record.value())
        pay_owed(of, trigger, *record.value());
}

// Reads what is planned for the next minutes; a slot that is loaded already stays loaded once.
void planner_state::load() {
  const auto now = context->now();
  const auto until = now + context->options.load_ahead;
  const store_reader store{*context->ports.kv};
  const auto rows = store.planned_slots(never, until);
  if (!rows) {
    context->ports.fatal("the plan cannot be read: " + rows.error().message);
    return;
  }
  for (const auto& row : rows.value()) {
    const auto known = workflows.find(row.workflow);
    if (known == workflows.end() || known->second.writing > 0)
      continue;
    const auto& triggers = known->second.triggers;
    const auto planned = std::find_if(triggers.begin(), triggers.end(), [&](const auto& each) {
      return each.definition.id == row.trigger && each.version == row.version;
    });
    if (planned == triggers.end())
      continue;
    auto& at = loaded[row.slot];
    if (at.empty())
      arm_slot(row.slot);
    if (at.insert({row.workflow, row.trigger}).second)
      self->send(known->second.actor, msg::load_slot{row.trigger, row.slot, row.version});
  }
  loaded_at = now;
  if (load_timer == 0) {
    load_timer = context->new_timer();
    self->send(context->timekeeper,
               msg::arm_steady{load_timer, std::min(minute, context->options.load_ahead / 2)},
               caf::actor_cast<timer_client>(self));
  }
  fire_due();
}

void planner_state::arm_slot(instant slot) {
  const auto id = context->new_timer();
  slot_timers[id] = slot;
  self->send(context->timekeeper, msg::arm_wall{id, slot}, caf::actor_cast<timer_client>(self));
}

void planner_state::due(std::uint64_t id) {
  if (id == load_timer) {
    load_timer = 0;
    if (context->now() > loaded_at + context->options.load_ahead + minute)
      catch_up_all();
    for (auto& [name_of, of] : workflows)
      extend(name_of, of);
    load();
    return;
  }
  slot_timers.erase(id);
  fire_due();
}

void planner_state::fire_due() {
  const auto now = context->now();
  while (!loaded.empty() && loaded.begin()->first <= now) {
    const auto slot = loaded.begin()->first;
    worst_lag = std::max(worst_lag, now - slot);
    for (const auto& each : loaded.begin()->second)
      if (const auto known = workflows.find(each.workflow); known != workflows.end())
        self->send(known->second.actor, msg::fire_slot{each.trigger, slot});
    loaded.erase(loaded.begin());
  }
}

void planner_state::forget(const std::string& workflow) {
  fire_due();
  for (auto at = loaded.begin(); at != loaded.end();) {
    std::erase_if(at->second, [&](const auto& each) { return each.workflow == workflow; });
    at = at->second.empty() ? loaded.erase(at) : std::next(at);
  }
  if (const auto known = workflows.find(workflow); known != workflows.end()) {
    self->send(known->second.actor, msg::unload_slots{});
    workflows.erase(known);
  }
  void_planned(workflow);
}

void planner_state::void_planned(const std::string& workflow) {
  const store_reader store{*context->ports.kv};
  slot_filter filter;
  filter.workflow = workflow;
  filter.outcome = slot_outcome::planned;
  page_request ask;
  ask.limit = 1'000;
  const auto now = context->now();
  kv_batch batch;
  do {
    const auto rows = store.list_slots(filter, ask);
    if (!rows) {
      context->ports.fatal("the plan cannot be read: " + rows.error().message);
      return;
    }
    // What is due already is with its WORKFLOW, which decides it.
    for (const auto& row : rows.value().items)
      if (row.slot > now)
        erase_slot(batch, row);
    ask.cursor = rows.value().next;
  } while (!ask.cursor.empty());
  // Also when there is nothing to erase: `plan` waits for the acknowledgement.
  submit_plan(workflow, std::move(batch));
}

wheel_answer planner_state::describe() const {
  wheel_answer out;
  out.worst_lag = worst_lag;
  for (const auto& [slot, rows] : loaded) {
    const auto start = slot - slot.time_since_epoch() % minute;
    if (out.minutes.empty() || out.minutes.back().first != start)
      out.minutes.emplace_back(start, 0);
    out.minutes.back().second += static_cast<std::uint32_t>(rows.size());
  }
  return out;
}

planner_actor::behavior_type planner(planner_actor::stateful_pointer<planner_state> self,
                                     context_ptr context) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.context = std::move(context);
  self->state.load();
  return {
      [self](const msg::timer_due& what) { self->state.due(what.id); },
      [self](const msg::plan_workflow& what, const workflow_actor& actor) {
        self->state.plan(what, actor);
      },
      [self](const msg::forget_workflow& what) { self->state.forget(what.workflow); },
      [self](const msg::wheel_query&) { return self->state.describe(); },
  };
}

} // namespace pinion
