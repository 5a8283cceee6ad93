#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;

namespace {

process_end ended_by(end_kind kind, std::string message = {}) {
  process_end end;
  end.kind = kind;
  end.message = std::move(message);
  end.signal = kind == end_kind::signaled ? 9 : 0;
  return end;
}

/// One shell task that has been granted and started.
struct one_task {
  explicit one_task(retry_policy retry = {}) : run{build(std::move(retry))} {
    run.fire();
    run.grant(key);
    run.start(key);
  }
  static workflow_builder build(retry_policy retry) {
    workflow_builder workflow;
    auto& task = workflow.add();
    task.retry = std::move(retry);
    task.pools = {{"models", 2}};
    return workflow;
  }
  driven_run run;
  instance_key key{{7}, 0, no_element};
};

retry_policy retries(std::uint32_t max) {
  retry_policy policy;
  policy.max = max;
  policy.delay = std::chrono::seconds{10};
  policy.factor = 2;
  return policy;
}

} // namespace

TEST_CASE("a failure is repeated after the policy's delay, with a new attempt", "[run_core]") {
  one_task one{retries(2)};
  auto& run = one.run;
  auto step = run.exit(one.key, 3);
  CHECK(run.state(0) == is::retry_wait);
  CHECK(entered(step, one.key, is::retry_wait));
  CHECK(run.core.find(one.key)->retry_at == run.now + std::chrono::seconds{10});
  REQUIRE(step.attempts.size() == 1);
  CHECK(step.attempts[0].state == attempt_state::ended);
  CHECK(step.attempts[0].exit_code == 3);
  CHECK(step.attempts[0].why == reason::exit_nonzero);
  CHECK(step.permits_released.size() == 1);
  CHECK(run.core.newest_attempt(one.key) == nullptr);

  run.step(run_happening::timer{one.key, instance_timer::retry_due});
  CHECK(run.state(0) == is::pre_ready);
  run.finish(one.key, 3);
  CHECK(run.core.find(one.key)->retry_at == run.now + std::chrono::seconds{20});
  run.step(run_happening::timer{one.key, instance_timer::retry_due});
  run.finish(one.key, 3);
  CHECK(run.state(0) == is::failed);
  CHECK(run.core.find(one.key)->attempt == 3);
  CHECK(run.core.find(one.key)->message == "exit code 3");
  CHECK(run.complaint == "");
}

TEST_CASE("which failures retry", "[run_core]") {
  auto policy = retries(1);
  const auto after = [&policy](process_end end) {
    one_task one{policy};
    one.run.end(one.key, std::move(end));
    CHECK(one.run.complaint == "");
    return std::pair{one.run.state(0), one.run.core.find(one.key)->retries_used};
  };
  const std::pair again{is::retry_wait, 1U};
  const std::pair never_again{is::failed, 0U};
  process_end exit75;
  exit75.exit_code = 75;
  process_end exit1;
  exit1.exit_code = 1;
  process_end bad_outputs;
  bad_outputs.outputs_problem = "a value is larger than 64 KiB";

  CHECK(after(ended_by(end_kind::signaled)) == again);
  CHECK(after(ended_by(end_kind::timed_out)) == again);
  CHECK(after(ended_by(end_kind::not_started)) == again);
  CHECK(after(bad_outputs) == again);
  policy.on_exit = {75};
  CHECK(after(exit75) == again);
  CHECK(after(exit1) == never_again);
  CHECK(after(ended_by(end_kind::signaled)) == again);
  CHECK(after(ended_by(end_kind::not_started)) == never_again);
  policy.on_timeout = false;
  CHECK(after(ended_by(end_kind::timed_out)) == never_again);
}

TEST_CASE("a lost attempt is repeated three times without using a retry", "[run_core]") {
  one_task one{retries(0)};
  auto& run = one.run;
  for (std::uint32_t loss = 1; loss <= max_losses; ++loss) {
    run.end(one.key, ended_by(end_kind::lost, "the launcher died"));
    CHECK(run.state(0) == is::retry_wait);
    CHECK(run.core.find(one.key)->losses == loss);
    CHECK(run.core.find(one.key)->retries_used == 0);
    run.step(run_happening::timer{one.key, instance_timer::retry_due});
    run.grant(one.key);
  }
  run.step(
      run_happening::ended{run.process(one.key), ended_by(end_kind::lost), reason::worker_lost});
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::worker_lost);
  CHECK(run.complaint == "");
}

TEST_CASE("an end may overtake the confirmation of its start", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  run.fire();
  const auto key = run.key(0);
  run.grant(key);
  const auto process = run.process(key);
  run.exit(key, 0, "{\"x\":1}");
  CHECK(run.state(0) == is::success);
  CHECK(run.core.find(key)->started_at != never);
  CHECK(run.core.outputs_of(0) == "{\"x\":1}");
  const auto late = run.step(run_happening::started{process, 1, run.now});
  CHECK(late.refused);
  CHECK(late.stale_fence);
  CHECK(run.complaint == "");
}

TEST_CASE("a result whose fence is not the row's changes nothing", "[run_core]") {
  one_task one{retries(1)};
  auto& run = one.run;
  const auto good = run.process(one.key);
  const fence now = good.token;
  const fence others[] = {{now.epoch + 1, now.attempt, 0},
                          {now.epoch, now.attempt + 1, 0},
                          {now.epoch, now.attempt, 1}};
  for (const auto& other : others) {
    const auto step = run.step(run_happening::ended{{one.key, other}, {}});
    CHECK(step.refused);
    CHECK(step.stale_fence);
    CHECK_FALSE(step.run_changed);
  }
  CHECK(run.step(run_happening::ended{{{{7}, 9, 3}, good.token}, {}}).stale_fence);
  CHECK(run.state(0) == is::running);
  CHECK(run.complaint == "");
}

TEST_CASE("a start that is told twice is harmless", "[run_core]") {
  one_task one;
  const auto again = one.run.start(one.key);
  CHECK_FALSE(again.refused);
  CHECK_FALSE(again.run_changed);
  CHECK(one.run.complaint == "");
}

TEST_CASE("a grant that nobody wants any more goes back", "[run_core]") {
  workflow_builder workflow;
  workflow.add();
  driven_run run{workflow};
  run.fire();
  run.operate(run_operation::verb::cancel, {run.key(0)});
  const auto step = run.grant(run.key(0));
  CHECK(count_effects<run_effect::grant_unwanted>(step) == 1);
  CHECK_FALSE(step.run_changed);
  CHECK(count_effects<run_effect::grant_unwanted>(run.grant(run.key(0, 12))) == 1);
  CHECK(run.complaint == "");
}

TEST_CASE("a command that cannot be rendered fails its attempt without retry", "[run_core]") {
  workflow_builder workflow;
  workflow.add().retry = retries(3);
  driven_run run{workflow};
  run.fire();
  const auto step = run.step(run_happening::render_failed{run.key(0), 1, "inputs.x: no such task"});
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::render_failed);
  CHECK(step.permits_released.empty());
  CHECK(count_effects<run_effect::released>(step) == 1);
  REQUIRE(step.attempts.size() == 1);
  CHECK(step.attempts[0].message == "inputs.x: no such task");
  CHECK(run.complaint == "");
}

namespace {

workflow_builder with_checks(task_type type) {
  workflow_builder workflow;
  auto& task = workflow.add({}, type);
  task.checks.resize(2);
  task.checks[0].name = "rows";
  task.checks[0].weak = true;
  task.checks[1].name = "keys";
  workflow.add({0});
  return workflow;
}

} // namespace

TEST_CASE("checks run after the body, and outputs count from their success on", "[run_core]") {
  driven_run run{with_checks(task_type::shell)};
  const auto key = run.key(0);
  run.fire();
  const auto body = run.finish(key, 0, "{\"rows\":5}");
  CHECK(run.state(0) == is::dqc_check);
  CHECK(entered(body, key, is::dqc_check));
  CHECK(run.process(key).token.step == 1);
  CHECK(body.outputs.size() == 1);
  CHECK(run.core.outputs_of(0) == "{}");
  CHECK(run.core.newest_attempt(key)->state == attempt_state::checking);

  SECTION("a weak check warns, and all passed is success") {
    const auto first = run.exit(key, 1);
    CHECK(entered(first, key, is::dqc_check));
    CHECK(run.core.find(key)->warned);
    run.exit(key, 0);
    CHECK(run.state(0) == is::success);
    CHECK(run.core.outputs_of(0) == "{\"rows\":5}");
    CHECK(run.state(1) == is::pre_ready);
  }
  SECTION("a strong one fails the attempt and takes its outputs back") {
    run.exit(key, 0);
    const auto second = run.exit(key, 1);
    CHECK(run.state(0) == is::failed);
    CHECK(run.why(0) == reason::check_failed);
    CHECK(run.core.find(key)->message == "check keys: exit code 1");
    CHECK(second.outputs_dropped == std::vector{key});
    CHECK(run.state(1) == is::upstream_failed);
  }
  SECTION("a crash in between repeats the check, not the task") {
    run.exit(key, 0);
    auto restored = run.disk.restore(run.definition);
    REQUIRE(restored);
    const auto effects = restored.value().resume();
    CHECK(std::get<run_effect::entered>(effects[1]).state == is::dqc_check);
    CHECK(restored.value().find(key)->step == 2);
    CHECK(restored.value().find(key)->attempt == 1);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a check task has no body", "[run_core]") {
  driven_run run{with_checks(task_type::check)};
  const auto key = run.key(0);
  run.fire();
  run.grant(key);
  CHECK(run.process(key).token.step == 1);
  run.start(key);
  CHECK(run.state(0) == is::dqc_check);
  SECTION("it passes") {
    run.exit(key, 0);
    run.exit(key, 0);
    CHECK(run.state(0) == is::success);
  }
  SECTION("a first check that cannot start is a failed check") {
    run.end(key, ended_by(end_kind::not_started, "no such file"));
    CHECK(run.core.find(key)->warned);
    CHECK(run.process(key).token.step == 2);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("task and queue timeouts end the instance without a retry", "[run_core]") {
  workflow_builder workflow;
  workflow.add().retry = retries(5);
  driven_run run{workflow};
  run.fire();
  const auto key = run.key(0);
  SECTION("queue") {
    run.step(run_happening::timer{key, instance_timer::queue_timeout});
    CHECK(run.why(0) == reason::queue_timeout);
  }
  SECTION("task, while it runs: stopped first") {
    run.grant(key);
    run.start(key);
    CHECK(run.step(run_happening::timer{key, instance_timer::queue_timeout}).refused);
    run.step(run_happening::timer{key, instance_timer::task_timeout});
    CHECK(run.state(0) == is::stopping);
    CHECK(run.step(run_happening::timer{key, instance_timer::task_timeout}).refused);
    run.exit(key, 0);
    CHECK(run.why(0) == reason::task_timeout);
  }
  CHECK(run.state(0) == is::failed);
  CHECK(run.complaint == "");
}
