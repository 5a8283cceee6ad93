#include "actors/planner.hpp"
#include "pinion/storage/rows.hpp"

#include <algorithm>

namespace pinion {

void planner_state::forget(const std::string& workflow, const workflow_actor& actor) {
  drop_loaded(workflow, never);
  auto known = workflows.find(workflow);
  if (known == workflows.end()) {
    const auto triggers = store_reader{*context->ports.kv}.triggers_of(workflow);
    const bool planned =
        triggers && std::any_of(triggers.value().begin(), triggers.value().end(),
                                [&](const auto& each) { return is_planned(each); });
    if (triggers && !planned)
      return;
    known = workflows.try_emplace(workflow).first;
  }
  auto& of = known->second;
  of.actor = actor;
  self->send(of.actor, msg::unload_slots{});
  of.triggers.clear();
  of.definition = nullptr;
  of.paying = 0;
  of.generation = ++generations;
  leave_out(of, void_planned(workflow, never, nullptr, of.version + 1));
}

bool planner_state::is_planned(const trigger_record& trigger) const {
  return planned_until(trigger.workflow, trigger.trigger) != never;
}

bool planner_state::is_gone(const planned_workflow& of, const std::string& trigger) {
  return of.definition == nullptr ||
         std::none_of(of.definition->triggers.begin(), of.definition->triggers.end(),
                      [&](const auto& each) { return each.id == trigger && each.enabled; });
}

// Slots of a trigger that has gone, also of those that wait for their jitter: after an edit, and at
// a start, as the engine may have died in between.
void planner_state::leave_out_gone(const std::string& workflow, planned_workflow& of) {
  const auto triggers = store_reader{*context->ports.kv}.triggers_of(workflow);
  if (!triggers) {
    context->ports.fatal("the plan cannot be read: " + triggers.error().message);
    return;
  }
  const bool any =
      std::any_of(triggers.value().begin(), triggers.value().end(),
                  [&](const auto& each) { return is_gone(of, each.trigger) && is_planned(each); });
  if (!any)
    return;
  for (auto at = loaded.begin(); at != loaded.end();) {
    std::erase_if(at->second, [&](const auto& each) {
      return each.workflow == workflow && is_gone(of, each.trigger);
    });
    at = at->second.empty() ? loaded.erase(at) : std::next(at);
  }
  leave_out(of, void_planned(workflow, never, of.definition.get(), of.version,
                             [&](const auto& row) { return !is_gone(of, row.trigger); }));
}

// What is due and was not decided will not be any more.
void planner_state::leave_out(const planned_workflow& of, due_slots due) {
  for (auto& [trigger, slots] : due)
    self->request(of.actor, caf::infinite, msg::owed_slots{trigger, std::move(slots), {}, false})
        .then([](caf::unit_t) {}, [](const caf::error&) {});
}

planner_state::due_slots
planner_state::void_planned(const std::string& workflow, instant from,
                            const workflow_definition* kept, std::uint32_t version,
                            const std::function<bool(const slot_record&)>& stays) {
  due_slots due;
  const auto now = context->now();
  const store_reader store{*context->ports.kv};
  const auto fail = [this](const problem& why) {
    context->ports.fatal("the plan cannot be read: " + why.message);
    return due_slots{};
  };
  const auto triggers = store.triggers_of(workflow);
  if (!triggers)
    return fail(triggers.error());
  kv_batch batch;
  for (const auto& trigger : triggers.value()) {
    slot_filter filter;
    filter.workflow = workflow;
    filter.trigger = trigger.trigger;
    filter.outcome = slot_outcome::planned;
    // A trigger that is gone ends at once. Nothing waits longer than a day for its jitter.
    const bool gone = kept != nullptr &&
                      std::none_of(kept->triggers.begin(), kept->triggers.end(),
                                   [&](const auto& each) { return each.id == trigger.trigger; });
    filter.from = std::max(gone ? never : from, now - std::chrono::days{1});
    page_request ask;
    ask.limit = 1'000;
    do {
      const auto rows = store.list_slots(filter, ask);
      if (!rows)
        return fail(rows.error());
      for (const auto& row : rows.value().items)
        if (stays && stays(row))
          continue;
        else if (row.slot > now)
          erase_slot(batch, row);
        else
          due[row.trigger].insert(due[row.trigger].begin(), row.slot);
      ask.cursor = rows.value().next;
    } while (!ask.cursor.empty());
  }
  if (!batch.empty()) {
    auto& voided_from = workflows[workflow].voided_from;
    voided_from = std::min(voided_from, std::max(from, now + duration{1}));
  }
  // What was on its way before is durable once this batch is: it may be of the older version.
  const bool look_again = !stays && workflows[workflow].writing > 0;
  // Also when there is nothing to erase: what is loaded next waits for the acknowledgement.
  submit_plan(workflow, std::move(batch), [this, workflow, from, version, look_again] {
    if (look_again)
      void_surplus(workflow, from, version);
    self->send(context->directory, msg::slots_told{workflow, std::nullopt});
  });
  return due;
}

// Slots that the rule has still are written anew, behind these. Meanwhile there may have been
// another edit: of what is not older it knows better.
void planner_state::void_surplus(const std::string& workflow, instant from, std::uint32_t version) {
  const auto& of = workflows.at(workflow);
  const auto stays = [&of, version](const slot_record& row) {
    if (of.definition == nullptr)
      return false;
    const auto trigger =
        std::find_if(of.triggers.begin(), of.triggers.end(),
                     [&](const auto& each) { return each.definition.id == row.trigger; });
    return (trigger != of.triggers.end() && is_slot(trigger->slots, row.slot)) ||
           row.version > version || (row.version == version && of.version != version);
  };
  auto due = void_planned(workflow, from, of.definition.get(), version, stays);
  std::erase_if(due, [&](const auto& each) { return !is_gone(of, each.first); });
  leave_out(of, std::move(due));
}

} // namespace pinion
