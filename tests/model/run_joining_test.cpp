#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;

TEST_CASE("a chain of two runs one after the other and ends in success", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  workflow.definition->alarms.on_success = {{"ops"}};
  driven_run run{workflow};
  CHECK(run.core.run().state == run_state::planned);
  const auto fired = run.fire();
  CHECK(run.core.run().state == run_state::running);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.state(1) == is::waiting);
  CHECK(fired.instances == std::vector{run.key(0)}); // What waits has no row.
  CHECK(entered(fired, run.key(0), is::pre_ready));
  CHECK(run.core.pending_upstream(1) == std::vector<std::uint32_t>{0});

  const auto granted = run.grant(run.key(0));
  CHECK(count_effects<run_effect::activated>(granted) == 1);
  CHECK(run.core.run().started_at == run.now);
  run.start(run.key(0));
  CHECK(run.state(0) == is::running);
  const auto ended = run.exit(run.key(0), 0);
  CHECK(run.state(0) == is::success);
  CHECK(entered(ended, run.key(1), is::pre_ready)); // One event, one batch.
  CHECK(count_effects<run_effect::released>(ended) == 1);

  const auto last = run.finish(run.key(1));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.core.run().why == reason::all_done);
  CHECK(count_effects<run_effect::run_ended>(last) == 1);
  CHECK(count_effects<run_effect::alarm>(last) == 1);
  CHECK(run.core.ended());
  CHECK(run.complaint == "");
}

TEST_CASE("a run that is not admitted stands in triggered until it is", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  const auto fired = run.step(run_happening::fire{false});
  CHECK(fired.instances.empty());
  CHECK(fired.run_changed);
  CHECK(run.core.run().state == run_state::queued);
  CHECK(run.state(0) == is::triggered);
  CHECK(run.step(run_happening::fire{true}).refused->code == errc::exists);
  run.step(run_happening::admit{});
  CHECK(run.core.run().state == run_state::running);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.step(run_happening::admit{}).refused);
  CHECK(run.complaint == "");
}

TEST_CASE("an empty task needs no dispatcher, and its turn makes the run active", "[run_core]") {
  workflow_builder workflow;
  workflow.add({}, task_type::empty);
  workflow.add({0}, task_type::empty);
  driven_run run{workflow};
  const auto fired = run.fire();
  CHECK(entered(fired, run.key(0), is::running));
  CHECK(count_effects<run_effect::activated>(fired) == 1);
  CHECK(run.core.find(run.key(0))->attempt == 1);
  CHECK(run.core.find(run.key(0))->started_at == run.now);
  const auto done = run.step(run_happening::empty_done{run.key(0)});
  CHECK(done.attempts.empty());
  CHECK(entered(done, run.key(1), is::running));
  CHECK(run.step(run_happening::empty_done{run.key(0)}).refused);
  run.step(run_happening::empty_done{run.key(1)});
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("failure passes down as upstream_failed, skipping as skipped", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0});
  workflow.add({1}).join = join_rule::none_failed;
  workflow.add({0}).join = join_rule::one_failed;
  workflow.add({3});
  driven_run run{workflow};
  SECTION("failed") {
    run.fire();
    run.finish(run.key(0), 1);
    CHECK(run.state(0) == is::failed);
    CHECK(run.state(1) == is::upstream_failed);
    CHECK(run.state(2) == is::upstream_failed);
    CHECK(run.state(3) == is::pre_ready);
    run.finish(run.key(3));
    run.finish(run.key(4));
    CHECK(run.core.run().state == run_state::failed);
    CHECK(run.core.run().why == reason::tasks_failed);
  }
  SECTION("skipped by its exit code, before retries and without outputs") {
    run.fire();
    run.finish(run.key(0), 99, "{\"x\":1}");
    CHECK(run.state(0) == is::skipped);
    CHECK(run.why(0) == reason::skip_exit);
    CHECK(run.core.outputs_of(0) == "{}");
    CHECK(run.state(1) == is::skipped);
    CHECK(run.state(2) == is::pre_ready); // none_failed runs behind a skip.
    CHECK(run.state(3) == is::skipped);
    CHECK(run.why(3) == reason::upstream_skipped);
    CHECK(run.state(4) == is::skipped);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("ignore_failure makes a failure a success for joins and the run", "[run_core]") {
  workflow_builder workflow;
  workflow.add().ignore_failure = true;
  workflow.add({0});
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0), 1);
  CHECK(run.state(0) == is::failed);
  run.finish(run.key(1));
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a condition is asked when the join is met", "[run_core]") {
  workflow_builder workflow;
  workflow.add().when = "x";
  driven_run run{workflow};
  SECTION("false skips, and a run of nothing but skips is skipped") {
    run.evaluator.conditions.emplace(0, false);
    run.fire();
    CHECK(run.why(0) == reason::when_false);
    CHECK(run.core.run().state == run_state::skipped);
  }
  SECTION("an error fails without retry") {
    run.evaluator.conditions.emplace(0, problem{errc::invalid, "no such name: brand"});
    run.fire();
    CHECK(run.state(0) == is::failed);
    CHECK(run.why(0) == reason::condition_failed);
    CHECK(run.core.find(run.key(0))->message == "no such name: brand");
  }
  CHECK(run.complaint == "");
}

TEST_CASE("skips pass down a chain of 100,000 tasks in one step", "[run_core]") {
  workflow_builder workflow;
  workflow.add().when = "x";
  for (std::uint32_t task = 1; task < 100'000; ++task)
    workflow.add({task - 1}, task_type::empty);
  scripted_evaluator evaluator;
  evaluator.conditions.emplace(0, false);
  run_core core{workflow.definition, driven_run::fresh_run()};
  const auto step = core.step(run_happening::fire{}, at(0), evaluator);
  CHECK(step.instances.size() == 100'000);
  CHECK(core.run().state == run_state::skipped);
}

TEST_CASE("firing a graph of 100,000 tasks writes only what moves", "[run_core]") {
  workflow_builder workflow;
  workflow.add({}, task_type::empty);
  for (std::uint32_t task = 1; task < 100'000; ++task)
    workflow.add({0}, task_type::empty);
  scripted_evaluator evaluator;
  run_core core{workflow.definition, driven_run::fresh_run()};
  const auto step = core.step(run_happening::fire{}, at(0), evaluator);
  CHECK(step.instances.size() == 1);
  CHECK(step.effects.size() == 2);
  CHECK(core.run().counts[static_cast<std::size_t>(is::waiting)] == 99'999);
  CHECK(core.find({{7}, 99'999, no_element})->waiting_at == at(0));
  CHECK(sizeof(instance_record) <= 320);
}

TEST_CASE("a task with an upstream timeout is announced as waiting, and fails when it is over",
          "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0}).timeout.upstream = std::chrono::hours{1};
  driven_run run{workflow};
  CHECK(entered(run.fire(), run.key(1), is::waiting));
  run.step(run_happening::timer{run.key(1), instance_timer::upstream_timeout});
  CHECK(run.state(1) == is::failed);
  CHECK(run.why(1) == reason::upstream_timeout);
  run.finish(run.key(0));
  CHECK(run.core.run().state == run_state::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("times never go back within a run", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  run.fire();
  const auto fired = run.now;
  run.now -= std::chrono::hours{1}; // The wall clock was set back.
  run.grant(run.key(0));
  CHECK(run.core.find(run.key(0))->ready_at == fired);
  CHECK(run.core.run().last_at == fired);
  CHECK(run.complaint == "");
}
