#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace {

using namespace pinion;
using namespace std::chrono_literals;

workflow_definition sample() {
  const source_text sources[] = {
      {"/w/dw/pinion.yaml",
       "pools: {m: 2}\nchannels: {ops: {log: true}}\nsecrets: {s: {env: S}}\nvars: {x: [1, a]}\n"},
      {"/w/dw/f.yaml", R"(workflow: w
description: déjà vu
labels: {tier: gold}
timezone: Europe/Brussels
params: {n: {default: 3, min: 1, max: 9}, b: {enum: [A, B]}}
triggers:
  - {id: nightly, cron: "0 30 2 * * *", params: {b: A}, priority: 7, overlap: skip}
  - {id: poll, every: 15m, enabled: off, params: {b: B}}
overlap: allow
max_active_runs: 3
timeout: 6h
failure: cancel
max_active_tasks: 9
data_interval: 90m
on_failure: [{alert: ops}]
tasks:
  a: {run: "x {{ params.n }}", retry: {max: 3, factor: 1.5, max_delay: 30m, jitter: 0.2, on_exit: [75]}}
  b: {needs: a, run: [x, y], fallback: c, timeout: {attempt: 1h, queue: 2h}, pool: {m: 2}}
  c: {run: z, on_success: [{alert: ops}], env: {P: "{{ secrets.s }}"}}
  d: {type: python, script: s.py, args: [q], needs: b, for_each: {i: {of: [1, 2], groups: 1, key: "{{ i }}"}}}
  e: {type: workflow, workflow: w2, params: {k: v}, when: "{{ params.n > 1 }}", join: all_done}
  f: {type: check, checks: [{command: ./verify, weak: true, timeout: 1m}], ignore_failure: true}
  g: {run: x, poll: {every: 10s, timeout: 2h, not_yet: [2, 3]}}
  h: {type: switch, on: "{{ params.n }}", cases: {1: i, 2: [j, g]}, default: i}
  i: {run: x, setup: true}
  j: {run: x, teardown: i}
  k: {type: java, jar: x.jar, jvm: [-Xmx1g], args: [y], max_active: 3, needs: a, join: "a.done"}
---
workflow: w2
params: {k: x}
tasks: {a: {type: empty}}
)"}};
  auto loaded = load_texts(sources, {});
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  return std::move(loaded.workflows.front().definition);
}

} // namespace

TEST_CASE("a definition comes back from its canonical form as it was", "[canonical]") {
  const auto made = sample();
  const auto text = to_canonical_json(made);
  const auto back = from_canonical_json(text);
  REQUIRE(back);
  CHECK(to_canonical_json(back.value()) == text);
  CHECK(back.value().triggers[0].slots == made.triggers[0].slots);
  CHECK(back.value().triggers[1].slots == made.triggers[1].slots);
  CHECK(back.value().data_interval == made.data_interval);
  CHECK(back.value().vars == made.vars);
  CHECK(back.value().tasks[1].fallback == 2U);
  CHECK(back.value().tasks[0].retry.max_delay == duration{30min});
  CHECK(back.value().tasks[3].for_each->key == "{{ i }}");
  CHECK(back.value().params[0].max == 9.0);
  CHECK(back.value().tasks[6].poll == made.tasks[6].poll);
  CHECK(back.value().tasks[7].choice == made.tasks[7].choice);
  CHECK(back.value().tasks[8].setup);
  CHECK(back.value().tasks[9].teardown_of == std::vector<std::uint32_t>{8});
  CHECK(back.value().failure == failure_strategy::cancel);
  CHECK(back.value().tasks[10].join_condition == "a.done");
  CHECK(back.value().tasks[10].jvm == made.tasks[10].jvm);
  CHECK(back.value().tasks[10].max_active == 3);
  CHECK(back.value().max_active_tasks == 9);
}

TEST_CASE("the canonical form does not change", "[canonical]") {
  workflow_definition made;
  made.project = "dw";
  made.name = "w";
  made.triggers.push_back(
      {.id = "t", .slots = {.when = every_schedule{15min}}, .text = "every 15m"});
  made.tasks.push_back({});
  made.tasks[0].name = "a";
  made.tasks[0].run = "x";
  made.tasks[0].env = {{"B", "1"}};
  CHECK(
      to_canonical_json(made) ==
      R"({"format":1,"name":"w","project":"dw","tasks":[{"env":[["B","1"]],"name":"a","run":"x"}],)"
      R"("triggers":[{"id":"t","text":"every 15m","when":{"every_us":900000000}}]})");
}

TEST_CASE("what the canonical form leaves out has the values of format 1", "[canonical]") {
  const task_definition task;
  CHECK(task.type == task_type::shell);
  CHECK(task.python == "python3");
  CHECK(task.expressions);
  CHECK(task.join == join_rule::all_success);
  CHECK(task.priority == 5);
  CHECK(task.grace == duration{30s});
  CHECK(task.skip_exit == 99);
  CHECK_FALSE(task.ignore_failure);
  CHECK_FALSE(task.setup);
  CHECK_FALSE(task.teardown);
  CHECK(task.retry.max == 0);
  CHECK(task.retry.delay == duration{1min});
  CHECK(task.retry.factor == 1.0);
  CHECK(task.retry.jitter == 0.0);
  CHECK(task.retry.on_timeout);
  CHECK(poll_policy{}.every == duration{1min});
  CHECK(poll_policy{}.timeout == duration{24h});
  CHECK(poll_policy{}.not_yet == std::vector{1});
  const workflow_definition workflow;
  CHECK(workflow.timezone == "UTC");
  CHECK(workflow.overlap == overlap_policy::queue);
  CHECK(workflow.max_active_runs == 1);
  CHECK(workflow.failure == failure_strategy::go_on);
  CHECK(workflow.data_interval == interval_rule{});
  CHECK(workflow.vars == "{}");
}

TEST_CASE("the hash follows the content, not the place of the file", "[canonical]") {
  auto made = sample();
  const auto hash = definition_hash(made);
  CHECK(hash.size() == 64);
  made.source_file = "/elsewhere.yaml";
  CHECK(definition_hash(made) == hash);
  made.tasks[0].priority = 6;
  CHECK(definition_hash(made) != hash);
}

TEST_CASE("a form of a newer format is refused, one with unknown members is read", "[canonical]") {
  const auto newer = from_canonical_json(R"({"format":2,"project":"a","name":"b","tasks":[]})");
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == errc::newer_format);
  CHECK(from_canonical_json(
      R"({"format":1,"project":"a","name":"b","tasks":[{"name":"t","new":1}],"later":{}})"));
}

TEST_CASE("what is no canonical form is corrupt, never an exception", "[canonical]") {
  for (
      const auto* text :
      {"", "{", "[]", "{}", R"({"format":1})", R"({"format":1,"project":1,"name":"b","tasks":[]})",
       R"({"format":1,"project":"a","name":"b","tasks":[{"needs":[7]}]})",
       R"({"format":1,"project":"a","name":"b","tasks":[{"type":"x"}]})",
       R"({"format":1,"project":"a","name":"b","tasks":[],"triggers":[{"id":"t","when":{"cron":"x","timezone":"UTC"}}]})"}) {
    INFO(text);
    const auto back = from_canonical_json(text);
    REQUIRE_FALSE(back);
    CHECK(back.error().code == errc::corrupt);
  }
}

TEST_CASE("any texts and numbers of a task survive the canonical form", "[canonical]") {
  CHECK(rc::check("round trip", [] {
    const auto word = rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    workflow_definition made;
    made.project = *word;
    made.name = *word;
    made.vars = *word;
    made.labels = {{*word, *word}};
    task_definition task;
    task.run = *word;
    task.argv = *rc::gen::container<std::vector<std::string>>(word);
    task.env = {{*word, *word}};
    task.retry.factor =
        *rc::gen::map(rc::gen::inRange(1, 1'000'000), [](int n) { return n / 7.0; });
    task.timeout.task = duration{*rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000)};
    task.priority = *rc::gen::inRange<std::uint8_t>(1, 10);
    made.tasks.push_back(task);
    const auto text = to_canonical_json(made);
    const auto back = from_canonical_json(text);
    RC_ASSERT(back.has_value());
    RC_ASSERT(to_canonical_json(back.value()) == text);
    RC_ASSERT(back.value().tasks[0].run == task.run);
    RC_ASSERT(back.value().tasks[0].retry.factor == task.retry.factor);
    RC_ASSERT(back.value().vars == made.vars);
  }));
}

TEST_CASE("settings of a project come back from their canonical form", "[canonical]") {
  project_settings made{.project = "dw", .pools = {{"m", 2}}};
  made.secrets["a"] = {secret_source::kind::file, "/etc/a"};
  made.secrets["b"] = {secret_source::kind::environment, "B"};
  made.channels["ops"] = {true, {}, "/w"};
  made.channels["page"] = {false, {"./page.sh", "-x"}, "/w"};
  made.triggers_enabled = false;
  const auto text = to_canonical_json(made);
  const auto back = settings_from_canonical_json(text);
  REQUIRE(back);
  CHECK(to_canonical_json(back.value()) == text);
  CHECK(back.value().secrets.at("a").name == "/etc/a");
  CHECK(back.value().channels.at("page").command.size() == 2);
  CHECK_FALSE(back.value().triggers_enabled);
}
