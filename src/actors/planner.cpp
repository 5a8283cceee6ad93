#include "actors/planner.hpp"

#include "actors/crash.hpp"
#include "pinion/model/binding.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/rows.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

namespace {
constexpr duration minute{std::chrono::minutes{1}};
constexpr duration least_horizon{std::chrono::hours{1}};
} // namespace

instant plan_horizon(instant now, duration plan_at, zone in) noexcept {
  const auto local = in.local(now);
  const auto day = day_of(local);
  const auto days = local - civil_time{day.time_since_epoch()} < plan_at ? 1 : 2;
  return std::max(begin_of(day + std::chrono::days{days}, in) - duration{1}, now + least_horizon);
}

void planner_state::start_up() {
  load();
  arm_plan();
}

void planner_state::arm_plan() {
  const auto& options = context->options;
  const auto now = context->now();
  auto day = day_of(now, options.plan_zone);
  auto at = resolve(civil_time{day.time_since_epoch()} + options.plan_at, options.plan_zone);
  while (at <= now)
    at = resolve(civil_time{(++day).time_since_epoch()} + options.plan_at, options.plan_zone);
  plan_timer = context->new_timer();
  self->send(context->timekeeper, msg::arm_wall{plan_timer, at},
             caf::actor_cast<timer_client>(self));
}

void planner_state::plan(const msg::plan_workflow& what, const workflow_actor& actor) {
  look_for_jump();
  const auto id = what.definition->id();
  const auto now = context->now();
  auto& of = workflows[id];
  const bool known = of.definition != nullptr;
  const auto stored = store_reader{*context->ports.kv}.rule_from(id);
  if (!stored) {
    context->ports.fatal("the plan cannot be read: " + stored.error().message);
    return;
  }
  // Until then what is planned keeps its version and what it is bound to.
  const auto rule_from =
      what.next_day ? std::max(stored.value(), day_after(*what.definition, now)) : stored.value();
  // The engine died between an edit and its plan: what is planned is of an older version.
  const bool replace = what.replace || (rule_from <= now &&
                                        planned_version(id).value_or(what.version) != what.version);
  const auto until = std::max(now, rule_from - duration{1});
  if (replace) {
    drop_loaded(id, until + duration{1});
    self->send(actor, msg::unload_slots{until + duration{1}});
    void_planned(id, until + duration{1}, what.definition.get(), what.version);
  }
  std::map<std::string, instant> before;
  for (const auto& trigger : of.triggers)
    before[trigger.definition.id] = trigger.until;
  // What passed before an edit was decided by the rule of then.
  const bool pays = !known || of.paying > 0;
  of.actor = actor;
  of.definition = what.definition;
  of.version = what.version;
  of.rule_from = rule_from;
  of.generation = ++generations;
  of.paying = 0;
  of.triggers.clear();
  if (replace || !known)
    leave_out_gone(id, of);
  const auto settings = context->settings(what.definition->project);
  if (!context->options.triggers || !settings->triggers_enabled)
    return;
  for (const auto& trigger : what.definition->triggers) {
    auto planned = take_trigger(of, trigger);
    if (!planned)
      continue;
    of.triggers.push_back(std::move(*planned));
    auto& at = of.triggers.back();
    const auto cursor = std::exchange(at.until, std::max(at.until, now));
    if (pays)
      pay_owed(id, of, at, cursor);
    // What nobody has planned yet goes by the new rule, also before it counts.
    if (!replace)
      at.until = std::max(at.until, planned_until(id, trigger.id));
    else if (until > now)
      at.until = before.contains(trigger.id) ? std::clamp(before[trigger.id], now, until) : until;
  }
  extend_later(id);
  load_soon();
}

instant planner_state::day_after(const workflow_definition& of, instant now) {
  const auto in = zone::load(of.timezone);
  const auto there = in ? in.value() : zone{};
  return begin_of(day_of(now, there) + std::chrono::days{1}, there);
}

// Once for all that is in the mailbox now.
void planner_state::load_soon() {
  if (std::exchange(load_queued, true))
    return;
  self->send(self, msg::flush{});
}

// After a restart the plan stands in the store already.
instant planner_state::planned_until(const std::string& workflow,
                                     const std::string& trigger) const {
  slot_filter filter;
  filter.workflow = workflow;
  filter.trigger = trigger;
  filter.outcome = slot_outcome::planned;
  page_request ask;
  ask.limit = 1;
  const auto newest = store_reader{*context->ports.kv}.list_slots(filter, ask);
  return newest && !newest.value().items.empty() ? newest.value().items.front().slot : never;
}

// The version of what is planned last; nothing if nothing is.
std::optional<std::uint32_t> planner_state::planned_version(const std::string& workflow) const {
  slot_filter filter;
  filter.workflow = workflow;
  filter.outcome = slot_outcome::planned;
  filter.from = context->now();
  page_request ask;
  ask.limit = 1;
  const store_reader store{*context->ports.kv};
  const auto triggers = store.triggers_of(workflow);
  if (!triggers)
    return std::nullopt;
  for (const auto& trigger : triggers.value()) {
    filter.trigger = trigger.trigger;
    const auto newest = store.list_slots(filter, ask);
    // 0: its needs could not be bound.
    if (newest && !newest.value().items.empty() && newest.value().items.front().version != 0)
      return newest.value().items.front().version;
  }
  return std::nullopt;
}

// The workflow itself as it is to be planned: the present definition may be that of an edit whose
// plan is still to come.
definition_directory planner_state::directory_of(const planned_workflow& of) const {
  return definition_directory{[own = of.definition, all = context->definitions()](
                                  std::string_view wanted) -> const workflow_definition* {
    return wanted == own->id() ? own.get() : all->directory().definition(wanted);
  }};
}

// With `until` as its cursor says.
std::optional<planner_state::planned_trigger>
planner_state::take_trigger(const planned_workflow& of, const trigger_definition& trigger) {
  if (!trigger.enabled)
    return std::nullopt;
  const auto id = of.definition->id();
  const auto record = store_reader{*context->ports.kv}.trigger(id, trigger.id);
  if (!record || !record.value()) {
    spdlog::error("a trigger has no row and is not planned: trigger={}/{}", id, trigger.id);
    return std::nullopt;
  }
  const auto definitions = directory_of(of);
  const auto known = definitions.find(id, trigger.id);
  if (!known) {
    spdlog::warn("a trigger follows one that does not exist and is not planned: trigger={}/{}", id,
                 trigger.id);
    return std::nullopt;
  }
  return planned_trigger{trigger, *known->slots, known->interval, known->in,
                         record.value()->cursor};
}

void planner_state::extend_all() {
  for (const auto& [id, of] : workflows) {
    const auto horizon =
        plan_horizon(context->now(), context->options.plan_at, context->options.plan_zone);
    const bool behind = std::any_of(of.triggers.begin(), of.triggers.end(),
                                    [&](const auto& each) { return each.until < horizon; });
    if (behind && std::find(to_extend.begin(), to_extend.end(), id) == to_extend.end())
      to_extend.push_back(id);
  }
  extend_next();
}

void planner_state::extend_later(const std::string& id) {
  if (std::find(to_extend.begin(), to_extend.end(), id) == to_extend.end())
    to_extend.push_back(id);
  extend_next();
}

// A few batches at a time, whatever there is to plan. A planned slot says that all before it are
// planned or decided: one that pays goes on with its plan once it has paid. Otherwise a crash in
// between, and an edit behind it, would leave out what is owed.
void planner_state::extend_next() {
  while (batches < max_batches && !to_extend.empty()) {
    const auto id = to_extend.front();
    to_extend.pop_front();
    const auto known = workflows.find(id);
    if (known == workflows.end() || known->second.paying > 0)
      continue;
    kv_batch batch;
    if (add_rows(id, known->second, batch))
      to_extend.push_back(id);
    if (batch.empty())
      continue;
    ++batches;
    submit_plan(id, std::move(batch), [this] {
      --batches;
      extend_next();
    });
  }
}

bool planner_state::add_rows(const std::string& id, planned_workflow& of, kv_batch& batch) {
  const auto horizon =
      plan_horizon(context->now(), context->options.plan_at, context->options.plan_zone);
  std::size_t rows = 0;
  for (auto& trigger : of.triggers)
    while (trigger.until < horizon) {
      const auto slot = next_slot(trigger.slots, trigger.until);
      if (!slot || slot->at > horizon) {
        trigger.until = horizon;
        break;
      }
      put_slot(batch, row_of(id, of, trigger, *slot), nullptr);
      trigger.until = slot->at;
      if (++rows == max_rows)
        return true;
    }
  return false;
}

slot_record planner_state::row_of(const std::string& id, const planned_workflow& of,
                                  const planned_trigger& trigger, const ruled_slot& slot) const {
  slot_record row;
  row.workflow = id;
  row.trigger = trigger.definition.id;
  row.slot = slot.at;
  row.version = of.version;
  row.dry = slot.dry;
  const auto interval = interval_of(trigger.slots, slot.at, trigger.interval, trigger.in);
  auto edges = bind_needs(*of.definition, {row.trigger, slot.at, interval}, directory_of(of));
  if (edges) {
    row.edges = std::move(edges).value();
  } else {
    // Not pinned: the WORKFLOW binds again when the slot fires, finds the same, and says so.
    row.version = 0;
    spdlog::error("the needs of a slot cannot be bound: trigger={}/{} {}", id, row.trigger,
                  edges.error().message);
  }
  return row;
}

void planner_state::submit_plan(const std::string& workflow, kv_batch batch,
                                std::function<void()> then) {
  ++workflows[workflow].writing;
  msg::submit submit;
  submit.batch = std::move(batch);
  submit.bulk = true;
  submit.plan = true;
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, workflow, then = std::move(then)](std::uint64_t) {
        if (const auto known = workflows.find(workflow);
            known != workflows.end() && known->second.writing > 0 && --known->second.writing == 0)
          known->second.voided_from = instant::max();
        then();
        load_soon();
      });
}

// Nobody looked for a while: the machine slept, or its clock was set forward. What came meanwhile
// goes through the misfire policy, planned, loaded or not.
void planner_state::look_for_jump() {
  const auto now = context->now();
  if (PINION_MUTATION("overlook_clock_jump"))
    return;
  if (loaded_at == instant{} || now <= loaded_at + context->options.load_ahead + minute)
    return;
  loaded_at = now;
  loaded.erase(loaded.begin(), loaded.lower_bound(now - minute));
  const store_reader store{*context->ports.kv};
  for (auto& [id, of] : workflows)
    for (auto& trigger : of.triggers)
      if (const auto record = store.trigger(id, trigger.definition.id); record && record.value()) {
        trigger.until = std::max(trigger.until, now);
        pay_owed(id, of, trigger, record.value()->cursor);
      }
}

// Reads what is planned for the next minutes; a slot that is loaded already stays loaded once.
void planner_state::load() {
  look_for_jump();
  const auto now = context->now();
  std::map<std::string, due_slots> gone;
  const auto rows = store_reader{*context->ports.kv}.visit_planned(
      never, now + context->options.load_ahead, [&](const slot_record& row) {
        load_row(row, gone);
        return true;
      });
  if (!rows) {
    context->ports.fatal("the plan cannot be read: " + rows.error().message);
    return;
  }
  // Told already, perhaps to a WORKFLOW that crashed: again until they are decided.
  for (auto& [workflow, due] : gone)
    leave_out(workflows.at(workflow), std::move(due));
  loaded_at = now;
  // Reached before the next load only by a clock that is set forward: then that load is due now.
  if (horizon_timer != 0)
    self->send(context->timekeeper, msg::cancel_timer{horizon_timer});
  horizon_timer = context->new_timer();
  self->send(context->timekeeper, msg::arm_wall{horizon_timer, now + context->options.load_ahead},
             caf::actor_cast<timer_client>(self));
  if (load_timer == 0) {
    load_timer = context->new_timer();
    self->send(context->timekeeper,
               msg::arm_steady{load_timer, std::min(minute, context->options.load_ahead / 2)},
               caf::actor_cast<timer_client>(self));
  }
  fire_due();
}

void planner_state::load_row(const slot_record& row, std::map<std::string, due_slots>& gone) {
  const auto known = workflows.find(row.workflow);
  if (known == workflows.end() || known->second.writing > 0 || known->second.paying > 0)
    return;
  const auto& triggers = known->second.triggers;
  const auto trigger = std::find_if(triggers.begin(), triggers.end(), [&](const auto& each) {
    return each.definition.id == row.trigger;
  });
  if (trigger == triggers.end()) {
    if (row.slot <= context->now() && is_gone(known->second, row.trigger))
      gone[row.workflow][row.trigger].push_back(row.slot);
    return;
  }
  const auto due =
      row.slot + jitter_of(trigger->definition.jitter, row.workflow + '/' + row.trigger, row.slot);
  auto& at = loaded[due];
  if (at.empty())
    arm_slot(due);
  if (at.insert({row.workflow, row.trigger, row.slot}).second)
    self->send(known->second.actor, msg::load_slot{row.trigger, row.slot});
}

void planner_state::arm_slot(instant at) {
  const auto id = context->new_timer();
  slot_timers[id] = at;
  self->send(context->timekeeper, msg::arm_wall{id, at}, caf::actor_cast<timer_client>(self));
}

void planner_state::due(std::uint64_t id) {
  if (id == load_timer || id == horizon_timer) {
    (id == load_timer ? load_timer : horizon_timer) = 0;
    look_for_jump();
    extend_all();
    load();
    return;
  }
  look_for_jump();
  if (id == plan_timer) {
    extend_all();
    arm_plan();
    return;
  }
  slot_timers.erase(id);
  fire_due();
}

void planner_state::fire_due() {
  const auto now = context->now() + (PINION_MUTATION("fire_before_time") ? minute : duration{0});
  while (!loaded.empty() && loaded.begin()->first <= now) {
    const auto lag = now - loaded.begin()->first;
    for (const auto& each : loaded.begin()->second) {
      const auto known = workflows.find(each.workflow);
      if (known == workflows.end())
        continue;
      lags.worst_lag = std::max(lags.worst_lag, lag);
      lags.total_lag += lag;
      ++lags.slots_fired;
      self->send(known->second.actor, msg::fire_slot{each.trigger, each.slot});
      if (PINION_MUTATION("double_fire_a_slot"))
        self->send(known->second.actor, msg::fire_slot{each.trigger, each.slot});
    }
    loaded.erase(loaded.begin());
  }
}

void planner_state::drop_loaded(const std::string& workflow, instant from) {
  fire_due();
  for (auto at = loaded.begin(); at != loaded.end();) {
    std::erase_if(at->second,
                  [&](const auto& each) { return each.workflow == workflow && each.slot >= from; });
    at = at->second.empty() ? loaded.erase(at) : std::next(at);
  }
}

wheel_answer planner_state::describe() const {
  auto out = lags;
  for (const auto& [due, rows] : loaded) {
    const auto start = due - due.time_since_epoch() % minute;
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
  self->state.start_up();
  return {
      [self](const msg::timer_due& what) { self->state.due(what.id); },
      [self](const msg::plan_workflow& what, const workflow_actor& actor) {
        self->state.plan(what, actor);
      },
      [self](const msg::flush&) {
        self->state.load_queued = false;
        self->state.load();
      },
      [self](const msg::forget_workflow& what, const workflow_actor& actor) {
        self->state.forget(what.workflow, actor);
      },
      [self](const msg::wheel_query&) { return self->state.describe(); },
  };
}

} // namespace pinion
