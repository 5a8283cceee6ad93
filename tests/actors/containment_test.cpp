#include "actors/stage.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::minutes;
using std::chrono::seconds;

/// Ends the run, whatever its processes do.
constexpr duration long_enough{minutes{20}};

TEST_CASE("an instance whose actor throws once goes on from its row", "[containment]") {
  stage at{sim::two_tasks()};
  at.apply();
  int thrown = 0;
  at.on_entering = [&](const instance_key& key, instance_state state) {
    if (key.task == 0 && state == instance_state::ready && thrown++ == 0)
      throw std::runtime_error{"from the test"};
  };
  const auto run = at.trigger();
  REQUIRE(run != run_id{});
  at.pass(long_enough);
  CHECK(thrown >= 1);
  CHECK(is_terminal(at.run(run).state));
  CHECK(at.instance(run, 0).why != reason::actor_crashed);
  CHECK(at.log.violations().empty());
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("an instance whose actor keeps throwing fails with that reason", "[containment]") {
  stage at{sim::two_tasks()};
  at.apply();
  at.on_entering = [](const instance_key& key, instance_state state) {
    if (key.task == 0 && state == instance_state::pre_ready)
      throw std::runtime_error{"from the test"};
  };
  const auto run = at.trigger();
  at.pass(seconds{1});
  CHECK(at.instance(run, 0).state == instance_state::failed);
  CHECK(at.instance(run, 0).why == reason::actor_crashed);
  CHECK(at.instance(run, 1).state == instance_state::upstream_failed);
  CHECK(at.run(run).state == run_state::failed);
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a run whose actor throws once goes on from its rows", "[containment]") {
  stage at{sim::two_tasks()};
  at.apply();
  int steps = 0;
  at.on_stepping = [&](run_id) {
    if (++steps == 3)
      throw std::runtime_error{"from the test"};
  };
  const auto run = at.trigger();
  at.pass(long_enough);
  CHECK(steps > 3);
  CHECK(is_terminal(at.run(run).state));
  CHECK(at.processes() == 0);
  CHECK(at.log.violations().empty());
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a run whose actor keeps throwing ends failed, and the engine goes on", "[containment]") {
  stage at{sim::two_tasks()};
  at.apply();
  std::optional<run_id> poison;
  at.on_stepping = [&](run_id id) {
    if (poison && *poison == id)
      throw std::runtime_error{"from the test"};
  };
  const auto run = at.trigger();
  poison = run;
  at.pass(long_enough);
  CHECK(at.run(run).state == run_state::failed);
  CHECK(at.instance(run, 1).state == instance_state::failed);
  CHECK(at.instance(run, 1).why == reason::actor_crashed);
  CHECK(at.processes() == 0);
  CHECK_FALSE(at.engine->fatal());
  const auto next = at.trigger();
  at.pass(long_enough);
  CHECK(is_terminal(at.run(next).state));
  CHECK(at.instance(next, 0).why != reason::actor_crashed);
}

} // namespace
