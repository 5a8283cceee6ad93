#include "actors/stage.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes period{10};

task_definition empty_task(std::string name) {
  task_definition out;
  out.name = std::move(name);
  out.type = task_type::empty;
  return out;
}

workflow_definition each_ten_minutes(std::string name, std::vector<std::string> tasks) {
  workflow_definition out;
  out.project = "sim";
  out.name = std::move(name);
  for (auto& task : tasks) {
    out.tasks.push_back(empty_task(std::move(task)));
    if (out.tasks.size() > 1)
      out.tasks.back().needs = {static_cast<std::uint32_t>(out.tasks.size() - 2)};
  }
  trigger_definition tick;
  tick.id = "tick";
  tick.slots = slot_rule{make_every(period).value()};
  out.triggers.push_back(std::move(tick));
  return out;
}

/// `sim.up` has `load`; `sim.down` has `sum`, which needs it.
sim::scenario two_workflows(const outside_need& need = {}) {
  sim::scenario of;
  of.settings.project = "sim";
  of.workflows = {each_ten_minutes("up", {"load"}), each_ten_minutes("down", {"sum", "publish"})};
  auto bound = need;
  bound.workflow = "sim.up";
  bound.task = "load";
  of.workflows[1].tasks[0].outside_needs = {bound};
  of.lasts = hours{1};
  return of;
}

/// `sim.chain` has `step`, which depends on its own slot before.
sim::scenario chain() {
  sim::scenario of;
  of.settings.project = "sim";
  of.workflows = {each_ten_minutes("chain", {"step"})};
  of.workflows[0].tasks[0].depends_on_previous = previous_need::self;
  of.workflows[0].max_active_runs = 10;
  of.workflows[0].overlap = overlap_policy::allow;
  of.lasts = hours{1};
  return of;
}

slot_record slot_of(const stage& at, const std::string& workflow, instant slot) {
  const auto row = at.store().slot({"main", workflow, "tick", slot});
  return row && row.value() ? *row.value() : slot_record{};
}

run_record run_of(const stage& at, const std::string& workflow, instant slot) {
  return at.run(slot_of(at, workflow, slot).run);
}

/// The first slot after the present moment.
instant coming(const stage& at) {
  return next_slot(slot_rule{make_every(period).value()}, at.clock.wall_now())->at;
}

void pass_until(stage& at, instant when) { at.pass(when - at.clock.wall_now() + seconds{1}); }

operation_answer steer(stage& at, const std::string& workflow, const std::string& task,
                       task_mode mode) {
  operation_answer out;
  bool answered = false;
  at.engine->client().switch_task({workflow, task, mode}, {"ann", "test"},
                                  [&](const result<operation_answer>& done) {
                                    REQUIRE(done);
                                    out = done.value();
                                    answered = true;
                                  });
  at.settle();
  REQUIRE(answered);
  return out;
}

void operate(stage& at, run_id run, const run_operation& what) {
  at.eyes.operation_asked(run, what);
  at.engine->client().operate(run, what, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.settle();
}

why_answer why(stage& at, run_id run) {
  why_answer out;
  at.engine->client().why_run(run, [&](const result<why_answer>& answer) {
    REQUIRE(answer);
    out = answer.value();
  });
  at.settle();
  return out;
}

TEST_CASE("an upstream run is read whole while it moves", "[edges]") {
  auto of = two_workflows();
  of.workflows[0].tasks[0].type = task_type::shell;
  of.workflows[0].tasks[0].run = "load";
  of.actions.emplace_back().what = sim::scripted_action::kind::apply;
  // What each takes, and which commits are seen between two reads, is drawn.
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    const auto outcome = sim::world{of, seed, {}, false}.run();
    REQUIRE(outcome.runs > 0);
    REQUIRE(outcome.violations == std::vector<std::string>{});
  }
}

TEST_CASE("a task that needs another workflow's slot waits for that one", "[edges]") {
  stage at{two_workflows()};
  at.apply();
  const auto slot = coming(at);
  steer(at, "sim.up", "load", task_mode::frozen);
  pass_until(at, slot);
  REQUIRE_FALSE(is_terminal(run_of(at, "sim.up", slot).state));
  const auto waits = run_of(at, "sim.down", slot);
  CHECK(waits.state == run_state::queued);
  CHECK_FALSE(waits.admitted);
  CHECK(at.instance(waits.id, 0).state == instance_state::waiting);
  CHECK(at.instance(waits.id, 0).why == reason::upstream_pending);
  const auto answer = why(at, waits.id);
  REQUIRE_FALSE(answer.causes.empty());
  CHECK(answer.causes.front().kind == "upstream");
  CHECK(answer.causes.front().ref == to_string(run_of(at, "sim.up", slot).id) + "/load");

  SECTION("it goes on when that has succeeded") {
    steer(at, "sim.up", "load", task_mode::normal);
    CHECK(run_of(at, "sim.up", slot).state == run_state::success);
    CHECK(run_of(at, "sim.down", slot).state == run_state::success);
  }
  SECTION("also over a restart of the engine") {
    at.restart();
    CHECK(run_of(at, "sim.down", slot).state == run_state::queued);
    steer(at, "sim.up", "load", task_mode::normal);
    CHECK(run_of(at, "sim.down", slot).state == run_state::success);
  }
  SECTION("also if that ended while the engine was about to crash") {
    steer(at, "sim.up", "load", task_mode::normal);
    at.restart();
    CHECK(run_of(at, "sim.down", slot).state == run_state::success);
  }
  SECTION("a failure is waited out: only a success satisfies") {
    const auto up = run_of(at, "sim.up", slot).id;
    run_operation fail;
    fail.what = run_operation::verb::fail;
    fail.targets = {{up, 0, no_element}};
    operate(at, up, fail);
    REQUIRE(at.run(up).state == run_state::failed);
    CHECK(run_of(at, "sim.down", slot).state == run_state::queued);
    steer(at, "sim.up", "load", task_mode::normal);
    run_operation again;
    again.what = run_operation::verb::rerun;
    operate(at, up, again);
    CHECK(at.run(up).state == run_state::success);
    CHECK(run_of(at, "sim.down", slot).state == run_state::success);
  }
  SECTION("a skipped one skips") {
    const auto up = run_of(at, "sim.up", slot).id;
    run_operation skip;
    skip.what = run_operation::verb::skip;
    skip.targets = {{up, 0, no_element}};
    operate(at, up, skip);
    CHECK(at.run(up).state == run_state::skipped);
    CHECK(run_of(at, "sim.down", slot).state == run_state::skipped);
  }
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("a run that waits for other runs holds no place", "[edges]") {
  auto of = two_workflows();
  of.workflows[1].max_active_runs = 1;
  // By hand first: the stage triggers the first workflow.
  std::swap(of.workflows[0], of.workflows[1]);
  stage at{of};
  at.apply();
  const auto slot = coming(at);
  steer(at, "sim.up", "load", task_mode::frozen);
  pass_until(at, slot);
  REQUIRE(run_of(at, "sim.down", slot).state == run_state::queued);
  pass_until(at, slot + period);
  REQUIRE(run_of(at, "sim.down", slot + period).state == run_state::queued);
  steer(at, "sim.up", "load", task_mode::normal);
  CHECK(run_of(at, "sim.down", slot).state == run_state::success);
  CHECK(run_of(at, "sim.down", slot + period).state == run_state::success);
}

TEST_CASE("a slot that was left out satisfies once somebody makes it", "[edges]") {
  const auto policy =
      GENERATE(missing_policy::wait, missing_policy::satisfied, missing_policy::fail);
  outside_need need;
  need.missing = policy;
  stage at{two_workflows(need)};
  at.apply();
  const auto slot = coming(at);
  at.engine->client().pause({"sim.up", "tick"}, {"ann", ""},
                            [](const auto& done) { REQUIRE(done); });
  pass_until(at, slot);
  REQUIRE(slot_of(at, "sim.up", slot).outcome == slot_outcome::paused);
  const auto down = run_of(at, "sim.down", slot);
  if (policy == missing_policy::satisfied) {
    CHECK(down.state == run_state::success);
    return;
  }
  if (policy == missing_policy::fail) {
    CHECK(down.state == run_state::failed);
    CHECK(at.instance(down.id, 0).state == instance_state::upstream_failed);
    return;
  }
  REQUIRE(down.state == run_state::queued);
  at.pass(minutes{2});
  run_id made;
  at.engine->client().make_slot({"sim.up", "tick", slot}, {"ann", ""},
                                [&](const result<trigger_answer>& answer) {
                                  REQUIRE(answer);
                                  made = answer.value().run;
                                });
  at.settle();
  CHECK(at.run(made).state == run_state::success);
  CHECK(slot_of(at, "sim.up", slot).outcome == slot_outcome::late);
  CHECK(at.run(down.id).state == run_state::success);
  std::optional<problem> refused;
  at.engine->client().make_slot(
      {"sim.up", "tick", slot}, {"ann", ""},
      [&](const result<trigger_answer>& answer) { refused = answer.error(); });
  at.settle();
  REQUIRE(refused);
  CHECK(refused->code == errc::refused);
  CHECK_THAT(refused->message, Catch::Contains(to_string(made)));
}

TEST_CASE("a task that depends on its previous slot waits for it", "[edges]") {
  stage at{chain()};
  at.apply();
  const auto slot = coming(at);
  pass_until(at, slot);
  // The first one ever needs none.
  REQUIRE(run_of(at, "sim.chain", slot).state == run_state::success);
  steer(at, "sim.chain", "step", task_mode::frozen);
  pass_until(at, slot + period);
  steer(at, "sim.chain", "step", task_mode::normal);
  // Thawed before the next slot: it has run. Now one that fails holds back the next.
  REQUIRE(run_of(at, "sim.chain", slot + period).state == run_state::success);
  steer(at, "sim.chain", "step", task_mode::frozen);
  pass_until(at, slot + 2 * period);
  const auto second = run_of(at, "sim.chain", slot + 2 * period).id;
  run_operation fail;
  fail.what = run_operation::verb::fail;
  fail.targets = {{second, 0, no_element}};
  operate(at, second, fail);
  steer(at, "sim.chain", "step", task_mode::normal);
  pass_until(at, slot + 3 * period);
  const auto third = run_of(at, "sim.chain", slot + 3 * period);
  CHECK(third.state == run_state::queued);
  CHECK(at.instance(third.id, 0).state == instance_state::waiting);
  run_operation again;
  again.what = run_operation::verb::rerun;
  operate(at, second, again);
  CHECK(at.run(second).state == run_state::success);
  CHECK(at.run(third.id).state == run_state::success);
}

TEST_CASE("a run goes on waiting for what an edit no longer needs", "[edges]") {
  stage at{two_workflows()};
  at.apply();
  const auto slot = coming(at);
  steer(at, "sim.up", "load", task_mode::frozen);
  pass_until(at, slot);
  const auto waits = run_of(at, "sim.down", slot).id;
  REQUIRE(at.run(waits).state == run_state::queued);
  at.of.workflows[1].tasks[0].outside_needs.clear();
  at.apply();
  if (GENERATE(false, true))
    at.restart();
  CHECK(at.run(waits).state == run_state::queued);
  steer(at, "sim.up", "load", task_mode::normal);
  CHECK(run_of(at, "sim.up", slot).state == run_state::success);
  CHECK(at.run(waits).state == run_state::success);
}

TEST_CASE("a slot that was passed over counts once it is made", "[edges]") {
  stage at{chain()};
  at.apply();
  const auto first = coming(at);
  // Fails, and holds back what comes after it: not the first one, which needs none.
  pass_until(at, first);
  steer(at, "sim.chain", "step", task_mode::frozen);
  pass_until(at, first + period);
  const auto failed = run_of(at, "sim.chain", first + period).id;
  run_operation fail;
  fail.what = run_operation::verb::fail;
  fail.targets = {{failed, 0, no_element}};
  operate(at, failed, fail);
  steer(at, "sim.chain", "step", task_mode::normal);
  // Two are left out; the one behind them waits for the failed one.
  const auto answered = [](const auto& done) { REQUIRE(done); };
  at.engine->client().pause({"sim.chain", "tick"}, {"ann", ""}, answered);
  pass_until(at, first + 3 * period);
  at.engine->client().resume({"sim.chain", "tick"}, catch_up::none, {"ann", ""}, answered);
  pass_until(at, first + 4 * period);
  const auto last = first + 4 * period;
  REQUIRE(slot_of(at, "sim.chain", first + 2 * period).outcome == slot_outcome::paused);
  REQUIRE(slot_of(at, "sim.chain", first + 3 * period).outcome == slot_outcome::paused);
  REQUIRE(run_of(at, "sim.chain", last).state == run_state::queued);

  const auto passed = first + GENERATE(2, 3) * period;
  at.engine->client().make_slot({"sim.chain", "tick", passed}, {"ann", ""}, answered);
  at.settle();
  const auto made = run_of(at, "sim.chain", passed).id;
  REQUIRE(at.run(made).state == run_state::queued); // It waits for the failed one as well.
  REQUIRE(run_of(at, "sim.chain", last).state == run_state::queued);
  const auto answer = why(at, run_of(at, "sim.chain", last).id);
  REQUIRE_FALSE(answer.causes.empty());
  CHECK(answer.causes.front().ref == to_string(made) + "/step");
  if (GENERATE(false, true))
    at.restart();
  run_operation succeed;
  succeed.what = run_operation::verb::succeed;
  succeed.targets = {{made, 0, no_element}};
  operate(at, made, succeed);
  CHECK(at.run(made).state == run_state::success);
  CHECK(run_of(at, "sim.chain", last).state == run_state::success);
}

TEST_CASE("an after trigger follows slot by slot", "[edges]") {
  auto of = two_workflows();
  of.workflows[1].tasks[0].outside_needs.clear();
  of.workflows[1].triggers[0].after = followed_trigger{"sim.up", "tick", need_state::success};
  stage at{of};
  at.apply();
  const auto slot = coming(at);
  steer(at, "sim.up", "load", task_mode::frozen);
  pass_until(at, slot);
  CHECK(run_of(at, "sim.down", slot).state == run_state::queued);
  CHECK(run_of(at, "sim.down", slot).interval_start == run_of(at, "sim.up", slot).interval_start);
  steer(at, "sim.up", "load", task_mode::normal);
  CHECK(run_of(at, "sim.down", slot).state == run_state::success);
  // Where the leader's slot is left out, the follower's is skipped.
  at.engine->client().pause({"sim.up", "tick"}, {"ann", ""},
                            [](const auto& done) { REQUIRE(done); });
  pass_until(at, slot + period);
  CHECK(run_of(at, "sim.down", slot + period).state == run_state::skipped);
}

TEST_CASE("a task on dry run succeeds without doing anything, and its need is satisfied",
          "[edges]") {
  stage at{two_workflows()};
  at.of.workflows[0].tasks[0].type = task_type::shell;
  at.of.workflows[0].tasks[0].run = "true";
  at.apply();
  const auto slot = coming(at);
  steer(at, "sim.up", "load", task_mode::dry);
  pass_until(at, slot);
  const auto up = run_of(at, "sim.up", slot);
  CHECK(up.state == run_state::success);
  CHECK(at.instance(up.id, 0).why == reason::dry_run);
  CHECK(at.instance(up.id, 0).attempt == 0);
  CHECK(at.processes() == 0);
  CHECK(run_of(at, "sim.down", slot).state == run_state::success);
}

TEST_CASE("what cannot exist is refused as a whole", "[edges]") {
  auto of = two_workflows();
  of.workflows[1].tasks[0].outside_needs[0].task = "lod";
  stage at{of};
  std::optional<problem> refused;
  at.engine->client().apply({of.workflows, {of.settings}, {}, false, false, false, {}}, {"ann", ""},
                            [&](const result<apply_answer>& answer) {
                              if (!answer)
                                refused = answer.error();
                            });
  at.settle();
  REQUIRE(refused);
  CHECK_THAT(refused->message, Catch::Contains("sim.down") && Catch::Contains("lod"));
  CHECK(at.store().workflows().value().empty());
}

} // namespace
