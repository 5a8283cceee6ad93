#include "simulator/sample.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace pinion;
using namespace pinion::testing;

std::vector<std::string> surprises(const std::string& trigger, std::string_view from,
                                   std::string_view to) {
  const auto set = load_sample("workflow: w\ntimezone: Europe/Brussels\ntriggers: [{id: t, " +
                               trigger + "}]\ntasks: {work: {run: \"true\"}}\n");
  std::vector<std::string> out;
  for (const auto& each : surprises_of(*set.workflows[0], 0, at(from), at(to)))
    out.push_back(std::string{to_string(each.what)} + ' ' + each.civil + ' ' +
                  std::to_string(each.slots.size()));
  return out;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("changes of the clocks are told with what they do to slots", "[report]") {
  const auto spring = [](const std::string& trigger) {
    return surprises(trigger, "2026-03-01", "2026-04-01");
  };
  const auto autumn = [](const std::string& trigger) {
    return surprises(trigger, "2026-10-01", "2026-11-01");
  };
  CHECK(spring("cron: \"30 2 * * *\"") == texts{"moved 2026-03-29T02:30:00 1"});
  CHECK(spring("cron: \"30 2 * * *\", dst: {missing: skip}") ==
        texts{"left_out 2026-03-29T02:30:00 0"});
  CHECK(spring("cron: \"0,30 2,3 * * *\"") ==
        texts{"merged 2026-03-29T02:00:00 1", "merged 2026-03-29T02:30:00 1"});
  CHECK(autumn("cron: \"30 2 * * *\"") == texts{"once 2026-10-25T02:30:00 1"});
  CHECK(autumn("cron: \"30 * * * *\"") == texts{"doubled 2026-10-25T02:30:00 2"});
  CHECK(autumn("cron: \"30 4 * * *\"").empty());
  CHECK(autumn("every: 1h").empty());
  CHECK(surprises("cron: \"30 2 * * *\"", "2026-04-01", "2026-10-01").empty());
  CHECK(spring("cron: \"30 2 * * *\", end: \"2026-03-15\"").empty());
}

TEST_CASE("a deadline is a time on the slot's own date", "[report]") {
  const auto set = load_sample(R"(
workflow: w
timezone: Asia/Shanghai
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {work: {run: "true", deadline: "08:00"}, late: {run: "true", deadline: "26:30"}}
)");
  const auto& of = *set.workflows[0];
  const auto slot = at("2026-11-20T02:00:00+08:00");
  CHECK(deadline_of(of, of.tasks[0], slot) == at("2026-11-20T08:00:00+08:00"));
  CHECK(deadline_of(of, of.tasks[1], slot) == at("2026-11-21T02:30:00+08:00"));
}

TEST_CASE("late is who had not succeeded by the deadline, nor its fallback", "[report]") {
  const std::string text = R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  first: {run: "true", deadline: "02:30"}
  model: {needs: first, run: "true", deadline: "03:00", fallback: simple}
  simple: {run: "true"}
)";
  const auto late = [&](std::string_view durations) {
    const sample day{text, "2026-11-20", "2026-11-21", durations};
    texts out;
    for (const auto& each : day.report.late)
      out.push_back(day.result.task_of(day.result.instances[each.instance]).name);
    CHECK(day.report.deadline_missed == !out.empty());
    return out;
  };
  CHECK(late(R"({"*": "10m"})").empty());
  CHECK(late(R"({"*": "35m"})") == texts{"first", "model"});
  CHECK(late(R"({"p.w": "10m", "p.w.model": {"exits": [1]}})").empty());
  CHECK(late(R"({"p.w": "25m", "p.w.model": {"exits": [1]}})") == texts{"model"});
}

TEST_CASE("a slot without a run misses the deadline of its workflow", "[report]") {
  const sample day{R"(
workflow: w
overlap: skip
triggers: [{id: t, cron: "0 * * * *"}]
tasks: {work: {run: "true", deadline: "47:00"}}
)",
                   "2026-11-20", "2026-11-20T03:00", R"({"*": "90m"})"};
  CHECK(day.report.late.empty());
  CHECK(day.report.deadline_missed);
}

TEST_CASE("the JSON has what its documentation names", "[report]") {
  const sample day{R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {work: {run: "true", deadline: "02:00"}}
)",
                   "2026-11-20", "2026-11-22"};
  const auto json = nlohmann::json::parse(to_json(day.result, day.report));
  CHECK(json["instances"].size() == 2);
  CHECK(json["instances"][0]["started_at"] == "2026-11-20T02:00:00.000000Z");
  CHECK(json["instances"][0]["slot"] == "2026-11-20T02:00:00+00:00");
  CHECK(json["late"][0]["late_s"] == 60.0);
  CHECK(json["missed"].empty());
  CHECK(json["makespan_s"] == 86'460.0);
  CHECK(json["pools"][0]["pool"] == "slots");
  CHECK(json["workflows"][0]["usual_end_s"] == 7'260.0);
  for (const auto* key : {"from", "to", "ended_at", "unfinished", "surprises", "assumptions"})
    CHECK(json.contains(key));
}

TEST_CASE("page and chart stand alone and show each instance", "[report]") {
  const sample day{R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {work: {run: "true", for_each: {x: ["a", "b"]}}}
)",
                   "2026-11-20", "2026-11-21"};
  const auto svg = to_svg(day.result, day.report);
  const auto html = to_html(day.result, day.report);
  for (const auto& text : {svg, html}) {
    CHECK(text.find("p.w.work:a of 2026-11-20T02:00:00.000000Z: success") != std::string::npos);
    CHECK(text.find("src=") == std::string::npos);
    CHECK(text.find("<script") == std::string::npos);
    CHECK(text.find("href") == std::string::npos);
  }
  CHECK(html.find("<h1>") < html.find("<svg"));
}

TEST_CASE("durations are read, and refused with their place", "[durations]") {
  const auto error = [](std::string_view text) {
    const auto read = parse_durations(text);
    REQUIRE_FALSE(read);
    return read.error().message;
  };
  CHECK(error("[]") == "durations: not a map from names to durations");
  CHECK(error(R"({"a": -1})") == "durations: a: the duration is not from 0 to 366 days");
  CHECK(error(R"({"a": {"fails": 2}})") == "durations: a: fails is no share from 0 to 1");
  CHECK(error(R"({"a": {"mena": 2}})") == "durations: a: there is no key mena");
  CHECK(error(R"({"a": {"exits": [300]}})") == "durations: a: exits is no list of exit codes");
  CHECK(error(R"({"a": {"outputs": 3}})") == "durations: a: outputs is no map");
}

TEST_CASE("the most exact name that gives a key counts", "[durations]") {
  const auto set = load_sample("workflow: w\ntasks: {a: {run: x}, b: {run: x}}\n");
  const auto read = parse_durations(
      R"({"*": {"mean": 10, "fails": 1}, "p": 20, "p.w": {"default": "30s"}, "p.w.b": {"spread": 5}})");
  REQUIRE(read);
  process_question ask{*set.workflows[0], "t", at("2026-11-20"), 0, {}, 1, 0};
  CHECK(read.value().of(ask).takes == std::chrono::seconds{30});
  CHECK(read.value().of(ask).exit_code == 1);
  ask.task = 1;
  const auto drawn = read.value().of(ask).takes;
  CHECK(drawn != std::chrono::seconds{30});
  CHECK(drawn == read.value().of(ask).takes);
  ask.attempt = 2;
  CHECK(drawn != read.value().of(ask).takes);
}
