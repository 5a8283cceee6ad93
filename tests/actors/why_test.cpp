#include "actors/stage.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes period{10};

task_definition task_of(std::string name, task_type type, std::vector<std::uint32_t> needs = {}) {
  task_definition out;
  out.name = std::move(name);
  out.type = type;
  out.run = type == task_type::shell ? "work" : "";
  out.needs = std::move(needs);
  return out;
}

/// `sim.main`: `a`, a process, then `b` and `c`, one behind the other.
sim::scenario chain() {
  sim::scenario of;
  of.settings.project = "sim";
  of.settings.pools = {{"narrow", 1}, {"wide", 4}};
  workflow_definition main;
  main.project = "sim";
  main.name = "main";
  main.tasks = {task_of("a", task_type::shell), task_of("b", task_type::empty, {0}),
                task_of("c", task_type::empty, {1})};
  of.workflows = {std::move(main)};
  of.slots = 4;
  of.lasts = hours{1};
  return of;
}

sim::scenario changed(void (*change)(sim::scenario&)) {
  auto of = chain();
  change(of);
  return of;
}

void add_trigger(workflow_definition& to) {
  trigger_definition tick;
  tick.id = "tick";
  tick.slots = slot_rule{make_every(period).value()};
  to.triggers.push_back(std::move(tick));
}

why_answer taken(stage& at,
                 const std::function<void(engine_client&, engine_client::reply<why_answer>)>& ask) {
  std::optional<why_answer> out;
  ask(at.engine->client(), [&](const result<why_answer>& answer) {
    REQUIRE(answer);
    out = answer.value();
  });
  at.settle();
  REQUIRE(out);
  return *out;
}

why_answer why(stage& at, run_id run) {
  return taken(at, [&](auto& engine, auto done) { engine.why_run(run, done); });
}

why_answer why(stage& at, run_id run, std::uint32_t task, std::uint32_t element = no_element) {
  return taken(at, [&](auto& engine, auto done) {
    engine.why_instance({run, task, element}, done);
  });
}

run_id trigger(stage& at, const std::string& workflow, bool ignore_overlap = false) {
  trigger_request ask;
  ask.workflow = workflow;
  ask.ignore_overlap = ignore_overlap;
  run_id made;
  at.engine->client().trigger(ask, {"ann", ""}, [&](const result<trigger_answer>& answer) {
    REQUIRE(answer);
    made = answer.value().run;
  });
  at.settle();
  return made;
}

void switch_task(stage& at, const std::string& task, task_mode mode) {
  at.engine->client().switch_task({"sim.main", task, mode}, {"ann", "repairs"},
                                  [](const auto& done) { REQUIRE(done); });
  at.settle();
}

void hold(stage& at) {
  at.engine->client().hold({"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.settle();
}

instant coming(const stage& at) {
  return next_slot(slot_rule{make_every(period).value()}, at.clock.wall_now())->at;
}

run_id run_of_slot(const stage& at, const std::string& workflow, instant slot) {
  const auto row = at.store().slot({"main", workflow, "tick", slot});
  return row && row.value() ? row.value()->run : run_id{};
}

/// What keeps something, how it is brought about, and what the answer must hold.
struct cause_case {
  const char* name;
  const char* kind;
  const char* says;
  void (*change)(sim::scenario&);
  why_answer (*ask)(stage&);
};

void nothing(sim::scenario&) {}

const cause_case all_causes[] = {
    {"upstream", "upstream", "waits for a", nothing,
     [](stage& at) { return why(at, trigger(at, "sim.main"), 1); }},
    {"what is at the root, two steps up", "held", "on hold", nothing,
     [](stage& at) {
       hold(at);
       return why(at, trigger(at, "sim.main"), 2);
     }},
    {"the end of the run", "end", "waits for the end of the run: a, b, c have not ended",
     [](sim::scenario& of) {
       of.workflows[0].tasks.push_back(task_of("clean_up", task_type::shell));
       of.workflows[0].tasks.back().on_run_failure = true;
     },
     [](stage& at) { return why(at, trigger(at, "sim.main"), 3); }},
    {"what keeps the end of the run", "held", "on hold",
     [](sim::scenario& of) {
       of.workflows[0].tasks.push_back(task_of("announce", task_type::shell));
       of.workflows[0].tasks.back().on_run_success = true;
     },
     [](stage& at) {
       hold(at);
       return why(at, trigger(at, "sim.main"), 3);
     }},
    {"hold", "held", "unhold", nothing,
     [](stage& at) {
       hold(at);
       return why(at, trigger(at, "sim.main"), 0);
     }},
    {"frozen task", "frozen", "by ann (repairs)", nothing,
     [](stage& at) {
       switch_task(at, "a", task_mode::frozen);
       return why(at, trigger(at, "sim.main"), 0);
     }},
    {"frozen task, asked of the run", "frozen", "pinionctl thaw", nothing,
     [](stage& at) {
       switch_task(at, "b", task_mode::frozen);
       switch_task(at, "a", task_mode::dry);
       return why(at, trigger(at, "sim.main"));
     }},
    {"max_active_runs", "limit", "max_active_runs is 1, active: r1", nothing,
     [](stage& at) {
       trigger(at, "sim.main");
       return why(at, trigger(at, "sim.main"));
     }},
    {"max_active_runs, and others before it", "limit", "1 wait before it", nothing,
     [](stage& at) {
       trigger(at, "sim.main");
       trigger(at, "sim.main");
       return why(at, trigger(at, "sim.main"));
     }},
    {"overlap: queue", "overlap", "waits for r1",
     [](sim::scenario& of) { of.workflows[0].max_active_runs = 9; },
     [](stage& at) {
       trigger(at, "sim.main");
       return why(at, trigger(at, "sim.main"));
     }},
    {"overlap: cancel_running", "overlap", "cancels r1",
     [](sim::scenario& of) {
       of.workflows[0].max_active_runs = 9;
       of.workflows[0].overlap = overlap_policy::cancel_running;
     },
     [](stage& at) {
       trigger(at, "sim.main");
       at.run_actors();
       trigger_request ask;
       ask.workflow = "sim.main";
       run_id made;
       at.engine->client().trigger(ask, {"ann", ""}, [&](const auto& answer) {
         REQUIRE(answer);
         made = answer.value().run;
       });
       at.settle();
       return why(at, made);
     }},
    {"a full pool, with who holds it", "pool", "held by r1/a",
     [](sim::scenario& of) {
       of.workflows[0].max_active_runs = 9;
       of.workflows[0].overlap = overlap_policy::allow;
       of.workflows[0].tasks[0].pools = {{"narrow", 1}};
     },
     [](stage& at) {
       trigger(at, "sim.main");
       return why(at, trigger(at, "sim.main"), 0);
     }},
    {"a pool that is too small", "pool", "can never start",
     [](sim::scenario& of) {
       of.workflows[0].tasks[0].pools = {{"narrow", 3}};
     },
     [](stage& at) { return why(at, trigger(at, "sim.main"), 0); }},
    {"the worker's slots", "worker", "all worker slots are taken (1 of 1 in use)",
     [](sim::scenario& of) {
       of.slots = 1;
       of.workflows[0].max_active_runs = 9;
       of.workflows[0].overlap = overlap_policy::allow;
     },
     [](stage& at) {
       trigger(at, "sim.main");
       return why(at, trigger(at, "sim.main"), 0);
     }},
    {"what the head of the queue reserves", "reserved", "comes first and needs more",
     [](sim::scenario& of) {
       of.workflows[0].tasks = {task_of("small", task_type::shell),
                                task_of("big", task_type::shell),
                                task_of("late", task_type::shell)};
       of.workflows[0].tasks[0].pools = {{"wide", 2}};
       of.workflows[0].tasks[1].pools = {{"wide", 3}};
       of.workflows[0].tasks[2].pools = {{"wide", 1}};
       of.workflows[0].tasks[0].priority = 9;
       of.workflows[0].tasks[2].priority = 1;
     },
     [](stage& at) { return why(at, trigger(at, "sim.main"), 2); }},
    {"max_parallel", "limit", "max_parallel of a (1)",
     [](sim::scenario& of) {
       fan_out each;
       each.variable = "x";
       each.of = "[1, 2]";
       each.of_is_json = true;
       each.max_parallel = 1;
       of.workflows[0].tasks[0].for_each = each;
     },
     [](stage& at) { return why(at, trigger(at, "sim.main"), 0, 1); }},
    {"a fan-out that is half done", "upstream", "of which 0 of 2 have ended",
     [](sim::scenario& of) {
       fan_out each;
       each.variable = "x";
       each.of = "[1, 2]";
       each.of_is_json = true;
       of.workflows[0].tasks[0].for_each = each;
     },
     [](stage& at) { return why(at, trigger(at, "sim.main"), 1); }},
    {"a fallback", "fallback", "runs only if a fails for good",
     [](sim::scenario& of) {
       of.workflows[0].tasks.push_back(task_of("spare", task_type::empty));
       of.workflows[0].tasks[0].fallback = 3;
       of.workflows[0].tasks[3].fallback_of = 0;
     },
     [](stage& at) { return why(at, trigger(at, "sim.main"), 3); }},
    {"another run", "upstream", "waits for a of sim.other/tick",
     [](sim::scenario& of) {
       auto other = of.workflows[0];
       other.name = "other";
       add_trigger(other);
       of.workflows[0].tasks[0].type = task_type::empty;
       add_trigger(of.workflows[0]);
       outside_need need;
       need.workflow = "sim.other";
       need.task = "a";
       of.workflows[0].tasks[0].outside_needs = {need};
       of.workflows.push_back(std::move(other));
     },
     [](stage& at) {
       hold(at);
       const auto slot = coming(at);
       at.pass(slot - at.clock.wall_now() + seconds{1});
       return why(at, run_of_slot(at, "sim.main", slot), 2);
     }},
    {"another run's slot, still to come, of a workflow that is paused", "upstream",
     "whose time has not come, and sim.other is paused by ann",
     [](sim::scenario& of) {
       auto other = of.workflows[0];
       other.name = "other";
       trigger_definition evening;
       evening.id = "evening";
       evening.slots.when = cron_schedule{cron_expression::parse("0 20 * * *").value(), zone{}};
       other.triggers.push_back(std::move(evening));
       add_trigger(of.workflows[0]);
       outside_need need;
       need.workflow = "sim.other";
       need.slot = slot_choice::same_day;
       of.workflows[0].tasks[0].outside_needs = {need};
       of.workflows.push_back(std::move(other));
     },
     [](stage& at) {
       at.engine->client().pause({"sim.other", {}}, {"ann", ""},
                                 [](const auto& done) { REQUIRE(done); });
       const auto slot = coming(at);
       at.pass(slot - at.clock.wall_now() + seconds{1});
       return why(at, run_of_slot(at, "sim.main", slot), 0);
     }},
};

bool says(const why_answer& answer, const cause_case& wanted) {
  return std::any_of(answer.causes.begin(), answer.causes.end(), [&](const blocked_by& cause) {
    return cause.kind == wanted.kind && cause.message.find(wanted.says) != std::string::npos;
  });
}

std::string shown(const why_answer& answer) {
  auto text = answer.state + ": " + answer.sentence;
  for (const auto& cause : answer.causes)
    text += "\n  " + cause.kind + ' ' + cause.ref + ": " + cause.message;
  for (const auto& fact : answer.because)
    text += "\n  because " + fact.kind + ' ' + fact.ref + ": " + fact.message;
  return text;
}

bool has_fact(const why_answer& answer, const std::string& kind, const std::string& text) {
  return std::any_of(answer.because.begin(), answer.because.end(), [&](const explanation& fact) {
    return fact.kind == kind && fact.message.find(text) != std::string::npos;
  });
}

} // namespace

TEST_CASE("each cause that keeps something is named", "[why]") {
  for (const auto& each : all_causes)
    DYNAMIC_SECTION(each.name) {
      stage at{changed(each.change)};
      at.apply();
      const auto answer = each.ask(at);
      INFO(shown(answer));
      CHECK(says(answer, each));
      CHECK_FALSE(answer.sentence.empty());
    }
}

TEST_CASE("a run tells why it is there", "[why]") {
  stage at{changed([](sim::scenario& of) { add_trigger(of.workflows[0]); })};
  at.apply();
  SECTION("a person made it") {
    const auto answer = why(at, trigger(at, "sim.main"));
    INFO(shown(answer));
    CHECK(has_fact(answer, "person", "by hand by ann"));
    CHECK_FALSE(has_fact(answer, "late", ""));
  }
  SECTION("its trigger's slot was due") {
    const auto slot = coming(at);
    at.pass(slot - at.clock.wall_now() + seconds{1});
    const auto answer = why(at, run_of_slot(at, "sim.main", slot));
    INFO(shown(answer));
    CHECK(has_fact(answer, "trigger", "of sim.main/tick was due"));
    CHECK_FALSE(has_fact(answer, "late", ""));
  }
  SECTION("it was fired late, after the engine had been away") {
    const auto slot = coming(at);
    at.engine.reset();
    at.clock.advance(slot - at.clock.wall_now() + minutes{5});
    at.restart();
    at.pass(seconds{1});
    const auto answer = why(at, run_of_slot(at, "sim.main", slot));
    INFO(shown(answer));
    CHECK(has_fact(answer, "late", "after its time"));
  }
}

TEST_CASE("an instance tells what it began after, and what it waited for", "[why]") {
  stage at{changed([](sim::scenario& of) {
    for (auto& task : of.workflows[0].tasks)
      task.type = task_type::empty;
    of.workflows[0].tasks[2].deadline = hours{1}; // 01:00, long ago.
  })};
  at.apply();
  switch_task(at, "b", task_mode::frozen);
  const auto run = trigger(at, "sim.main");
  at.pass(minutes{3});
  switch_task(at, "b", task_mode::normal);
  at.pass(seconds{1});
  REQUIRE(at.run(run).state == run_state::success);
  const auto b = why(at, run, 1);
  INFO(shown(b));
  CHECK(has_fact(b, "upstream", "r1/a, which ended success"));
  CHECK(has_fact(b, "delay", "waited for what it needs"));
  const auto c = why(at, run, 2);
  INFO(shown(c));
  CHECK(has_fact(c, "upstream", "r1/b"));
  CHECK(has_fact(c, "deadline", "too late"));
  const auto whole = why(at, run);
  CHECK(whole.critical_path == std::vector<std::string>{"r1/a", "r1/b", "r1/c"});
}

TEST_CASE("what is expected comes from the last success, and is unknown behind what has no end",
          "[why]") {
  stage at{changed([](sim::scenario& of) {
    for (auto& task : of.workflows[0].tasks)
      task.type = task_type::empty;
    of.workflows[0].max_active_runs = 9;
    of.workflows[0].overlap = overlap_policy::allow;
  })};
  at.apply();
  switch_task(at, "b", task_mode::frozen);
  const auto first = trigger(at, "sim.main");
  CHECK(why(at, first, 2).expected_end == never);
  switch_task(at, "b", task_mode::normal);
  at.pass(seconds{1});
  REQUIRE(at.run(first).state == run_state::success);
  switch_task(at, "b", task_mode::frozen);
  const auto second = trigger(at, "sim.main");
  const auto blocked = why(at, second, 2);
  INFO(shown(blocked));
  CHECK(blocked.expected_start == never);
  CHECK(blocked.expected_end == never);
  CHECK(why(at, second).expected_end == never);
  switch_task(at, "b", task_mode::normal);
  at.run_actors();
  const auto free = why(at, second, 2);
  CHECK((free.state == "success" || free.expected_end != never));
}
