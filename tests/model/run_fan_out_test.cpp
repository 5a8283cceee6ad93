#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;

namespace {

workflow_builder fan(std::uint32_t max_parallel, task_type type = task_type::shell) {
  workflow_builder workflow;
  workflow.add({}, type).for_each.emplace().max_parallel = max_parallel;
  workflow.add({0});
  return workflow;
}

} // namespace

TEST_CASE("a fan-out is one upstream until it is expanded, then as many as it has elements",
          "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0}).for_each.emplace();
  workflow.add({1});
  driven_run run{workflow};
  run.fire();
  CHECK(run.core.upstream_counts(2).total == 1);
  CHECK(run.core.find(run.key(1))->placeholder);
  const auto step = run.finish(run.key(0));
  CHECK(count_effects<run_effect::expanded>(step) == 1);
  CHECK(run.core.find(run.key(1)) == nullptr);
  CHECK(run.core.upstream_counts(2).total == 3);
  CHECK(run.core.find(run.key(1, 2))->element_key == "k2");
  CHECK(run.core.find(run.key(1, 2))->element_value == "2");
  for (std::uint32_t element = 0; element < 3; ++element) {
    CHECK(entered(step, run.key(1, element), is::pre_ready));
    CHECK(run.state(2) == is::waiting);
    run.finish(run.key(1, element), 0, "{\"y\":" + std::to_string(element) + "}");
  }
  CHECK(run.core.outputs_of(1) == R"({"k0":{"y":0},"k1":{"y":1},"k2":{"y":2}})");
  run.finish(run.key(2));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("an empty list skips, a list that cannot be made fails", "[run_core]") {
  driven_run run{fan(0)};
  SECTION("empty") {
    run.evaluator.lists.emplace(0, numbered(0));
    run.fire();
    CHECK(run.why(0) == reason::empty_list);
    CHECK(run.core.run().state == run_state::skipped);
  }
  SECTION("broken") {
    run.evaluator.lists.emplace(0, problem{errc::limit, "10,001 elements are more than 10,000"});
    run.fire();
    CHECK(run.state(0) == is::failed);
    CHECK(run.why(0) == reason::expansion_failed);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("failures of a fan-out that are ignored do not hide that an element was cancelled",
          "[run_core]") {
  workflow_builder workflow;
  auto& task = workflow.add();
  task.for_each.emplace();
  task.ignore_failure = true;
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0, 0));
  run.finish(run.key(0, 1), 1);
  CHECK(run.core.class_of(0) == upstream_class::pending);
  SECTION("a cancel counts as a failure") {
    run.operate(run_operation::verb::cancel, {run.key(0, 2)});
    CHECK(run.core.class_of(0) == upstream_class::failed);
  }
  SECTION("failures alone do not") {
    run.finish(run.key(0, 2), 1);
    CHECK(run.core.class_of(0) == upstream_class::success);
  }
}

TEST_CASE("no more than max_parallel elements ask for permits at a time", "[run_core]") {
  driven_run run{fan(2)};
  run.evaluator.lists.emplace(0, numbered(4));
  const auto fired = run.fire();
  CHECK(entered(fired, run.key(0, 1), is::pre_ready));
  CHECK_FALSE(entered(fired, run.key(0, 2), is::pre_ready));
  CHECK(run.why(0, 1) == reason::permits_pending);
  CHECK(run.why(0, 2) == reason::max_parallel);
  CHECK(count_effects<run_effect::grant_unwanted>(run.grant(run.key(0, 2))) == 1);
  SECTION("the next follows an end") {
    const auto step = run.finish(run.key(0, 0), 1);
    CHECK(entered(step, run.key(0, 2), is::pre_ready));
    CHECK(run.why(0, 2) == reason::permits_pending);
    CHECK(run.why(0, 3) == reason::max_parallel);
  }
  SECTION("one that a person has ended is passed over") {
    run.operate(run_operation::verb::skip, {run.key(0, 2)});
    const auto step = run.finish(run.key(0, 0));
    CHECK(entered(step, run.key(0, 3), is::pre_ready));
  }
  CHECK(run.complaint == "");
}

TEST_CASE("elements of an empty task start in turns too", "[run_core]") {
  driven_run run{fan(1, task_type::empty)};
  run.fire();
  CHECK(run.state(0, 0) == is::running);
  CHECK(run.state(0, 1) == is::pre_ready);
  const auto step = run.step(run_happening::empty_done{run.key(0, 0)});
  CHECK(entered(step, run.key(0, 1), is::running));
  CHECK(run.complaint == "");
}

TEST_CASE("10,000 elements expand in one step", "[run_core]") {
  driven_run run{fan(0, task_type::empty)};
  run.evaluator.lists.emplace(0, numbered(10'000));
  const auto fired = run.core.step(run_happening::fire{}, at(0), run.evaluator);
  CHECK(fired.instances.size() == 10'001); // The placeholder's row is deleted.
  CHECK(run.core.run().counts[static_cast<std::size_t>(is::running)] == 10'000);
}

TEST_CASE("a rerun of one element leaves the others, of the task makes the list again",
          "[run_core]") {
  using verb = run_operation::verb;
  driven_run run{fan(0)};
  run.fire();
  run.finish(run.key(0, 0));
  run.finish(run.key(0, 1), 1);
  run.finish(run.key(0, 2));
  CHECK(run.core.run().state == run_state::failed);
  SECTION("the failed element") {
    run.operate(verb::rerun, {}, rerun_scope::failed);
    CHECK(run.state(0, 0) == is::success);
    CHECK(run.state(0, 1) == is::pre_ready);
    CHECK(run.state(1) == is::waiting);
    run.finish(run.key(0, 1));
    CHECK(run.core.find(run.key(0, 1))->attempt == 2);
    run.finish(run.key(1));
    CHECK(run.core.run().state == run_state::success);
  }
  SECTION("a single one without its downstream") {
    run.operate(verb::rerun, {run.key(0, 2)}, rerun_scope::only);
    CHECK(run.state(0, 1) == is::failed);
    CHECK(run.state(0, 2) == is::pre_ready);
    CHECK(run.state(1) == is::upstream_failed);
  }
  SECTION("the whole task, now with two elements") {
    run.evaluator.lists.emplace(0, numbered(2));
    std::vector<instance_key> named{run.key(0)};
    SECTION("named as one") {}
    SECTION("named one by one") { named = {run.key(0, 0), run.key(0, 1), run.key(0, 2)}; }
    const auto step = run.operate(verb::rerun, named, rerun_scope::downstream);
    CHECK(run.core.instances_of(0).size() == 2);
    CHECK(run.core.find(run.key(0, 2)) == nullptr);
    CHECK(run.core.find(run.key(0)) == nullptr);
    CHECK(count_effects<run_effect::expanded>(step) == 1);
    run.finish(run.key(0, 0));
    CHECK(run.core.find(run.key(0, 0))->attempt == 2); // Numbers are used once.
    run.finish(run.key(0, 1));
    run.finish(run.key(1));
    CHECK(run.core.run().state == run_state::success);
  }
  CHECK(run.complaint == "");
}
