#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

/// 0 -> 1, and 2 beside them.
workflow_builder small() {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  workflow.add().pools = {{"models", 1}};
  return workflow;
}

} // namespace

TEST_CASE("cancelling a run ends at once what does not run, and stops what does", "[run_core]") {
  driven_run run{small()};
  run.fire();
  run.grant(run.key(2));
  run.start(run.key(2));
  const auto step = run.step(
      run_operation{verb::cancel, {}, {}, reason::cancelled_by_next, "the next slot came"});
  CHECK(run.state(0) == is::cancelled);
  CHECK(run.state(1) == is::cancelled);
  CHECK(run.state(2) == is::stopping);
  CHECK(entered(step, run.key(2), is::stopping));
  CHECK(step.permits_released.empty()); // It still holds them.
  CHECK(run.core.run().cancel_requested);
  CHECK(run.operate(verb::cancel, {}).refused);
  CHECK(run.operate(verb::rerun, {run.key(0)}).refused);
  const auto end = run.exit(run.key(2), 0); // It ended by itself before the kill came.
  CHECK(run.state(2) == is::cancelled);
  CHECK(run.why(2) == reason::cancelled_by_next);
  CHECK(end.permits_released.size() == 1);
  CHECK(run.core.run().state == run_state::cancelled);
  CHECK(run.core.run().why == reason::cancelled_by_next);
  CHECK(run.core.run().message == "the next slot came");
  CHECK(run.complaint == "");
}

TEST_CASE("a run can be cancelled before its time, and run after all", "[run_core]") {
  driven_run run{small()};
  const auto step = run.operate(verb::cancel, {});
  CHECK(run.core.run().state == run_state::cancelled);
  CHECK(count_effects<run_effect::run_ended>(step) == 1);
  CHECK(run.step(run_happening::fire{}).refused);
  const auto again = run.operate(verb::rerun, {}, rerun_scope::failed);
  CHECK(count_effects<run_effect::reopened>(again) == 1);
  CHECK(run.core.run().incarnation == 1);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.core.run().state == run_state::running);
  CHECK(run.complaint == "");
}

TEST_CASE("an attempt whose start is not confirmed is stopped like one that runs", "[run_core]") {
  driven_run run{small()};
  run.fire();
  run.grant(run.key(0));
  run.operate(verb::fail, {run.key(0)});
  CHECK(run.state(0) == is::stopping);
  CHECK_FALSE(run.start(run.key(0)).refused);
  CHECK(run.operate(verb::cancel, {run.key(0)}).refused);
  process_end gone;
  gone.kind = end_kind::stopped;
  run.end(run.key(0), gone);
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::by_user);
  CHECK(run.state(1) == is::upstream_failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a person may declare an instance done or skipped before it runs", "[run_core]") {
  driven_run run{small()};
  run.operate(verb::succeed, {run.key(0)}); // Its time has not come yet.
  run.fire();
  CHECK(run.state(0) == is::success);
  CHECK(run.state(1) == is::pre_ready);
  run.operate(verb::skip, {run.key(1), run.key(2)});
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a failure can be declared settled; what failed behind it needs a rerun", "[run_core]") {
  driven_run run{small()};
  run.fire();
  run.finish(run.key(2));
  run.finish(run.key(0), 1);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.operate(verb::fail, {run.key(0)}).refused);
  const auto step = run.operate(verb::succeed, {run.key(0)});
  CHECK(run.state(0) == is::success);
  CHECK(run.state(1) == is::upstream_failed);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(count_effects<run_effect::run_ended>(step) == 0);
  run.operate(verb::skip, {run.key(1)});
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("an operation that names what does not exist changes nothing", "[run_core]") {
  driven_run run{small()};
  run.fire();
  const auto step = run.operate(verb::cancel, {run.key(0), run.key(8)});
  CHECK(step.refused->code == errc::not_found);
  CHECK(run.operate(verb::skip, {run.key(0, 3)}).refused->code == errc::not_found);
  CHECK(run.operate(verb::skip, {instance_key{{8}, 0, no_element}}).refused->code ==
        errc::not_found);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a run that takes too long fails, whatever covers its tasks", "[run_core]") {
  workflow_builder workflow;
  workflow.add().ignore_failure = true;
  workflow.add_fallback(0);
  workflow.add({0});
  driven_run run{workflow};
  run.fire();
  CHECK(run.step(run_happening::run_timeout{}).refused); // Nothing has begun.
  run.grant(run.key(0));
  run.start(run.key(0));
  run.step(run_happening::run_timeout{});
  CHECK(run.state(0) == is::stopping);
  CHECK(run.state(2) == is::cancelled);
  run.exit(run.key(0), 0);
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::run_timeout);
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.core.run().why == reason::run_timeout);
  CHECK(run.complaint == "");
}

TEST_CASE("an instance whose actor crashes again and again fails", "[run_core]") {
  driven_run run{small()};
  run.fire();
  run.step(run_happening::crashed{run.key(0), "bad_alloc"});
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::actor_crashed);
  run.grant(run.key(2));
  run.step(run_happening::crashed{run.key(2), "bad_alloc"});
  CHECK(run.state(2) == is::stopping);
  run.exit(run.key(2), 0);
  CHECK(run.state(2) == is::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun takes in what its scope says", "[run_core]") {
  workflow_builder workflow; // 0 -> 1 -> 2, 3 -> 2
  workflow.add();
  workflow.add({0});
  workflow.add({1, 3});
  workflow.add();
  driven_run run{workflow};
  run.fire();
  for (const auto task : {0U, 1U, 3U, 2U})
    run.finish(run.key(task), task == 2 ? 1 : 0);
  const auto attempts = [&] {
    std::string left;
    for (std::uint32_t task = 0; task < 4; ++task)
      left += run.state(task) == is::waiting || run.state(task) == is::pre_ready ? 'r' : '-';
    return left;
  };
  const auto rerun = [&](rerun_scope scope, std::vector<instance_key> targets) {
    const auto step = run.operate(verb::rerun, std::move(targets), scope);
    CHECK(count_effects<run_effect::reopened>(step) == 1);
    return attempts();
  };
  SECTION("only") { CHECK(rerun(rerun_scope::only, {run.key(1)}) == "-r--"); }
  SECTION("downstream") { CHECK(rerun(rerun_scope::downstream, {run.key(1)}) == "-rr-"); }
  SECTION("upstream") { CHECK(rerun(rerun_scope::upstream, {run.key(1)}) == "rr--"); }
  SECTION("upstream of the last") { CHECK(rerun(rerun_scope::upstream, {run.key(2)}) == "rrrr"); }
  SECTION("failed") { CHECK(rerun(rerun_scope::failed, {}) == "--r-"); }
  SECTION("all") { CHECK(rerun(rerun_scope::only, {}) == "rrrr"); }
  CHECK(run.core.run().ended_at == never);
  CHECK(run.core.run().started_at == never);
  CHECK(run.complaint == "");
}

TEST_CASE("what is alive is not run again, and retries start anew", "[run_core]") {
  workflow_builder workflow;
  workflow.add().retry.max = 1;
  workflow.add({0}).join = join_rule::all_done;
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0), 1);
  run.step(run_happening::timer{run.key(0), instance_timer::retry_due});
  run.finish(run.key(0), 1);
  run.grant(run.key(1));
  const auto refused = run.operate(verb::rerun, {run.key(0)}, rerun_scope::downstream);
  REQUIRE(refused.refused);
  CHECK(refused.refused->message == "t1 is ready: what is alive cannot be run again");
  CHECK(run.state(0) == is::failed);
  run.operate(verb::rerun, {run.key(0)}, rerun_scope::only);
  CHECK(run.state(0) == is::pre_ready);
  run.finish(run.key(0), 1);
  CHECK(run.state(0) == is::retry_wait);
  CHECK(run.core.find(run.key(0))->attempt == 3);
  CHECK(run.core.find(run.key(0))->retries_used == 1);
  CHECK(run.complaint == "");
}
