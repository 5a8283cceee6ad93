#include "api/objects.hpp"

#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion::objects {
namespace {

const trigger_record* row_of(const std::vector<trigger_record>& rows, const std::string& id) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const trigger_record& row) { return row.trigger == id; });
  return found == rows.end() ? nullptr : &*found;
}

/// The next slot of a trigger that is neither off nor paused.
std::optional<instant> next_of(const workflow_definition& definition,
                               const trigger_definition& trigger, const trigger_record* row,
                               const store_directory& others, instant now) {
  if (!trigger.enabled || (row != nullptr && row->paused))
    return std::nullopt;
  const auto* rule = others.rule_of(definition, trigger);
  const auto next =
      rule == nullptr
          ? std::optional<ruled_slot>{}
          : next_slot(*rule, std::max(now, others.rule_from(definition.id()) - duration{1}));
  return next ? std::optional{next->at} : std::nullopt;
}

std::string_view overlap_name(overlap_policy policy) {
  switch (policy) {
  case overlap_policy::queue:
    return "queue";
  case overlap_policy::queue_one:
    return "queue_one";
  case overlap_policy::skip:
    return "skip";
  case overlap_policy::cancel_running:
    return "cancel_running";
  case overlap_policy::allow:
    return "allow";
  }
  return "queue";
}

json labels_of(const workflow_definition& definition) {
  json labels = json::object();
  for (const auto& [name, value] : definition.labels)
    labels[name] = value;
  return labels;
}

json pause_fields(bool paused, const std::string& by, const std::string& why, instant at) {
  if (!paused)
    return nullptr;
  return {{"by", by}, {"reason", why}, {"at", time(at)}};
}

} // namespace

json trigger(const workflow_definition& definition, const trigger_definition& trigger,
             const trigger_record* row, const store_directory& others, instant now) {
  const auto next = next_of(definition, trigger, row, others, now);
  const bool paused = row != nullptr && row->paused;
  return {{"id", definition.id() + '/' + trigger.id},
          {"workflow", definition.id()},
          {"trigger", trigger.id},
          {"schedule", trigger.text},
          {"enabled", trigger.enabled},
          {"paused", paused},
          {"pause", paused ? pause_fields(true, row->paused_by, row->paused_reason, row->paused_at)
                           : json()},
          {"since", row != nullptr ? time(row->since) : json()},
          {"next_slot", next ? json(print_local(*next, zone_of(definition))) : json()}};
}

json workflow(const workflow_record& record, const workflow_definition& definition,
              const std::vector<trigger_record>& triggers, const store_directory& others,
              instant now) {
  json shown = json::array();
  std::optional<instant> next;
  for (const auto& one : definition.triggers) {
    const auto* row = row_of(triggers, one.id);
    shown.push_back(trigger(definition, one, row, others, now));
    const auto slot =
        record.paused || record.retired ? std::nullopt : next_of(definition, one, row, others, now);
    if (slot && (!next || *slot < *next))
      next = slot;
  }
  return {{"id", record.id},
          {"project", definition.project},
          {"workflow", definition.name},
          {"version", record.version},
          {"hash", record.hash},
          {"description", definition.description},
          {"owner", definition.owner},
          {"labels", labels_of(definition)},
          {"timezone", definition.timezone},
          {"tasks", definition.tasks.size()},
          {"overlap", overlap_name(definition.overlap)},
          {"max_active_runs", definition.max_active_runs},
          {"source", record.source.empty() ? json() : json(record.source)},
          {"paused", record.paused},
          {"pause",
           pause_fields(record.paused, record.paused_by, record.paused_reason, record.paused_at)},
          {"retired", record.retired},
          {"updated_at", time(record.updated_at)},
          {"triggers", std::move(shown)},
          {"next_slot", next ? json(print_local(*next, zone_of(definition))) : json()}};
}

} // namespace pinion::objects
