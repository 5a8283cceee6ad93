#include "actors/stage.hpp"
#include "pinion/timing/instant_text.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using item_state = backfill_item_state;

workflow_definition hourly(std::string name) {
  workflow_definition out;
  out.project = "sim";
  out.name = std::move(name);
  out.max_active_runs = 10;
  for (const auto* task : {"load", "sum"}) {
    out.tasks.emplace_back();
    out.tasks.back().name = task;
    out.tasks.back().type = task_type::empty;
  }
  out.tasks[1].needs = {0};
  trigger_definition tick;
  tick.id = "tick";
  tick.slots = slot_rule{make_every(hours{1}).value()};
  out.triggers.push_back(std::move(tick));
  return out;
}

sim::scenario one_workflow() {
  sim::scenario of;
  of.settings.project = "sim";
  of.workflows = {hourly("orders")};
  of.lasts = hours{1};
  return of;
}

/// An engine with workflows of which nothing has run yet.
struct field : stage {
  explicit field(sim::scenario what = one_workflow()) : stage{std::move(what)} { apply(); }

  /// The last `count` slots that have passed.
  backfill_request last_slots(int count) const {
    backfill_request ask;
    ask.workflow = "sim.orders";
    ask.trigger = "tick";
    ask.to = clock.wall_now();
    ask.from = slot(count - 1);
    return ask;
  }
  /// The slot so many before the last one.
  instant slot(int back) const { return std::chrono::floor<hours>(clock.wall_now()) - hours{back}; }

  result<backfill_record> backfill(const backfill_request& ask) {
    std::optional<result<backfill_record>> out;
    engine->client().backfill(ask, {"alice", "a mend"},
                              [&](result<backfill_record> made) { out = std::move(made); });
    settle();
    REQUIRE(out);
    return *out;
  }
  result<backfill_preview> preview(const backfill_request& ask) {
    std::optional<result<backfill_preview>> out;
    engine->client().preview_backfill(
        ask, [&](result<backfill_preview> made) { out = std::move(made); });
    settle();
    REQUIRE(out);
    return *out;
  }
  result<operation_answer> steer(std::uint64_t id, backfill_verb verb) {
    std::optional<result<operation_answer>> out;
    engine->client().steer_backfill(id, verb, {"bob", "enough"},
                                    [&](result<operation_answer> done) { out = std::move(done); });
    settle();
    REQUIRE(out);
    return *out;
  }
  /// The runs of `load` stand still until the test ends them.
  void freeze(const std::string& workflow, task_mode mode = task_mode::frozen) {
    engine->client().switch_task({workflow, "load", mode}, {"ann", ""},
                                 [](const auto& done) { REQUIRE(done); });
    settle();
  }
  void operate(run_id run, run_operation::verb verb, std::uint32_t task = 0) {
    run_operation what;
    what.what = verb;
    if (verb != run_operation::verb::rerun)
      what.targets = {{run, task, no_element}};
    eyes.operation_asked(run, what);
    engine->client().operate(run, what, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
    settle();
  }
  void succeed(instant slot) { operate(run_of(slot), run_operation::verb::succeed); }
  void fail(instant slot) { operate(run_of(slot), run_operation::verb::fail); }

  run_id run_of(instant slot, const std::string& workflow = "sim.orders") const {
    const auto run = store().run_by_key({"main", workflow, "tick", slot});
    return run && run.value() ? *run.value() : run_id{};
  }
  backfill_record record(std::uint64_t id) const {
    const auto row = store().backfill(id);
    return row && row.value() ? *row.value() : backfill_record{};
  }
  std::vector<backfill_item> items(std::uint64_t id) const {
    return store().list_backfill_items(id, std::nullopt, {1'000, {}}).value().items;
  }
  std::vector<item_state> states(std::uint64_t id) const {
    std::vector<item_state> out;
    for (const auto& item : items(id))
      out.push_back(item.state);
    return out;
  }
  std::vector<instant> slots(std::uint64_t id, item_state state) const {
    std::vector<instant> out;
    const auto page = store().list_backfill_items(id, state, {1'000, {}});
    for (const auto& item : page.value().items)
      out.push_back(item.slot);
    return out;
  }
  std::size_t runs() const {
    run_filter filter;
    filter.workflow = "sim.orders";
    return store().list_runs(filter, {1'000, {}}).value().items.size();
  }
};

std::vector<item_state> all(std::size_t count, item_state state) {
  return std::vector<item_state>(count, state);
}

TEST_CASE("a backfill makes its slots in order, so many at a time", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  auto ask = at.last_slots(5);
  ask.parallel = 2;
  ask.descending = GENERATE(false, true);
  const auto made = at.backfill(ask).value();
  CHECK(made.id == 1);
  CHECK(made.total == 5);
  CHECK(made.created_by == "alice");
  std::vector<instant> order;
  for (int back = 4; back >= 0; --back)
    order.push_back(at.slot(back));
  if (ask.descending)
    std::reverse(order.begin(), order.end());
  using list = std::vector<instant>;
  CHECK(at.slots(1, item_state::running) == list{order[0], order[1]});
  at.succeed(order[1]);
  CHECK(at.slots(1, item_state::running) == list{order[0], order[2]});
  at.succeed(order[0]);
  CHECK(at.slots(1, item_state::running) == list{order[2], order[3]});
  at.succeed(order[2]);
  at.succeed(order[3]);
  CHECK(at.record(1).state == backfill_state::running);
  at.succeed(order[4]);
  CHECK(at.record(1).state == backfill_state::success);
  CHECK(at.record(1).ended_at == at.clock.wall_now());
  CHECK(at.states(1) == all(5, item_state::success));
  CHECK(at.run(at.run_of(order[0])).backfill == 1);
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("what a backfill does with slots that have a run is its choice", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  REQUIRE(at.backfill(at.last_slots(3)));
  at.succeed(at.slot(2));
  at.fail(at.slot(1));
  REQUIRE(at.record(1).state == backfill_state::failed);
  REQUIRE(at.states(1) ==
          std::vector{item_state::success, item_state::failed, item_state::cancelled});
  at.freeze("sim.orders", task_mode::normal);
  const auto good = at.run_of(at.slot(2));
  const auto bad = at.run_of(at.slot(1));
  auto ask = at.last_slots(3);
  ask.reprocess = GENERATE(reprocess_policy::none, reprocess_policy::failed, reprocess_policy::all);
  const auto seen = at.preview(ask).value();
  REQUIRE(seen.slots.size() == 3);
  REQUIRE(at.backfill(ask));
  CHECK(at.record(2).state == backfill_state::success);
  CHECK(at.run_of(at.slot(2)) == good);
  CHECK(at.run_of(at.slot(1)) == bad);
  const auto items = at.items(2);
  REQUIRE(items.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    using act = backfill_slot::act;
    const auto left = items[i].state == item_state::skipped;
    CHECK(seen.slots[i].slot == items[i].slot);
    CHECK((seen.slots[i].what == act::leave) == left);
    CHECK((seen.slots[i].what == act::make) == (seen.slots[i].run == run_id{}));
    if (seen.slots[i].run != run_id{})
      CHECK(seen.slots[i].run == items[i].run);
  }
  CHECK((items[0].state == item_state::skipped) == (ask.reprocess != reprocess_policy::all));
  CHECK((items[1].state == item_state::skipped) == (ask.reprocess == reprocess_policy::none));
  CHECK(at.run(good).state == run_state::success);
  CHECK(at.run(good).incarnation == (ask.reprocess == reprocess_policy::all ? 1 : 0));
  CHECK((at.run(bad).state == run_state::success) == (ask.reprocess != reprocess_policy::none));
  CHECK(at.runs() == 3);
}

TEST_CASE("a failed slot stops a backfill once what is under way has ended", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  auto ask = at.last_slots(4);
  ask.parallel = 2;
  REQUIRE(at.backfill(ask));
  at.fail(at.slot(3));
  CHECK(at.record(1).state == backfill_state::running);
  CHECK(at.slots(1, item_state::running).size() == 1);
  CHECK(at.slots(1, item_state::pending).size() == 2);
  if (GENERATE(false, true))
    at.restart();
  at.succeed(at.slot(2));
  CHECK(at.record(1).state == backfill_state::failed);
  CHECK(at.states(1) == std::vector{item_state::failed, item_state::success, item_state::cancelled,
                                    item_state::cancelled});
  CHECK(at.runs() == 2);
}

TEST_CASE("a backfill may go on after a failed slot, and is failed at its end", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  auto ask = at.last_slots(3);
  ask.stop_on_failure = false;
  REQUIRE(at.backfill(ask));
  at.fail(at.slot(2));
  CHECK(at.record(1).state == backfill_state::running);
  at.succeed(at.slot(1));
  at.succeed(at.slot(0));
  CHECK(at.record(1).state == backfill_state::failed);
  CHECK(at.states(1) == std::vector{item_state::failed, item_state::success, item_state::success});
}

TEST_CASE("a backfill starts slots in its hours only, also over midnight", "[backfill]") {
  auto of = one_workflow();
  of.workflows[0].timezone = "Asia/Kolkata"; // The stage begins at 13:30 there.
  field at{of};
  auto ask = at.last_slots(3);
  ask.hours = {hours{22}, hours{6}};
  REQUIRE(at.backfill(ask));
  CHECK(at.states(1) == all(3, item_state::pending));
  if (GENERATE(false, true))
    at.restart();
  const auto opens = parse_instant("2027-01-15T22:00+05:30").value();
  REQUIRE(at.clock.wall_now() < opens);
  at.pass(opens - at.clock.wall_now() - seconds{1});
  CHECK(at.states(1) == all(3, item_state::pending));
  at.pass(seconds{2});
  CHECK(at.record(1).state == backfill_state::success);
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("hours that end keep the rest of a backfill for the next day", "[backfill]") {
  field at; // From 08:00 UTC.
  at.freeze("sim.orders");
  auto ask = at.last_slots(2);
  ask.hours = {hours{7}, hours{9}};
  REQUIRE(at.backfill(ask));
  const auto second = at.slot(0);
  const auto first = at.slot(1);
  REQUIRE(at.slots(1, item_state::running) == std::vector{first});
  at.pass(hours{2});
  at.succeed(first);
  CHECK(at.slots(1, item_state::pending) == std::vector{second});
  at.pass(hours{24});
  CHECK(at.slots(1, item_state::running) == std::vector{second});
}

TEST_CASE("a paused backfill starts nothing until it is resumed", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  REQUIRE(at.backfill(at.last_slots(3)));
  CHECK(at.steer(1, backfill_verb::resume).error().message == "b1 is not paused");
  REQUIRE(at.steer(1, backfill_verb::pause));
  CHECK(at.steer(1, backfill_verb::pause).error().message == "b1 is paused already");
  at.succeed(at.slot(2));
  CHECK(at.slots(1, item_state::pending).size() == 2);
  if (GENERATE(false, true))
    at.restart();
  CHECK(at.record(1).state == backfill_state::paused);
  CHECK(at.slots(1, item_state::running).empty());
  REQUIRE(at.steer(1, backfill_verb::resume));
  CHECK(at.slots(1, item_state::running) == std::vector{at.slot(1)});
  at.succeed(at.slot(1));
  at.succeed(at.slot(0));
  CHECK(at.record(1).state == backfill_state::success);
  CHECK(at.steer(1, backfill_verb::pause).error().message == "b1 is over: success");
  CHECK(at.steer(2, backfill_verb::pause).error().code == errc::not_found);
  std::vector<std::string> verbs;
  const auto page = at.store().list_audit({"b1", {}}, {100, {}});
  for (const auto& each : page.value().items)
    verbs.push_back(each.who + ' ' + each.verb);
  CHECK(verbs == std::vector<std::string>{"bob resume", "bob pause", "alice backfill"});
}

TEST_CASE("a cancelled backfill ends its own runs and leaves those of others", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  // The run of one slot is under way before the backfill comes.
  at.engine->client().make_slot({"sim.orders", "tick", at.slot(2)}, {"ann", ""},
                                [](const auto& done) { REQUIRE(done); });
  at.settle();
  auto ask = at.last_slots(4);
  ask.parallel = 2;
  REQUIRE(at.backfill(ask));
  REQUIRE(at.slots(1, item_state::running) == std::vector{at.slot(3), at.slot(2)});
  CHECK(at.steer(1, backfill_verb::cancel).value().affected == 4);
  CHECK(at.record(1).state == backfill_state::cancelled);
  CHECK(at.run(at.run_of(at.slot(3))).state == run_state::cancelled);
  CHECK(at.states(1) == std::vector{item_state::cancelled, item_state::running, item_state::pending,
                                    item_state::pending});
  CHECK(at.steer(1, backfill_verb::resume).error().message == "b1 is over: cancelled");
  if (GENERATE(false, true))
    at.restart();
  at.succeed(at.slot(2));
  CHECK(at.states(1) == std::vector{item_state::cancelled, item_state::success,
                                    item_state::cancelled, item_state::cancelled});
  CHECK(at.record(1).state == backfill_state::cancelled);
  CHECK(at.record(1).ended_at != instant{});
  CHECK(at.runs() == 2);
}

TEST_CASE("a slot belongs to one backfill at a time", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  REQUIRE(at.backfill(at.last_slots(3)));
  auto ask = at.last_slots(1);
  for (const auto& why : {at.backfill(ask).error(), at.preview(ask).error()}) {
    CHECK(why.code == errc::refused);
    CHECK(why.message.find("b1 by alice has 2027-01-15T08:00:00+00:00") == 0);
  }
  // On slots of its own there is nobody to meet.
  ask.isolated = true;
  REQUIRE(at.backfill(ask));
  const auto apart = at.items(2).front().run;
  CHECK(at.run(apart).trigger == "@backfill.2");
  CHECK(at.run(apart).isolated);
  at.operate(apart, run_operation::verb::succeed);
  CHECK(at.record(2).state == backfill_state::success);
  at.succeed(at.slot(2));
  ask = at.last_slots(3);
  ask.to = ask.from;
  CHECK(at.backfill(ask)); // That slot is done.
}

TEST_CASE("downstream workflows are made after what they need", "[backfill]") {
  auto of = one_workflow();
  auto sums = hourly("sums");
  outside_need need;
  need.workflow = "sim.orders";
  need.trigger = "tick";
  sums.tasks[0].outside_needs = {need};
  of.workflows.push_back(sums);
  field at{of};
  auto ask = at.last_slots(3);
  ask.downstream = true;
  REQUIRE(at.backfill(ask));
  CHECK(at.record(1).state == backfill_state::success);
  const auto items = at.items(1);
  REQUIRE(items.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(items[i].workflow == (i < 3 ? "sim.orders" : "sim.sums"));
    CHECK(items[i].slot == at.slot(2 - static_cast<int>(i % 3)));
    CHECK(at.run(items[i].run).state == run_state::success);
  }
}

TEST_CASE("the tasks that a backfill does not name are dry", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  auto ask = at.last_slots(1);
  ask.tasks = {"sum"};
  REQUIRE(at.backfill(ask));
  CHECK(at.record(1).state == backfill_state::success); // It did not wait for the frozen one.
  const auto run = at.run_of(at.slot(0));
  CHECK(at.instance(run, 0).mode == task_mode::dry);
  CHECK(at.instance(run, 1).mode == task_mode::normal);
}

TEST_CASE("a slot that cannot be made fails with the reason", "[backfill]") {
  auto of = one_workflow();
  field at{of};
  at.freeze("sim.orders");
  auto ask = at.last_slots(2);
  ask.hours = {hours{9}, hours{10}}; // In an hour.
  REQUIRE(at.backfill(ask));
  const auto first = at.slot(1);
  apply_request set;
  set.workflows = {hourly("orders")};
  set.workflows[0].triggers[0].id = "tock";
  at.engine->client().apply(set, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.pass(hours{1});
  CHECK(at.record(1).state == backfill_state::failed);
  const auto items = at.items(1);
  CHECK(items[0].slot == first);
  CHECK(items[0].state == item_state::failed);
  CHECK(items[0].message.find("no trigger tick") != std::string::npos);
  CHECK(items[1].state == item_state::cancelled);
}

/// Runs until nothing is left to do, but for a crash at the commit of that number, from 1, just
/// before or just after it is durable. True: it came to that.
bool crash_at(stage& at, int commit, bool durable) {
  for (;;) {
    at.run_actors();
    if (at.engine->disk.pending()) {
      if (--commit == 0) {
        if (durable)
          at.engine->disk.release(false);
        at.restart();
        return true;
      }
      at.engine->disk.release(true);
    } else if (at.engine->alarm.due() <= at.clock.steady_now()) {
      at.engine->alarm.ring(false);
    } else if (!at.at.act()) {
      return false;
    }
  }
}

TEST_CASE("a crash at any commit neither loses nor doubles a slot", "[backfill]") {
  const bool durable = GENERATE(false, true);
  const bool again = GENERATE(false, true); // Of slots that have runs.
  const std::uint64_t id = again ? 2 : 1;
  bool crashed = true;
  for (int commit = 1; crashed; ++commit) {
    CAPTURE(commit, durable, again);
    field at;
    auto ask = at.last_slots(4);
    ask.parallel = 2;
    if (again) {
      REQUIRE(at.backfill(ask));
      ask.reprocess = reprocess_policy::all;
    }
    at.engine->client().backfill(ask, {"alice", ""}, [](const auto&) {});
    crashed = crash_at(at, commit, durable);
    at.pass(minutes{2});
    REQUIRE_FALSE(at.engine->fatal());
    REQUIRE(commit < 200);
    if (at.record(id).id == 0) {
      CHECK(commit == 1);
      CHECK(at.items(id).empty());
      continue;
    }
    CHECK(at.record(id).state == backfill_state::success);
    CHECK(at.states(id) == all(4, item_state::success));
    CHECK(at.runs() == 4);
    for (const auto& item : at.items(id))
      CHECK(at.run(item.run).incarnation == (again ? 1 : 0));
    // Who watches takes a rerun that it was not told of for a fault.
    if (!again)
      CHECK(at.log.violations() == std::vector<std::string>{});
  }
}

TEST_CASE("a crash at any commit of a cancel leaves nothing half cancelled", "[backfill]") {
  const bool durable = GENERATE(false, true);
  bool crashed = true;
  for (int commit = 1; crashed; ++commit) {
    CAPTURE(commit, durable);
    field at;
    at.freeze("sim.orders");
    auto ask = at.last_slots(4);
    ask.parallel = 2;
    REQUIRE(at.backfill(ask));
    at.engine->client().steer_backfill(1, backfill_verb::cancel, {"bob", ""}, [](const auto&) {});
    crashed = crash_at(at, commit, durable);
    at.pass(minutes{2});
    REQUIRE_FALSE(at.engine->fatal());
    REQUIRE(commit < 200);
    if (at.record(1).state == backfill_state::running) { // The cancel never was.
      CHECK(commit == 1);
      CHECK(at.slots(1, item_state::running).size() == 2);
      continue;
    }
    CHECK(at.record(1).state == backfill_state::cancelled);
    CHECK(at.record(1).ended_at != instant{});
    CHECK(at.states(1) == all(4, item_state::cancelled));
    CHECK(at.run(at.run_of(at.slot(3))).state == run_state::cancelled);
    CHECK(at.runs() == 2);
  }
}

TEST_CASE("a cancel at any moment leaves no slot running or pending", "[backfill]") {
  for (int after = 1; after < 12; ++after) {
    CAPTURE(after);
    field at;
    at.freeze("sim.orders");
    auto ask = at.last_slots(4);
    ask.parallel = 2;
    at.engine->client().backfill(ask, {"alice", ""}, [](const auto&) {});
    for (int commit = 0; commit < after; ++commit) {
      at.run_actors();
      if (at.engine->disk.pending())
        at.engine->disk.release(true);
    }
    // In the middle of whatever the last commit set going.
    REQUIRE(at.steer(1, backfill_verb::cancel));
    at.pass(minutes{2});
    CHECK(at.record(1).state == backfill_state::cancelled);
    CHECK(at.states(1) == all(4, item_state::cancelled));
    CHECK(at.store().live_runs().value().empty());
    CHECK(at.log.violations() == std::vector<std::string>{});
  }
}

TEST_CASE("a slot that is just being decided is asked for again", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  at.engine->client().backfill(at.last_slots(1), {"alice", ""}, [](const auto&) {});
  at.run_actors();
  REQUIRE(at.engine->disk.pending());
  at.engine->disk.release(true);
  at.engine->client().make_slot({"sim.orders", "tick", at.slot(0)}, {"ann", ""},
                                [](const auto& done) { REQUIRE(done); });
  at.settle();
  const auto slot = at.slot(0);
  REQUIRE(at.run(at.run_of(slot)).backfill == 0); // Ann was first.
  at.pass(seconds{2});
  REQUIRE(at.slots(1, item_state::running) == std::vector{slot});
  at.succeed(slot);
  CHECK(at.record(1).state == backfill_state::success);
  CHECK(at.runs() == 1);
}

TEST_CASE("a slot that is decided behind a slow disk is waited for", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  at.engine->client().backfill(at.last_slots(1), {"alice", ""}, [](const auto&) {});
  at.run_actors();
  at.engine->disk.release(true);
  at.engine->client().make_slot({"sim.orders", "tick", at.slot(0)}, {"ann", ""},
                                [](const auto& done) { REQUIRE(done); });
  at.run_actors();
  for (int i = 0; i < 300; ++i) {
    at.clock.advance(seconds{1});
    at.engine->alarm.ring(false);
    at.run_actors();
  }
  at.settle();
  at.pass(seconds{2});
  const auto slot = at.slot(0);
  CHECK(at.slots(1, item_state::running) == std::vector{slot});
  CHECK(at.runs() == 1);
}

TEST_CASE("a pause takes its turn behind a resumption that is being written", "[backfill]") {
  field at;
  at.freeze("sim.orders");
  const auto verb = GENERATE(backfill_verb::pause, backfill_verb::cancel);
  const auto made = at.backfill(at.last_slots(3));
  REQUIRE(made);
  REQUIRE(at.steer(1, backfill_verb::pause));
  std::vector<bool> answers;
  const auto steer = [&](backfill_verb what) {
    at.engine->client().steer_backfill(
        1, what, {"bob", ""}, [&](const auto& done) { answers.push_back(done.has_value()); });
    at.run_actors();
  };
  steer(backfill_verb::resume);
  steer(verb);
  at.settle();
  CHECK(answers == std::vector{true, true});
  CHECK(at.record(1).state ==
        (verb == backfill_verb::pause ? backfill_state::paused : backfill_state::cancelled));
}

TEST_CASE("a long backfill reads its slots piece by piece", "[backfill]") {
  auto of = one_workflow();
  of.workflows[0].triggers[0].slots = slot_rule{make_every(minutes{1}).value()};
  of.workflows[0].max_active_runs = 50;
  field at{of};
  auto ask = at.last_slots(6); // 301 slots.
  ask.parallel = 50;
  at.engine->client().backfill(ask, {"alice", ""}, [](const auto&) {});
  crash_at(at, 8, true);
  at.settle();
  CHECK(at.record(1).total == 301);
  CHECK(at.record(1).state == backfill_state::success);
  CHECK(at.states(1) == all(301, item_state::success));
  CHECK(at.runs() == 301);
}

TEST_CASE("a backfill that was never finished being made is nothing", "[backfill]") {
  auto of = one_workflow();
  of.workflows[0].triggers[0].slots = slot_rule{make_every(minutes{1}).value()};
  field at{of};
  const auto ask = at.last_slots(60); // 3,541 slots: four batches, the record in the last.
  const auto commit = GENERATE(2, 3, 4);
  at.engine->client().backfill(ask, {"alice", ""}, [](const auto&) {});
  REQUIRE(crash_at(at, commit, false));
  CHECK(at.record(1).id == 0);
  CHECK(at.items(1).empty());
  CHECK(at.store().counts_of_backfill(1).value() == backfill_counts{});
  auto fresh = ask;
  fresh.from = fresh.to = at.slot(0);
  CHECK(at.backfill(fresh).value().id == 1);
  CHECK(at.record(1).state == backfill_state::success);
}

TEST_CASE("what depends on a slot whose history is gone does not wait for it", "[backfill]") {
  auto of = one_workflow();
  of.workflows[0].tasks[0].depends_on_previous = previous_need::self;
  of.retention.emplace().history.usual = hours{24};
  field at{std::move(of)};
  at.pass(hours{72});
  const auto before = at.slot(60);
  REQUIRE_FALSE(at.store().slot({"main", "sim.orders", "tick", before}).value());
  auto ask = at.last_slots(1);
  ask.from = at.slot(58);
  ask.to = at.slot(56);
  const auto made = at.backfill(ask);
  REQUIRE(made);
  at.pass(minutes{10});
  CHECK(at.store().backfill(made.value().id).value()->state == backfill_state::success);
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("a slot that waits for its jitter is made when a backfill asks for it", "[backfill]") {
  auto of = one_workflow();
  of.workflows[0].triggers[0].jitter = minutes{59};
  field at{std::move(of)};
  at.pass(hours{3});
  // Right behind a slot that is not due yet.
  const auto slot = at.slot(0) + hours{1};
  at.pass(slot + seconds{10} - at.clock.wall_now());
  REQUIRE(at.store().slot({"main", "sim.orders", "tick", slot}).value()->outcome ==
          slot_outcome::planned);
  const auto made = at.backfill(at.last_slots(1));
  REQUIRE(made);
  at.pass(minutes{1});
  CHECK(at.store().backfill(made.value().id).value()->state == backfill_state::success);
  at.pass(hours{2});
  CHECK(at.log.violations() == std::vector<std::string>{});
}

} // namespace
