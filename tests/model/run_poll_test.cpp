#include "run_fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

poll_policy every_minute(duration timeout = std::chrono::hours{1}) {
  poll_policy poll;
  poll.every = minutes{1};
  poll.timeout = timeout;
  poll.not_yet = {1, 4};
  return poll;
}

workflow_builder one_poll(poll_policy poll = every_minute(), task_type type = task_type::shell) {
  workflow_builder workflow;
  auto& task = workflow.add({}, type);
  task.poll = std::move(poll);
  task.pools = {{"models", 2}};
  task.retry.max = 1;
  return workflow;
}

struct polling_run : driven_run {
  explicit polling_run(const workflow_builder& workflow = one_poll()) : driven_run{workflow} {
    fire();
  }
  /// Until the next look is due.
  run_step next_look() {
    now = std::max(now, core.find(one)->retry_at) - seconds{1};
    return step(run_happening::timer{one, instance_timer::look_due});
  }
  const instance_record& at() const { return *core.find(one); }
  instance_key one = key(0);
};

} // namespace

TEST_CASE("a look that says not yet leaves its attempt waiting, without permits and retries",
          "[run_core][poll]") {
  polling_run run;
  const auto step = run.finish(run.one, 1);
  CHECK(run.state(0) == is::waiting);
  CHECK(run.why(0) == reason::polling);
  CHECK(run.at().message == "look 1: exit code 1");
  CHECK(run.at().retries_used == 0);
  CHECK(entered(step, run.one, is::waiting));
  CHECK(step.permits_released.size() == 1);
  CHECK(count_effects<run_effect::released>(step) == 1);
  CHECK(run.disk.permits.empty());
  const auto* attempt = run.core.newest_attempt(run.one);
  REQUIRE(attempt != nullptr);
  CHECK(attempt->state == attempt_state::waiting);
  CHECK(run.core.run().state == run_state::running);
  CHECK_FALSE(run.core.only_waits());

  // A minute, a tenth more or less.
  const auto pause = run.at().retry_at - run.now;
  CHECK(pause >= seconds{54});
  CHECK(pause < seconds{66});
  CHECK(run.complaint == "");
}

TEST_CASE("the next look is another process of the same attempt", "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 4);
  const auto first = run.at().started_at;
  run.next_look();
  CHECK(run.state(0) == is::pre_ready);
  const auto granted = run.step(run_happening::granted{run.one, 9, "other", "boot2", "{}"});
  CHECK(granted.permits_taken.size() == 1);
  CHECK(run.process(run.one).token == fence{1, 1, fence::step_of(2, 0)});
  CHECK(run.core.newest_attempt(run.one)->worker == "other");
  CHECK(run.core.newest_attempt(run.one)->boot_id == "boot2");
  // The end of the first look, told late, is that of another process.
  const auto late = run.step(run_happening::ended{{run.one, {1, 1, 0}}, {}});
  CHECK(late.stale_fence);

  run.start(run.one);
  CHECK(run.at().started_at == first);
  run.exit(run.one, 0, R"({"path":"/x"})");
  CHECK(run.state(0) == is::success);
  CHECK(run.at().attempt == 1);
  CHECK(run.at().look == 2);
  CHECK(run.core.outputs_of(0) == R"({"path":"/x"})");
  REQUIRE(run.disk.attempts.size() == 1);
  CHECK(run.disk.attempts.begin()->second.looks == 2);
  CHECK(run.complaint == "");
}

TEST_CASE("another exit code than those listed fails the attempt, and a retry polls on",
          "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 1);
  const auto since = run.at().poll_since;
  run.next_look();
  run.finish(run.one, 3);
  CHECK(run.state(0) == is::retry_wait);
  run.step(run_happening::timer{run.one, instance_timer::retry_due});
  run.finish(run.one, 1);
  CHECK(run.state(0) == is::waiting);
  CHECK(run.at().attempt == 2);
  CHECK(run.at().look == 1);
  CHECK(run.at().poll_since == since);
  run.next_look();
  run.finish(run.one, 3);
  CHECK(run.state(0) == is::failed);
  CHECK(run.complaint == "");
}

TEST_CASE("a poll gives up when its timeout has passed, without a retry", "[run_core][poll]") {
  polling_run run{one_poll(every_minute(minutes{5}))};
  int looks = 0;
  for (run.finish(run.one, 1); run.state(0) == is::waiting && looks < 100; ++looks) {
    run.next_look();
    if (run.state(0) == is::pre_ready)
      run.finish(run.one, 1);
  }
  CHECK(run.state(0) == is::failed);
  CHECK(run.why(0) == reason::poll_timeout);
  CHECK(run.at().attempt == 1);
  CHECK(run.at().ended_at - run.at().poll_since < minutes{5} + seconds{3});
  CHECK(looks >= 4);
  CHECK(looks <= 7);
  CHECK(run.complaint == "");
}

TEST_CASE("a look that was due in time is made, however late, and is the last",
          "[run_core][poll]") {
  polling_run run{one_poll(every_minute(minutes{5}))};
  run.finish(run.one, 1);
  run.now += std::chrono::hours{48}; // Nobody was there.
  run.next_look();
  REQUIRE(run.state(0) == is::pre_ready);
  run.grant(run.one);
  run.start(run.one);
  SECTION("found") {
    run.exit(run.one, 0);
    CHECK(run.state(0) == is::success);
  }
  SECTION("not found") {
    run.exit(run.one, 1);
    CHECK(run.state(0) == is::failed);
    CHECK(run.why(0) == reason::poll_timeout);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a look that is lost counts as one that found nothing", "[run_core][poll]") {
  polling_run run;
  run.grant(run.one);
  const bool confirmed = GENERATE(false, true);
  if (confirmed)
    run.start(run.one);
  process_end lost;
  lost.kind = end_kind::lost;
  lost.message = "the launcher died";
  run.end(run.one, lost);
  CHECK(run.state(0) == is::waiting);
  CHECK(run.at().losses == 0);
  CHECK(run.at().message == "look 1: the launcher died");
  CHECK(run.complaint == "");
}

TEST_CASE("what is between two looks ends at once when it is cancelled", "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 1);
  const bool asks = GENERATE(false, true);
  if (asks)
    run.next_look();
  const auto step = run.operate(run_operation::verb::cancel, {});
  CHECK(run.state(0) == is::cancelled);
  REQUIRE(step.attempts.size() == 1);
  CHECK(step.attempts[0].state == attempt_state::ended);
  CHECK(step.attempts[0].outcome == is::cancelled);
  CHECK(step.permits_released.empty());
  CHECK(run.complaint == "");
}

TEST_CASE("a look that runs is stopped like any process", "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 1);
  run.next_look();
  run.grant(run.one);
  run.start(run.one);
  run.operate(run_operation::verb::cancel, {});
  CHECK(run.state(0) == is::stopping);
  run.exit(run.one, 1); // Not yet: but it was promised to end.
  CHECK(run.state(0) == is::cancelled);
  CHECK(run.complaint == "");
}

TEST_CASE("a frozen poll does not look until it is thawed", "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 1);
  const bool asks = GENERATE(false, true);
  if (asks)
    run.next_look();
  run.operate(run_operation::verb::freeze, {run.one});
  CHECK(run.state(0) == is::waiting);
  CHECK(run.why(0) == reason::frozen);
  CHECK(run.step(run_happening::timer{run.one, instance_timer::look_due}).refused);
  const auto thawed = run.operate(run_operation::verb::thaw, {run.one});
  CHECK(entered(thawed, run.one, is::waiting));
  CHECK(run.why(0) == reason::polling);
  run.next_look();
  run.finish(run.one, 0);
  CHECK(run.state(0) == is::success);
  CHECK(run.at().attempt == 1);
  CHECK(run.complaint == "");
}

TEST_CASE("a poll that is frozen while it looks waits frozen, and ends dry", "[run_core][poll]") {
  polling_run run;
  run.grant(run.one);
  run.start(run.one);
  run.operate(run_operation::verb::freeze, {run.one});
  run.exit(run.one, 1);
  CHECK(run.why(0) == reason::frozen);
  const auto step = run.operate(run_operation::verb::dryrun, {run.one});
  CHECK(run.state(0) == is::success);
  REQUIRE(step.attempts.size() == 1);
  CHECK(step.attempts[0].state == attempt_state::ended);
  CHECK(run.complaint == "");
}

TEST_CASE("what polls is alive: it cannot be run again", "[run_core][poll]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add({0}).poll = every_minute();
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0));
  run.finish(run.key(1), 1);
  CHECK(run.operate(run_operation::verb::rerun, {run.key(0)}, rerun_scope::downstream).refused);
  CHECK(run.operate(run_operation::verb::rerun, {run.key(1)}, rerun_scope::only).refused);
  CHECK(run.complaint == "");
}

TEST_CASE("a look that cannot be rendered ends its attempt", "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 1);
  run.next_look();
  const auto step = run.step(run_happening::render_failed{run.one, 1, "vars.x: no such name"});
  CHECK(run.state(0) == is::failed);
  CHECK(count_effects<run_effect::released>(step) == 1);
  CHECK(step.permits_released.empty());
  CHECK(run.at().attempt == 1);
  CHECK(run.complaint == "");
}

TEST_CASE("the looks of a check task are its checks, from the first on", "[run_core][poll]") {
  auto workflow = one_poll(every_minute(), task_type::check);
  workflow.definition->tasks[0].checks.resize(2);
  polling_run run{workflow};
  run.grant(run.one);
  run.start(run.one);
  run.exit(run.one, 0);
  CHECK(run.process(run.one).token.check() == 2);
  run.exit(run.one, 4);
  CHECK(run.state(0) == is::waiting);
  run.next_look();
  run.grant(run.one);
  CHECK(run.process(run.one).token == fence{1, 1, fence::step_of(2, 1)});
  run.start(run.one);
  run.exit(run.one, 0);
  run.exit(run.one, 0);
  CHECK(run.state(0) == is::success);
  CHECK(run.complaint == "");
}

TEST_CASE("a polling element keeps its place under max_parallel", "[run_core][poll]") {
  auto workflow = one_poll();
  workflow.definition->tasks[0].for_each.emplace();
  workflow.definition->tasks[0].for_each->max_parallel = 1;
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0, 0), 1);
  CHECK(run.state(0, 0) == is::waiting);
  CHECK(run.why(0, 1) == reason::max_parallel);
  run.operate(run_operation::verb::cancel, {run.key(0, 0)});
  CHECK(run.why(0, 1) == reason::permits_pending);
  CHECK(run.complaint == "");
}

TEST_CASE("the task's timeout and the queue's end a poll too", "[run_core][poll]") {
  polling_run run;
  run.finish(run.one, 1);
  SECTION("task") {
    run.step(run_happening::timer{run.one, instance_timer::task_timeout});
    CHECK(run.why(0) == reason::task_timeout);
  }
  SECTION("queue") {
    run.next_look();
    run.step(run_happening::timer{run.one, instance_timer::queue_timeout});
    CHECK(run.why(0) == reason::queue_timeout);
  }
  CHECK(run.state(0) == is::failed);
  CHECK(run.core.newest_attempt(run.one) == nullptr);
  CHECK(run.complaint == "");
}

TEST_CASE("pauses between looks are the same each time, and spread", "[poll]") {
  const auto policy = every_minute();
  duration sum{0};
  std::vector<duration> seen;
  for (std::uint32_t task = 0; task < 1000; ++task) {
    const instance_key key{{7}, task, no_element};
    const auto pause = look_delay(policy, key, 1);
    CHECK(pause == look_delay(policy, key, 1));
    CHECK(pause >= seconds{54});
    CHECK(pause <= seconds{66});
    sum += pause;
    seen.push_back(pause);
  }
  CHECK(sum / 1000 > seconds{59});
  CHECK(sum / 1000 < seconds{61});
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() > 990);
}
