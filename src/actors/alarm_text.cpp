#include "actors/run.hpp"
#include "pinion/timing/instant_text.hpp"

#include <nlohmann/json.hpp>

namespace pinion {

json_text alarm_body(const run_core& run, const run_effect::alarm& alarm) {
  static constexpr const char* kinds[] = {"failure", "success", "fallback"};
  nlohmann::ordered_json body;
  const auto& of = run.run();
  body["kind"] = kinds[static_cast<std::size_t>(alarm.kind)];
  body["run"] = to_string(of.id);
  body["workflow"] = of.workflow;
  body["trigger"] = of.trigger;
  body["slot"] = print_utc(of.slot);
  if (alarm.key) {
    const auto& task = run.definition().tasks[alarm.key->task];
    body["task"] = task.name;
    if (const auto* at = run.find(*alarm.key)) {
      body["index"] = at->element_key.empty() ? nlohmann::ordered_json(nullptr)
                                              : nlohmann::ordered_json(at->element_key);
      body["state"] = to_string(at->state);
      body["reason"] = to_string(at->why);
      body["message"] = at->message;
      body["attempt"] = at->attempt;
    }
  } else {
    // Its end tasks may still be at work: the alarm is about how it came out.
    const auto outcome = run.outcome();
    body["state"] = to_string(outcome.value_or(of.state));
    body["reason"] = to_string(outcome ? run.reason_of_outcome() : of.why);
    body["message"] = of.message;
  }
  body["at"] = print_utc(of.last_at);
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string alarm_row_key(const std::string& id) { return "alarm/" + id; }

json_text alarm_row(const msg::send_alarm& alarm) {
  nlohmann::json row;
  row["project"] = alarm.project;
  row["channel"] = alarm.channel;
  row["body"] = alarm.body;
  return row.dump();
}

} // namespace pinion
