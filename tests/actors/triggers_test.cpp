#include "actors/journal.hpp"
#include "actors/planner.hpp"
#include "actors/stage.hpp"
#include "actors/timekeeper.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/rows.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <catch2/catch.hpp>
#include <stdexcept>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// The two tasks with a trigger, every minute.
sim::scenario each_minute() {
  auto of = sim::two_tasks();
  of.workflows[0].triggers.push_back({"tick", slot_rule{make_every(minutes{1}).value()}});
  of.workflows[0].max_active_runs = 3;
  of.workflows[0].overlap = overlap_policy::allow;
  return of;
}

std::vector<slot_outcome> outcomes(const stage& at) {
  std::vector<slot_outcome> out;
  slot_filter filter;
  filter.workflow = "sim.two";
  filter.trigger = "tick";
  const auto rows = at.store().list_slots(filter, {1'000, {}});
  REQUIRE(rows);
  for (const auto& row : rows.value().items)
    if (row.outcome != slot_outcome::planned)
      out.push_back(row.outcome);
  return out;
}

std::size_t count(const std::vector<slot_outcome>& all, slot_outcome what) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), what));
}

TEST_CASE("each slot fires once, also when the wall clock is set back over it", "[planner]") {
  stage at{each_minute()};
  at.apply();
  at.pass(minutes{3});
  CHECK(outcomes(at).size() == 3);
  at.clock.step_wall_to(at.clock.wall_now() - minutes{2});
  at.engine->alarm.ring(true);
  at.pass(minutes{2} - seconds{1});
  CHECK(outcomes(at).size() == 3);
  at.pass(minutes{1} + seconds{2});
  CHECK(outcomes(at).size() == 4);
  CHECK(count(outcomes(at), slot_outcome::fired) == 4);
}

TEST_CASE("slots of a pause are caught up as asked", "[workflow]") {
  const auto caught_up = GENERATE(catch_up::none, catch_up::last, catch_up::all);
  stage at{each_minute()};
  at.apply();
  std::uint32_t changed = 99;
  at.engine->client().pause({"sim.two", {}}, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.pass(minutes{3});
  REQUIRE(count(outcomes(at), slot_outcome::paused) == 3);
  at.engine->client().resume({"sim.two", {}}, caught_up, {"ann", ""},
                             [&](const result<operation_answer>& done) {
                               REQUIRE(done);
                               changed = done.value().affected;
                             });
  at.settle();
  const auto made = caught_up == catch_up::none ? 0U : caught_up == catch_up::last ? 1U : 3U;
  CHECK(changed == made);
  CHECK(count(outcomes(at), slot_outcome::paused) == 3 - made);
  CHECK(at.log.violations().empty());
}

/// Carries commits out one by one until `over`; what waits then is lost with the engine.
void crash_once(stage& at, const bool& over) {
  at.run_actors();
  for (int i = 0; i < 100 && !over; ++i) {
    REQUIRE(at.engine->disk.pending());
    at.engine->disk.release(true);
    at.run_actors();
  }
  REQUIRE(over);
  at.restart();
}

TEST_CASE("slots that were caught up are so after a crash", "[workflow]") {
  stage at{each_minute()};
  at.apply();
  const bool whole = GENERATE(true, false);
  CAPTURE(whole);
  const pause_target target{"sim.two", whole ? "" : "tick"};
  at.engine->client().pause(target, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.pass(minutes{3});
  REQUIRE(count(outcomes(at), slot_outcome::paused) == 3);
  bool answered = false;
  at.engine->client().resume(target, catch_up::all, {"ann", ""},
                             [&](const auto& done) { answered = !!done; });
  crash_once(at, answered);
  CHECK(count(outcomes(at), slot_outcome::paused) == 0);
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("a task that was frozen is so in all live runs after a crash", "[workflow]") {
  auto of = sim::two_tasks();
  of.workflows[0].max_active_runs = 3;
  of.workflows[0].overlap = overlap_policy::allow;
  stage at{std::move(of)};
  at.apply();
  const run_id runs[] = {at.trigger(), at.trigger(), at.trigger()};
  const bool crashed = GENERATE(false, true);
  CAPTURE(crashed);
  if (crashed) {
    bool thrown = false;
    at.on_stepping = [&](run_id run) {
      if (run == runs[1] && !std::exchange(thrown, true))
        throw std::runtime_error{"from the test"};
    };
    run_operation note;
    note.what = run_operation::verb::note;
    note.note = "look at this";
    at.engine->client().operate(runs[1], note, {"ann", ""}, [](const auto&) {});
    at.engine->client().operate(runs[0], note, {"ann", ""}, [](const auto&) {});
  }
  bool answered = false;
  std::uint32_t affected = 0;
  at.engine->client().switch_task({"sim.two", "b", task_mode::frozen}, {"ann", ""},
                                  [&](const result<operation_answer>& done) {
                                    REQUIRE(done);
                                    answered = true;
                                    affected = done.value().affected;
                                  });
  crash_once(at, answered);
  CHECK(affected == 3);
  for (const auto run : runs)
    CHECK(at.instance(run, 1).mode == task_mode::frozen);
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("a slot that is made by hand while it waits for its jitter is wholly of one version",
          "[workflow]") {
  auto of = each_minute();
  auto& workflow = of.workflows[0];
  workflow.edits = edit_mode::next_day;
  workflow.triggers[0].slots = slot_rule{make_every(hours{1}).value()};
  workflow.triggers[0].jitter = minutes{59};
  stage at{of};
  at.apply();
  const auto slot = next_slot(workflow.triggers[0].slots, at.clock.wall_now())->at;
  const auto jitter = jitter_of(minutes{59}, "sim.two/tick", slot);
  REQUIRE(jitter > seconds{30});
  at.pass(slot + jitter - seconds{20} - at.clock.wall_now());
  REQUIRE(outcomes(at).empty());
  apply_request edit;
  edit.projects = {of.settings};
  edit.workflows = of.workflows;
  edit.workflows[0].tasks.pop_back();
  at.engine->client().apply(edit, {"bob", ""}, [](const auto& done) { REQUIRE(done); });
  at.settle();
  run_id made;
  at.engine->client().make_slot({"sim.two", "tick", slot}, {"ann", ""}, [&](const auto& done) {
    REQUIRE(done);
    made = done.value().run;
  });
  at.settle();
  REQUIRE(made != run_id{});
  const auto row = at.store().slot({"main", "sim.two", "tick", slot}).value();
  REQUIRE(row);
  CHECK(row->version == 2);
  CHECK(at.run(made).version == 2);
  CHECK(at.run(made).requested_by == "ann");
  at.restart();
  at.pass(minutes{20});
  CHECK(is_terminal(at.run(made).state));
}

/// Single actors of an engine on the test's thread.
struct parts {
  parts() {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    jobs = dynamic_cast<caf::scheduler::test_coordinator*>(&system->scheduler());
    engine_ports ports;
    ports.clock = &clock;
    ports.alarm = &alarm;
    ports.kv = &disk;
    ports.fatal = [this](const std::string&) { fatal = true; };
    context = std::make_shared<engine_context>(ports, engine_options{}, 1);
  }
  ~parts() {
    if (context->journal)
      caf::anon_send_exit(context->journal, caf::exit_reason::kill);
    if (context->timekeeper)
      caf::anon_send_exit(context->timekeeper, caf::exit_reason::kill);
    jobs->run();
    context->disconnect();
  }

  /// Submits a row; its number in the order of answers, or why not.
  void submit(std::uint64_t owner, std::uint32_t incarnation, const std::string& key,
              bool bulk = false) {
    msg::submit what{owner, incarnation, {}, bulk};
    what.batch.put(family::meta, key, "1");
    system->spawn([this, key, what](caf::event_based_actor* me) {
      me->request(context->journal, caf::infinite, what)
          .then([this, key](std::uint64_t) { heard.push_back(key); },
                [this, key](const caf::error&) { heard.push_back("refused " + key); });
    });
  }

  manual_clock clock{from_us(1'800'000'000'000'000), steady_instant{hours{1}}};
  sim::virtual_alarm alarm;
  memory_kv disk{std::make_shared<surviving_disk>(), memory_kv::mode::queued};
  bool fatal = false;
  std::vector<std::string> heard;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::scheduler::test_coordinator* jobs = nullptr;
  context_ptr context;
};

TEST_CASE("a run by hand for which the store cannot be read is told so", "[workflow]") {
  stage at{sim::two_tasks()};
  at.apply();
  auto& slots = at.disk->families[static_cast<std::size_t>(family::slots)];
  slots = std::make_shared<surviving_disk::rows>(*slots);
  (*slots)[keys::slot({"main", "sim.two", "@manual", at.clock.wall_now()})] = "";
  trigger_request ask;
  ask.workflow = "sim.two";
  std::optional<result<trigger_answer>> answer;
  at.engine->client().trigger(ask, {"ann", ""},
                              [&](result<trigger_answer> made) { answer = std::move(made); });
  at.run_actors();
  REQUIRE(answer);
  CHECK(answer->error().code == errc::corrupt);
}

TEST_CASE("the journal makes one group of what waits and answers in order", "[journal]") {
  parts at;
  at.context->journal = at.system->spawn(journal, at.context, std::uint64_t{1});
  at.submit(0, 0, "a");
  at.jobs->run();
  for (const auto* key : {"b", "c", "d"})
    at.submit(0, 0, key);
  at.jobs->run();
  CHECK(at.heard.empty());
  CHECK(at.disk.pending() == 1);
  REQUIRE(at.disk.release_next());
  at.jobs->run();
  CHECK(at.heard == std::vector<std::string>{"a"});
  CHECK(at.disk.pending() == 1);
  REQUIRE(at.disk.release_next());
  at.jobs->run();
  CHECK(at.heard == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(at.disk.pending() == 0);
}

TEST_CASE("the journal refuses a writer that has been replaced", "[journal]") {
  parts at;
  at.context->journal = at.system->spawn(journal, at.context, std::uint64_t{1});
  at.submit(7, 0, "before");
  at.jobs->run();
  caf::anon_send(at.context->journal, msg::replace_writer{7});
  at.jobs->run();
  at.submit(7, 0, "late");
  at.submit(7, 1, "new");
  at.submit(8, 0, "other");
  at.jobs->run();
  at.disk.release_all();
  at.jobs->run();
  while (at.disk.release_next())
    at.jobs->run();
  CHECK(at.heard == std::vector<std::string>{"refused late", "before", "new", "other"});
  CHECK_FALSE(at.disk.get(family::meta, "late").value().has_value());
}

TEST_CASE("the journal erases no run that has been opened", "[journal]") {
  parts at;
  at.context->journal = at.system->spawn(journal, at.context, std::uint64_t{1});
  const auto put = [&](std::uint64_t run) {
    kv_batch batch;
    batch.put(family::runs, keys::run({run}), "1");
    memory_kv{at.disk.disk()}.commit(std::move(batch), [](const auto&) {});
  };
  const auto erase = [&](std::uint64_t run) {
    msg::submit what;
    what.bulk = what.expiry = true;
    what.batch.erase(family::runs, keys::run({run}));
    at.system->spawn([&at, run, what](caf::event_based_actor* me) {
      me->request(at.context->journal, caf::infinite, what)
          .then([&at, run](std::uint64_t) { at.heard.push_back(std::to_string(run)); },
                [&at, run](const caf::error&) {
                  at.heard.push_back("refused " + std::to_string(run));
                });
    });
  };
  put(7);
  put(8);
  at.submit(0, 0, "under way");
  at.jobs->run();
  erase(7);
  erase(8);
  at.jobs->run();
  caf::anon_send(at.context->journal, msg::replace_writer{7}); // After the batch was made.
  at.jobs->run();
  while (at.disk.release_next())
    at.jobs->run();
  CHECK(at.heard == std::vector<std::string>{"under way", "refused 7", "8"});
  CHECK(at.disk.get(family::runs, keys::run({7})).value().has_value());
  CHECK_FALSE(at.disk.get(family::runs, keys::run({8})).value().has_value());
}

TEST_CASE("a commit that the disk refuses ends the engine, unanswered", "[journal]") {
  parts at;
  at.context->journal = at.system->spawn(journal, at.context, std::uint64_t{1});
  at.disk.fail_commit(1);
  at.submit(0, 0, "a");
  at.jobs->run();
  at.disk.release_all();
  at.jobs->run();
  CHECK(at.fatal);
  CHECK(at.heard.empty());
}

TEST_CASE("a planned row never takes the place of a decision that is on its way", "[journal]") {
  parts at;
  at.context->journal = at.system->spawn(journal, at.context, std::uint64_t{1});
  const auto row = [](int minute, slot_outcome outcome) {
    slot_record out;
    out.workflow = "sim.clock";
    out.trigger = "tick";
    out.slot = from_us(1'800'000'000'000'000) + minutes{minute};
    out.outcome = outcome;
    return out;
  };
  const auto submit = [&](kv_batch batch, bool plan) {
    caf::anon_send(at.context->journal, msg::submit{0, 0, std::move(batch), plan, plan});
  };
  const auto commit = [&] {
    at.jobs->run();
    while (at.disk.release_next())
      at.jobs->run();
  };
  const auto outcome = [&](int minute) -> std::optional<slot_outcome> {
    const auto key = row(minute, {});
    const auto found =
        store_reader{at.disk}.slot({"main", key.workflow, key.trigger, key.slot}).value();
    return found ? std::optional{found->outcome} : std::nullopt;
  };
  std::vector<instant> planned;
  const auto read_plan = [&] {
    planned.clear();
    REQUIRE(store_reader{at.disk}.visit_planned(never, instant::max(), [&](const auto& each) {
      planned.push_back(each.slot);
      return true;
    }));
  };
  // Slot 1 is in the group before, slot 2 in the same one.
  kv_batch before;
  put_slot(before, row(1, slot_outcome::missed), nullptr);
  submit(std::move(before), false);
  commit();
  kv_batch deciding;
  put_slot(deciding, row(2, slot_outcome::missed), nullptr);
  submit(std::move(deciding), false);
  kv_batch plan;
  for (const int minute : {1, 2, 3, 4})
    put_slot(plan, row(minute, slot_outcome::planned), nullptr);
  submit(std::move(plan), true);
  commit();
  CHECK(outcome(1) == slot_outcome::missed);
  CHECK(outcome(2) == slot_outcome::missed);
  read_plan();
  CHECK(planned == std::vector{row(3, {}).slot, row(4, {}).slot});
  // Nor does the end of a plan take it away; and who decides leaves nothing in the plan, whatever
  // was there when it looked.
  kv_batch late;
  put_slot(late, row(3, slot_outcome::missed), nullptr);
  submit(std::move(late), false);
  kv_batch voided;
  for (const int minute : {3, 4})
    erase_slot(voided, row(minute, slot_outcome::planned));
  submit(std::move(voided), true);
  commit();
  CHECK(outcome(3) == slot_outcome::missed);
  CHECK_FALSE(outcome(4));
  read_plan();
  CHECK(planned.empty());
}

TEST_CASE("wall timers follow the wall clock, steady ones do not", "[timekeeper]") {
  parts at;
  at.context->timekeeper = at.system->spawn(timekeeper, at.context);
  std::vector<std::uint64_t> due;
  const auto start = at.clock.wall_now();
  const timer_client client = at.system->spawn([&due, &at, start](timer_client::pointer self)
                                                   -> timer_client::behavior_type {
    self->send(at.context->timekeeper, msg::arm_wall{1, start + minutes{1}}, timer_client{self});
    self->send(at.context->timekeeper, msg::arm_steady{2, minutes{1}}, timer_client{self});
    return {[&due](const msg::timer_due& what) { due.push_back(what.id); }};
  });
  at.jobs->run();
  at.clock.step_wall_to(start - hours{1});
  at.alarm.ring(true);
  at.jobs->run();
  CHECK(due.empty());
  at.clock.advance(minutes{1});
  at.alarm.ring(false);
  at.jobs->run();
  CHECK(due == std::vector<std::uint64_t>{2});
  at.clock.step_wall_to(start + minutes{1});
  at.alarm.ring(true);
  at.jobs->run();
  CHECK(due == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("what was on its way to the disk when a rule was edited does not stay planned",
          "[planner]") {
  sim::scenario of;
  of.settings.project = "sim";
  workflow_definition workflow;
  workflow.project = "sim";
  workflow.name = "often";
  workflow.tasks.emplace_back();
  workflow.tasks.back().name = "look";
  workflow.tasks.back().type = task_type::empty;
  auto& tick = workflow.triggers.emplace_back();
  tick.id = "tick";
  tick.slots = slot_rule{make_every(std::chrono::seconds{10}).value()};
  of.workflows = {workflow};
  // The edit comes after so many commits of the first plan.
  const int commits = GENERATE(range(1, 8));
  const bool retired = GENERATE(false, true);
  CAPTURE(commits, retired);
  stage at{of};
  const auto apply = [&](std::vector<workflow_definition> all) {
    apply_request ask;
    ask.origin = "/flows";
    ask.prune = true;
    ask.projects = {at.of.settings};
    for (auto& each : all) {
      each.source_file = "/flows/often.yaml";
      ask.workflows.push_back(std::move(each));
    }
    at.engine->client().apply(ask, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  };
  apply({workflow});
  at.run_actors();
  for (int i = 0; i < commits && at.engine->disk.pending(); ++i) {
    at.engine->disk.release(true);
    at.run_actors();
  }
  workflow.triggers[0].slots = slot_rule{make_every(std::chrono::hours{1}).value()};
  if (retired)
    apply({});
  else
    apply({workflow});
  at.settle();
  slot_filter planned;
  planned.workflow = "sim.often";
  planned.outcome = slot_outcome::planned;
  page_request ask;
  ask.limit = 1'000;
  const auto rows = at.store().list_slots(planned, ask).value().items;
  CHECK(rows.empty() == retired);
  for (const auto& row : rows)
    CHECK(is_slot(workflow.triggers[0].slots, row.slot));
}

TEST_CASE("a slot that waits for its jitter is left out when its trigger goes, also over a crash",
          "[planner]") {
  auto of = each_minute();
  auto& workflow = of.workflows[0];
  workflow.source_file = "/flows/two.yaml";
  workflow.triggers[0].slots = slot_rule{make_every(hours{1}).value()};
  workflow.triggers[0].jitter = minutes{59};
  stage at{of};
  apply_request ask;
  ask.origin = "/flows";
  ask.prune = true;
  ask.projects = {of.settings};
  ask.workflows = of.workflows;
  at.engine->client().apply(ask, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.settle();
  const auto slot = next_slot(workflow.triggers[0].slots, at.clock.wall_now())->at;
  const auto jitter = jitter_of(minutes{59}, "sim.two/tick", slot);
  REQUIRE(jitter > seconds{30});
  at.pass(slot + jitter - seconds{20} - at.clock.wall_now());
  const auto key = keys::slot_key{"main", "sim.two", "tick", slot};
  REQUIRE(at.store().slot(key).value()->outcome == slot_outcome::planned);
  const int how = GENERATE(0, 1, 2); // The workflow retired, the trigger removed, or disabled.
  const bool crash = GENERATE(false, true);
  CAPTURE(how, crash);
  if (how == 0)
    ask.workflows.clear();
  else if (how == 1)
    ask.workflows[0].triggers.clear();
  else
    ask.workflows[0].triggers[0].enabled = false;
  bool answered = false;
  at.engine->client().apply(ask, {"ann", ""}, [&](const auto& done) { answered = !!done; });
  if (crash)
    crash_once(at, answered);
  else
    at.settle();
  at.pass(minutes{5});
  const auto row = at.store().slot(key).value();
  REQUIRE(row);
  CHECK(row->outcome == slot_outcome::missed);
  slot_filter planned;
  planned.workflow = "sim.two";
  planned.trigger = "tick";
  planned.outcome = slot_outcome::planned;
  CHECK(at.store().list_slots(planned, {1'000, {}}).value().items.empty());
}

TEST_CASE("an edit and a pause of a trigger both hold, in whichever order they come",
          "[workflow]") {
  auto of = each_minute();
  stage at{of};
  at.apply();
  const bool paused_first = GENERATE(true, false);
  const bool paused_whole = GENERATE(false, true);
  const bool disabled = GENERATE(false, true);
  // The second comes after so many commits of the first.
  const int commits = GENERATE(range(0, 4));
  CAPTURE(paused_first, paused_whole, disabled, commits);
  std::vector<std::string> answers;
  const auto pause = [&] {
    at.engine->client().pause(
        {"sim.two", paused_whole ? "" : "tick"}, {"ann", "a look"},
        [&](const auto& done) { answers.emplace_back(done ? "paused" : done.error().message); });
  };
  const auto edit = [&] {
    apply_request ask;
    ask.projects = {of.settings};
    ask.workflows = of.workflows;
    auto& tick = ask.workflows[0].triggers[0];
    tick.slots = slot_rule{make_every(hours{1}).value()};
    tick.enabled = !disabled;
    at.engine->client().apply(ask, {"bob", ""}, [&](const auto& done) {
      answers.emplace_back(done ? "edited" : done.error().message);
    });
  };
  paused_first ? pause() : edit();
  at.run_actors();
  for (int i = 0; i < commits && at.engine->disk.pending(); ++i) {
    at.engine->disk.release(true);
    at.run_actors();
  }
  paused_first ? edit() : pause();
  at.settle();
  CHECK(answers == (paused_first ? std::vector<std::string>{"paused", "edited"}
                                 : std::vector<std::string>{"edited", "paused"}));
  const auto row = at.store().trigger("sim.two", "tick").value();
  REQUIRE(row);
  const auto workflow = at.store().workflow("sim.two").value();
  REQUIRE(workflow);
  CHECK(row->retired == disabled);
  CHECK(row->paused != paused_whole);
  CHECK(workflow->paused == paused_whole);
  CHECK(workflow->version == 2);
  // Both hold in memory too: only full hours come, and each is passed over.
  at.pass(hours{2});
  const auto decided = outcomes(at);
  CHECK(decided.size() == (disabled ? 0 : 2));
  CHECK(count(decided, slot_outcome::paused) == decided.size());
}

TEST_CASE("a pause is answered whose workflow's actor throws, and holds nothing up",
          "[containment]") {
  auto of = each_minute();
  stage at{of};
  at.apply();
  int launches = 0;
  at.on_launching = [&](const std::string&) {
    if (++launches == 1)
      throw std::runtime_error{"from the test"};
  };
  std::vector<std::string> answered;
  at.engine->client().pause({"sim.two", "tick"}, {"ann", ""}, [&](const auto& done) {
    REQUIRE(done);
    answered.emplace_back("pause");
  });
  at.run_actors(); // The pause is on its way to the disk.
  at.engine->client().trigger({"sim.two", {}, "{}", "", false}, {"ann", ""}, [](const auto&) {});
  apply_request ask;
  ask.projects = {of.settings};
  ask.workflows = of.workflows;
  ask.workflows[0].triggers[0].slots = slot_rule{make_every(hours{1}).value()};
  at.engine->client().apply(ask, {"bob", ""}, [&](const auto& done) {
    REQUIRE(done);
    answered.emplace_back("edit");
  });
  at.settle();
  REQUIRE(launches == 1);
  CHECK(answered == std::vector<std::string>{"pause", "edit"});
  CHECK(at.store().trigger("sim.two", "tick").value()->paused);
  CHECK_FALSE(at.engine->fatal());
}

} // namespace
