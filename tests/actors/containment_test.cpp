#include "actors/stage.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <stdexcept>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Ends the run, whatever its processes do.
constexpr duration long_enough{minutes{20}};

/// The two tasks, and before them a workflow that calls theirs.
sim::scenario called_tasks() {
  auto of = sim::two_tasks();
  workflow_definition caller;
  caller.project = "sim";
  caller.name = "caller";
  auto& task = caller.tasks.emplace_back();
  task.name = "call";
  task.type = task_type::workflow;
  task.call_workflow = "two";
  of.workflows.insert(of.workflows.begin(), std::move(caller));
  return of;
}

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

std::vector<pool_status> pools_of(stage& at) {
  std::vector<pool_status> out;
  at.engine->client().pools([&](const auto& all) {
    REQUIRE(all);
    out = all.value();
  });
  at.settle();
  return out;
}

TEST_CASE("a run whose actor throws while a batch is under way gives back what it held",
          "[containment]") {
  auto of = sim::two_tasks();
  of.settings.pools = {{"models", 1}};
  for (auto& task : of.workflows.front().tasks)
    task.pools = {{"models", 1}};
  stage at{std::move(of)};
  at.apply();
  // The note comes while the batch of that step is on its way to the disk.
  const int which = GENERATE(range(1, 30));
  CAPTURE(which);
  run_operation note;
  note.what = run_operation::verb::note;
  note.note = "look at this";
  int steps = 0;
  at.on_stepping = [&](run_id run) {
    ++steps;
    if (steps == which)
      at.engine->client().operate(run, note, {"ann", ""}, [](const auto&) {});
    else if (steps == which + 1)
      throw std::runtime_error{"from the test"};
  };
  const auto run = at.trigger();
  at.pass(long_enough);
  at.on_stepping = {};
  REQUIRE(is_terminal(at.run(run).state));
  CHECK(at.processes() == 0);
  for (const auto& pool : pools_of(at)) {
    CAPTURE(pool.pool);
    CHECK(pool.used == 0);
    CHECK(pool.queued == 0);
  }
  bool noted = false;
  at.engine->client().operate(run, note, {"ann", ""}, [&](const auto& done) { noted = !!done; });
  at.settle();
  CHECK(noted);
  const auto next = at.trigger();
  at.pass(long_enough);
  CHECK(is_terminal(at.run(next).state));
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a slot runs once whose workflow's actor throws while its run is written",
          "[containment]") {
  auto of = sim::two_tasks();
  auto& tick = of.workflows.front().triggers.emplace_back();
  tick.id = "tick";
  tick.slots = slot_rule{make_every(minutes{10}).value()};
  of.workflows.front().overlap = overlap_policy::allow;
  of.workflows.front().max_active_runs = 10;
  stage at{std::move(of)};
  at.apply();
  const auto slot = next_slot(slot_rule{make_every(minutes{10}).value()}, at.clock.wall_now())->at;
  at.pass(slot - at.clock.wall_now() - seconds{1});
  int launches = 0;
  at.on_launching = [&](const std::string&) {
    if (++launches == 2)
      throw std::runtime_error{"from the test"};
  };
  at.clock.advance(seconds{2});
  at.engine->alarm.ring(false);
  at.run_actors();
  REQUIRE(launches == 1);
  at.engine->client().trigger({"sim.two", {}, "{}", "", false}, {"ann", ""}, [](const auto&) {});
  at.run_actors();
  REQUIRE(launches == 2);
  at.pass(long_enough);
  CHECK_FALSE(at.engine->fatal());
  CHECK(at.log.violations() == std::vector<std::string>{});
  const auto row = at.store().slot({"main", "sim.two", "tick", slot});
  REQUIRE(row.value());
  CHECK(is_terminal(at.run(row.value()->run).state));
  run_filter of_trigger;
  const auto runs = at.store().list_runs(of_trigger, {}).value().items;
  CHECK(std::count_if(runs.begin(), runs.end(),
                      [&](const auto& run) { return run.slot == slot; }) == 1);
}

TEST_CASE("a call is answered whose workflow's actor throws", "[containment]") {
  stage at{called_tasks()};
  at.apply();
  int launches = 0;
  at.on_launching = [&](const std::string& workflow) {
    if (workflow == "sim.two" && ++launches == 1)
      throw std::runtime_error{"from the test"};
  };
  const auto run = at.trigger();
  at.pass(long_enough);
  CHECK(launches == 2);
  CHECK(is_terminal(at.run(run).state));
  CHECK(at.instance(run, 0).attempt == 1);
  CHECK(at.store().list_runs({}, {}).value().items.size() == 2);
  CHECK(at.log.violations() == std::vector<std::string>{});
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("the end of a run is told whose workflow's actor throws while anything of it is written",
          "[containment]") {
  auto of = sim::two_tasks();
  of.settings.pools = {{"models", 1}};
  for (auto& task : of.workflows.front().tasks)
    task.pools = {{"models", 1}};
  of.workflows.front().max_active_runs = 10;
  stage at{std::move(of)};
  at.apply();
  const auto run = at.trigger();
  const int which = GENERATE(range(1, 25));
  CAPTURE(which);
  int commits = 0;
  int launches = 0;
  at.on_launching = [&](const std::string&) {
    if (++launches == 1)
      throw std::runtime_error{"from the test"};
  };
  at.on_committing = [&] {
    if (++commits == which)
      at.engine->client().trigger({"sim.two", {}, "{}", "", false}, {"ann", ""},
                                  [](const auto&) {});
  };
  std::optional<run_state> told;
  at.engine->client().wait_run(run, hours{1}, [&](const result<run_record>& done) {
    if (done)
      told = done.value().state;
  });
  at.pass(long_enough);
  at.on_committing = {};
  at.on_launching = {};
  REQUIRE(is_terminal(at.run(run).state));
  REQUIRE(told);
  CHECK(is_terminal(*told));
  CHECK(at.processes() == 0);
  for (const auto& pool : pools_of(at)) {
    CAPTURE(pool.pool);
    CHECK(pool.used == 0);
    CHECK(pool.queued == 0);
  }
  const auto next = at.trigger();
  at.pass(long_enough);
  CHECK(is_terminal(at.run(next).state));
  CHECK(at.log.violations() == std::vector<std::string>{});
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("an alarm goes out whose run or workflow's actor throws while it is written",
          "[containment]") {
  auto of = sim::two_tasks();
  of.settings.channels["ops"].command = {"page"};
  auto& workflow = of.workflows.front();
  workflow.alarms.on_success = {{"ops"}};
  workflow.tasks.front().alarms.on_success = {{"ops"}};
  workflow.max_active_runs = 10;
  stage at{std::move(of)};
  at.apply();
  const auto run = at.trigger();
  const int which = GENERATE(range(1, 9));
  const bool whole = GENERATE(false, true);
  CAPTURE(which, whole);
  auto crash_once = [thrown = false]() mutable {
    if (!std::exchange(thrown, true))
      throw std::runtime_error{"from the test"};
  };
  run_operation note;
  note.what = run_operation::verb::note;
  note.note = "look at this";
  int commits = 0;
  at.on_committing = [&] {
    if (++commits != which)
      return;
    at.on_committing = {};
    if (whole) {
      at.on_launching = [&](const std::string&) { crash_once(); };
      at.engine->client().trigger({"sim.two", {}, "{}", "", false}, {"ann", ""},
                                  [](const auto&) {});
    } else {
      at.on_stepping = [&](run_id) { crash_once(); };
      at.engine->client().operate(run, note, {"ann", ""}, [](const auto&) {});
    }
  };
  at.pass(long_enough);
  REQUIRE(at.run(run).state == run_state::success);
  std::size_t owed = 0;
  REQUIRE(at.rows.scan(family::meta, "alarm/", "alarm0", [&](auto, auto) {
    ++owed;
    return true;
  }));
  CHECK(owed == 0);
}

TEST_CASE("a run waits for its retry without permits whose actor throws while that is written",
          "[containment]") {
  auto of = sim::two_tasks();
  of.settings.pools = {{"models", 1}};
  for (auto& task : of.workflows.front().tasks) {
    task.pools = {{"models", 1}};
    task.retry.delay = minutes{1};
  }
  stage at{std::move(of)};
  at.apply();
  const auto fate = GENERATE(range(1U, 12U)); // Of the processes; some of them fail.
  at.draw = sim::random_source{fate};
  const auto run = at.trigger();
  const int which = GENERATE(range(1, 5));
  CAPTURE(fate, which);
  run_operation note;
  note.what = run_operation::verb::note;
  note.note = "look at this";
  int commits = 0;
  bool over = false;
  at.on_committing = [&] {
    if (++commits != which)
      return;
    at.on_stepping = [&](run_id) {
      if (!std::exchange(over, true))
        throw std::runtime_error{"from the test"};
    };
    at.engine->client().operate(run, note, {"ann", ""}, [](const auto&) {});
  };
  for (int i = 0; i < 200 && !is_terminal(at.run(run).state); ++i) {
    at.pass(seconds{5});
    const bool active =
        is_active(at.instance(run, 0).state) || is_active(at.instance(run, 1).state);
    for (const auto& pool : pools_of(at))
      CHECK(pool.used == (active ? 1 : 0));
  }
  CHECK(is_terminal(at.run(run).state));
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a rerun is carried on whose run's actor throws while it is written", "[containment]") {
  stage at{sim::two_tasks()};
  at.apply();
  const auto run = at.trigger();
  at.pass(long_enough);
  REQUIRE(is_terminal(at.run(run).state));
  const auto before = at.instance(run, 0).attempt;
  const bool looked_at = GENERATE(false, true);
  CAPTURE(looked_at);
  run_operation again;
  again.what = run_operation::verb::rerun;
  again.why = reason::rerun;
  again.targets = {{run, 0, no_element}};
  again.scope = rerun_scope::only;
  run_operation note;
  note.what = run_operation::verb::note;
  note.note = "look at this";
  at.engine->client().operate(run, again, {"ann", ""}, [](const auto&) {});
  int commits = 0;
  bool thrown = false;
  at.on_committing = [&] {
    if (++commits != 2) // The first makes its actor.
      return;
    at.on_stepping = [&](run_id) {
      if (!std::exchange(thrown, true))
        throw std::runtime_error{"from the test"};
    };
    at.engine->client().operate(run, note, {"ann", ""}, [](const auto&) {});
    at.run_actors();
    if (looked_at)
      at.engine->client().why_run(run, [](const auto&) {});
  };
  at.pass(long_enough);
  CHECK(thrown);
  CHECK(at.instance(run, 0).attempt > before);
  CHECK(is_terminal(at.run(run).state));
  CHECK(at.processes() == 0);
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a pause holds that is asked for while the actor of its workflow is replaced",
          "[containment]") {
  auto of = sim::two_tasks();
  of.workflows.front().triggers.push_back({"tick", slot_rule{make_every(minutes{1}).value()}});
  stage at{of};
  at.apply();
  int launches = 0;
  at.on_launching = [&](const std::string&) {
    if (++launches == 1)
      throw std::runtime_error{"from the test"};
  };
  at.engine->client().trigger({"sim.two", {}, "{}", "", false}, {"ann", ""}, [](const auto&) {});
  at.run_actors();
  REQUIRE(launches == 1);
  bool paused = false;
  at.engine->client().pause({"sim.two", {}}, {"ann", ""},
                            [&](const auto& done) { paused = !!done; });
  at.settle();
  REQUIRE(paused);
  at.pass(minutes{3});
  slot_filter left_out;
  left_out.workflow = "sim.two";
  left_out.outcome = slot_outcome::paused;
  CHECK(at.store().list_slots(left_out, {}).value().items.size() == 3);
  CHECK(at.store().list_runs({}, {}).value().items.empty());
}

TEST_CASE("a call fails whose run crashes each time before it is written", "[containment]") {
  stage at{called_tasks()};
  at.apply();
  std::optional<run_id> calling;
  int thrown = 0;
  at.on_stepping = [&](run_id run) {
    if (!calling)
      calling = run;
    if (run != *calling && thrown < 100) {
      ++thrown;
      throw std::runtime_error{"from the test"};
    }
  };
  const auto run = at.trigger();
  at.pass(long_enough);
  CHECK(thrown == 4);
  CHECK(at.run(run).state == run_state::failed);
  CHECK(at.instance(run, 0).state == instance_state::failed);
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a slot that a person asks for stays as it was when its run crashes unwritten",
          "[containment]") {
  auto of = sim::two_tasks();
  of.workflows.front().triggers.push_back({"tick", slot_rule{make_every(minutes{10}).value()}});
  stage at{of};
  at.apply();
  at.engine->client().pause({"sim.two", {}}, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.pass(minutes{11});
  at.engine->client().resume({"sim.two", {}}, catch_up::none, {"ann", ""},
                             [](const auto& done) { REQUIRE(done); });
  at.settle();
  slot_filter left_out;
  left_out.workflow = "sim.two";
  left_out.outcome = slot_outcome::paused;
  const auto paused = at.store().list_slots(left_out, {}).value().items;
  REQUIRE(paused.size() == 1);
  bool thrown = false;
  at.on_stepping = [&](run_id) {
    if (!std::exchange(thrown, true))
      throw std::runtime_error{"from the test"};
  };
  std::optional<result<trigger_answer>> answer;
  at.engine->client().make_slot({"sim.two", "tick", paused.front().slot}, {"ann", ""},
                                [&](const auto& done) { answer = done; });
  at.settle();
  REQUIRE(thrown);
  REQUIRE(answer);
  CHECK_FALSE(*answer);
  const auto after = at.store().list_slots(left_out, {}).value().items;
  REQUIRE(after.size() == 1);
  CHECK(after.front().decided_at == paused.front().decided_at);
  CHECK(at.store().list_runs({}, {}).value().items.empty());
  at.engine->client().make_slot({"sim.two", "tick", paused.front().slot}, {"ann", ""},
                                [&](const auto& done) { answer = done; });
  at.pass(minutes{1});
  REQUIRE(*answer);
  CHECK(at.run(answer->value().run).slot == paused.front().slot);
}

TEST_CASE("a called run is cancelled with its caller although its actor throws over it",
          "[containment]") {
  stage at{called_tasks()};
  at.apply();
  const auto run = at.trigger();
  const auto called = at.instance(run, 0).called;
  REQUIRE(called != run_id{});
  REQUIRE_FALSE(is_terminal(at.run(called).state));
  bool thrown = false;
  at.on_stepping = [&](run_id each) {
    if (each == called && !std::exchange(thrown, true))
      throw std::runtime_error{"from the test"};
  };
  at.engine->client().operate(run, run_operation{}, {"ann", ""}, [](const auto&) {});
  at.pass(seconds{30});
  CHECK(thrown);
  CHECK(at.run(called).state == run_state::cancelled);
  CHECK(at.run(run).state == run_state::cancelled);
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a run is cancelled by the next of its trigger although its actor throws over it",
          "[containment]") {
  auto of = sim::two_tasks();
  of.workflows.front().overlap = overlap_policy::cancel_running;
  stage at{std::move(of)};
  at.apply();
  const auto run = at.trigger();
  bool thrown = false;
  at.on_stepping = [&](run_id each) {
    if (each == run && !std::exchange(thrown, true))
      throw std::runtime_error{"from the test"};
  };
  const auto next = at.trigger();
  at.pass(seconds{30});
  CHECK(thrown);
  CHECK(at.run(run).state == run_state::cancelled);
  CHECK(at.run(run).ended_at <= at.run(next).started_at);
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("a run is not cancelled by a next one that never came to be", "[containment]") {
  auto of = sim::two_tasks();
  of.workflows.front().overlap = overlap_policy::cancel_running;
  stage at{std::move(of)};
  at.apply();
  const auto run = at.trigger();
  at.on_stepping = [&](run_id each) {
    if (each != run)
      throw std::runtime_error{"from the test"};
  };
  CHECK(at.trigger() == run_id{});
  at.pass(long_enough);
  CHECK(at.run(run).state == run_state::success);
  CHECK_FALSE(at.engine->fatal());
}

TEST_CASE("after a crash a run waits by the policy that it was made with", "[containment]") {
  auto of = sim::two_tasks();
  auto& tick = of.workflows.front().triggers.emplace_back();
  tick.id = "tick";
  tick.slots = slot_rule{make_every(minutes{10}).value()};
  of.workflows.front().overlap = overlap_policy::allow;
  of.workflows.front().max_active_runs = 5;
  of.workflows.front().tasks[0].type = task_type::workflow;
  of.workflows.front().tasks[0].call_workflow = "long";
  workflow_definition long_one;
  long_one.project = "sim";
  long_one.name = "long";
  long_one.tasks = of.workflows.front().tasks;
  long_one.tasks[0] = long_one.tasks[1];
  long_one.tasks[0].needs.clear();
  long_one.tasks.pop_back();
  of.workflows.push_back(long_one);
  stage at{of};
  at.apply();
  at.engine->client().pause({"sim.two", {}}, {"ann", ""}, [](const auto&) {});
  at.pass(minutes{21});
  at.engine->client().resume({"sim.two", {}}, catch_up::none, {"ann", ""}, [](const auto&) {});
  at.engine->client().switch_task({"sim.long", "b", task_mode::frozen}, {"ann", ""},
                                  [](const auto&) {});
  at.settle();
  slot_filter left_out;
  left_out.workflow = "sim.two";
  left_out.outcome = slot_outcome::paused;
  const auto slots = at.store().list_slots(left_out, {}).value().items;
  REQUIRE(slots.size() == 2);
  std::vector<run_id> made;
  for (const auto& slot : slots)
    at.engine->client().make_slot({"sim.two", "tick", slot.slot}, {"ann", ""},
                                  [&](const auto& done) { made.push_back(done.value().run); });
  at.settle();
  REQUIRE(made.size() == 2);
  CHECK(at.run(made[0]).admitted);
  CHECK_FALSE(at.run(made[1]).admitted); // Asked for by a person: it queues behind the first.
  at.restart();
  at.pass(minutes{1});
  CHECK_FALSE(at.run(made[1]).admitted);
}

} // namespace
