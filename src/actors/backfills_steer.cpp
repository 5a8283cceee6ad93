#include "actors/backfills.hpp"
#include "pinion/storage/rows.hpp"

#include <spdlog/spdlog.h>

namespace pinion {

problem backfills_state::not_steerable(std::uint64_t id) const {
  const auto called = backfill_name(id);
  const auto row = store().backfill(id);
  if (!row)
    return row.error();
  if (!row.value())
    return {errc::not_found, "there is no backfill " + called,
            "`pinionctl get backfills` lists them"};
  const auto known = live.find(id);
  const auto state = known != live.end() ? known->second.record->state : row.value()->state;
  if (known != live.end() && !is_over(state))
    return {errc::refused, called + " is just ending", {}};
  return {errc::refused, called + " is over: " + std::string{to_string(state)}, {}};
}

void backfills_state::steer(msg::steer_backfill& what) {
  const auto known = live.find(what.id);
  if (known == live.end() || is_over(known->second.record->state) || known->second.ending) {
    what.done(not_steerable(what.id));
    return;
  }
  if (known->second.resuming) // It counts only once it is durable.
    self->request(context->journal, caf::infinite, msg::submit{})
        .then([this, what](std::uint64_t) mutable { steer(what); });
  else if (what.verb == backfill_verb::cancel)
    cancel(known->second, what);
  else
    pause_or_resume(known->second, what);
}

void backfills_state::pause_or_resume(live_backfill& at, const msg::steer_backfill& what) {
  const bool pause = what.verb == backfill_verb::pause;
  const auto to = pause ? backfill_state::paused : backfill_state::running;
  if (at.record->state == to) {
    what.done(problem{errc::refused,
                      backfill_name(what.id) + (pause ? " is paused already" : " is not paused"),
                      {}});
    return;
  }
  auto now = *at.record;
  now.state = to;
  kv_batch batch;
  put_backfill(batch, now, at.record.get());
  put_audit(batch, audit(what.by, pause ? "pause" : "resume", what.id), what.by.request.get());
  // A pause counts at once, what it lets start again only when it is durable.
  if (pause)
    at.record = std::make_shared<const backfill_record>(now);
  else
    at.resuming = true;
  submit(std::move(batch), [this, now, what, pause] {
    what.done(operation_answer{1});
    const auto still = live.find(what.id);
    if (pause || still == live.end() || is_over(still->second.record->state))
      return;
    still->second.record = std::make_shared<const backfill_record>(now);
    still->second.resuming = false;
    advance(what.id);
  });
}

// The record first: from there on nothing of it starts, whatever happens to this engine.
void backfills_state::cancel(live_backfill& at, const msg::steer_backfill& what) {
  auto now = *at.record;
  now.state = backfill_state::cancelled;
  kv_batch batch;
  put_backfill(batch, now, at.record.get());
  put_audit(batch, audit(what.by, "cancel", what.id), what.by.request.get());
  at.record = std::make_shared<const backfill_record>(now);
  submit(std::move(batch), [this, what] {
    const auto still = live.find(what.id);
    const auto counts = store().counts_of_backfill(what.id);
    if (!counts) {
      fatal(counts.error());
      return;
    }
    const auto of = [&](backfill_item_state state) {
      return counts.value()[static_cast<std::size_t>(state)];
    };
    what.done(
        operation_answer{of(backfill_item_state::pending) + of(backfill_item_state::running)});
    if (still == live.end())
      return;
    std::vector<run_id> running;
    for (const auto& [_, one] : still->second.items)
      if (one.at == under_way::stage::running)
        running.push_back(one.item.run);
    for (const auto run : running)
      look_at(run);
    advance(what.id);
  });
}

// ---- the end

void backfills_state::end(std::uint64_t id) {
  auto& at = live.at(id);
  at.ending = true;
  const bool cancelled = is_over(at.record->state);
  if (!cancelled && !at.stopping) {
    write_end(id);
    return;
  }
  page_request ask{max_rows, {}};
  kv_batch batch;
  std::set<std::string> unmade;
  do {
    const auto page = store().list_backfill_items(id, backfill_item_state::pending, ask);
    if (!page) {
      fatal(page.error());
      return;
    }
    for (const auto& item : page.value().items) {
      auto now = item;
      now.state = backfill_item_state::cancelled;
      now.message = cancelled ? "the backfill was cancelled" : "another slot of it failed";
      put_backfill_item(batch, now, &item);
      unmade.insert(item.workflow);
    }
    ask.cursor = page.value().next;
  } while (batch.empty() && !ask.cursor.empty());
  if (batch.empty())
    write_end(id);
  else
    submit(std::move(batch), [this, id, unmade = std::move(unmade)] {
      // Who waits for these slots: nobody makes them now.
      for (const auto& workflow : unmade)
        self->send(context->directory, msg::slots_told{workflow, std::nullopt});
      end(id);
    });
}

void backfills_state::write_end(std::uint64_t id) {
  auto& at = live.at(id);
  const auto counts = store().counts_of_backfill(id);
  if (!counts) {
    fatal(counts.error());
    return;
  }
  const auto of = [&](backfill_item_state state) {
    return counts.value()[static_cast<std::size_t>(state)];
  };
  const auto bad = of(backfill_item_state::failed) + of(backfill_item_state::cancelled);
  auto now = *at.record;
  if (!is_over(now.state))
    now.state = bad == 0 ? backfill_state::success : backfill_state::failed;
  now.ended_at = context->now();
  kv_batch batch;
  put_backfill(batch, now, at.record.get());
  at.record = std::make_shared<const backfill_record>(now);
  submit(std::move(batch), [this, id, state = now.state, bad] {
    spdlog::info("backfill is over: id={} state={} not_done={}", backfill_name(id),
                 to_string(state), bad);
    if (const auto known = live.find(id); known != live.end()) {
      timers.erase(known->second.opening_timer);
      live.erase(known);
    }
  });
}

} // namespace pinion
