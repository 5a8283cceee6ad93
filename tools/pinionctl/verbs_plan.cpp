#include "runs.hpp"
#include "show.hpp"

#include <cstdio>
#include <map>

namespace pinion::ctl {
namespace {

constexpr std::uint64_t page_of_instances = 10'000;

query day_of(const arguments& args) {
  return {{"date", args.text("date")},
          {"timezone", args.text("timezone")},
          {"workflow", args.text("workflow")}};
}

/// All minutes of the day; an answer holds a day, so there is hardly ever a second page.
json fetch_plan(client& engine, const query& of) {
  auto plan = engine.get("/api/v1/plan", of);
  while (!plan["next"].is_null()) {
    auto values = of;
    values["cursor"] = text_of(plan, "next");
    auto more = engine.get("/api/v1/plan", values);
    for (auto& item : more["items"])
      plan["items"].push_back(std::move(item));
    plan["next"] = more["next"];
  }
  return plan;
}

json fetch_instances(client& engine, query values) {
  json all = json::array();
  values["limit"] = std::to_string(page_of_instances);
  for (;;) {
    auto page = engine.get("/api/v1/plan/instances", values);
    for (auto& item : page["items"])
      all.push_back(std::move(item));
    if (page["next"].is_null())
      return all;
    values["cursor"] = text_of(page, "next");
  }
}

/// Puts the instances under their minutes.
void add_instances(json& plan, json instances) {
  std::map<std::string, json> by_minute;
  for (auto& one : instances) {
    auto& list = by_minute.try_emplace(text_of(one, "minute"), json::array()).first->second;
    one.erase("minute");
    list.push_back(std::move(one));
  }
  for (auto& item : plan["items"]) {
    const auto found = by_minute.find(text_of(item, "minute"));
    item["instances"] = found == by_minute.end() ? json::array() : std::move(found->second);
  }
}

/// Only the minute that --minute names, which the clocks may show twice.
void keep_minute(json& plan, const std::string& minute) {
  auto& items = plan["items"];
  json kept = json::array();
  for (auto& item : items)
    if (text_of(item, "local") == minute)
      kept.push_back(std::move(item));
  items = std::move(kept);
}

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = text.size(); at > 3;)
    text.insert(at -= 3, ",");
  return text;
}

std::string headline(const json& plan) {
  auto text = "Plan of " + text_of(plan, "date") + " (" + text_of(plan, "timezone") +
              "): " + grouped(plan.value("runs", std::uint64_t{0})) + " runs, " +
              grouped(plan.value("count", std::uint64_t{0})) + " instances";
  if (const auto& peak = plan["peak"]; peak.is_object())
    text +=
        "; about " + text_of(peak, "slots") + " slots busy at most, at " + text_of(peak, "local");
  return text;
}

void print_minutes(console& out, const json& plan) {
  out.line(headline(plan));
  if (plan["items"].empty())
    return;
  out.line("");
  print_items(out, plan["items"], fields_of("plan"), "minute");
  out.line("");
  out.line(out.dim("--minute HH:MM shows the instances of a minute"));
}

} // namespace

exit_code run_plan(session& now) {
  const auto& args = now.args;
  auto& out = now.out;
  const auto minute = args.text("minute");
  const auto values = day_of(args);
  const bool document = out.chosen() == format::as_json || out.chosen() == format::yaml;
  if (out.for_people() && minute.empty()) {
    print_minutes(out, fetch_plan(now.engine, values));
    return exit_code::done;
  }
  json instances = json::array();
  if (!args.has("counts") || !minute.empty()) {
    auto asked = values;
    asked["minute"] = minute;
    instances = fetch_instances(now.engine, std::move(asked));
  }
  if (document) {
    auto plan = fetch_plan(now.engine, values);
    if (!minute.empty())
      keep_minute(plan, minute);
    if (!args.has("counts"))
      add_instances(plan, std::move(instances));
    out.document(plan);
    return exit_code::done;
  }
  print_items(out, instances,
              {{"INSTANCE", "id"},
               {"WORKFLOW", "workflow"},
               {"TRIGGER", "trigger"},
               {"SLOT", "slot"},
               {"STATE", "state", false, true},
               {"DRY", "dry", true},
               {"VERSION", "version", true}});
  return exit_code::done;
}

} // namespace pinion::ctl
