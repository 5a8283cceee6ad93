#include "api/why_workflow.hpp"

#include "api/objects.hpp"
#include "api/why_slot.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {

namespace {

std::string by_whom(const std::string& who, const std::string& reason) {
  return "paused by " + (who.empty() ? std::string{"somebody"} : who) +
         (reason.empty() ? "" : " (" + reason + ')') + ": its slots are recorded as paused";
}

std::optional<instant> next_of(const workflow_definition& definition,
                               const trigger_definition& trigger, const store_directory& others,
                               instant now) {
  const auto* rule = others.rule_of(definition, trigger);
  const auto next = rule == nullptr ? std::optional<ruled_slot>{} : next_slot(*rule, now);
  return next ? std::optional{next->at} : std::nullopt;
}

void add_trigger(const workflow_definition& definition, const trigger_definition& trigger,
                 const trigger_record* row, const store_directory& others, instant now,
                 why_answer& out) {
  const auto ref = definition.id() + '/' + trigger.id;
  if (!trigger.enabled) {
    out.causes.push_back({"disabled", ref, "the trigger says `enabled: false`", never});
  } else if (row != nullptr && row->paused) {
    out.causes.push_back(
        {"paused", ref, by_whom(row->paused_by, row->paused_reason), row->paused_at});
  } else if (const auto next = next_of(definition, trigger, others, now)) {
    const auto behind = trigger.after ? " (that of " + trigger.after->workflow + ')' : "";
    out.causes.push_back(
        {"time", ref,
         "its next slot is " + print_local(*next, objects::zone_of(definition)) + behind, never,
         *next});
    if (out.expected_start == never || *next < out.expected_start)
      out.expected_start = *next;
  } else {
    out.causes.push_back({"time", ref, "it has no slots any more", never});
  }
}

} // namespace

result<why_answer> why_workflow(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(record, find_workflow(view, ref.workflow));
  BOOST_OUTCOME_TRY(definition, current_definition(view, ref.workflow));
  BOOST_OUTCOME_TRY(rows, view.rows.triggers_of(ref.workflow));
  BOOST_OUTCOME_TRY(held, view.kv().get(family::meta, "held"));
  why_answer out;
  out.state = record.retired ? "retired" : record.paused ? "paused" : "active";
  if (record.retired)
    out.causes.push_back({"retired", record.id,
                          record.source == unlisted_source
                              ? "it was made for single runs, and stands in no list"
                              : "its file is gone; it returns with the file",
                          never});
  if (record.paused)
    out.causes.push_back(
        {"paused", record.id, by_whom(record.paused_by, record.paused_reason), record.paused_at});
  if (held)
    out.causes.push_back(
        {"held", "engine", "the engine is on hold: it starts nothing new until `unhold`", never});
  const store_directory others{view};
  bool known = ref.trigger.empty();
  for (const auto& trigger : definition->triggers) {
    if (!ref.trigger.empty() && trigger.id != ref.trigger)
      continue;
    known = true;
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const auto& each) { return each.trigger == trigger.id; });
    add_trigger(*definition, trigger, row == rows.end() ? nullptr : &*row, others, view.now(), out);
  }
  if (!ref.trigger.empty() && known) {
    BOOST_OUTCOME_TRY(slots,
                      last_slots(view, record.id, ref.trigger, objects::zone_of(*definition)));
    out.because = std::move(slots);
  }
  if (!known)
    return problem{errc::not_found, record.id + " has no trigger " + ref.trigger,
                   "`pinionctl get triggers --workflow " + record.id + "` lists them"};
  if (definition->triggers.empty())
    out.causes.push_back(
        {"time", record.id, "it has no trigger: it runs by hand or when called", never});
  if (record.paused || record.retired)
    out.expected_start = never;
  out.sentence = out.causes.empty() ? out.state : out.causes.front().message;
  return out;
}

} // namespace pinion
