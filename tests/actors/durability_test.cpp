#include "actors/stage.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("nothing is answered or started before the transition is durable", "[durability]") {
  stage at{sim::two_tasks()};
  at.apply();
  bool answered = false;
  trigger_request ask;
  ask.workflow = "sim.two";
  at.engine->client().trigger(ask, {"ann", ""}, [&](const auto&) { answered = true; });
  at.run_actors();
  REQUIRE(at.engine->disk.pending());
  CHECK_FALSE(answered);
  at.engine->disk.release(true);
  at.run_actors();
  CHECK(answered);
  // The grant of the first attempt waits for the disk: no process yet.
  REQUIRE(at.engine->disk.pending());
  at.pass(duration{0});
  CHECK(at.log.violations().empty());
}

TEST_CASE("a request key makes one run, also when it is asked for twice at once", "[durability]") {
  stage at{sim::two_tasks()};
  at.apply();
  std::vector<trigger_answer> answers;
  trigger_request ask;
  ask.workflow = "sim.two";
  ask.key = "once";
  for (int i = 0; i < 2; ++i)
    at.engine->client().trigger(ask, {"ann", ""}, [&](const result<trigger_answer>& answer) {
      REQUIRE(answer);
      answers.push_back(answer.value());
    });
  at.settle();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].run == answers[1].run);
  CHECK(answers[0].existed != answers[1].existed);
}

TEST_CASE("a restart at any moment of a run brings it to its end", "[durability]") {
  for (int second = 0; second < 20; ++second) {
    CAPTURE(second);
    stage at{sim::two_tasks()};
    at.apply();
    const auto run = at.trigger();
    at.pass(seconds{second});
    at.restart();
    at.pass(minutes{20});
    CHECK(is_terminal(at.run(run).state));
    CHECK(at.processes() == 0);
    CHECK(at.log.violations().empty());
  }
}

TEST_CASE("whoever waits for a run hears of its end, or of its state in time", "[durability]") {
  stage at{sim::two_tasks()};
  at.apply();
  const auto run = at.trigger();
  std::vector<run_state> heard;
  const auto note = [&](const result<run_record>& row) {
    REQUIRE(row);
    heard.push_back(row.value().state);
  };
  at.engine->client().wait_run(run, duration{1}, note);
  at.pass(std::chrono::milliseconds{5});
  REQUIRE(heard.size() == 1);
  CHECK_FALSE(is_terminal(heard.front()));
  at.pass(minutes{20});
  at.engine->client().wait_run(run, minutes{1}, note);
  at.settle();
  REQUIRE(heard.size() == 2);
  CHECK(is_terminal(heard.back()));
  bool unknown = false;
  at.engine->client().wait_run({99}, minutes{1}, [&](const auto& row) {
    unknown = !row && row.error().code == errc::not_found;
  });
  at.settle();
  CHECK(unknown);
}

} // namespace
