#include "api/timeline.hpp"

#include "api/objects.hpp"
#include "pinion/api/reference.hpp"

#include <algorithm>

namespace pinion {

void timeline::add(instant at, const std::string& ref, std::string_view what, std::string_view why,
                   const std::string& message) {
  if (at != never)
    events_.push_back({at, ref, std::string{what}, std::string{why}, message});
}

void timeline::add_run(const run_record& run) {
  const auto ref = to_string(run.id);
  add(run.created_at, ref, "created");
  add(run.fired_at, ref, "fired");
  add(run.started_at, ref, "running");
  if (is_terminal(run.state))
    add(run.ended_at, ref, to_string(run.state), to_string(run.why), run.message);
}

void timeline::add_instance(const std::string& ref, const instance_record& instance) {
  add(instance.triggered_at, ref, "triggered");
  add(instance.waiting_at, ref, "waiting");
  add(instance.pre_ready_at, ref, "pre_ready");
  add(instance.ready_at, ref, "ready");
  add(instance.started_at, ref, "running");
  if (instance.body_ended_at != instance.ended_at)
    add(instance.body_ended_at, ref, "body_ended");
  if (is_terminal(instance.state))
    add(instance.ended_at, ref, to_string(instance.state), to_string(instance.why),
        instance.message);
}

void timeline::add_attempt(const std::string& ref, const attempt_record& attempt) {
  const auto name = ref + '#' + std::to_string(attempt.number);
  add(attempt.ready_at, name, "ready");
  add(attempt.started_at, name, "running");
  if (attempt.state == attempt_state::ended)
    add(attempt.ended_at, name, to_string(attempt.outcome), to_string(attempt.why),
        attempt.message);
}

void timeline::add_backfill(const backfill_record& backfill) {
  const auto ref = to_backfill_name(backfill.id);
  add(backfill.created_at, ref, "created", {}, "by " + backfill.created_by);
  add(backfill.ended_at, ref, to_string(backfill.state));
}

void timeline::add_audit(const audit_record& audit) {
  add(audit.at, audit.object, audit.verb, {},
      "by " + audit.who + (audit.reason.empty() ? "" : ": " + audit.reason));
}

json timeline::take(std::size_t most) {
  std::stable_sort(events_.begin(), events_.end(),
                   [](const event& a, const event& b) { return a.at < b.at; });
  const auto first = events_.size() > most ? events_.size() - most : 0;
  json shown = json::array();
  for (std::size_t i = first; i < events_.size(); ++i) {
    const auto& one = events_[i];
    shown.push_back({{"at", objects::time(one.at)},
                     {"ref", one.ref},
                     {"event", one.what},
                     {"reason", one.why.empty() ? json() : json(one.why)},
                     {"message", one.message}});
  }
  return shown;
}

} // namespace pinion
