#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;

namespace {

/// 0 chooses among 1 (a), 2 (b) and 3 (otherwise); 4 merely needs it.
workflow_builder four_ways() {
  workflow_builder workflow;
  workflow.add({}, task_type::choice).choice =
      choice_definition{"x", {{"a", {1}}, {"b", {2}}}, {3}};
  for (int i = 0; i < 4; ++i)
    workflow.add({0});
  return workflow;
}

driven_run chosen(result<std::string> value, const workflow_builder& workflow = four_ways()) {
  driven_run run{workflow};
  run.evaluator.choices.emplace(0, std::move(value));
  run.fire();
  run.step(run_happening::empty_done{run.key(0)});
  return run;
}

} // namespace

TEST_CASE("a switch lets go on what its value chooses, and skips the rest that it names",
          "[run_core][choice]") {
  SECTION("a case") {
    auto run = chosen(std::string{"b"});
    CHECK(run.state(0) == is::success);
    CHECK(run.core.find(run.key(0))->message == "\"b\" chose t2");
    CHECK(run.state(1) == is::skipped);
    CHECK(run.why(1) == reason::not_chosen);
    CHECK(run.state(2) == is::pre_ready);
    CHECK(run.state(3) == is::skipped);
    CHECK(run.state(4) == is::pre_ready);
    CHECK(run.complaint == "");
  }
  SECTION("no case fits") {
    auto run = chosen(std::string{"z"});
    CHECK(run.state(1) == is::skipped);
    CHECK(run.state(2) == is::skipped);
    CHECK(run.state(3) == is::pre_ready);
    CHECK(run.complaint == "");
  }
}

TEST_CASE("a switch whose value cannot be made out fails", "[run_core][choice]") {
  auto run = chosen(problem{errc::not_found, "on: there is no input"});
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::condition_failed);
  CHECK(run.state(1) == is::upstream_failed);
  CHECK(run.complaint == "");
}

TEST_CASE("what is behind a chosen task is not skipped by the switch", "[run_core][choice]") {
  workflow_builder workflow;
  workflow.add({}, task_type::choice).choice = choice_definition{"x", {{"a", {1}}, {"b", {2}}}, {}};
  workflow.add({0});
  workflow.add({0, 1});
  auto run = chosen(std::string{"a"}, workflow);
  CHECK(run.state(2) == is::waiting);
  run.finish(run.key(1));
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun keeps out what was not chosen, unless it is named or the switch runs again",
          "[run_core][choice]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({}, task_type::choice).choice = choice_definition{"x", {{"a", {2}}, {"b", {3}}}, {}};
  workflow.add({0, 1});
  workflow.add({0, 1});
  driven_run run{workflow};
  run.fire();
  run.step(run_happening::empty_done{run.key(1)});
  run.finish(run.key(0));
  run.finish(run.key(2));
  REQUIRE(run.core.run().state == run_state::success);
  SECTION("downstream of another need") {
    run.operate(run_operation::verb::rerun, {run.key(0)}, rerun_scope::downstream);
    CHECK(run.state(3) == is::skipped);
    CHECK(run.state(2) == is::waiting);
  }
  SECTION("named") {
    run.operate(run_operation::verb::rerun, {run.key(3)}, rerun_scope::only);
    CHECK(run.state(3) == is::pre_ready);
  }
  SECTION("with the switch") {
    run.evaluator.choices.insert_or_assign(1, std::string{"b"});
    run.operate(run_operation::verb::rerun, {run.key(1)}, rerun_scope::downstream);
    run.step(run_happening::empty_done{run.key(1)});
    CHECK(run.state(2) == is::skipped);
    CHECK(run.state(3) == is::pre_ready);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a dry switch chooses if it can, else all go on", "[run_core][choice]") {
  const bool known = GENERATE(false, true);
  driven_run run{four_ways()};
  run.evaluator.choices.emplace(0, known ? result<std::string>{std::string{"a"}}
                                         : result<std::string>{problem{errc::not_found, "no"}});
  run.operate(run_operation::verb::dryrun, {run.key(0)});
  run.fire();
  CHECK(run.state(0) == is::success);
  CHECK(run.state(2) == (known ? is::skipped : is::pre_ready));
  CHECK(run.complaint == "");
}
