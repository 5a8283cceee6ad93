#include "actors/planner.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/rows.hpp"

#include <algorithm>

namespace pinion {

namespace {

/// Missed slots that are told in one piece.
constexpr std::size_t max_told = 1'000;

std::vector<instant> times_of(const std::vector<ruled_slot>& slots) {
  std::vector<instant> out;
  out.reserve(slots.size());
  for (const auto& slot : slots)
    out.push_back(slot.at);
  return out;
}

} // namespace

instant planner_state::newest_slot(const std::string& workflow, const std::string& trigger) const {
  slot_filter filter;
  filter.workflow = workflow;
  filter.trigger = trigger;
  page_request ask;
  ask.limit = 1;
  const auto newest = store_reader{*context->ports.kv}.list_slots(filter, ask);
  return newest && !newest.value().items.empty() ? newest.value().items.front().slot : never;
}

// Slots that came while nobody could fire them go through the misfire policy; all else is planned.
void planner_state::pay_owed(const std::string& id, planned_workflow& of, planned_trigger& trigger,
                             instant cursor) {
  const auto now = context->now();
  auto policy = trigger.definition.misfire.value_or(default_misfire(trigger.slots));
  if (PINION_MUTATION("ignore_misfire_policy"))
    policy = {misfire_choice::all, std::chrono::hours{1'000}, 1'000};
  // Behind the last row of then the new rule goes on.
  const auto from = cursor >= of.rule_from
                        ? cursor
                        : std::max(cursor, std::min(of.rule_from - duration{1},
                                                    newest_slot(id, trigger.definition.id)));
  auto run = times_of(slots_owed(trigger.slots, policy, from, now, 0).run);
  if (cursor < of.rule_from)
    pay_planned(id, of, trigger, cursor, std::min(now + duration{1}, of.rule_from), run.size());
  const auto first = next_slot(trigger.slots, from);
  if (!first || first->at > now)
    return;
  owed_walk walk{id,
                 of.generation,
                 trigger.definition.id,
                 trigger.slots,
                 from + duration{1},
                 {},
                 std::move(run),
                 {},
                 {}};
  walk.to = walk.run.empty() ? now + duration{1} : walk.run.front();
  keep_jittered(id, of, trigger, std::max(from, now - trigger.definition.jitter), walk);
  ++of.paying;
  pay_next(std::move(walk));
}

// Of the rule before an edit only the planned rows are left: they are what is owed in [cursor, to).
// `newer` slots of the rule of now run already: the policy counts both together.
void planner_state::pay_planned(const std::string& id, planned_workflow& of,
                                const planned_trigger& trigger, instant cursor, instant to,
                                std::size_t newer) {
  const auto now = context->now();
  const auto policy = trigger.definition.misfire.value_or(default_misfire(trigger.slots));
  const auto most = policy.policy == misfire_choice::none   ? 0U
                    : policy.policy == misfire_choice::last ? 1U
                                                            : policy.max;
  const auto left = most - std::min<std::size_t>(most, newer);
  slot_filter filter;
  filter.workflow = id;
  filter.trigger = trigger.definition.id;
  filter.outcome = slot_outcome::planned;
  filter.from = cursor;
  filter.to = to;
  page_request ask;
  ask.limit = 1'000;
  msg::owed_slots what{trigger.definition.id, {}, {}, false};
  do {
    const auto rows = store_reader{*context->ports.kv}.list_slots(filter, ask);
    if (!rows) {
      context->ports.fatal("the plan cannot be read: " + rows.error().message);
      return;
    }
    for (const auto& row : rows.value().items) { // Newest first.
      const auto name_of = id + '/' + row.trigger;
      if (row.slot + jitter_of(trigger.definition.jitter, name_of, row.slot) > now)
        continue;
      const bool runs = what.run.size() < left && row.slot >= now - policy.within;
      (runs ? what.run : what.missed).push_back(row.slot);
    }
    ask.cursor = rows.value().next;
  } while (!ask.cursor.empty());
  if (what.run.empty() && what.missed.empty())
    return;
  std::reverse(what.run.begin(), what.run.end());
  std::reverse(what.missed.begin(), what.missed.end());
  ++of.paying;
  tell_owed(id, of, std::move(what), [this] { load_soon(); });
}

// What waits for its jitter is not late yet: it stays planned, and fires when that is over.
void planner_state::keep_jittered(const std::string& id, const planned_workflow& of,
                                  const planned_trigger& trigger, instant after, owed_walk& walk) {
  const auto now = context->now();
  const auto name_of = id + '/' + trigger.definition.id;
  const store_reader store{*context->ports.kv};
  kv_batch batch;
  for (auto slot = next_slot(trigger.slots, after); slot && slot->at <= now;
       slot = next_slot(trigger.slots, slot->at)) {
    if (slot->at + jitter_of(trigger.definition.jitter, name_of, slot->at) <= now)
      continue;
    walk.jittered.insert(slot->at);
    const auto row = store.slot({"main", id, trigger.definition.id, slot->at});
    // One that is being taken back is still there to be read.
    if (row && (!row.value() ||
                (row.value()->outcome == slot_outcome::planned && slot->at >= of.voided_from)))
      put_slot(batch, row_of(id, of, trigger, *slot), nullptr);
  }
  std::erase_if(walk.run, [&](instant slot) { return walk.jittered.contains(slot); });
  walk.kept = std::move(batch);
}

void planner_state::pay_next(owed_walk walk) {
  const auto known = workflows.find(walk.workflow);
  if (known == workflows.end() || known->second.generation != walk.generation)
    return;
  msg::owed_slots piece{walk.trigger, {}, {}, false};
  piece.missed = times_of(slots_between(walk.slots, walk.from, walk.to, max_told));
  piece.more = piece.missed.size() == max_told;
  if (piece.more)
    walk.from = piece.missed.back() + duration{1};
  else
    piece.run = walk.run;
  std::erase_if(piece.missed, [&](instant slot) { return walk.jittered.contains(slot); });
  const auto more = piece.more;
  if (more)
    ++known->second.paying; // For the next piece, before this one is done.
  tell_owed(walk.workflow, known->second, std::move(piece), [this, walk = walk, more] {
    if (more)
      return pay_next(walk);
    if (!walk.kept.empty())
      submit_plan(walk.workflow, walk.kept, [] {});
    load_soon();
  });
}

// Counts in `paying`, which was raised for it; `then` only if it is still of use.
void planner_state::tell_owed(const std::string& id, planned_workflow& of, msg::owed_slots what,
                              std::function<void()> then) {
  const auto done = [this, id, generation = of.generation, then = std::move(then)] {
    const auto still = workflows.find(id);
    if (still == workflows.end() || still->second.generation != generation)
      return;
    if (--still->second.paying == 0)
      extend_later(id);
    then();
  };
  self->request(of.actor, caf::infinite, std::move(what))
      .then([done](caf::unit_t) { done(); }, [done](const caf::error&) { done(); });
}

} // namespace pinion
