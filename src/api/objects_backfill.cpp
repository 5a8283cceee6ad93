#include "api/objects.hpp"

#include "pinion/api/reference.hpp"
#include "pinion/timing/instant_text.hpp"

#include <array>

namespace pinion::objects {
namespace {

constexpr std::size_t most_slots = 100;

constexpr std::array need_states{"success", "done"};
constexpr std::array missing_policies{"wait", "satisfied", "fail", "skip"};
constexpr std::array outcomes{"success", "skipped", "failed"};

template <class Enum, std::size_t Count>
const char* name_in(const std::array<const char*, Count>& names, Enum value) {
  return names[static_cast<std::size_t>(value) % Count];
}

/// "22:00"
std::string clock_text(duration since_midnight) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(since_midnight).count();
  const auto two = [](long long value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  return two(minutes / 60) + ':' + two(minutes % 60);
}

json hours_text(const quiet_hours& hours) {
  return hours.begin == hours.end ? json()
                                  : json(clock_text(hours.begin) + '-' + clock_text(hours.end));
}

json run_or_null(run_id run) { return run.value == 0 ? json() : json(to_string(run)); }

std::string_view name_of(backfill_slot::act what) {
  switch (what) {
  case backfill_slot::act::make:
    return "make";
  case backfill_slot::act::rerun:
    return "rerun";
  case backfill_slot::act::leave:
    break;
  }
  return "leave";
}

} // namespace

json edge(const bound_edge& edge, const edge_record* settled, const std::string& task, zone in) {
  json slots = json::array();
  for (const auto slot : edge.slots) {
    if (slots.size() == most_slots)
      break;
    slots.push_back(print_local(slot, in));
  }
  return {{"task", task},
          {"kind", edge.need == bound_edge::after_gate ? "after"
                   : edge.previous()                   ? "previous"
                                                       : "need"},
          {"workflow", edge.workflow},
          {"trigger", edge.trigger},
          {"upstream_task", edge.upstream_task.empty() ? json() : json(edge.upstream_task)},
          {"state", name_in(need_states, edge.state)},
          {"missing", name_in(missing_policies, edge.missing)},
          {"slots", std::move(slots)},
          {"slot_count", edge.slots.size()},
          {"settled", settled == nullptr ? json() : json(name_in(outcomes, settled->outcome))},
          {"settled_at", settled == nullptr ? json() : time(settled->at)},
          {"message", settled == nullptr ? std::string{} : settled->message}};
}

json task_switch(const pinion::task_switch& record) {
  return {{"id", record.workflow + '.' + record.task},
          {"workflow", record.workflow},
          {"task", record.task},
          {"mode", to_string(record.mode)},
          {"by", record.by},
          {"reason", record.reason},
          {"at", time(record.at)}};
}

json backfill(const backfill_record& record, const backfill_counts& counts) {
  json by_state = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0)
      by_state[std::string{to_string(static_cast<backfill_item_state>(i))}] = counts[i];
  json params = json::object();
  for (const auto& [name, value] : record.params)
    params[name] = from_stored(value);
  return {{"id", to_backfill_name(record.id)},
          {"workflow", record.workflow},
          {"trigger", record.trigger},
          {"state", to_string(record.state)},
          {"total", record.total},
          {"counts", std::move(by_state)},
          {"order", record.descending ? "desc" : "asc"},
          {"parallel", record.parallel},
          {"reprocess", to_string(record.reprocess)},
          {"on_failure", record.stop_on_failure ? "stop" : "continue"},
          {"version", record.pinned ? "pinned" : "latest"},
          {"isolated", record.isolated},
          {"downstream", record.downstream ? "all" : "none"},
          {"tasks", record.tasks},
          {"rest", record.tasks.empty() ? json() : json(record.leave_rest ? "leave" : "dryrun")},
          {"hours", hours_text(record.hours)},
          {"params", std::move(params)},
          {"created_by", record.created_by},
          {"reason", record.reason},
          {"created_at", time(record.created_at)},
          {"ended_at", time(record.ended_at)}};
}

json backfill_item(const pinion::backfill_item& record, zone in) {
  return {{"backfill", to_backfill_name(record.backfill)},
          {"position", record.position},
          {"workflow", record.workflow},
          {"trigger", record.trigger},
          {"slot", print_local(record.slot, in)},
          {"biz_date", print_day(biz_date(record.slot, in))},
          {"state", to_string(record.state)},
          {"run", run_or_null(record.run)},
          {"message", record.message}};
}

json backfill_slot(const pinion::backfill_slot& slot, zone in) {
  return {{"workflow", slot.workflow},          {"trigger", slot.trigger},
          {"slot", print_local(slot.slot, in)}, {"biz_date", slot.biz_date},
          {"run", run_or_null(slot.run)},       {"action", name_of(slot.what)}};
}

} // namespace pinion::objects
