#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

run_operation asked(verb what, std::vector<instance_key> targets) {
  run_operation operation;
  operation.what = what;
  operation.targets = std::move(targets);
  operation.message = "by alice";
  return operation;
}

} // namespace

TEST_CASE("what waits gets another priority and asks for permits anew", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  driven_run run{workflow};
  run.fire();
  auto bump = asked(verb::bump, {run.key(0), run.key(1)});
  bump.priority = first_priority;
  const auto step = run.step(bump);
  CHECK(entered(step, run.key(0), is::pre_ready));
  CHECK_FALSE(entered(step, run.key(1), is::waiting)); // It asks when its turn comes.
  CHECK(run.core.find(run.key(0))->priority == first_priority);
  CHECK(run.core.find(run.key(1))->priority == first_priority);
  run.finish(run.key(0));
  CHECK(run.step(asked(verb::bump, {run.key(0)})).refused);
  run.grant(run.key(1));
  CHECK(run.step(asked(verb::bump, {run.key(1)})).refused);
  CHECK(run.complaint == "");
}

TEST_CASE("a priority that was given before the slot came is kept", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  auto bump = asked(verb::bump, {run.key(0)});
  bump.priority = 9;
  run.step(bump);
  run.fire();
  CHECK(run.core.find(run.key(0))->priority == 9);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("an instance takes the permits of the pools that it was moved to", "[run_core]") {
  workflow_builder workflow;
  workflow.add().pools = {{"models", 1}};
  workflow.add({}, task_type::empty);
  driven_run run{workflow};
  run.fire();
  auto move = asked(verb::repool, {run.key(0)});
  move.pools = {{"spare", 2}};
  CHECK(entered(run.step(move), run.key(0), is::pre_ready));
  const auto grant = run.grant(run.key(0));
  REQUIRE(grant.permits_taken.size() == 1);
  CHECK(grant.permits_taken.front().pool == "spare");
  CHECK(grant.permits_taken.front().permits == 2);
  run.start(run.key(0));
  const auto end = run.exit(run.key(0), 1);
  REQUIRE(end.permits_released.size() == 1);
  CHECK(end.permits_released.front().pool == "spare");
  run.operate(verb::rerun, {run.key(0)});
  CHECK(run.grant(run.key(0)).permits_taken.front().pool == "spare");
  CHECK(run.step(asked(verb::repool, {run.key(1)})).refused); // It asks for no permits.
  CHECK(run.complaint == "");
}

TEST_CASE("elements of a fan-out have the pools and priority that it was given", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0}).for_each =
      fan_out{.variable = "x", .of = "[]", .of_is_json = true, .groups_pool = {}, .key = {}};
  driven_run run{workflow};
  run.fire();
  auto move = asked(verb::repool, {run.key(1)});
  move.pools = {{"spare", 1}};
  run.step(move);
  auto bump = asked(verb::bump, {run.key(1)});
  bump.priority = 8;
  run.step(bump);
  run.finish(run.key(0));
  CHECK(run.core.find(run.key(1, 2))->priority == 8);
  CHECK(run.grant(run.key(1, 2)).permits_taken.front().pool == "spare");
  CHECK(run.complaint == "");
}

TEST_CASE("an instance goes on without an upstream that was dropped", "[run_core]") {
  workflow_builder workflow; // 0 and 1 -> 2 -> 3
  workflow.add();
  workflow.add();
  workflow.add({0, 1});
  workflow.add({1, 2});
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0));
  auto drop = asked(verb::unblock, {run.key(2)});
  drop.upstream = {1};
  const auto step = run.step(drop);
  CHECK(run.state(2) == is::pre_ready);
  REQUIRE(step.edges_settled.size() == 1);
  CHECK(step.edges_settled.front().message == "by alice");
  run.finish(run.key(2));
  CHECK(run.state(3) == is::waiting); // It needs 1 all the same.
  CHECK(run.core.pending_upstream(2).empty());
  run.finish(run.key(1), 1);
  CHECK(run.state(2) == is::success);
  CHECK(run.state(3) == is::upstream_failed);
  CHECK(run.core.run().state == run_state::failed);
  // A rerun needs it again.
  run.operate(verb::rerun, {run.key(2)}, rerun_scope::only);
  CHECK(run.state(2) == is::upstream_failed);
  CHECK(run.complaint == "");
}

TEST_CASE("all that an instance waits for can be dropped, other runs too", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  driven_run run{workflow, driven_run::fresh_run(), {edge_of(1)}};
  run.fire();
  CHECK(run.state(1) == is::waiting);
  const auto step = run.step(asked(verb::unblock, {run.key(1)}));
  CHECK(step.edges_settled.size() == 2);
  CHECK(run.state(1) == is::pre_ready);
  CHECK(run.step(asked(verb::unblock, {run.key(1)})).refused); // It waits no more.
  CHECK(run.settle(1, 0).refused);
  CHECK(run.complaint == "");
}

TEST_CASE("what an instance does not need cannot be dropped", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add();
  workflow.add({0});
  driven_run run{workflow};
  run.fire();
  auto drop = asked(verb::unblock, {run.key(2)});
  drop.upstream = {1};
  CHECK(run.step(drop).refused->code == errc::not_found);
  drop.upstream = {};
  drop.needs = {0};
  CHECK(run.step(drop).refused->code == errc::not_found);
  CHECK(run.step(asked(verb::unblock, {})).refused);
  CHECK(run.step(asked(verb::unblock, {run.key(0)})).refused);
  CHECK(run.state(2) == is::waiting);
  CHECK(run.complaint == "");
}

TEST_CASE("a note stands on a run that has ended too, and changes nothing else", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0), 1);
  auto note = asked(verb::note, {});
  note.note = "source was late";
  const auto step = run.step(note);
  CHECK(step.run_changed);
  CHECK(step.instances.empty());
  CHECK(step.effects.empty());
  CHECK(run.core.run().note == "source was late");
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("an attempt keeps what it wrote and the version it ran with", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  auto of = driven_run::fresh_run();
  of.version = 3;
  driven_run run{workflow, of};
  run.fire();
  run.finish(run.key(0), 0, R"({"n":1})");
  run.operate(verb::rerun, {run.key(0)});
  run.finish(run.key(0), 0, R"({"n":2})");
  const auto& first = run.disk.attempts.at({run.key(0), 1});
  CHECK(first.outputs == R"({"n":1})");
  CHECK(first.version == 3);
  CHECK(run.disk.attempts.at({run.key(0), 2}).outputs == R"({"n":2})");
  CHECK(run.complaint == "");
}
