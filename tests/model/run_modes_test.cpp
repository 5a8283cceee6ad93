#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

/// 0 -> 1 -> 2, with an alarm at each success.
workflow_builder chain_of_three() {
  workflow_builder workflow;
  for (std::uint32_t task = 0; task < 3; ++task)
    workflow.add(task == 0 ? std::vector<std::uint32_t>{} : std::vector{task - 1})
        .alarms.on_success = {{"ops"}};
  return workflow;
}

} // namespace

TEST_CASE("a dry run succeeds at once, without a process or a place", "[run_modes]") {
  auto workflow = chain_of_three();
  workflow.definition->tasks[1].for_each.emplace();
  workflow.definition->tasks[2].type = task_type::workflow;
  workflow.definition->tasks[2].pools = {{"models", 1}};
  workflow.definition->tasks[2].checks.resize(1);
  workflow.definition->alarms.on_success = {{"ops"}};
  workflow.add_fallback(0);
  auto record = driven_run::fresh_run();
  record.dry = true;
  driven_run run{workflow, record};
  const auto step = run.step(run_happening::fire{false});
  for (std::uint32_t task = 0; task < 3; ++task) {
    const auto& at = *run.core.find(run.key(task));
    CHECK(at.state == is::success);
    CHECK(at.why == reason::dry_run);
    CHECK(at.attempt == 0);
    CHECK(at.started_at == run.now);
    CHECK(at.ended_at == run.now);
    CHECK(run.core.outputs_of(task) == "{}");
  }
  CHECK(run.why(3) == reason::fallback_not_needed);
  CHECK(run.core.run().state == run_state::success);
  CHECK_FALSE(run.core.run().admitted);
  CHECK(run.core.run().started_at == never);
  CHECK(step.attempts.empty());
  CHECK(count_effects<run_effect::alarm>(step) == 0);
  CHECK(run.complaint == "");
}

TEST_CASE("a dry instance minds its condition, unless that fails", "[run_modes]") {
  workflow_builder workflow;
  workflow.add().when = "scripted";
  workflow.add().when = "scripted";
  auto record = driven_run::fresh_run();
  record.dry = true;
  driven_run run{workflow, record};
  run.evaluator.conditions.emplace(0, false);
  run.evaluator.conditions.emplace(1, problem{errc::invalid, "no such output"});
  run.fire();
  CHECK(run.state(0) == is::skipped);
  CHECK(run.state(1) == is::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a task that is switched to dry lets what is behind it go on", "[run_modes]") {
  auto record = driven_run::fresh_run();
  record.modes = {{0, task_mode::dry}};
  driven_run run{chain_of_three(), record};
  CHECK(run.core.find(run.key(0))->mode == task_mode::dry);
  run.fire();
  CHECK(run.core.run().admitted);
  CHECK(run.state(0) == is::success);
  CHECK(run.state(1) == is::pre_ready);
  const auto step = run.operate(verb::dryrun, {run.key(1)});
  CHECK(run.state(1) == is::success);
  CHECK(entered(step, run.key(1), is::success)); // Its request is withdrawn.
  CHECK(run.state(2) == is::pre_ready);
  run.grant(run.key(2));
  CHECK(run.operate(verb::dryrun, {run.key(2)}).refused);
  CHECK(run.operate(verb::dryrun, {run.key(0)}).refused);
  CHECK(run.complaint == "");
}

TEST_CASE("a frozen instance waits until it is thawed", "[run_modes]") {
  driven_run run{chain_of_three()};
  run.fire();
  const auto frozen = run.operate(verb::freeze, {run.key(0)});
  CHECK(run.state(0) == is::waiting);
  CHECK(run.why(0) == reason::frozen);
  CHECK(entered(frozen, run.key(0), is::waiting));
  CHECK(run.operate(verb::freeze, {run.key(0)}).refused);
  CHECK(count_effects<run_effect::grant_unwanted>(run.grant(run.key(0))) == 1);
  CHECK(run.step(run_happening::timer{run.key(0), instance_timer::upstream_timeout}).refused);
  CHECK(run.step(run_happening::timer{run.key(0), instance_timer::task_timeout}).refused);
  run.operate(verb::thaw, {run.key(0)});
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.core.find(run.key(0))->first_ready_at == run.now);
  CHECK(run.operate(verb::thaw, {run.key(0)}).refused);
  run.finish(run.key(0));
  CHECK(run.state(1) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("what runs can be frozen: its next attempt waits", "[run_modes]") {
  auto workflow = chain_of_three();
  workflow.definition->tasks[0].retry.max = 2;
  driven_run run{workflow};
  run.fire();
  run.grant(run.key(0));
  run.start(run.key(0));
  run.operate(verb::freeze, {run.key(0)});
  CHECK(run.state(0) == is::running);
  run.exit(run.key(0), 1);
  CHECK(run.state(0) == is::retry_wait);
  run.step(run_happening::timer{run.key(0), instance_timer::retry_due});
  CHECK(run.state(0) == is::retry_wait);
  CHECK(run.why(0) == reason::frozen);
  const auto thawed = run.operate(verb::thaw, {run.key(0)});
  CHECK(entered(thawed, run.key(0), is::pre_ready));
  run.finish(run.key(0), 1);
  run.operate(verb::freeze, {run.key(0)});
  run.operate(verb::thaw, {run.key(0)}); // Before its time: it waits for that.
  CHECK(run.state(0) == is::retry_wait);
  CHECK(run.why(0) == reason::retry_due_later);
  run.step(run_happening::timer{run.key(0), instance_timer::retry_due});
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("a run of frozen tasks wants no place", "[run_modes]") {
  auto record = driven_run::fresh_run();
  record.modes = {{0, task_mode::frozen}};
  driven_run run{chain_of_three(), record};
  CHECK_FALSE(run.core.could_begin());
  run.fire();
  CHECK_FALSE(run.core.run().admitted);
  CHECK(run.state(0) == is::waiting);
  CHECK(run.why(0) == reason::frozen);
  const auto thawed = run.operate(verb::thaw, {});
  CHECK(count_effects<run_effect::wants_place>(thawed) == 1);
  CHECK(run.why(0) == reason::run_not_admitted);
  run.operate(verb::freeze, {run.key(0)});
  CHECK_FALSE(run.core.wants_place());
  CHECK(count_effects<run_effect::wants_place>(run.operate(verb::thaw, {run.key(0)})) == 1);
  run.step(run_happening::admit{});
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.complaint == "");
}

TEST_CASE("instances can be switched before the run fires", "[run_modes]") {
  driven_run run{chain_of_three()};
  run.operate(verb::freeze, {run.key(1)});
  run.operate(verb::dryrun, {run.key(2)});
  CHECK(run.state(1) == is::pre_trigger);
  run.step(run_happening::fire{false});
  CHECK(run.disk.instances.at(run.key(1)).state == is::triggered);
  run.step(run_happening::admit{});
  CHECK(run.disk.instances.at(run.key(1)).state == is::waiting);
  run.finish(run.key(0));
  CHECK(run.why(1) == reason::frozen);
  run.operate(verb::thaw, {run.key(1)});
  run.finish(run.key(1));
  CHECK(run.why(2) == reason::dry_run);
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a frozen element gives its place in the fan-out to the next", "[run_modes]") {
  workflow_builder workflow;
  workflow.add().for_each.emplace().max_parallel = 1;
  driven_run run{workflow};
  run.fire();
  CHECK(run.why(0, 0) == reason::permits_pending);
  CHECK(run.why(0, 1) == reason::max_parallel);
  const auto step = run.operate(verb::freeze, {run.key(0, 0)});
  CHECK(run.state(0, 0) == is::waiting);
  CHECK(entered(step, run.key(0, 1), is::pre_ready));
  run.operate(verb::thaw, {run.key(0, 0)});
  CHECK(run.state(0, 0) == is::pre_ready);
  CHECK(run.why(0, 0) == reason::max_parallel); // It queues again.
  run.finish(run.key(0, 1));
  CHECK(run.why(0, 0) == reason::permits_pending);
  run.operate(verb::freeze, {run.key(0)});
  CHECK(run.why(0, 2) == reason::frozen);
  run.operate(verb::dryrun, {run.key(0, 2)});
  CHECK(run.why(0, 2) == reason::dry_run);
  run.operate(verb::thaw, {run.key(0)});
  run.finish(run.key(0, 0));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a frozen fan-out does not make its list, a frozen fallback does not begin",
          "[run_modes]") {
  workflow_builder workflow;
  workflow.add().for_each.emplace();
  workflow.add();
  workflow.add_fallback(1).alarms = {};
  workflow.definition->tasks[1].alarms.on_fallback = {{"ops"}};
  auto record = driven_run::fresh_run();
  record.modes = {{0, task_mode::frozen}, {2, task_mode::frozen}};
  driven_run run{workflow, record};
  run.fire();
  CHECK(run.core.find(run.key(0))->placeholder);
  CHECK(run.why(0) == reason::frozen);
  run.operate(verb::thaw, {run.key(0)});
  CHECK(run.state(0, 2) == is::pre_ready);
  const auto failed = run.finish(run.key(1), 1);
  CHECK(run.why(2) == reason::frozen);
  CHECK(count_effects<run_effect::alarm>(failed) == 0);
  const auto thawed = run.operate(verb::thaw, {run.key(2)});
  CHECK(run.state(2) == is::pre_ready);
  CHECK(count_effects<run_effect::alarm>(thawed) == 1);
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun keeps the mode, or sets the one that it is given", "[run_modes]") {
  auto record = driven_run::fresh_run();
  record.dry = true;
  driven_run run{chain_of_three(), record};
  run.fire();
  run.operate(verb::rerun, {run.key(0)});
  CHECK(run.why(0) == reason::dry_run);
  run_operation again{verb::rerun, {run.key(0)}, rerun_scope::downstream, reason::by_user, ""};
  again.mode = task_mode::normal;
  run.step(again);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.core.find(run.key(2))->mode == task_mode::normal);
  CHECK(run.complaint == "");
}
