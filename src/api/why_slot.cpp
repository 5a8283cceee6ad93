#include "api/why_slot.hpp"

#include "api/objects.hpp"
#include "pinion/timing/duration_text.hpp"
#include "pinion/timing/instant_text.hpp"

namespace pinion {
namespace {

using minutes = std::chrono::minutes;

std::string text_of(const misfire_policy& policy) {
  const auto name = policy.policy == misfire_choice::all    ? "all"
                    : policy.policy == misfire_choice::last ? "last"
                                                            : "none";
  return std::string{"`misfire: {policy: "} + name + ", within: " + print_duration(policy.within) +
         ", max: " + std::to_string(policy.max) + "}`";
}

/// Why a slot was left out, for people.
std::string left_out(const slot_record& slot, const trigger_definition* trigger) {
  switch (slot.why) {
  case reason::misfire_policy:
    return "nobody was there to fire it in time, and the misfire policy leaves it out" +
           (trigger == nullptr
                ? std::string{}
                : ": " + text_of(trigger->misfire ? *trigger->misfire
                                                  : default_misfire(trigger->slots)));
  case reason::no_process:
    return "no engine was there when it was due";
  case reason::trigger_paused:
    return "it passed while its trigger was paused";
  case reason::workflow_paused:
    return "it passed while its workflow was paused";
  case reason::queue_full:
    return "too many earlier runs of its trigger were waiting already";
  case reason::overlap_skipped:
    return "an earlier run was not over, and the overlap policy leaves the slot out";
  case reason::actor_crashed:
    return "the engine's part that makes it failed too often";
  case reason::render_failed:
    return "its run could not be made: its parameters or needs do not hold";
  default:
    return "reason " + std::string{to_string(slot.why)};
  }
}

blocked_by cause_of(const slot_record& slot, const trigger_definition* trigger,
                    const std::string& name, zone in) {
  switch (slot.outcome) {
  case slot_outcome::planned:
    return {"time", name, "it is planned for " + print_local(slot.slot, in), never, slot.slot};
  case slot_outcome::paused:
    return {"paused", name, left_out(slot, trigger), slot.decided_at, never};
  case slot_outcome::skipped_overlap:
    return {"overlap", name, left_out(slot, trigger), slot.decided_at, never};
  case slot_outcome::missed:
    return {"missed", name, left_out(slot, trigger), slot.decided_at, never};
  case slot_outcome::fired:
  case slot_outcome::late:
    break;
  }
  return {"retention", name, "its run is no longer kept", slot.decided_at, never};
}

/// Since midnight of the day that the clocks show.
duration time_of_day(instant at, zone in) { return at - begin_of(day_of(at, in), in); }

bool is_within(const quiet_hours& hours, duration at) {
  if (hours.begin == hours.end)
    return true;
  return hours.begin < hours.end ? at >= hours.begin && at < hours.end
                                 : at >= hours.begin || at < hours.end;
}

/// When the hours begin next, to the minute.
instant next_begin(const quiet_hours& hours, instant now, zone in) {
  auto at = std::chrono::ceil<minutes>(now);
  for (int tries = 0; tries < 2 * 24 * 60 && !is_within(hours, time_of_day(at, in)); ++tries)
    at += minutes{1};
  return at;
}

std::string counted(const backfill_counts& counts, const backfill_record& record) {
  const auto of = [&](backfill_item_state state) {
    return counts[static_cast<std::size_t>(state)];
  };
  const auto done = of(backfill_item_state::success) + of(backfill_item_state::failed) +
                    of(backfill_item_state::skipped) + of(backfill_item_state::cancelled);
  return std::to_string(done) + " of " + std::to_string(record.total) + " slots are done, " +
         std::to_string(of(backfill_item_state::running)) + " running, " +
         std::to_string(of(backfill_item_state::failed)) + " failed";
}

/// The runs that it waits for before it starts further slots.
result<void> add_running(const store_view& view, const backfill_record& record, why_answer& out) {
  constexpr std::size_t most = 10;
  BOOST_OUTCOME_TRY(
      running, view.rows.list_backfill_items(record.id, backfill_item_state::running, {most, {}}));
  for (const auto& item : running.items)
    out.causes.push_back({"limit", to_string(item.run),
                          "is running; " + std::to_string(record.parallel) + " at a time", never});
  return ok();
}

} // namespace

why_answer why_slot(const slot_record& slot, const trigger_definition* trigger, zone in) {
  const auto name = objects::slot_name({slot.lane, slot.workflow, slot.trigger, slot.slot}, in);
  why_answer out;
  out.state = to_string(slot.outcome);
  out.causes.push_back(cause_of(slot, trigger, name, in));
  out.sentence = out.causes.front().message;
  if (slot.outcome == slot_outcome::planned)
    out.expected_start = slot.slot;
  else if (slot.outcome != slot_outcome::fired && slot.outcome != slot_outcome::late)
    out.sentence += "; make its run with: pinionctl trigger " + slot.workflow + '/' + slot.trigger +
                    " --slot " + print_local(slot.slot, in);
  return out;
}

result<void> add_pauses(const store_view& view, const slot_record& slot, why_answer& out) {
  const auto add = [&](const std::string& ref, const std::string& who, const std::string& why,
                       instant since) {
    out.causes.push_back({"paused", ref,
                          "paused by " + (who.empty() ? std::string{"somebody"} : who) +
                              (why.empty() ? "" : " (" + why + ')') +
                              ": if that stays so the slot is recorded as paused, without a run",
                          since, never});
    out.expected_start = never;
  };
  BOOST_OUTCOME_TRY(workflow, view.rows.workflow(slot.workflow));
  if (workflow && workflow->paused)
    add(slot.workflow, workflow->paused_by, workflow->paused_reason, workflow->paused_at);
  BOOST_OUTCOME_TRY(trigger, view.rows.trigger(slot.workflow, slot.trigger));
  if (trigger && trigger->paused)
    add(slot.workflow + '/' + slot.trigger, trigger->paused_by, trigger->paused_reason,
        trigger->paused_at);
  return ok();
}

result<why_answer> why_no_slot(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(definition, current_definition(view, ref.workflow));
  const auto in = objects::zone_of(*definition);
  BOOST_OUTCOME_TRY(at, parse_instant(ref.when, in));
  const store_directory others{view};
  for (const auto& trigger : definition->triggers) {
    const auto* rule = others.rule_of(*definition, trigger);
    if ((!ref.trigger.empty() && trigger.id != ref.trigger) || rule == nullptr ||
        !is_slot(*rule, at))
      continue;
    const auto name = objects::slot_name({"main", ref.workflow, trigger.id, at}, in);
    BOOST_OUTCOME_TRY(row, view.rows.trigger(ref.workflow, trigger.id));
    why_answer out;
    out.state = "undecided";
    if (!trigger.enabled)
      out.causes.push_back({"disabled", name, "the trigger says `enabled: false`", never, never});
    else if (row && at <= row->since)
      out.causes.push_back({"missed", name,
                            "it lies before " + print_local(row->since, in) +
                                ", when the trigger was first taken up: nothing is owed before "
                                "(`catchup: true` with `start:` would owe it); make its run with: "
                                "pinionctl trigger " +
                                ref.workflow + '/' + trigger.id + " --slot " + print_local(at, in),
                            row->since, never});
    else if (at > view.now())
      out.causes.push_back(
          {"time", name, "its time has not come, and it is not planned yet", never, at});
    else if (row && row->cursor >= at)
      out.causes.push_back({"retention", name,
                            "it was decided, and what became of it is no longer kept", never,
                            never});
    else
      out.causes.push_back({"time", name, "it is being decided at this moment", never, never});
    out.sentence = out.causes.front().message;
    if (at > view.now() && trigger.enabled)
      out.expected_start = at;
    return out;
  }
  return problem{errc::not_found,
                 print_local(at, in) + " is no slot of " + ref.workflow +
                     (ref.trigger.empty() ? "" : '/' + ref.trigger),
                 "'pinionctl preview " + ref.workflow +
                     "' shows the next ones, 'pinionctl get "
                     "slots " +
                     ref.workflow + "' those that were decided"};
}

result<std::vector<explanation>> last_slots(const store_view& view, const std::string& workflow,
                                            const std::string& trigger, zone in) {
  constexpr std::size_t most = 3;
  BOOST_OUTCOME_TRY(
      slots, view.rows.list_slots({"main", workflow, trigger, {}, never, view.now()}, {most, {}}));
  std::vector<explanation> out;
  for (const auto& slot : slots.items)
    if (slot.outcome != slot_outcome::planned)
      out.push_back({"slot", slot.run == run_id{} ? workflow + '/' + trigger : to_string(slot.run),
                     "the slot " + print_local(slot.slot, in) + " ended as " +
                         std::string{to_string(slot.outcome)} +
                         (slot.run == run_id{} ? " (" + left_out(slot, nullptr) + ')'
                                               : ": " + to_string(slot.run)),
                     slot.decided_at,
                     slot.outcome == slot_outcome::late ? slot.lateness : duration{-1}});
  return out;
}

result<why_answer> why_backfill(const store_view& view, const backfill_record& record) {
  BOOST_OUTCOME_TRY(counts, view.rows.counts_of_backfill(record.id));
  const auto definition = current_definition(view, record.workflow);
  const auto in = definition ? objects::zone_of(*definition.value()) : zone{};
  const auto name = to_backfill_name(record.id);
  why_answer out;
  out.state = to_string(record.state);
  out.sentence = counted(counts, record);
  if (record.state == backfill_state::paused)
    out.causes.push_back(
        {"paused", name, "it starts nothing until 'pinionctl resume " + name + "'", never});
  if (record.state != backfill_state::running)
    return out;
  if (!is_within(record.hours, time_of_day(view.now(), in))) {
    out.expected_start = next_begin(record.hours, view.now(), in);
    out.causes.push_back({"hours", name,
                          "it starts slots only within its hours; the next begin at " +
                              print_local(out.expected_start, in),
                          never, out.expected_start});
  }
  BOOST_OUTCOME_TRYV(add_running(view, record, out));
  return out;
}

} // namespace pinion
