#include "api/why_slot.hpp"

#include "api/objects.hpp"
#include "pinion/timing/instant_text.hpp"

namespace pinion {
namespace {

using minutes = std::chrono::minutes;

/// Why a slot was left out, for people.
std::string left_out(const slot_record& slot) {
  switch (slot.why) {
  case reason::misfire_policy:
    return "nobody was there to fire it in time, and the misfire policy leaves it out";
  case reason::no_process:
    return "no engine was there when it was due";
  case reason::trigger_paused:
    return "it passed while its trigger was paused";
  case reason::workflow_paused:
    return "it passed while its workflow was paused";
  default:
    return "reason " + std::string{to_string(slot.why)};
  }
}

blocked_by cause_of(const slot_record& slot, const std::string& name, zone in) {
  switch (slot.outcome) {
  case slot_outcome::planned:
    return {"time", name, "it is planned for " + print_local(slot.slot, in), never};
  case slot_outcome::paused:
    return {"paused", name, left_out(slot), slot.decided_at};
  case slot_outcome::skipped_overlap:
    return {"limit", name, "an earlier run was not over, and `overlap: skip` leaves the slot out",
            slot.decided_at};
  case slot_outcome::missed:
    return {"missed", name, left_out(slot), slot.decided_at};
  case slot_outcome::fired:
  case slot_outcome::late:
    break;
  }
  return {"retention", name, "its run is no longer kept", slot.decided_at};
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

why_answer why_slot(const slot_record& slot, zone in) {
  const auto name = objects::slot_name({slot.lane, slot.workflow, slot.trigger, slot.slot}, in);
  why_answer out;
  out.state = to_string(slot.outcome);
  out.causes.push_back(cause_of(slot, name, in));
  out.sentence = out.causes.front().message;
  if (slot.outcome == slot_outcome::planned)
    out.expected_start = slot.slot;
  else if (slot.outcome != slot_outcome::fired && slot.outcome != slot_outcome::late)
    out.sentence += "; make its run with: pinionctl trigger " + slot.workflow + '/' + slot.trigger +
                    " --slot " + print_local(slot.slot, in);
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
                          never});
  }
  BOOST_OUTCOME_TRYV(add_running(view, record, out));
  return out;
}

} // namespace pinion
