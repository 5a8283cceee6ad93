#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;

namespace {

/// A run whose only task calls another workflow; it has called r50.
struct calling {
  calling() : run{build()} {
    run.fire();
    run.step(run_happening::called{key, {50}});
  }
  static workflow_builder build() {
    workflow_builder workflow;
    workflow.add({}, task_type::workflow).retry.max = 1;
    return workflow;
  }
  run_step ends(run_state state) { return run.step(run_happening::call_ended{key, {50}, state}); }
  driven_run run;
  instance_key key{{7}, 0, no_element};
};

} // namespace

TEST_CASE("a called run's end is the end of the task that called it", "[run_core]") {
  calling one;
  auto& run = one.run;
  CHECK(run.state(0) == is::running);
  CHECK(run.core.find(one.key)->called == run_id{50});
  CHECK_FALSE(run.step(run_happening::called{one.key, {50}}).run_changed);
  CHECK(run.step(run_happening::called{one.key, {51}}).refused);
  CHECK(run.step(run_happening::call_ended{one.key, {51}, run_state::success}).refused);
  CHECK(one.ends(run_state::running).refused);
  SECTION("success") {
    one.ends(run_state::success);
    CHECK(run.state(0) == is::success);
  }
  SECTION("skipped") {
    one.ends(run_state::skipped);
    CHECK(run.state(0) == is::skipped);
  }
  SECTION("cancelled, without a retry") {
    one.ends(run_state::cancelled);
    CHECK(run.state(0) == is::cancelled);
    CHECK(run.why(0) == reason::sub_workflow);
  }
  SECTION("failed, with a retry that calls anew") {
    one.ends(run_state::failed);
    CHECK(run.state(0) == is::retry_wait);
    const auto step = run.step(run_happening::timer{one.key, instance_timer::retry_due});
    CHECK(entered(step, one.key, is::running));
    CHECK(run.core.find(one.key)->called == run_id{0});
    CHECK(run.core.find(one.key)->attempt == 2);
    run.step(run_happening::call_refused{one.key, "no workflow p.other"});
    CHECK(run.state(0) == is::failed);
    CHECK(run.core.find(one.key)->message == "no workflow p.other");
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a stop waits for the called run's end", "[run_core]") {
  calling one;
  one.run.operate(run_operation::verb::cancel, {});
  CHECK(one.run.state(0) == is::stopping);
  one.ends(run_state::success);
  CHECK(one.run.state(0) == is::cancelled);
  CHECK(one.run.complaint == "");
}

TEST_CASE("a call that was under way when the stop came is stopped too", "[run_core]") {
  driven_run run{calling::build()};
  run.fire();
  run.operate(run_operation::verb::cancel, {});
  CHECK(run.state(0) == is::stopping);
  SECTION("it was made") {
    const auto step = run.step(run_happening::called{run.key(0), {50}});
    CHECK(entered(step, run.key(0), is::stopping));
    run.step(run_happening::call_ended{run.key(0), {50}, run_state::cancelled});
  }
  SECTION("it was not") {
    run.step(run_happening::call_refused{run.key(0), "the engine is on hold"});
  }
  CHECK(run.state(0) == is::cancelled);
  CHECK(run.complaint == "");
}

TEST_CASE("an empty or workflow task that names a pool holds its permits while it runs",
          "[run_core]") {
  workflow_builder workflow;
  workflow.add({}, task_type::empty).pools = {{"models", 2}};
  workflow.add({}, task_type::workflow).pools = {{"models", 1}};
  driven_run run{workflow};
  run.fire();
  CHECK(run.state(0) == is::pre_ready);
  const auto granted = run.grant(run.key(0));
  CHECK(run.state(0) == is::running);
  CHECK(granted.permits_taken.size() == 1);
  CHECK(run.step(run_happening::empty_done{run.key(0)}).permits_released.size() == 1);
  run.grant(run.key(1));
  CHECK(run.state(1) == is::running);
  run.step(run_happening::called{run.key(1), {50}});
  CHECK(run.step(run_happening::call_ended{run.key(1), {50}, run_state::success})
            .permits_released.size() == 1);
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("stored rows that do not fit are refused", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  run.fire();
  run.grant(run.key(0));
  const auto fails = [&](const stored_run& disk) {
    const auto restored = disk.restore(run.definition);
    return !restored && restored.error().code == errc::corrupt;
  };
  CHECK_FALSE(fails(run.disk));
  auto disk = run.disk;
  disk.attempts.clear();
  CHECK(fails(disk));
  disk = run.disk;
  disk.attempts.begin()->second.number = 9;
  CHECK(fails(disk));
  disk = run.disk;
  disk.instances[run.key(4)].key = run.key(4);
  CHECK(fails(disk));
  disk = run.disk;
  disk.instances[run.key(0, 1)].key = run.key(0, 1);
  CHECK(fails(disk));
  disk = run.disk;
  disk.outputs[run.key(0)] = "{}";
  CHECK(fails(disk));
}
