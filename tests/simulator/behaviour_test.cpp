#include "simulator/sample.hpp"

namespace {

using namespace pinion;
using namespace pinion::testing;

} // namespace

TEST_CASE("attempts fail and are retried after their delay", "[simulation]") {
  const sample day{R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  load: {run: "true", retry: {max: 2, delay: 30s}}
  next: {needs: load, run: "true"}
)",
                   "2026-11-20", "2026-11-21", R"({"p.w.load": {"mean": 60, "exits": [1, 1, 0]}})"};
  REQUIRE(day.result.runs.size() == 1);
  const auto& load = day.instance(0, 0);
  CHECK(load.state == instance_state::success);
  CHECK(load.attempts == 3);
  CHECK(load.started_at == at("2026-11-20T02:03:00Z"));
  CHECK(load.ended_at == at("2026-11-20T02:04:00Z"));
  CHECK(day.instance(0, 1).started_at == load.ended_at);
}

TEST_CASE("a poll looks as often as is said, and holds no slot in between", "[simulation]") {
  const sample day{
      R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  arrived: {run: "true", poll: {every: 10m, timeout: 2h}}
  late: {run: "true", poll: {every: 10m, timeout: 1h}}
)",
      "2026-11-20", "2026-11-21",
      R"({"p.w": 0, "p.w.arrived": {"mean": 0, "looks": 6}, "p.w.late": {"mean": 0, "looks": 60}})"};
  const auto& arrived = day.instance(0, 0);
  CHECK(arrived.state == instance_state::success);
  CHECK(arrived.attempts == 1);
  CHECK(arrived.ended_at > at("2026-11-20T02:54:00Z"));
  CHECK(arrived.ended_at < at("2026-11-20T03:06:00Z"));
  const auto& late = day.instance(0, 1);
  CHECK(late.why == reason::poll_timeout);
  CHECK(late.ended_at == at("2026-11-20T03:00:00Z"));
}

TEST_CASE("a switch and a teardown go the way of the engine; what is not known is assumed",
          "[simulation]") {
  const sample day{R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  read: {run: "true", setup: true}
  route: {type: switch, needs: read, on: "{{ inputs.read.kind }}", cases: {full: a, delta: b}}
  a: {run: "true"}
  b: {run: "true"}
  drop: {run: "true", needs: [a, b], teardown: read}
)",
                   "2026-11-20", "2026-11-21", R"({"*": 60, "p.w.a": {"exits": [1]}})"};
  CHECK(day.instance(0, 2).state == instance_state::failed);
  CHECK(day.instance(0, 3).why == reason::not_chosen);
  CHECK(day.instance(0, 4).state == instance_state::success);
  CHECK(day.result.runs[0].state == run_state::failed);
  REQUIRE(day.result.assumptions.size() == 1);
  CHECK(day.result.assumptions.begin()->find("`on:` is taken as \"full\"") != std::string::npos);
}

TEST_CASE("limits of workflows and tasks let one wait for the other", "[simulation]") {
  const sample day{R"(
workflow: w
max_active_tasks: 2
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  a: {run: "true"}
  b: {run: "true"}
  c: {run: "true"}
)",
                   "2026-11-20", "2026-11-21"};
  CHECK(day.instance(0, 1).started_at == at("2026-11-20T02:00:00Z"));
  CHECK(day.instance(0, 2).started_at == at("2026-11-20T02:01:00Z"));
}

TEST_CASE("a fallback, a timeout and checks take the time that they are said to take",
          "[simulation]") {
  const sample day{R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  model: {run: "true", timeout: 5m, fallback: simple}
  simple: {run: "true", checks: [{command: "true"}, {command: "true"}]}
  publish: {needs: model, run: "true"}
)",
                   "2026-11-20", "2026-11-21",
                   R"({"p.w": 60, "p.w.model": "1h", "p.w.simple": {"checks": 10}})"};
  CHECK(day.instance(0, 0).state == instance_state::failed);
  CHECK(day.instance(0, 0).why == reason::attempt_timeout);
  CHECK(day.instance(0, 0).ended_at == at("2026-11-20T02:05:00Z"));
  CHECK(day.instance(0, 1).ended_at == at("2026-11-20T02:06:20Z"));
  CHECK(day.instance(0, 2).started_at == at("2026-11-20T02:06:20Z"));
  CHECK(day.result.runs[0].state == run_state::success);
}

TEST_CASE("a pool lets one wait for the other, and the hours tell it", "[simulation]") {
  const sample day{R"(
workflow: a
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {work: {run: "true", pool: db, priority: 3}}
---
workflow: b
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {work: {run: "true", pool: db, priority: 7}}
)",
                   "2026-11-20", "2026-11-21", R"({"*": "45m"})"};
  CHECK(day.instance(0, 0).started_at == at("2026-11-20T02:45:00Z"));
  CHECK(day.instance(1, 0).started_at == at("2026-11-20T02:00:00Z"));
  REQUIRE(day.result.pools.size() == 2);
  const auto& db = day.result.pools[1];
  CHECK(db.name == "p.db");
  REQUIRE(db.hours.size() == 2);
  CHECK(db.hours[0].start == at("2026-11-20T02:00:00Z"));
  CHECK(db.hours[0].used == Approx(1.0));
  CHECK(db.hours[0].queued == Approx(0.75));
  CHECK(db.hours[0].most_queued == 1);
  CHECK(db.hours[1].used == Approx(0.5));
  CHECK(day.result.pools[0].hours[0].most_used == 1);
}

TEST_CASE("slots that overlap are left out as the policy says", "[simulation]") {
  const sample day{R"(
workflow: skips
overlap: skip
triggers: [{id: t, cron: "0 * * * *"}]
tasks: {work: {run: "true"}}
)",
                   "2026-11-20", "2026-11-20T06:00", R"({"*": "90m"})"};
  CHECK(day.result.runs.size() == 6);
  REQUIRE(day.report.missed.size() == 3);
  CHECK(day.result.runs[day.report.missed[0]].slot == at("2026-11-20T01:00:00Z"));
  CHECK(day.result.runs[day.report.missed[0]].outcome == slot_outcome::skipped_overlap);

  const sample flood{R"(
workflow: queues
triggers: [{id: t, cron: "* * * * *"}]
tasks: {work: {run: "true"}}
)",
                     "2026-11-20", "2026-11-20T03:00", R"({"*": "1d"})"};
  CHECK(flood.report.missed.size() == 180 - 101);
  CHECK(flood.result.runs[flood.report.missed[0]].why == reason::queue_full);
}

TEST_CASE("what waits for a failed upstream or a slot beyond the end is told", "[simulation]") {
  const sample day{R"(
workflow: up
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {load: {run: "false"}}
---
workflow: down
triggers: [{id: t, cron: "0 3 * * *"}]
tasks: {use: {needs: [{task: up.load, slot: nearest}], run: "true"}}
)",
                   "2026-11-20", "2026-11-21", R"({"p.up": {"mean": 60, "fails": 1}})"};
  REQUIRE(day.report.stuck.size() == 1);
  const auto& run = day.result.runs[day.report.stuck[0]];
  CHECK(day.result.workflow_of(run).name == "down");
  CHECK(day.result.instances[run.first].state == instance_state::waiting);
  CHECK(to_text(day.result, day.report).find("use is waiting (upstream_pending)") !=
        std::string::npos);
}

TEST_CASE("slots before the beginning count as said", "[simulation]") {
  const auto set = load_sample(R"(
workflow: up
triggers: [{id: t, cron: "0 2 * * *"}]
tasks: {load: {run: "true"}}
---
workflow: down
triggers: [{id: t, cron: "0 1 * * *"}]
tasks: {use: {needs: [{task: up.load, slot: nearest}], run: "true"}}
)");
  simulation_options options;
  options.from = at("2026-11-20");
  options.to = at("2026-11-21");
  const auto state_of_use = [&] {
    const auto made = simulate(set, options, duration_table{});
    REQUIRE(made);
    return made.value().instances[made.value().runs[0].first].state;
  };
  CHECK(state_of_use() == instance_state::success);
  options.before = simulation_options::past::absent;
  CHECK(state_of_use() == instance_state::waiting);
}

TEST_CASE("what cannot be known is assumed and said", "[simulation]") {
  const std::string text = R"(
workflow: w
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  list: {run: "true"}
  each: {needs: list, for_each: {x: "{{ inputs.list.files }}"}, run: "true"}
  rare: {needs: list, when: "{{ inputs.list.n > 3 }}", run: "true"}
)";
  const sample blind{text, "2026-11-20", "2026-11-21"};
  CHECK(blind.result.instances.size() == 5);
  CHECK(blind.result.assumptions.size() == 2);

  const sample told{text, "2026-11-20", "2026-11-21",
                    R"({"p.w.list": {"mean": 5, "outputs": {"files": ["a", "b"], "n": 1}}})"};
  CHECK(told.result.assumptions.empty());
  CHECK(told.result.instances.size() == 4);
  CHECK(told.result.indexes[told.instance(0, 1).index] == "a");
  CHECK(told.instance(0, 3).state == instance_state::skipped);
}

TEST_CASE("a called workflow runs inside its caller", "[simulation]") {
  const sample day{R"(
workflow: outer
triggers: [{id: t, cron: "0 2 * * *"}]
tasks:
  call: {type: workflow, workflow: inner}
  after: {needs: call, run: "true"}
---
workflow: inner
tasks: {work: {run: "true"}}
)",
                   "2026-11-20", "2026-11-21"};
  REQUIRE(day.result.runs.size() == 2);
  CHECK(day.result.runs[1].called);
  CHECK(day.instance(0, 1).started_at == at("2026-11-20T02:01:00Z"));
}

TEST_CASE("an end before the beginning and too many instances are refused", "[simulation]") {
  const auto set = load_sample(R"(
workflow: w
triggers: [{id: t, cron: "* * * * *"}]
tasks: {work: {run: "true"}}
)");
  simulation_options options;
  options.from = options.to = at("2026-11-20");
  CHECK(simulate(set, options, duration_table{}).error().code == errc::invalid);
  options.to = at("2026-11-21");
  options.max_instances = 100;
  CHECK(simulate(set, options, duration_table{}).error().code == errc::limit);
}
