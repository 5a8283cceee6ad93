#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

/// load 0 -> sum 1; clean_up 2 when the run failed, announce 3 when it succeeded.
workflow_builder pipeline() {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  workflow.add().on_run_failure = true;
  workflow.add().on_run_success = true;
  workflow.definition->alarms.on_failure = {{"ops"}};
  workflow.definition->alarms.on_success = {{"ops"}};
  return workflow;
}

struct pipeline_run : driven_run {
  explicit pipeline_run(const workflow_builder& workflow = pipeline()) : driven_run{workflow} {
    fire();
  }
  run_step of_all(verb what, bool at_once = false) {
    run_operation operation{what, {}, {}, reason::by_user, "by a test"};
    operation.now = at_once;
    return step(operation);
  }
};

std::vector<run_effect::alarm_kind> run_alarms(const run_step& step) {
  std::vector<run_effect::alarm_kind> kinds;
  for (const auto& effect : step.effects)
    if (const auto* alarm = std::get_if<run_effect::alarm>(&effect); alarm && !alarm->key)
      kinds.push_back(alarm->kind);
  return kinds;
}

} // namespace

TEST_CASE("an end task waits for all others, and for the outcome that it is meant for",
          "[run_core][end]") {
  pipeline_run run;
  CHECK(run.why(2) == reason::end_pending);
  CHECK(run.core.pending_upstream(2) == std::vector<std::uint32_t>{0, 1});
  run.finish(run.key(0));
  CHECK_FALSE(run.core.outcome());

  SECTION("success") {
    const auto step = run.finish(run.key(1));
    CHECK(run.core.outcome() == run_state::success);
    CHECK(run.state(2) == is::skipped);
    CHECK(run.why(2) == reason::end_not_needed);
    CHECK(run.state(3) == is::pre_ready);
    CHECK(run.core.run().state == run_state::running);
    CHECK(run.core.run().why == reason::ending_success);
    CHECK(run_alarms(step) == std::vector{run_effect::alarm_kind::success});
    const auto last = run.finish(run.key(3));
    CHECK(run.core.run().state == run_state::success);
    CHECK(run_alarms(last).empty());
  }
  SECTION("failure") {
    const auto step = run.finish(run.key(1), 1);
    CHECK(run.core.outcome() == run_state::failed);
    CHECK(run.state(3) == is::skipped);
    CHECK(run.state(2) == is::pre_ready);
    CHECK(run.core.run().why == reason::ending_failed);
    CHECK(run_alarms(step) == std::vector{run_effect::alarm_kind::failure});
    CHECK(run.core.failing_tasks(10) == std::vector<std::uint32_t>{1});
    run.finish(run.key(2));
    CHECK(run.core.run().state == run_state::failed);
    CHECK(run.core.run().why == reason::tasks_failed);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("what becomes of an end task leaves the outcome, and is told", "[run_core][end]") {
  pipeline_run run;
  run.finish(run.key(0));
  run.finish(run.key(1));
  run.finish(run.key(3), 1);
  CHECK(run.state(3) == is::failed);
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.core.run().message == "its end task did not succeed: t3");
  run.operate(verb::succeed, {run.key(3)});
  CHECK(run.core.run().message == "");
  CHECK(run.complaint == "");
}

TEST_CASE("one of both lists runs whatever the outcome", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.definition->tasks[2].on_run_success = true;
  pipeline_run run{workflow};
  run.finish(run.key(0));
  run.finish(run.key(1), GENERATE(0, 1));
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a cancelled and a skipped run have no end tasks that would run", "[run_core][end]") {
  pipeline_run run;
  SECTION("cancel of the run") {
    run.of_all(verb::cancel);
    CHECK(run.state(2) == is::cancelled);
    CHECK(run.core.run().state == run_state::cancelled);
  }
  SECTION("cancel of a run of which something has failed") {
    run.finish(run.key(0), 1);
    run.of_all(verb::cancel);
    CHECK(run.state(2) == is::cancelled);
    CHECK(run.core.run().state == run_state::failed);
  }
  SECTION("all its tasks were cancelled one by one") {
    run.operate(verb::cancel, {run.key(0), run.key(1)});
    CHECK(run.state(2) == is::skipped);
    CHECK(run.core.run().state == run_state::cancelled);
  }
  SECTION("skip") {
    run.of_all(verb::skip);
    CHECK(run.state(2) == is::skipped);
    CHECK(run.state(3) == is::skipped);
    CHECK(run.core.run().state == run_state::skipped);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a cancel stops end tasks that are at work, and the outcome stays", "[run_core][end]") {
  pipeline_run run;
  run.finish(run.key(0), 1);
  run.grant(run.key(2));
  run.start(run.key(2));
  run.of_all(verb::cancel);
  CHECK(run.state(2) == is::stopping);
  run.exit(run.key(2), 0);
  CHECK(run.state(2) == is::cancelled);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("fail and succeed of a run let its end tasks go on, unless now", "[run_core][end]") {
  pipeline_run run;
  run.of_all(verb::fail);
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.of_all(verb::fail).refused); // Of the others nothing is left.
  run.of_all(verb::fail, true);
  CHECK(run.state(2) == is::failed);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a run's timeout leads to the tasks for its failure, and ends none of them",
          "[run_core][end]") {
  pipeline_run run;
  run.grant(run.key(0));
  run.start(run.key(0));
  run.step(run_happening::run_timeout{});
  CHECK(run.why(2) == reason::end_pending);
  run.exit(run.key(0), 0);
  CHECK(run.core.reason_of_outcome() == reason::run_timeout);
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.step(run_happening::run_timeout{}).refused);
  run.finish(run.key(2));
  CHECK(run.core.run().why == reason::run_timeout);
  CHECK(run.complaint == "");
}

TEST_CASE("the run's timeout is over once its outcome is decided", "[run_core][end]") {
  pipeline_run run;
  run.finish(run.key(0));
  run.finish(run.key(1));
  CHECK(run.step(run_happening::run_timeout{}).refused);
  CHECK(run.state(3) == is::pre_ready);
}

TEST_CASE("what follows a failure leaves the end tasks alone", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.add();
  workflow.definition->failure =
      GENERATE(failure_strategy::cancel, failure_strategy::finish_running);
  pipeline_run run{workflow};
  run.finish(run.key(0), 1);
  CHECK(run.state(4) == is::cancelled);
  CHECK(run.state(2) == is::pre_ready);
  run.finish(run.key(2), 1);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("teardowns come before the end of the run", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.definition->tasks[0].setup = true;
  auto& drop = workflow.add({0, 1});
  drop.teardown = true;
  drop.teardown_of = {0};
  drop.join = join_rule::all_done_setup_success;
  pipeline_run run{workflow};
  run.finish(run.key(0));
  run.finish(run.key(1));
  CHECK(run.state(3) == is::waiting);
  run.finish(run.key(4), 1); // It may still fail the run.
  CHECK(run.state(3) == is::skipped);
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("end tasks may stand in a row, retry and have a fallback", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.definition->tasks[2].retry.max = 1;
  workflow.add_fallback(2);
  auto& report = workflow.add({2});
  report.on_run_failure = true;
  report.join = join_rule::all_done;
  report.for_each.emplace();
  pipeline_run run{workflow};
  run.finish(run.key(0), 1);
  CHECK(run.why(5) == reason::upstream_pending);
  run.finish(run.key(2), 1);
  CHECK(run.state(2) == is::retry_wait);
  run.step(run_happening::timer{run.key(2), instance_timer::retry_due});
  run.finish(run.key(2), 1);
  CHECK(run.state(4) == is::pre_ready);
  run.finish(run.key(4), 1);
  for (std::uint32_t element = 0; element < 3; ++element)
    run.finish(run.key(5, element));
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.core.run().message == "its end task did not succeed: t2");
  CHECK(run.complaint == "");
}

TEST_CASE("the fallback of an end task that is not needed is not needed", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.add_fallback(2);
  pipeline_run run{workflow};
  run.finish(run.key(0));
  run.finish(run.key(1));
  CHECK(run.why(4) == reason::fallback_not_needed);
  CHECK(run.complaint == "");
}

TEST_CASE("the fallback of an end task that a person failed has its turn at the end",
          "[run_core][end]") {
  auto workflow = pipeline();
  workflow.add_fallback(2);
  pipeline_run run{workflow};
  run.operate(verb::fail, {run.key(2)});
  CHECK(run.state(4) == is::waiting);
  run.finish(run.key(0));
  const int code = GENERATE(0, 1);
  run.finish(run.key(1), code);
  CHECK(run.state(4) == (code == 0 ? is::skipped : is::pre_ready));
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun decides the end tasks anew", "[run_core][end]") {
  pipeline_run run;
  run.finish(run.key(0));
  run.finish(run.key(1), 1);
  CHECK(run.operate(verb::rerun, {run.key(1)}).refused); // clean_up is alive.
  run.finish(run.key(2));
  run.operate(verb::rerun, {}, rerun_scope::failed);
  CHECK(run.why(2) == reason::end_pending);
  CHECK(run.why(3) == reason::end_pending);
  const auto step = run.finish(run.key(1));
  CHECK(run_alarms(step) == std::vector{run_effect::alarm_kind::success});
  CHECK(run.state(2) == is::skipped);
  CHECK(run.core.find(run.key(2))->attempt == 1);
  run.finish(run.key(3));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun of an end task alone goes by the outcome that stands", "[run_core][end]") {
  pipeline_run run;
  run.finish(run.key(0), 1);
  run.finish(run.key(2), 1);
  const auto again = run.operate(verb::rerun, {run.key(2)});
  CHECK(run_alarms(again).empty());
  CHECK(run.state(2) == is::pre_ready);
  run.finish(run.key(2));
  CHECK(run.core.find(run.key(2))->attempt == 2);
  run.operate(verb::rerun, {run.key(3)});
  CHECK(run.why(3) == reason::end_not_needed);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("an outcome that a person changes decides what has not begun", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.add({2}).on_run_failure = true;
  pipeline_run run{workflow};
  run.finish(run.key(0));
  run.finish(run.key(1), 1);
  run.grant(run.key(2));
  const auto step = run.operate(verb::succeed, {run.key(1)});
  CHECK(run_alarms(step).empty());
  CHECK(run.core.run().why == reason::ending_success);
  CHECK(run.state(2) == is::ready);
  CHECK(run.state(3) == is::skipped); // Decided, and it stays so.
  CHECK(run.why(4) == reason::end_not_needed);
  run.exit(run.key(2), 0);
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("an end task of a run that has no place yet waits for it", "[run_core][end]") {
  driven_run run{pipeline()};
  run.step(run_happening::fire{false});
  run.operate(verb::fail, {run.key(0)});
  CHECK(run.state(1) == is::upstream_failed);
  CHECK(run.why(2) == reason::run_not_admitted);
  CHECK(run.core.wants_place());
  CHECK(run.core.run().state == run_state::queued);
  run.step(run_happening::admit{});
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a frozen end task waits for its thaw, a dry one succeeds at its turn",
          "[run_core][end]") {
  pipeline_run run;
  const auto mode = GENERATE(verb::freeze, verb::dryrun);
  run.operate(mode, {run.key(2), run.key(3)});
  run.finish(run.key(0), 1);
  CHECK(run.state(3) == is::skipped);
  if (mode == verb::freeze) {
    CHECK(run.why(2) == reason::frozen);
    CHECK(run.core.only_waits());
    run.operate(verb::thaw, {run.key(2)});
    run.finish(run.key(2));
  }
  CHECK(run.state(2) == is::success);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a dry run comes to its end at once", "[run_core][end]") {
  auto record = driven_run::fresh_run();
  record.dry = true;
  driven_run run{pipeline(), record};
  const auto step = run.fire();
  CHECK(run.state(3) == is::success);
  CHECK(run.why(2) == reason::end_not_needed);
  CHECK(run_alarms(step).empty());
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("decided before its time, a run has its end then", "[run_core][end]") {
  driven_run run{pipeline()};
  SECTION("as a whole, there is nothing to wait for") {
    run.step(run_operation{verb::skip, {}, {}, reason::by_user, "by a test"});
    CHECK(run.core.ended());
  }
  SECTION("one by one, its end tasks wait for the slot") {
    run.operate(verb::succeed, {run.key(0), run.key(1)});
    CHECK_FALSE(run.core.outcome());
    run.fire();
    CHECK(run.core.outcome() == run_state::success);
    CHECK(run.state(3) == is::pre_ready);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("nobody waits too long for the end of a run, and nobody drops it", "[run_core][end]") {
  auto workflow = pipeline();
  workflow.definition->tasks[2].timeout.upstream = std::chrono::hours{1};
  pipeline_run run{workflow};
  CHECK(run.step(run_happening::timer{run.key(2), instance_timer::upstream_timeout}).refused);
  const auto step = run.operate(verb::unblock, {run.key(2)});
  REQUIRE(step.refused);
  CHECK(step.refused->message.find("waits for the end of the run") != std::string::npos);
}

TEST_CASE("an end task can be decided by a person before its turn", "[run_core][end]") {
  pipeline_run run;
  const auto [what, state] = GENERATE(table<verb, is>({{verb::skip, is::skipped},
                                                       {verb::succeed, is::success},
                                                       {verb::fail, is::failed},
                                                       {verb::cancel, is::cancelled}}));
  run.operate(what, {run.key(2)});
  run.finish(run.key(0), 1);
  CHECK(run.state(2) == state);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}
