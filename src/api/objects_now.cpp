#include "api/objects.hpp"

namespace pinion::objects {
namespace {

std::string_view name_of(apply_change::kind what) {
  switch (what) {
  case apply_change::kind::created:
    return "created";
  case apply_change::kind::updated:
    return "updated";
  case apply_change::kind::unchanged:
    return "unchanged";
  case apply_change::kind::retired:
    return "retired";
  case apply_change::kind::kept:
    return "kept";
  }
  return "unchanged";
}

} // namespace

json pool(const pool_status& status) {
  const auto name = status.project.empty() ? status.pool : status.project + '.' + status.pool;
  return {
      {"id", name},          {"project", status.project.empty() ? json() : json(status.project)},
      {"pool", status.pool}, {"capacity", status.capacity},
      {"used", status.used}, {"queued", status.queued}};
}

json why(const why_answer& answer) {
  json causes = json::array();
  for (const auto& cause : answer.causes)
    causes.push_back({{"kind", cause.kind},
                      {"ref", cause.ref},
                      {"message", cause.message},
                      {"since", time(cause.since)},
                      {"until", time(cause.until)}});
  json because = json::array();
  for (const auto& fact : answer.because)
    because.push_back({{"kind", fact.kind},
                       {"ref", fact.ref},
                       {"message", fact.message},
                       {"at", time(fact.at)},
                       {"took_s", fact.took < duration::zero() ? json() : seconds(fact.took)}});
  return {{"state", answer.state},
          {"message", answer.sentence},
          {"blocked_by", std::move(causes)},
          {"because", std::move(because)},
          {"expected_start", time(answer.expected_start)},
          {"expected_end", time(answer.expected_end)},
          {"critical_path", answer.critical_path}};
}

json wheel(const wheel_answer& answer) {
  json minutes = json::array();
  for (const auto& [minute, count] : answer.minutes)
    minutes.push_back({{"minute", time(minute)}, {"count", count}});
  return {{"wall_entries", answer.wall_entries},
          {"steady_entries", answer.steady_entries},
          {"next_wall", time(answer.next_wall)},
          {"next_steady_s",
           answer.next_steady < duration::zero() ? json() : seconds(answer.next_steady)},
          {"fired", answer.fired},
          {"cancelled", answer.cancelled},
          {"slots_fired", answer.slots_fired},
          {"worst_lag_s", seconds(answer.worst_lag)},
          {"mean_lag_s", answer.slots_fired == 0
                             ? json()
                             : json(std::chrono::duration<double>(answer.total_lag).count() /
                                    static_cast<double>(answer.slots_fired))},
          {"minutes", std::move(minutes)}};
}

json health(const health_answer& answer) {
  return {{"ready", answer.ready},
          {"held", answer.held},
          {"epoch", answer.epoch},
          {"live_runs", answer.live_runs},
          {"slots", answer.slots},
          {"busy", answer.busy},
          {"started_at", time(answer.started_at)},
          {"recovery_s", seconds(answer.recovery)},
          {"problems", answer.problems}};
}

json changes(const apply_answer& answer, const std::map<std::string, json>& fire_times,
             json warnings) {
  json items = json::array();
  for (const auto& change : answer.changes) {
    const auto times = fire_times.find(change.workflow);
    items.push_back({{"workflow", change.workflow},
                     {"version", change.version},
                     {"change", name_of(change.what)},
                     {"message", change.message},
                     {"fire_times", times == fire_times.end() ? json::array() : times->second}});
  }
  auto shown = list(std::move(items), {});
  shown["warnings"] = std::move(warnings);
  return shown;
}

} // namespace pinion::objects
