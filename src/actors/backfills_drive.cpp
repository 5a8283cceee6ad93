#include "actors/backfills.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/rows.hpp"

#include <spdlog/spdlog.h>

namespace pinion {

namespace {

/// Message of an item whose run nobody had to make: a cancel of the backfill leaves that run alone.
constexpr const char* waited_for = "its run was under way already: the backfill waits for its end";

backfill_item_state item_state(run_state state) noexcept {
  switch (state) {
  case run_state::success:
  case run_state::skipped:
    return backfill_item_state::success;
  case run_state::cancelled:
    return backfill_item_state::cancelled;
  default:
    return backfill_item_state::failed;
  }
}

bool is_bad(backfill_item_state state) noexcept {
  return state == backfill_item_state::failed || state == backfill_item_state::cancelled;
}

} // namespace

void backfills_state::advance(std::uint64_t id) {
  const auto known = live.find(id);
  if (known == live.end() || known->second.ending)
    return;
  auto& at = known->second;
  const bool starts = at.record->state == backfill_state::running && !at.stopping;
  const auto parallel = at.record->parallel + (PINION_MUTATION("too_many_slots_at_once") ? 1U : 0U);
  while (starts && at.items.size() < parallel && fill_window(at)) {
    const auto hours = opening_at(at.record->hours, context->now(), zone_of(*at.record));
    if (hours.begin > context->now()) {
      wait_for_opening(at, hours.begin);
      break;
    }
    auto next = std::move(at.window.front());
    at.window.pop_front();
    start(at, std::move(next));
  }
  const bool gives_up = at.stopping || is_over(at.record->state);
  if (at.items.empty() && (gives_up || !fill_window(at)))
    end(id);
}

// Of the definition as it is now: also what is under way moves with its workflow's zone.
zone backfills_state::zone_of(const backfill_record& record) const {
  const auto definitions = context->definitions();
  const auto* of = definitions->directory().definition(record.workflow);
  const auto in = zone::load(of == nullptr ? "UTC" : of->timezone);
  return in ? in.value() : zone{};
}

bool backfills_state::fill_window(live_backfill& at) {
  while (at.window.empty() && !at.read_all) {
    const page_request ask{window_size, at.cursor};
    auto page = store().list_backfill_items(at.record->id, backfill_item_state::pending, ask);
    if (!page) {
      at.ending = true;
      fatal(page.error());
      return false;
    }
    std::move(page.value().items.begin(), page.value().items.end(), std::back_inserter(at.window));
    at.cursor = std::move(page.value().next);
    at.read_all = at.cursor.empty();
  }
  return !at.window.empty();
}

void backfills_state::wait_for_opening(live_backfill& at, instant opening) {
  if (at.opening_timer != 0)
    return;
  at.opening_timer = context->new_timer();
  timers[at.opening_timer] = {at.record->id, 0};
  self->send(context->timekeeper, msg::arm_wall{at.opening_timer, opening},
             caf::actor_cast<timer_client>(self));
}

// ---- one item

void backfills_state::start(live_backfill& at, backfill_item item) {
  if (!at.record->isolated) {
    const auto rows = store();
    const auto run = rows.run_by_key({"main", item.workflow, item.trigger, item.slot});
    const auto row = run && run.value() ? rows.run(*run.value()) : std::optional<run_record>{};
    if (row && row.value() && !is_terminal(row.value()->state))
      item.message = waited_for;
  }
  const auto position = item.position;
  auto& one = at.items[position];
  one.item = std::move(item);
  ask(at, one);
}

void backfills_state::ask(const live_backfill& at, under_way& one) {
  const auto& record = *at.record;
  one.at = under_way::stage::asked;
  ++one.tries;
  msg::make_slot what;
  what.trigger = one.item.trigger;
  what.slot = one.item.slot;
  what.by = {record.created_by, "backfill " + backfill_name(record.id) +
                                    (record.reason.empty() ? "" : ": " + record.reason)};
  what.backfill = at.record;
  what.item = one.item;
  self->request(context->engine, caf::infinite, one.item.workflow, std::move(what))
      .then([this, id = record.id, position = one.item.position](
                const msg::made_slot& answer) { made(id, position, answer); },
            [this, id = record.id, position = one.item.position](const caf::error& why) {
              not_made(id, position, to_problem(why));
            });
}

void backfills_state::made(std::uint64_t id, std::uint32_t position, const msg::made_slot& answer) {
  if (answer.left)
    settle(id, position, backfill_item_state::skipped, answer.run,
           "it has a run already, which is left as it is");
  else
    attach(id, position, answer.run);
}

// Whoever could not answer may do so a moment later, or has made the run: what is under way to the
// disk is waited for.
void backfills_state::not_made(std::uint64_t id, std::uint32_t position, const problem& why) {
  self->request(context->journal, caf::infinite, msg::submit{})
      .then([this, id, position, why](std::uint64_t) {
        auto* one = find(id, position);
        if (one == nullptr || attach_if_made(*one))
          return;
        if (why.code == errc::unavailable && one->tries < max_tries) {
          one->at = under_way::stage::deferred;
          timers[arm_steady(try_again_after)] = {id, position};
        } else {
          settle(id, position, backfill_item_state::failed, {}, why.message);
        }
      });
}

void backfills_state::ask_again(std::uint64_t id, std::uint32_t position) {
  auto* one = find(id, position);
  if (one == nullptr || one->at != under_way::stage::deferred || attach_if_made(*one))
    return;
  const auto& at = live.at(id);
  if (is_over(at.record->state))
    settle(id, position, backfill_item_state::cancelled, {}, "the backfill was cancelled");
  else
    ask(at, *one);
}

// Who gave no answer in time may have made the run all the same: the row says so.
bool backfills_state::attach_if_made(const under_way& one) {
  const auto row = store().backfill_item_at(one.item.backfill, one.item.position);
  if (!row) {
    fatal(row.error());
    return true;
  }
  if (!row.value() || row.value()->state != backfill_item_state::running)
    return false;
  attach(one.item.backfill, one.item.position, row.value()->run);
  return true;
}

void backfills_state::attach(std::uint64_t id, std::uint32_t position, run_id run) {
  auto* one = find(id, position);
  if (one == nullptr)
    return;
  one->at = under_way::stage::running;
  one->item.state = backfill_item_state::running;
  one->item.run = run;
  runs[run] = {id, position};
  look_later();
  look_at(run);
}

// The store decides: what was told of an end may be older than a rerun.
void backfills_state::look_at(run_id run) {
  const auto ours = runs.find(run);
  if (ours == runs.end())
    return;
  const auto [id, position] = ours->second;
  const auto row = store().run(run);
  if (!row) {
    fatal(row.error());
    return;
  }
  if (!row.value()) {
    settle(id, position, backfill_item_state::failed, run, "its run is gone");
    return;
  }
  const auto& record = *row.value();
  if (is_terminal(record.state))
    settle(id, position, item_state(record.state), run,
           record.message.empty() && record.state == run_state::failed
               ? "its run " + to_string(run) + " failed"
               : record.message);
  else if (is_over(live.at(id).record->state) && !record.cancel_requested)
    cancel_run(id, run);
}

void backfills_state::run_ended(run_id run) { look_at(run); }

void backfills_state::cancel_run(std::uint64_t id, run_id run) {
  const auto* one = find(id, runs.at(run).second);
  if (one == nullptr || one->item.message == waited_for)
    return;
  const auto message = "backfill " + backfill_name(id) + " was cancelled";
  run_operation cancel;
  cancel.why = reason::run_cancelled;
  cancel.message = message;
  self->send(
      context->engine,
      msg::operate{
          run, cancel, {"engine", message}, msg::answer<operation_answer>{[run](const auto& done) {
            if (!done)
              spdlog::warn("a run of a cancelled backfill is not cancelled: run={} {}",
                           to_string(run), done.error().message);
          }}});
}

void backfills_state::settle(std::uint64_t id, std::uint32_t position, backfill_item_state state,
                             run_id run, std::string message) {
  auto* one = find(id, position);
  if (one == nullptr || one->at == under_way::stage::settled)
    return;
  auto now = one->item;
  now.state = state;
  now.run = run;
  now.message = std::move(message);
  kv_batch batch;
  put_backfill_item(batch, now, &one->item);
  one->at = under_way::stage::settled;
  runs.erase(run);
  const keys::slot_key slot{"main", now.workflow, now.trigger, now.slot};
  submit(std::move(batch), [this, id, position, state, slot, made = run != run_id{}] {
    if (!made) // Who waits for it: nobody makes it now.
      self->send(context->directory, msg::slots_told{slot.workflow, slot});
    const auto known = live.find(id);
    if (known == live.end())
      return;
    auto& at = known->second;
    at.items.erase(position);
    if (is_bad(state) && at.record->stop_on_failure)
      at.stopping = true;
    advance(id);
  });
}

// ---- timers

void backfills_state::look_later() {
  if (look_timer == 0)
    look_timer = arm_steady(look_again_after);
}

void backfills_state::due(std::uint64_t timer) {
  if (timer == look_timer) {
    look_timer = 0;
    std::vector<run_id> all;
    for (const auto& [run, _] : runs)
      all.push_back(run);
    for (const auto run : all)
      look_at(run);
    if (!runs.empty())
      look_later();
    return;
  }
  const auto found = timers.find(timer);
  if (found == timers.end())
    return;
  const auto [id, position] = found->second;
  timers.erase(found);
  if (position != 0) {
    ask_again(id, position);
  } else if (const auto known = live.find(id); known != live.end()) {
    known->second.opening_timer = 0;
    advance(id);
  }
}

} // namespace pinion
