#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using counts_as = edge_record::counts_as;

namespace {

constexpr auto previous = bound_edge::first_previous;
constexpr auto gate = bound_edge::after_gate;

/// 0 -> 1, where 1 has a need of its own on another run.
workflow_builder pair_of_tasks() {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  return workflow;
}

} // namespace

TEST_CASE("an edge is one more upstream of its task", "[run_edges]") {
  driven_run run{pair_of_tasks(), driven_run::fresh_run(), {edge_of(1)}};
  const auto fired = run.fire();
  CHECK(run.core.run().admitted); // Task 0 can begin.
  CHECK(run.state(1) == is::waiting);
  CHECK(run.why(1) == reason::upstream_pending);
  CHECK(entered(fired, run.key(1), is::waiting)); // People see what it waits for.
  CHECK(run.core.upstream_counts(1).total == 2);
  CHECK(run.core.open_edges().size() == 1);
  run.finish(run.key(0));
  CHECK(run.state(1) == is::waiting);
  const auto step = run.settle(1, 0, counts_as::success, R"({"rows":5})");
  CHECK(entered(step, run.key(1), is::pre_ready));
  REQUIRE(step.edges_settled.size() == 1);
  CHECK(step.edges_settled.front().run == run.core.run().id);
  CHECK(step.edges_settled.front().at == run.now);
  CHECK(run.core.settled_edge(1, 0)->outputs == R"({"rows":5})");
  CHECK(run.core.open_edges().empty());
  CHECK(run.settle(1, 0).refused->code == errc::exists);
  CHECK(run.settle(0, 0).refused->code == errc::not_found);
  CHECK(run.complaint == "");
}

TEST_CASE("an edge that was skipped or failed counts so in the join", "[run_edges]") {
  const auto end_of = [](join_rule rule, counts_as outcome) {
    auto workflow = pair_of_tasks();
    workflow.definition->tasks[1].join = rule;
    driven_run run{workflow, driven_run::fresh_run(), {edge_of(1)}};
    run.fire();
    run.settle(1, 0, outcome);
    run.finish(run.key(0));
    CHECK(run.complaint == "");
    return run.state(1);
  };
  CHECK(end_of(join_rule::all_success, counts_as::skipped) == is::skipped);
  CHECK(end_of(join_rule::all_success, counts_as::failed) == is::upstream_failed);
  CHECK(end_of(join_rule::all_done, counts_as::failed) == is::pre_ready);
  CHECK(end_of(join_rule::one_failed, counts_as::failed) == is::pre_ready);
  CHECK(end_of(join_rule::none_failed, counts_as::skipped) == is::pre_ready);
}

TEST_CASE("a gate holds its task whatever the join rule", "[run_edges]") {
  for (const auto rule : {join_rule::always, join_rule::one_success, join_rule::all_done}) {
    for (const auto need : {previous + 1, gate}) {
      auto workflow = pair_of_tasks();
      workflow.definition->tasks[1].join = rule;
      driven_run run{workflow, driven_run::fresh_run(), {edge_of(1, need)}};
      run.fire();
      run.finish(run.key(0));
      CHECK(run.state(1) == is::waiting);
      CHECK(run.core.upstream_counts(1).total == 1); // It is no upstream of the join.
      run.settle(1, need);
      CHECK(run.state(1) == is::pre_ready);
      CHECK(run.complaint == "");
    }
  }
}

TEST_CASE("a gate that was skipped or failed decides its task at once", "[run_edges]") {
  auto workflow = pair_of_tasks();
  workflow.definition->tasks[1].join = join_rule::always;
  driven_run skipped{workflow, driven_run::fresh_run(), {edge_of(1, gate)}};
  skipped.fire();
  edge_record edge;
  edge.task = 1;
  edge.need = gate;
  edge.outcome = counts_as::skipped;
  edge.message = "dw.orders was skipped";
  skipped.step(run_happening::edge_settled{edge});
  CHECK(skipped.state(1) == is::skipped);
  CHECK(skipped.why(1) == reason::upstream_skipped);
  CHECK(skipped.core.find(skipped.key(1))->message == "dw.orders was skipped");
  CHECK(skipped.complaint == "");

  driven_run failed{workflow, driven_run::fresh_run(), {edge_of(1, gate)}};
  failed.fire();
  failed.settle(1, gate, counts_as::failed);
  CHECK(failed.state(1) == is::upstream_failed);
  CHECK(failed.complaint == "");
}

TEST_CASE("a run that waits for other runs takes no place until it can begin", "[run_edges]") {
  driven_run run{pair_of_tasks(), driven_run::fresh_run(), {edge_of(0)}};
  CHECK_FALSE(run.core.could_begin());
  const auto fired = run.fire(); // There is a place; it is not taken.
  CHECK_FALSE(run.core.run().admitted);
  CHECK_FALSE(run.core.wants_place());
  CHECK(run.core.run().state == run_state::queued);
  CHECK(run.core.run().why == reason::upstream_pending);
  CHECK(run.state(0) == is::waiting);
  CHECK(run.state(1) == is::triggered);
  CHECK(fired.instances == std::vector{run.key(0)});

  const auto settled = run.settle(0, 0);
  CHECK(count_effects<run_effect::wants_place>(settled) == 1);
  CHECK(run.core.wants_place());
  CHECK(run.state(0) == is::waiting);
  CHECK(run.why(0) == reason::run_not_admitted);
  CHECK(run.core.run().why == reason::run_not_admitted);
  CHECK(run.disk.restore(run.definition).value().resume().size() == 3); // The wish, two instances.

  const auto timer = run.step(run_happening::timer{run.key(0), instance_timer::upstream_timeout});
  CHECK(timer.refused); // Its upstream is there.
  const auto admitted = run.step(run_happening::admit{});
  CHECK(entered(admitted, run.key(0), is::pre_ready));
  CHECK(run.state(1) == is::waiting);
  CHECK(run.core.run().state == run_state::running);
  CHECK(run.core.run().why == reason::none);
  CHECK(run.complaint == "");
}

TEST_CASE("edges may settle before the run fires", "[run_edges]") {
  driven_run run{pair_of_tasks(), driven_run::fresh_run(), {edge_of(0)}};
  run.settle(0, 0);
  CHECK(run.state(0) == is::pre_trigger);
  CHECK(run.core.could_begin());
  run.fire();
  CHECK(run.core.run().admitted);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a run whose gates are skipped ends without a place", "[run_edges]") {
  driven_run run{pair_of_tasks(), driven_run::fresh_run(), {edge_of(0, gate)}};
  run.fire();
  const auto step = run.settle(0, gate, counts_as::skipped);
  CHECK(run.state(0) == is::skipped);
  CHECK(run.state(1) == is::skipped);
  CHECK(run.core.run().state == run_state::skipped);
  CHECK_FALSE(run.core.run().admitted);
  CHECK(count_effects<run_effect::wants_place>(step) == 0);
  CHECK(count_effects<run_effect::run_ended>(step) == 1);
  CHECK(run.step(run_happening::admit{}).refused);
  CHECK(run.complaint == "");
}

TEST_CASE("the upstream timeout of an edge counts though the run has no place", "[run_edges]") {
  auto workflow = pair_of_tasks();
  workflow.definition->tasks[0].timeout.upstream = std::chrono::hours{1};
  workflow.add_fallback(0);
  driven_run run{workflow, driven_run::fresh_run(), {edge_of(0)}};
  run.fire();
  CHECK(run.core.find(run.key(0))->waiting_at == run.now);
  const auto step = run.step(run_happening::timer{run.key(0), instance_timer::upstream_timeout});
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::upstream_timeout);
  CHECK(count_effects<run_effect::wants_place>(step) == 1); // For the fallback.
  CHECK(count_effects<run_effect::alarm>(step) == 0);
  run.step(run_happening::admit{});
  CHECK(run.state(2) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun asks for the edges of what it starts over anew", "[run_edges]") {
  driven_run run{pair_of_tasks(), driven_run::fresh_run(), {edge_of(0), edge_of(1)}};
  run.fire();
  run.settle(0, 0);
  run.step(run_happening::admit{});
  run.settle(1, 0);
  run.finish(run.key(0));
  run.finish(run.key(1), 1);
  CHECK(run.core.run().state == run_state::failed);
  const auto again = run.operate(run_operation::verb::rerun, {run.key(1)});
  CHECK(count_effects<run_effect::edges_opened>(again) == 1);
  REQUIRE(again.edges_dropped.size() == 1);
  CHECK(again.edges_dropped.front().task == 1);
  CHECK(run.core.settled_edge(0, 0) != nullptr);
  CHECK(run.state(1) == is::waiting);
  run.settle(1, 0, counts_as::skipped);
  CHECK(run.state(1) == is::skipped);
  CHECK(run.complaint == "");
}

TEST_CASE("what ended before the run had its place can be run again", "[run_edges]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add();
  driven_run run{workflow, driven_run::fresh_run(), {edge_of(0), edge_of(1)}};
  run.fire();
  run.settle(0, 0, counts_as::failed);
  CHECK(run.state(0) == is::upstream_failed);
  run.operate(run_operation::verb::rerun, {run.key(0)});
  CHECK(run.state(0) == is::waiting);
  CHECK_FALSE(run.core.run().admitted);
  const auto step = run.settle(0, 0);
  CHECK(count_effects<run_effect::wants_place>(step) == 1);
  CHECK(run.complaint == "");
}

TEST_CASE("others are told when a task as a whole has ended or is open again", "[run_edges]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add_fallback(0);
  workflow.add({0}).for_each.emplace();
  driven_run run{workflow};
  run.fire();
  CHECK(run.core.class_of(0) == upstream_class::pending);
  CHECK(count_effects<run_effect::task_settled>(run.finish(run.key(0), 1)) == 0);
  const auto made_good = run.finish(run.key(1));
  CHECK(count_effects<run_effect::task_settled>(made_good) == 1);
  CHECK(run.core.class_of(0) == upstream_class::success);
  run.finish(run.key(2, 0));
  run.finish(run.key(2, 1));
  CHECK(run.core.class_of(2) == upstream_class::pending);
  const auto last = run.finish(run.key(2, 2), 1);
  CHECK(count_effects<run_effect::task_settled>(last) == 1);
  CHECK(run.core.class_of(2) == upstream_class::failed);
  CHECK(run.core.run().state == run_state::failed);
  const auto mended = run.operate(run_operation::verb::succeed, {run.key(2, 2)});
  CHECK(count_effects<run_effect::task_settled>(mended) == 1);
  CHECK(count_effects<run_effect::restated>(mended) == 1); // The run is a success now.
  CHECK(count_effects<run_effect::run_ended>(mended) == 0);
  const auto again = run.operate(run_operation::verb::rerun, {run.key(2)});
  CHECK(count_effects<run_effect::task_settled>(again) == 1);
  CHECK(run.core.class_of(2) == upstream_class::pending);
  CHECK(run.complaint == "");
}

TEST_CASE("outputs of an edge are read by the name of its need", "[run_edges]") {
  workflow_builder workflow;
  outside_need need;
  need.workflow = "p.other";
  need.as = "orders";
  workflow.add().outside_needs = {{}, need};
  workflow.add_fallback(0);
  auto edge = edge_of(0, 1);
  auto fallbacks = edge_of(1, 0); // A fallback has none: left out.
  driven_run run{workflow, driven_run::fresh_run(), {edge, edge_of(0, 0), fallbacks}};
  CHECK(run.core.edges().size() == 2);
  CHECK(run.core.edges().front().need == 0);
  CHECK(run.core.outputs_as(0, "orders") == nullptr);
  run.fire();
  run.settle(0, 1, counts_as::success, R"({"n":1})");
  REQUIRE(run.core.outputs_as(0, "orders") != nullptr);
  CHECK(*run.core.outputs_as(0, "orders") == R"({"n":1})");
  CHECK(*run.core.outputs_as(1, "orders") == R"({"n":1})");
  CHECK(run.core.outputs_as(0, "") == nullptr);
  CHECK(run.core.outputs_as(0, "order") == nullptr);
}
