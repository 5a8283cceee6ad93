#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

/// setup 0 -> work 1 -> work 2 -> teardown 3 of 0; 4 stands beside.
workflow_builder cluster() {
  workflow_builder workflow;
  workflow.add().setup = true;
  workflow.add({0});
  workflow.add({1});
  auto& drop = workflow.add({0, 2});
  drop.teardown = true;
  drop.teardown_of = {0};
  drop.join = join_rule::all_done_setup_success;
  drop.ignore_failure = true;
  workflow.add();
  return workflow;
}

struct cluster_run : driven_run {
  explicit cluster_run(const workflow_builder& workflow = cluster()) : driven_run{workflow} {
    fire();
  }
  run_step cancel(bool at_once = false) {
    run_operation operation{verb::cancel, {}, {}, reason::by_user, "by a test"};
    operation.now = at_once;
    return step(operation);
  }
};

} // namespace

TEST_CASE("a teardown runs after a failure, and its own one does not fail the run",
          "[run_core][teardown]") {
  cluster_run run;
  run.finish(run.key(4));
  run.finish(run.key(0));
  const int work = GENERATE(0, 1);
  run.finish(run.key(1), work);
  if (work == 0)
    run.finish(run.key(2));
  CHECK(run.state(3) == is::pre_ready);
  run.finish(run.key(3), 7);
  CHECK(run.state(3) == is::failed);
  CHECK(run.core.run().state == (work == 0 ? run_state::success : run_state::failed));
  CHECK(run.complaint == "");
}

TEST_CASE("a teardown that is asked to, fails the run", "[run_core][teardown]") {
  auto workflow = cluster();
  workflow.definition->tasks[3].ignore_failure = false;
  cluster_run run{workflow};
  for (const auto task : {0U, 1U, 2U, 4U})
    run.finish(run.key(task));
  run.finish(run.key(3), 7);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("without a successful setup there is nothing to tear down", "[run_core][teardown]") {
  cluster_run run;
  run.finish(run.key(0), 1);
  CHECK(run.state(1) == is::upstream_failed);
  CHECK(run.state(2) == is::upstream_failed);
  CHECK(run.state(3) == is::upstream_failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a cancel lets the teardown of what was set up run", "[run_core][teardown]") {
  cluster_run run;
  run.finish(run.key(0));
  run.grant(run.key(1));
  run.start(run.key(1));
  run.cancel();
  CHECK(run.state(1) == is::stopping);
  CHECK(run.state(2) == is::cancelled);
  CHECK(run.state(3) == is::waiting);
  process_end gone;
  gone.kind = end_kind::stopped;
  run.end(run.key(1), gone);
  CHECK(run.state(3) == is::pre_ready);
  CHECK(run.core.run().state == run_state::running);
  SECTION("to its end") {
    run.finish(run.key(3));
    CHECK(run.state(3) == is::success);
  }
  SECTION("unless it is cancelled now") {
    CHECK(run.cancel().refused);
    run.cancel(true);
    CHECK(run.state(3) == is::cancelled);
  }
  CHECK(run.core.run().state == run_state::cancelled);
  CHECK(run.complaint == "");
}

TEST_CASE("a cancel before the setup is done, or right now, leaves nothing running",
          "[run_core][teardown]") {
  cluster_run run;
  const bool set_up = GENERATE(false, true);
  if (set_up)
    run.finish(run.key(0));
  run.cancel(set_up);
  CHECK(run.state(3) == is::cancelled);
  CHECK(run.core.run().state == run_state::cancelled);
  CHECK(run.complaint == "");
}

TEST_CASE("the run's timeout lets the teardown run, and the run fails", "[run_core][teardown]") {
  cluster_run run;
  run.finish(run.key(0));
  run.step(run_happening::run_timeout{});
  CHECK(run.state(1) == is::cancelled);
  CHECK(run.state(3) == is::pre_ready);
  run.finish(run.key(3));
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.core.run().why == reason::run_timeout);
  CHECK(run.complaint == "");
}

TEST_CASE("what is behind a setup waits for it from afar, whatever its join",
          "[run_core][teardown]") {
  auto workflow = cluster();
  workflow.definition->tasks[2].join = join_rule::all_done;
  cluster_run run{workflow};
  SECTION("a failed one") {
    run.finish(run.key(0), 1);
    CHECK(run.state(2) == is::upstream_failed);
  }
  SECTION("one that has not ended") {
    run.operate(verb::cancel, {run.key(1)});
    CHECK(run.state(2) == is::waiting);
    CHECK(run.core.pending_upstream(2) == std::vector<std::uint32_t>{0});
    run.finish(run.key(0));
    CHECK(run.state(2) == is::pre_ready);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun between setup and teardown takes both in once the teardown has begun",
          "[run_core][teardown]") {
  cluster_run run;
  for (const auto task : {0U, 1U, 2U})
    run.finish(run.key(task));
  SECTION("it has ended") {
    run.finish(run.key(3));
    run.operate(verb::rerun, {run.key(2)}, rerun_scope::only);
    CHECK(run.state(0) == is::pre_ready);
    CHECK(run.state(1) == is::success);
    CHECK(run.state(2) == is::waiting);
    CHECK(run.state(3) == is::waiting);
    run.finish(run.key(0));
    CHECK(run.state(2) == is::pre_ready);
    run.finish(run.key(2));
    CHECK(run.state(3) == is::pre_ready);
  }
  SECTION("it is under way") {
    run.grant(run.key(3));
    CHECK(run.operate(verb::rerun, {run.key(2)}, rerun_scope::only).refused);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a run of which only a teardown did something counts as skipped",
          "[run_core][teardown]") {
  workflow_builder workflow;
  workflow.add().when = "scripted";
  auto& clean = workflow.add({0});
  clean.teardown = true;
  clean.join = join_rule::all_done_setup_success;
  clean.ignore_failure = true;
  driven_run run{workflow};
  run.evaluator.conditions.emplace(0, false);
  run.fire();
  run.finish(run.key(1));
  CHECK(run.core.run().state == run_state::skipped);
  CHECK(run.complaint == "");
}

TEST_CASE("a failure strategy ends what it says, and lets teardowns run", "[run_core][failure]") {
  auto workflow = cluster();
  workflow.definition->tasks[4].retry.max = 1;
  workflow.add(); // 5 has not begun.
  const auto strategy =
      GENERATE(failure_strategy::go_on, failure_strategy::finish_running, failure_strategy::cancel);
  workflow.definition->failure = strategy;
  cluster_run run{workflow};
  run.finish(run.key(0));
  run.finish(run.key(4), 1); // A retry is timed.
  run.finish(run.key(1), 1); // Nothing covers this one.
  CHECK(run.state(2) == is::upstream_failed);
  CHECK(run.state(3) == is::pre_ready);
  switch (strategy) {
  case failure_strategy::go_on:
    CHECK(run.state(5) == is::pre_ready);
    CHECK(run.state(4) == is::retry_wait);
    break;
  case failure_strategy::finish_running:
    CHECK(run.state(5) == is::cancelled);
    CHECK(run.why(5) == reason::failure_strategy);
    CHECK(run.state(4) == is::retry_wait);
    break;
  case failure_strategy::cancel:
    CHECK(run.state(5) == is::cancelled);
    CHECK(run.state(4) == is::cancelled);
    break;
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a failure that is covered sets off no strategy, and a rerun is not hit by an old one",
          "[run_core][failure]") {
  workflow_builder workflow;
  workflow.definition->failure = failure_strategy::cancel;
  workflow.add();
  workflow.add_fallback(0);
  workflow.add();
  workflow.add();
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0), 1);
  CHECK(run.state(2) == is::pre_ready);
  run.finish(run.key(1));
  run.finish(run.key(2), 1);
  CHECK(run.state(3) == is::cancelled);
  run.operate(verb::rerun, {run.key(3)}, rerun_scope::only);
  CHECK(run.state(3) == is::pre_ready);
  CHECK(run.complaint == "");
}
