#include "actors/backfills.hpp"

#include "actors/crash.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pinion {

void backfills_state::in_turn(std::function<void()> request) {
  waiting.push_back(std::move(request));
  next_in_turn();
}

void backfills_state::next_in_turn() {
  while (ready && !making && !waiting.empty()) {
    const auto next = std::move(waiting.front());
    waiting.pop_front();
    next();
  }
}

result<backfill_plan> backfills_state::plan_of(const backfill_request& ask) const {
  const auto definitions = context->definitions();
  BOOST_OUTCOME_TRY(plan, plan_backfill(ask, *definitions, context->now()));
  if (!ask.isolated) {
    BOOST_OUTCOME_TRY(refuse_overlap(plan));
  }
  return std::move(plan);
}

// Two that make or rerun the same slot would each take the other's run for its own.
result<void> backfills_state::refuse_overlap(const backfill_plan& plan) const {
  if (live.empty())
    return ok();
  const auto rows = store();
  for (const auto& each : plan.slots) {
    const auto& source = plan.source_of(each);
    BOOST_OUTCOME_TRY(open, rows.open_backfill_items(source.workflow, source.trigger, each.slot));
    for (const auto& item : open) {
      BOOST_OUTCOME_TRY(other, rows.backfill(item.backfill));
      if (!other || other->isolated)
        continue;
      const auto other_name = backfill_name(item.backfill);
      return problem{errc::refused,
                     other_name + " by " + other->created_by + " has " +
                         print_local(each.slot, source.in) + " of " + source.workflow + '/' +
                         source.trigger + ", and is not over",
                     "wait for its end, cancel it (`pinionctl cancel " + other_name +
                         "`), or leave its slots out"};
    }
  }
  return ok();
}

// ---- preview

result<backfill_slot> backfills_state::preview_slot(const backfill_plan::source& of, instant slot,
                                                    const backfill_request& ask) const {
  backfill_slot out;
  out.workflow = of.workflow;
  out.trigger = of.trigger;
  out.slot = slot;
  out.biz_date = print_day(biz_date(slot, of.in));
  if (ask.isolated)
    return out;
  const auto rows = store();
  BOOST_OUTCOME_TRY(run, rows.run_by_key({"main", of.workflow, of.trigger, slot}));
  if (!run) {
    if (ask.leave_rest && !ask.tasks.empty() && of.workflow == ask.workflow)
      out.what = backfill_slot::act::leave;
    return out;
  }
  out.run = *run;
  BOOST_OUTCOME_TRY(row, rows.run(*run));
  const bool alive = row && !is_terminal(row->state);
  const bool good = row && (row->state == run_state::success || row->state == run_state::skipped);
  const bool again = !alive && ask.reprocess != reprocess_policy::none &&
                     !(ask.reprocess == reprocess_policy::failed && good);
  out.what = again ? backfill_slot::act::rerun : backfill_slot::act::leave;
  return out;
}

void backfills_state::preview(const msg::preview_backfill& what) const {
  const auto plan = plan_of(what.request);
  if (!plan) {
    what.done(plan.error());
    return;
  }
  backfill_preview out;
  out.slots.reserve(plan.value().slots.size());
  for (const auto& each : plan.value().slots) {
    auto slot = preview_slot(plan.value().source_of(each), each.slot, what.request);
    if (!slot) {
      what.done(slot.error());
      return;
    }
    out.slots.push_back(std::move(slot).value());
  }
  what.done(std::move(out));
}

// ---- making

backfill_record backfills_state::record_of(const backfill_request& ask, const backfill_plan& plan,
                                           const caller& by) const {
  backfill_record out;
  out.id = highest + 1;
  out.workflow = plan.sources.front().workflow;
  out.trigger = plan.sources.front().trigger;
  out.descending = ask.descending;
  out.parallel = ask.parallel;
  out.reprocess = ask.reprocess;
  out.stop_on_failure = ask.stop_on_failure;
  out.isolated = ask.isolated;
  out.pinned = ask.pinned;
  out.downstream = ask.downstream;
  out.tasks = ask.tasks;
  out.leave_rest = ask.leave_rest;
  out.hours = ask.hours;
  out.params = ask.params;
  out.created_by = by.who;
  out.reason = by.reason;
  out.created_at = context->now();
  out.total = static_cast<std::uint32_t>(plan.slots.size());
  return out;
}

void backfills_state::make(msg::backfill& what) {
  auto plan = plan_of(what.request);
  if (!plan) {
    what.done(plan.error());
    return;
  }
  making = true;
  auto record = record_of(what.request, plan.value(), what.by);
  write_new(std::make_shared<const backfill_plan>(std::move(plan).value()), std::move(record), 0,
            std::make_shared<const msg::backfill>(what));
}

void backfills_state::write_new(std::shared_ptr<const backfill_plan> plan, backfill_record record,
                                std::size_t first, std::shared_ptr<const msg::backfill> asked) {
  kv_batch batch;
  const auto end = std::min(first + max_rows, plan->slots.size());
  for (auto i = first; i < end; ++i) {
    const auto& source = plan->source_of(plan->slots[i]);
    backfill_item item;
    item.backfill = record.id;
    item.position = static_cast<std::uint32_t>(i + 1);
    item.workflow = source.workflow;
    item.trigger = source.trigger;
    item.slot = plan->slots[i].slot;
    put_backfill_item(batch, item, nullptr);
  }
  if (end < plan->slots.size()) {
    submit(std::move(batch), [this, plan, record = std::move(record), end, asked] {
      write_new(plan, record, end, asked);
    });
    return;
  }
  if (!asked->owed_row.empty())
    batch.erase(family::meta, asked->owed_row);
  put_backfill(batch, record, nullptr);
  auto made = audit(asked->by, "backfill", record.id);
  made.details = nlohmann::json{
      {"workflow", record.workflow},
      {"trigger", record.trigger},
      {"slots",
       record.total}}.dump();
  put_audit(batch, made, asked->by.request.get());
  submit(std::move(batch), [this, record = std::move(record), asked] {
    highest = record.id;
    making = false;
    spdlog::info("backfill begins: id={} trigger={}/{} slots={}", backfill_name(record.id),
                 record.workflow, record.trigger, record.total);
    asked->done(record);
    if (auto taken_up = restore(record); !taken_up)
      fatal(taken_up.error());
    next_in_turn();
  });
}

// ---- what all use

backfills_state::under_way* backfills_state::find(std::uint64_t id, std::uint32_t position) {
  const auto known = live.find(id);
  if (known == live.end())
    return nullptr;
  const auto item = known->second.items.find(position);
  return item == known->second.items.end() ? nullptr : &item->second;
}

std::uint64_t backfills_state::arm_steady(duration in) {
  const auto timer = context->new_timer();
  self->send(context->timekeeper, msg::arm_steady{timer, in}, caf::actor_cast<timer_client>(self));
  return timer;
}

void backfills_state::submit(kv_batch batch, std::function<void()> then) {
  msg::submit what;
  what.batch = std::move(batch);
  self->request(context->journal, caf::infinite, std::move(what))
      .then([then = std::move(then)](std::uint64_t) { then(); });
}

audit_record backfills_state::audit(const caller& by, std::string verb, std::uint64_t id) const {
  audit_record record;
  record.at = context->now();
  record.who = by.who;
  record.verb = std::move(verb);
  record.object = backfill_name(id);
  record.reason = by.reason;
  return record;
}

void backfills_state::fatal(const problem& why) const {
  context->ports.fatal("the backfills cannot be read: " + why.message);
}

backfills_actor::behavior_type backfills(backfills_actor::stateful_pointer<backfills_state> self,
                                         context_ptr context, std::uint64_t highest) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.context = std::move(context);
  state.highest = highest;
  return {
      [self](const msg::timer_due& what) { self->state.due(what.id); },
      [self](msg::backfill& what) {
        self->state.in_turn([self, what]() mutable { self->state.make(what); });
      },
      [self](const msg::preview_backfill& what) {
        self->state.in_turn([self, what] { self->state.preview(what); });
      },
      [self](msg::steer_backfill& what) {
        self->state.in_turn([self, what]() mutable { self->state.steer(what); });
      },
      [self](const msg::backfilled& what) { self->state.run_ended(what.run); },
      [self](const msg::recovered&) { self->state.recover(); },
  };
}

} // namespace pinion
