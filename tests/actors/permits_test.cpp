#include "actors/stage.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Four runs whose only task wants the one permit of a pool; frozen and thawed while permits are
/// granted and given back.
sim::scenario frozen_and_thawed() {
  sim::scenario of;
  of.settings.project = "sim";
  of.settings.pools = {{"models", 1}};
  workflow_definition workflow;
  workflow.project = "sim";
  workflow.name = "fit";
  workflow.overlap = overlap_policy::allow;
  workflow.max_active_runs = 10;
  auto& task = workflow.tasks.emplace_back();
  task.name = "train";
  task.type = task_type::shell;
  task.run = "train";
  task.pools = {{"models", 1}};
  task.retry.max = 9;
  of.workflows = {std::move(workflow)};
  const auto add = [&](sim::scripted_action::kind what, duration at) -> sim::scripted_action& {
    auto& action = of.actions.emplace_back();
    action.what = what;
    action.at = at;
    action.workflow = "sim.fit";
    return action;
  };
  add(sim::scripted_action::kind::apply, {});
  for (int i = 0; i < 4; ++i)
    add(sim::scripted_action::kind::trigger, seconds{1});
  for (int i = 0; i < 60; ++i) {
    auto& action = add(sim::scripted_action::kind::switch_task, seconds{1} + milliseconds{3} * i);
    action.task = "train";
    action.mode = i % 2 == 0 ? task_mode::frozen : task_mode::normal;
  }
  of.slots = 4;
  of.lasts = seconds{20};
  return of;
}

// What is granted, and what runs at a time, the observer compares with the pool at each commit.
TEST_CASE("a task that is frozen and thawed while it is granted permits runs on its own",
          "[permits]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    const auto outcome = sim::world{frozen_and_thawed(), seed, {}, false}.run();
    REQUIRE(outcome.violations == std::vector<std::string>{});
    REQUIRE(outcome.runs == 4);
  }
}

} // namespace
