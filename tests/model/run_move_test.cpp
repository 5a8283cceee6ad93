#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

run_operation to_version(verb what, const workflow_builder& workflow, std::uint32_t version) {
  run_operation operation;
  operation.what = what;
  operation.definition = workflow.definition;
  operation.version = version;
  return operation;
}

/// What the tasks are called, and where they stand.
std::string names(const run_core& core) {
  std::string out;
  for (std::uint32_t task = 0; task < core.definition().tasks.size(); ++task)
    out += core.definition().tasks[task].name + '=' +
           std::string{to_string(core.instances_of(task).front().state)} + ' ';
  return out;
}

} // namespace

TEST_CASE("a rerun may take the latest version, with its new tasks", "[run_core][move]") {
  workflow_builder before; // 0 -> 1
  before.add();
  before.add({0});
  driven_run run{before};
  run.fire();
  run.finish(run.key(0));
  run.finish(run.key(1), 1);
  REQUIRE(run.core.run().state == run_state::failed);
  workflow_builder after; // 0 -> 1 -> 2, 3
  after.add();
  after.add({0}).run = "mended";
  after.add({1});
  after.add();
  const auto step = run.step(to_version(verb::rerun, after, 2));
  REQUIRE_FALSE(step.refused);
  run.definition = after.definition; // What a twin is restored with.
  CHECK(count_effects<run_effect::moved>(step) == 1);
  CHECK(run.core.run().version == 2);
  CHECK(run.state(0) == is::success);
  CHECK(run.state(1) == is::pre_ready);
  CHECK(run.state(2) == is::waiting);
  CHECK(run.state(3) == is::pre_ready);
  run.finish(run.key(1));
  run.finish(run.key(2));
  run.finish(run.key(3));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.disk.attempts.at({run.key(1), 2}).version == 2);
  CHECK(run.disk.attempts.at({run.key(1), 1}).version == 1);
  CHECK(run.complaint == "");
}

TEST_CASE("a run moves while nothing of it is active", "[run_core][move]") {
  workflow_builder before; // 0 -> 1, 2 behind 1
  before.add();
  before.add({0});
  before.add({1});
  driven_run run{before};
  run.fire();
  workflow_builder after; // 1 is gone, 2 needs 0
  after.add();
  after.add({0});
  after.definition->tasks[1].name = "t2";
  run.grant(run.key(0));
  const auto refused = run.step(to_version(verb::move, after, 2));
  REQUIRE(refused.refused);
  CHECK(refused.refused->message == "r7 cannot go on with version 2: t0 is ready");
  run.start(run.key(0));
  run.exit(run.key(0), 1);
  run.operate(verb::rerun, {run.key(0)}, rerun_scope::downstream);
  const auto step = run.step(to_version(verb::move, after, 2));
  REQUIRE_FALSE(step.refused);
  run.definition = after.definition;
  CHECK(entered(step, run.key(0), is::pre_ready)); // It asks for permits anew.
  CHECK(names(run.core) == "t0=pre_ready t2=waiting ");
  run.finish(run.key(0));
  run.finish(run.key(1));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("what has run keeps its name and its place, or the run stays", "[run_core][move]") {
  workflow_builder before;
  before.add();
  before.add({0});
  driven_run run{before};
  run.fire();
  run.finish(run.key(0));
  run.finish(run.key(1), 1);
  workflow_builder turned;
  turned.add();
  turned.add();
  turned.definition->tasks[0].name = "t1";
  turned.definition->tasks[1].name = "t0";
  CHECK(run.step(to_version(verb::rerun, turned, 2)).refused->message.find("another place") !=
        std::string::npos);
  workflow_builder less;
  less.add();
  CHECK(run.step(to_version(verb::rerun, less, 2)).refused->message.find("has no task t1") !=
        std::string::npos);
  workflow_builder more = before;
  more.definition = std::make_shared<workflow_definition>(*before.definition);
  more.add();
  CHECK(run.step(to_version(verb::move, more, 2)).refused->code == errc::refused);
  CHECK(run.core.run().version == 1);
  CHECK(run.state(1) == is::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a refused rerun leaves the run at its version", "[run_core][move]") {
  workflow_builder before;
  before.add();
  driven_run run{before};
  run.fire();
  run.finish(run.key(0)); // Nothing has failed.
  workflow_builder after;
  after.add().run = "other";
  CHECK(run.step(to_version(verb::rerun, after, 2)).refused->message == "nothing to run again");
  CHECK(run.core.run().version == 1);
  CHECK(run.core.definition_ptr() == run.definition);
  CHECK(run.complaint == "");
}

TEST_CASE("needs that are the same stay settled in another version", "[run_core][move]") {
  workflow_builder before;
  before.add();
  before.add();
  driven_run run{before, driven_run::fresh_run(), {edge_of(0), edge_of(1)}};
  run.fire();
  run.settle(0, 0);
  run.finish(run.key(0));
  CHECK(run.state(1) == is::waiting);
  workflow_builder after;
  after.add();
  after.add();
  auto move = to_version(verb::move, after, 2);
  auto other = edge_of(1);
  other.upstream_task = "else";
  move.edges = {edge_of(0), other};
  REQUIRE_FALSE(run.step(move).refused);
  run.definition = after.definition;
  run.disk.edges = move.edges;
  CHECK(run.core.settled_edge(0, 0) != nullptr);
  REQUIRE(run.core.open_edges().size() == 1);
  CHECK(run.core.open_edges().front()->upstream_task == "else");
  CHECK(run.complaint == "");
}
