#include "pinion/storage/epoch.hpp"
#include "pinion/storage/rows.hpp"
#include "simulation/sweep.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

namespace {

using namespace pinion;
using namespace pinion::sim;

const bool quiet = [] {
  spdlog::set_level(spdlog::level::off);
  return true;
}();

std::string first_violation(const outcome& of) {
  return of.violations.empty() ? std::string{} : of.violations.front();
}

TEST_CASE("two tasks in a row run to success over a crash at any commit", "[simulation]") {
  const auto whole = world{two_tasks(), 1, {}, false}.run();
  REQUIRE(first_violation(whole).empty());
  REQUIRE(whole.commits > 5);
  for (std::uint64_t commit = 1; commit <= whole.commits; ++commit)
    for (const bool durable : {false, true}) {
      CAPTURE(commit, durable);
      CHECK(first_violation(world{two_tasks(), 1, {commit, durable}, false}.run()) == "");
    }
}

/// A seed of which some look finds nothing: the first such.
std::uint64_t seed_with_looks(scenario (*make)()) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto whole = world{make(), seed, {}, false}.run();
    if (std::any_of(whole.history.begin(), whole.history.end(), [](const std::string& line) {
          return line.find("(polling)") != std::string::npos;
        }))
      return seed;
  }
  return 0;
}

TEST_CASE("a poll, a switch and a teardown come to their end over a crash at any commit",
          "[simulation]") {
  const auto make = GENERATE(&polling, &shaped);
  const auto seed = seed_with_looks(make);
  REQUIRE(seed > 0);
  const auto whole = world{make(), seed, {}, false}.run();
  REQUIRE(first_violation(whole).empty());
  for (std::uint64_t commit = 1; commit <= whole.commits; ++commit)
    for (const bool durable : {false, true}) {
      CAPTURE(seed, commit, durable);
      CHECK(first_violation(world{make(), seed, {commit, durable}, false}.run()) == "");
    }
}

TEST_CASE("work goes on where it was once a disk that ran full has room again", "[simulation]") {
  auto make = two_tasks();
  const auto triggered = make.actions.back();
  for (int more = 2; more < 12; ++more) {
    make.actions.push_back(triggered);
    make.actions.back().at = std::chrono::seconds{more};
  }
  make.rooms = {{std::chrono::seconds{3}, disk_reserve / 2},
                {std::chrono::seconds{6}, 0},
                {std::chrono::seconds{15}, plenty_of_room}};
  std::uint64_t refused = 0;
  std::uint64_t unwritten = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const auto whole = world{make, seed, {}, false}.run();
    CHECK(first_violation(whole) == "");
    CHECK(whole.runs >= 11);
    for (const auto& line : whole.history) {
      refused += line.find("refused for want of room") != std::string::npos ? 1 : 0;
      unwritten += line.find("a commit finds no room") != std::string::npos ? 1 : 0;
    }
  }
  CHECK(refused > 0);
  CHECK(unwritten > 0);
}

TEST_CASE("a run comes to its end, and to its end tasks, over a crash at any commit",
          "[simulation]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto whole = world{ending(), seed, {}, false}.run();
    CAPTURE(seed);
    REQUIRE(first_violation(whole).empty());
    for (std::uint64_t commit = 1; commit <= whole.commits; ++commit)
      for (const bool durable : {false, true}) {
        CAPTURE(commit, durable);
        CHECK(first_violation(world{ending(), seed, {commit, durable}, false}.run()) == "");
      }
  }
}

TEST_CASE("equal seeds give equal histories, other seeds other ones", "[simulation]") {
  const auto once = simulate(7, {20, true});
  const auto again = simulate(7, {20, true});
  CHECK(once.hash == again.hash);
  CHECK(once.steps == again.steps);
  CHECK(once.hash != simulate(8, {20, true}).hash);
  CHECK(once.hash != simulate(7, {21, true}).hash);
}

TEST_CASE("no invariant is violated in histories of fixed seeds", "[simulation]") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    CHECK(first_violation(simulate(seed, {})) == "");
    CHECK(first_violation(simulate(seed, {10, false})) == "");
    CHECK(first_violation(simulate(seed, {11, true})) == "");
  }
}

// Each of them found a fault of the engine once.
TEST_CASE("no invariant is violated in histories that once went wrong", "[simulation]") {
  for (const std::uint64_t seed : {
           14U,        // A task was switched, and runs got rows that had not fired; then a crash.
           25U,        // The same without a crash: runs that nobody ever ended.
           32U,        // An isolated backfill waited for a slot before its first.
           54U,        // The clock was set forward, and everything in between fired late ...
           89U,        // ... whatever the misfire policy said.
           7'002'682U, // What passed before a change of the rule and after it each had ...
           7'007'597U, // ... a misfire allowance of its own.
       }) {
    CAPTURE(seed);
    CHECK(first_violation(world{random_scenario(seed), seed, {}, false}.run()) == "");
  }
  // With faults of disk, connection and network.
  for (const auto& [seed, crash] : {
           // A slot that an edge passed over was made, and only a restart noticed it.
           std::pair{std::uint64_t{8'000'948}, crash_point{}},
           // A slot that was being decided was taken for one that never was: its rule was edited.
           std::pair{std::uint64_t{20'000'582}, crash_point{1, false}},
           // A plan took its version from before an edit and its times from after it.
           std::pair{std::uint64_t{30'004'881}, crash_point{1, false}},
           // The plan went on behind an owed slot that was not durable; then the clock was set
           // back.
           std::pair{std::uint64_t{40'002'306}, crash_point{1, false}},
           // A worker node heard a late greeting of the session that stood, and was not heard.
           std::pair{std::uint64_t{50'004'779}, crash_point{}},
           // The observer counted a task's timeout while it was frozen.
           std::pair{std::uint64_t{71'000'918}, crash_point{1, false}},
           // A slot that waited for its jitter went with a plan that was being taken back.
           std::pair{std::uint64_t{20'062}, crash_point{1, false}},
           // A run that was loaded before a switch declined a place that was counted as its own.
           std::pair{std::uint64_t{35'550}, crash_point{}},
           // Of hundreds of slots caught up at once each cancelled all before it, one by one.
           std::pair{std::uint64_t{72'001'698}, crash_point{}},
           // A question that was dropped with its engine was asked again: its actors lived on.
           std::pair{std::uint64_t{73'002'709}, crash_point{}},
       }) {
    CAPTURE(seed);
    CHECK(first_violation(simulate(seed, crash)) == "");
  }
  // A start on a full disk, and an edit for tomorrow: what was owed had not been decided, while
  // what comes behind it had been planned.
  CHECK(first_violation(simulate(21, {1, false})) == "");
}

/// An observer with its disk, to be shown what no engine must do.
struct watched_disk {
  manual_clock clock{from_us(1'800'000'000'000'000)};
  trace log{clock};
  scenario of = two_tasks();
  std::shared_ptr<surviving_disk> disk = std::make_shared<surviving_disk>();
  observer eyes{of, disk, clock, log};
};

TEST_CASE("the observer sees a process that starts without a row of its attempt", "[simulation]") {
  watched_disk at;
  start_request request;
  request.key = {{{1}, 0, no_element}, {1, 1, 0}};
  at.eyes.start_asked(request);
  REQUIRE(at.log.failed());
  CHECK(at.log.violations().front().starts_with("[5]"));
}

TEST_CASE("the observer sees a process that starts twice", "[simulation]") {
  watched_disk at;
  start_request request;
  request.key = {{{1}, 0, no_element}, {1, 1, 0}};
  at.eyes.process_began(request);
  REQUIRE_FALSE(at.log.failed());
  at.eyes.process_over(request.key, {});
  at.eyes.process_began(request);
  REQUIRE(at.log.failed());
  CHECK(at.log.violations().front().starts_with("[3]"));
}

/// A row of an attempt that is under way, with its instance and run.
void put_running(watched_disk& at) {
  run_record run;
  run.id = {1};
  run.workflow = "sim.two";
  run.version = 1;
  run.trigger = "@manual";
  instance_record row;
  row.key = {{1}, 0, no_element};
  row.state = instance_state::running;
  row.attempt = 1;
  row.epoch = 1;
  attempt_record attempt;
  attempt.instance = row.key;
  attempt.number = 1;
  attempt.epoch = 1;
  attempt.state = attempt_state::running;
  kv_batch batch;
  put_run(batch, run, nullptr);
  put_instance(batch, row);
  put_attempt(batch, attempt);
  memory_kv rows{at.disk};
  rows.commit(std::move(batch), [](const result<std::uint64_t>&) {});
}

TEST_CASE("the observer sees an end that the launcher may forget too early", "[simulation]") {
  watched_disk at;
  put_running(at);
  at.eyes.end_acknowledged({{{1}, 0, no_element}, {1, 2, 0}});
  REQUIRE_FALSE(at.log.failed());
  at.eyes.end_acknowledged({{{1}, 0, no_element}, {1, 1, 0}});
  REQUIRE(at.log.failed());
  CHECK(at.log.violations().front().starts_with("[5]"));
}

TEST_CASE("the observer sees an operation that left no audit row", "[simulation]") {
  watched_disk at;
  put_running(at);
  run_operation cancel;
  cancel.what = run_operation::verb::cancel;
  at.eyes.operation_answered({1}, cancel);
  REQUIRE(at.log.failed());
  CHECK(at.log.violations().front().starts_with("[5]"));
}

TEST_CASE("the observer sees an engine that takes the epoch of another", "[simulation]") {
  watched_disk at;
  memory_kv rows{at.disk};
  next_epoch(rows, [](const result<std::uint64_t>&) {});
  at.eyes.engine_started();
  REQUIRE_FALSE(at.log.failed());
  at.eyes.engine_started();
  REQUIRE(at.log.failed());
  CHECK(at.log.violations().front().starts_with("[10]"));
}

TEST_CASE("no invariant is violated where the worker is a node behind a bad network",
          "[simulation]") {
  std::uint64_t remote = 0;
  for (std::uint64_t seed = 100; remote < 4; ++seed) {
    auto of = faulty_scenario(seed);
    if (!of.remote)
      continue;
    ++remote;
    CAPTURE(seed);
    CHECK(first_violation(world{of, seed, {}, false}.run()) == "");
    CHECK(first_violation(world{of, seed, {15, true}, false}.run()) == "");
  }
}

TEST_CASE("it is seen when the program takes work on a full disk, or none on one with room",
          "[simulation]") {
  watched_disk at;
  at.of.rooms = {{std::chrono::seconds{1}, disk_reserve / 2},
                 {std::chrono::seconds{60}, plenty_of_room}};
  filling_disk uut{at.eyes, at.of, at.clock, at.log, 1};
  const auto blind = [&] { // It lives through the change and does not look.
    at.clock.advance(uut.next_due() - at.clock.steady_now());
    uut.act();
    at.clock.advance(std::chrono::seconds{5});
    return uut.has_reserve();
  };
  SECTION("full") {
    CHECK(blind());
    REQUIRE(at.log.failed());
    CHECK(at.log.violations().front().starts_with("[5]"));
  }
  SECTION("room") {
    at.clock.advance(uut.next_due() - at.clock.steady_now());
    uut.act();
    at.clock.advance(uut.next_due() - at.clock.steady_now());
    uut.act();
    CHECK_FALSE(uut.has_reserve());
    REQUIRE_FALSE(at.log.failed());
    CHECK_FALSE(blind());
    REQUIRE(at.log.failed());
    CHECK(at.log.violations().front().starts_with("[6]"));
  }
}

TEST_CASE("the observer knows how many owed slots a misfire policy lets run", "[simulation]") {
  using std::chrono::minutes;
  watched_disk at;
  const auto begin = at.of.begins;
  trigger_definition trigger;
  trigger.id = "tick";
  trigger.slots.when = make_every(minutes{10}).value();
  trigger.misfire = misfire_policy{misfire_choice::all, std::chrono::hours{2}, 3};
  at.of.workflows.front().triggers = {trigger};
  // The engine was down for two hours; three slots ran, and all others were left out ...
  kv_batch batch;
  const auto last = begin + minutes{120};
  for (auto slot = begin + minutes{10}; slot <= last; slot += minutes{10}) {
    slot_record row;
    row.workflow = "sim.two";
    row.trigger = "tick";
    row.slot = slot;
    row.outcome = last - slot < minutes{30} ? slot_outcome::late : slot_outcome::missed;
    row.why = reason::misfire_policy;
    put_slot(batch, row, nullptr);
  }
  memory_kv rows{at.disk};
  rows.commit(std::move(batch), [](const result<std::uint64_t>&) {});
  misfire_judge judge;
  judge.engine_up(begin, {}, {});
  judge.engine_down(begin + minutes{5}, steady_instant{minutes{5}});
  judge.engine_up(last + minutes{2}, steady_instant{minutes{122}}, {});
  const store_reader store{rows};
  judge.judge(at.of, store, begin, at.log);
  CHECK_FALSE(at.log.failed());
  // ... which is wrong where only two may.
  at.of.workflows.front().triggers.front().misfire->max = 2;
  judge.judge(at.of, store, begin, at.log);
  CHECK(at.log.failed());
}

} // namespace
