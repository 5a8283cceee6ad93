#include "run_fixture.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::testing;
using is = instance_state;
using verb = run_operation::verb;

namespace {

/// 0 <- 1 (fallback of 0) <- 2 (fallback of 1); 3 needs 0.
workflow_builder chain() {
  workflow_builder workflow;
  workflow.add().alarms.on_fallback = {{"ops"}};
  workflow.add_fallback(0);
  workflow.add_fallback(1);
  workflow.add({0});
  return workflow;
}

} // namespace

TEST_CASE("a fallback runs when its primary failed, and stands in for it", "[run_core]") {
  driven_run run{chain()};
  run.fire();
  CHECK(run.state(1) == is::waiting);
  CHECK(run.why(1) == reason::fallback_pending);
  const auto failed = run.finish(run.key(0), 1);
  CHECK(entered(failed, run.key(1), is::pre_ready));
  CHECK(count_effects<run_effect::alarm>(failed) == 1);
  CHECK(run.state(3) == is::waiting);
  CHECK(run.core.pending_upstream(3) == std::vector<std::uint32_t>{1});
  run.finish(run.key(1), 0, "{\"path\":\"backup\"}");
  CHECK(run.state(2) == is::skipped);
  CHECK(run.why(2) == reason::fallback_not_needed);
  CHECK(run.core.outputs_of(0) == "{\"path\":\"backup\"}");
  run.finish(run.key(3));
  CHECK(run.core.run().state == run_state::success); // The failure is covered.
  CHECK(run.complaint == "");
}

TEST_CASE("a fallback is told to the channels of the task and of the workflow, to each once",
          "[run_core]") {
  auto workflow = chain();
  workflow.definition->alarms.on_fallback = {{"ops"}, {"page"}};
  driven_run run{workflow};
  run.fire();
  const auto failed = run.finish(run.key(0), 1);
  std::vector<std::string> channels;
  for (const auto& effect : failed.effects)
    if (const auto* alarm = std::get_if<run_effect::alarm>(&effect)) {
      CHECK(alarm->kind == run_effect::alarm_kind::fallback);
      CHECK(alarm->key == run.key(1));
      channels.push_back(alarm->channel);
    }
  CHECK(channels == std::vector<std::string>{"ops", "page"});
}

TEST_CASE("a fallback that is not needed is skipped", "[run_core]") {
  driven_run run{chain()};
  run.fire();
  SECTION("after a success") { run.finish(run.key(0)); }
  SECTION("after a skip") { run.finish(run.key(0), 99); }
  SECTION("after a cancel") { run.operate(verb::cancel, {run.key(0)}); }
  CHECK(run.state(1) == is::skipped);
  CHECK(run.state(2) == is::skipped);
  CHECK(run.complaint == "");
}

TEST_CASE("what a chain's last member did decides", "[run_core]") {
  driven_run run{chain()};
  run.fire();
  run.finish(run.key(0), 1);
  SECTION("all failed") {
    run.finish(run.key(1), 1);
    run.finish(run.key(2), 1);
    CHECK(run.state(3) == is::upstream_failed);
    CHECK(run.core.run().state == run_state::failed);
  }
  SECTION("a skipped fallback skips what is behind it, but covers no failure") {
    run.finish(run.key(1), 99);
    CHECK(run.state(3) == is::skipped);
    CHECK(run.core.run().state == run_state::failed);
  }
  SECTION("so does a cancelled one") {
    run.operate(verb::cancel, {run.key(1)});
    CHECK(run.state(3) == is::upstream_failed);
    CHECK(run.core.run().state == run_state::failed);
  }
  SECTION("the second fallback may save it") {
    run.finish(run.key(1), 1);
    run.finish(run.key(2), 0);
    run.finish(run.key(3), 0);
    CHECK(run.core.run().state == run_state::success);
  }
  CHECK(run.complaint == "");
}

TEST_CASE("a rerun of the primary resets its chain", "[run_core]") {
  driven_run run{chain()};
  run.fire();
  run.finish(run.key(0), 1);
  run.finish(run.key(1), 0, "{\"path\":\"backup\"}");
  run.finish(run.key(3));
  CHECK(run.operate(verb::rerun, {}, rerun_scope::failed).refused); // The failure is covered.
  run.operate(verb::rerun, {run.key(0)}, rerun_scope::downstream);
  CHECK(run.state(0) == is::pre_ready);
  CHECK(run.state(1) == is::waiting);
  CHECK(run.state(2) == is::waiting);
  CHECK(run.state(3) == is::waiting);
  run.finish(run.key(0), 0, "{\"path\":\"main\"}");
  CHECK(run.state(1) == is::skipped);
  CHECK(run.core.outputs_of(0) == "{\"path\":\"main\"}");
  CHECK(run.complaint == "");
}

TEST_CASE("a fallback of a fan-out runs once, when all elements have ended", "[run_core]") {
  workflow_builder workflow;
  workflow.add().for_each.emplace();
  workflow.add_fallback(0);
  workflow.add({0});
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0, 0), 1);
  run.finish(run.key(0, 1), 0);
  CHECK(run.state(1) == is::waiting);
  run.finish(run.key(0, 2), 1);
  CHECK(run.state(1) == is::pre_ready);
  CHECK(run.core.upstream_counts(2).total == 1);
  run.finish(run.key(1), 0);
  run.finish(run.key(2), 0);
  CHECK(run.core.run().state == run_state::success);
  CHECK(run.complaint == "");
}
