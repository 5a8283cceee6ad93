#include "pinion/simulator/simulation_report.hpp"
#include "pinion/timing/instant_text.hpp"

#include <nlohmann/json.hpp>

namespace pinion {
namespace {

using json = nlohmann::ordered_json;

double seconds(duration of) { return static_cast<double>(of.count()) / 1e6; }

json time_or_null(instant at) { return at == never ? json{} : json(print_utc(at)); }

/// Slots are printed in the zone of their workflow, as everywhere.
class writer {
public:
  explicit writer(const simulation_result& result) : result_{result} {
    for (const auto& workflow : result.workflows) {
      const auto in = zone::load(workflow->timezone);
      zones_.push_back(in ? in.value() : zone{});
    }
  }

  json instance(const simulated_instance& at) const {
    const auto& run = result_.runs[at.run];
    json out = run_name(run);
    out["task"] = result_.task_of(at).name;
    out["index"] = at.index == 0 ? json{} : json(result_.indexes[at.index]);
    out["state"] = to_string(at.state);
    out["reason"] = to_string(at.why);
    out["attempts"] = at.attempts;
    out["ready_at"] = time_or_null(at.ready_at);
    out["started_at"] = time_or_null(at.started_at);
    out["ended_at"] = time_or_null(at.ended_at);
    return out;
  }

  json late(const late_instance& late) const {
    const auto& at = result_.instances[late.instance];
    json out = instance(at);
    out["deadline"] = print_utc(late.deadline);
    out["late_s"] = at.ended_at == never ? json{} : json(seconds(at.ended_at - late.deadline));
    return out;
  }

  json run(const simulated_run& run) const {
    json out = run_name(run);
    out["outcome"] = to_string(run.outcome);
    out["state"] = run.outcome == slot_outcome::fired ? json(to_string(run.state)) : json{};
    out["reason"] = to_string(run.why);
    out["dry"] = run.dry;
    out["fired_at"] = print_utc(run.fired_at);
    out["started_at"] = time_or_null(run.started_at);
    out["ended_at"] = time_or_null(run.ended_at);
    return out;
  }

  json surprise(const clock_surprise& found) const {
    json slots = json::array();
    for (const auto slot : found.slots)
      slots.push_back(print_local(slot, zones_[found.workflow]));
    return {{"kind", to_string(found.what)}, {"workflow", result_.workflows[found.workflow]->id()},
            {"trigger", found.trigger},      {"civil", found.civil},
            {"timezone", found.zone},        {"slots", std::move(slots)}};
  }

  json summary(const workflow_summary& of) const {
    return {{"workflow", result_.workflows[of.workflow]->id()},
            {"slots", of.slots},
            {"success", of.success},
            {"failed", of.failed},
            {"cancelled", of.cancelled},
            {"skipped", of.skipped},
            {"left_out", of.left_out},
            {"unfinished", of.unfinished},
            {"mean_s", seconds(of.mean)},
            {"longest_s", seconds(of.longest)},
            {"usual_end_s", seconds(of.usual_end)},
            {"latest_end_s", seconds(of.latest_end)},
            {"last_end", time_or_null(of.last_end)}};
  }

private:
  json run_name(const simulated_run& run) const {
    return {{"workflow", result_.workflow_of(run).id()},
            {"trigger", result_.trigger_of(run)},
            {"slot", print_local(run.slot, zones_[run.workflow])}};
  }

  const simulation_result& result_;
  std::vector<zone> zones_;
};

json pool_of(const simulated_pool& of) {
  json hours = json::array();
  double used = 0;
  std::uint32_t most_used = 0;
  std::uint32_t most_queued = 0;
  for (const auto& hour : of.hours) {
    hours.push_back({{"hour", print_utc(hour.start)},
                     {"used", hour.used},
                     {"queued", hour.queued},
                     {"most_used", hour.most_used},
                     {"most_queued", hour.most_queued}});
    used += hour.used;
    most_used = std::max(most_used, hour.most_used);
    most_queued = std::max(most_queued, hour.most_queued);
  }
  return {{"pool", of.name},        {"capacity", of.capacity},    {"used_hours", used},
          {"most_used", most_used}, {"most_queued", most_queued}, {"hours", std::move(hours)}};
}

template <class List, class Make>
json list_of(const List& list, Make make) {
  json out = json::array();
  for (const auto& each : list)
    out.push_back(make(each));
  return out;
}

} // namespace

std::string to_json(const simulation_result& result, const simulation_report& report) {
  const writer write{result};
  json out;
  out["from"] = print_utc(result.from);
  out["to"] = print_utc(result.to);
  out["ended_at"] = print_utc(result.ended_at);
  out["makespan_s"] = seconds(report.makespan);
  out["late"] = list_of(report.late, [&](const auto& each) { return write.late(each); });
  out["missed"] =
      list_of(report.missed, [&](std::uint32_t at) { return write.run(result.runs[at]); });
  out["unfinished"] =
      list_of(report.stuck, [&](std::uint32_t at) { return write.run(result.runs[at]); });
  out["surprises"] =
      list_of(report.surprises, [&](const auto& each) { return write.surprise(each); });
  out["assumptions"] = result.assumptions;
  out["workflows"] =
      list_of(report.workflows, [&](const auto& each) { return write.summary(each); });
  out["pools"] = list_of(result.pools, pool_of);
  out["instances"] =
      list_of(result.instances, [&](const auto& each) { return write.instance(each); });
  return out.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

} // namespace pinion
