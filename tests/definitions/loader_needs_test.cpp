#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/reference_check.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using namespace std::chrono_literals;

constexpr const char* orders =
    "workflow: orders\ntriggers: [{id: daily, period: day}]\n"
    "tasks: {load: {run: x, fallback: again}, again: {run: x}, sum: {run: x, needs: load}}\n";
constexpr const char* views =
    "workflow: views\ntriggers: [{id: hourly, period: hour}, {id: daily, period: day}]\n"
    "tasks: {sum: {run: x}}\n";

load_result load(const std::string& tasks,
                 const std::string& more = "triggers: [{period: day}]\n") {
  const source_text sources[] = {{"/w/dw/a.yaml", orders},
                                 {"/w/dw/b.yaml", views},
                                 {"/w/dw/f.yaml", "workflow: w\n" + more + "tasks:\n" + tasks}};
  return load_texts(sources, {});
}

task_definition first_task(const std::string& keys) {
  const auto loaded = load("  a: {run: x, " + keys + "}\n  b: {run: x, needs: a}\n");
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  const auto& made = loaded.workflows.at(2).definition;
  const auto text = to_canonical_json(made);
  const auto back = from_canonical_json(text);
  REQUIRE(back);
  CHECK(to_canonical_json(back.value()) == text);
  CHECK(back.value().tasks[0].outside_needs == made.tasks[0].outside_needs);
  CHECK(back.value().tasks[0].depends_on_previous == made.tasks[0].depends_on_previous);
  CHECK(back.value().tasks[0].previous_tasks == made.tasks[0].previous_tasks);
  CHECK(back.value().tasks[0].deadline == made.tasks[0].deadline);
  return made.tasks[0];
}

outside_need one_need(const std::string& map) {
  const auto task = first_task("needs: [{" + map + "}]");
  REQUIRE(task.outside_needs.size() == 1);
  return task.outside_needs[0];
}

} // namespace

TEST_CASE("needs on other workflows mean what their keys say", "[loader]") {
  outside_need want;
  want.workflow = "dw.orders";
  want.task = "load";
  CHECK(one_need("task: dw.orders.load") == want);
  CHECK(one_need("task: orders.load") == want);
  want.slot = slot_choice::same_day;
  CHECK(one_need("task: orders.load, slot: same_day") == want);
  want.slot = slot_choice::back;
  want.back = 2;
  CHECK(one_need("task: orders.load, slot: -2") == want);
  outside_need whole;
  whole.workflow = "dw.views";
  whole.trigger = "hourly";
  whole.window = need_window::data;
  whole.state = need_state::done;
  whole.missing = missing_policy::satisfied;
  CHECK(
      one_need("workflow: views, trigger: hourly, window: data, state: done, missing: satisfied") ==
      whole);
  outside_need last;
  last.workflow = "dw.views";
  last.task = "sum";
  last.trigger = "hourly";
  last.last = 24;
  last.as = "views";
  CHECK(one_need("task: dw.views.sum, trigger: hourly, last: 24, as: views") == last);
  last.window = need_window::day;
  CHECK(one_need("task: dw.views.sum, trigger: hourly, window: day, last: 24, as: views") == last);
}

TEST_CASE("a single mapping is a need, beside names in a list likewise", "[loader]") {
  CHECK(first_task("needs: {task: orders.load}").outside_needs.size() == 1);
  const auto loaded =
      load("  a: {run: x}\n  b: {run: x, needs: [a, {task: orders.sum}, {workflow: orders}]}\n");
  REQUIRE(loaded.ok());
  const auto& task = loaded.workflows[2].definition.tasks[1];
  CHECK(task.needs == std::vector<std::uint32_t>{0});
  CHECK(task.outside_needs.size() == 2);
}

TEST_CASE("depends_on_previous and deadlines are read", "[loader]") {
  CHECK(first_task("depends_on_previous: self").depends_on_previous == previous_need::self);
  CHECK(first_task("depends_on_previous: children").depends_on_previous == previous_need::children);
  const auto named = first_task("depends_on_previous: [b, a, b]");
  CHECK(named.depends_on_previous == previous_need::tasks);
  CHECK(named.previous_tasks == std::vector<std::uint32_t>{0, 1});
  CHECK(first_task("deadline: \"08:00\"").deadline == duration{8h});
  CHECK(first_task("deadline: 31:15:30").deadline == duration{31h + 15min + 30s});
  const auto idle = load("  a: {run: x, depends_on_previous: children}\n");
  REQUIRE(idle.warnings.size() == 1);
  CHECK(idle.warnings[0].message.find("no task needs `a`") != std::string::npos);
}

TEST_CASE("edits of a workflow reach planned runs at once or from the next day on", "[loader]") {
  const auto loaded = load("  a: {run: x}\n", "edits: next_day\n");
  REQUIRE(loaded.ok());
  const auto& made = loaded.workflows[2].definition;
  CHECK(made.edits == edit_mode::next_day);
  CHECK(from_canonical_json(to_canonical_json(made)).value().edits == edit_mode::next_day);
}

TEST_CASE("outputs of a named need are known to expressions, those of others are not", "[loader]") {
  const std::string need = "needs: [{task: orders.load, as: sales}]";
  CHECK(load("  a: {run: \"x {{ inputs.sales.path }}\", " + need +
             ", fallback: b}\n"
             "  b: {run: \"x {{ inputs.sales.path }}\"}\n")
            .ok());
  const auto unknown = load("  a: {run: \"x {{ inputs.sale.path }}\", " + need + "}\n");
  REQUIRE(unknown.errors.size() == 1);
  CHECK(unknown.errors[0].message == "unknown task `sale`");
  CHECK(unknown.errors[0].suggestion == "did you mean `sales`?");
  CHECK_FALSE(
      load("  a: {run: x, " + need + "}\n  b: {run: \"{{ inputs.sales.x }}\", needs: a}\n").ok());
}

namespace {

struct bad_task {
  const char* keys; ///< Of `  a: {run: x, keys}`.
  std::uint32_t column;
  const char* message;
  const char* suggestion;
};

const bad_task bad_tasks[] = {
    {"needs: orders.load", 22, "`orders.load` is no task of this workflow",
     "write {task: orders.load} for one of another workflow"},
    {"needs: [{task: load}]", 30, "`load` has no workflow", "workflow.task"},
    {"needs: [{task: a.b.c.d}]", 30, "`a.b.c.d` is no reference to a task", ""},
    {"needs: [{workflow: dw.orders.load}]", 34, "`dw.orders.load` is no reference to a workflow",
     "write `task: dw.orders.load`"},
    {"needs: [{slot: nearest}]", 23, "names a `task` or a `workflow`", "as in {task:"},
    {"needs: [{task: orders.load, workflow: orders}]", 53, "not both", ""},
    {"needs: [{task: orders.load, slott: nearest}]", 43, "unknown key `slott` in a need",
     "did you mean `slot`?"},
    {"needs: [{task: orders.load, slot: nearst}]", 49, "`nearst` is none of",
     "did you mean `nearest`?"},
    {"needs: [{task: orders.load, slot: -0}]", 49, "`-0` is no number of slots back", "-1"},
    {"needs: [{task: orders.load, window: data, last: 2}]", 63,
     "`last` does not go with `window: data`", ""},
    {"needs: [{task: orders.load, window: day, slot: previous}]", 62,
     "`slot` means one slot and `window` all of a stretch", ""},
    {"needs: [{task: orders.load, slot: same_day, last: 2}]", 65,
     "`last` without a window counts the slots up to the nearest", "remove `slot`"},
    {"needs: [{task: orders.load, last: 0}]", 49, "a whole number from 1 to 10000", ""},
    {"needs: [{task: orders.load, missing: skip}]", 52, "`skip` is none of", ""},
    {"needs: [{task: orders.load}, {task: dw.orders.load}]", 44, "the same need stands twice", ""},
    {"needs: [{task: orders.load, as: a}]", 47, "`as: a` is the name of a task", "another name"},
    {"needs: [{workflow: orders, as: o}]", 46, "a whole run has none", "need the task"},
    {"needs: [{task: orders.load, as: o}, {task: orders.sum, as: o}]", 74,
     "a second need goes by the name `o`", ""},
    {"needs: [{task: order.load}]", 30, "there is no workflow `dw.order`",
     "did you mean `dw.orders`?"},
    {"needs: [{task: orders.laod}]", 30, "the workflow `dw.orders` has no task `laod`",
     "did you mean `load`?"},
    {"needs: [{task: orders.again}]", 30, "`again` is a fallback: nobody needs it", "need `load`"},
    {"needs: [{task: views.sum}]", 30,
     "the workflow `dw.views` has several triggers: `hourly` and `daily`", "`trigger:`"},
    {"needs: [{task: views.sum, trigger: weekly}]", 50, "has no trigger `weekly`",
     "known are `hourly` and `daily`"},
    {"needs: [{task: w.a}]", 23, "a need on the own workflow looks back in time",
     "`slot: previous`"},
    {"needs: [{task: w.a, window: data}]", 23, "a need on the own workflow looks back", ""},
    {"depends_on_previous: other", 36, "`other` is neither `self` nor `children`", "write [other]"},
    {"depends_on_previous: [other]", 37, "there is no task `other`", ""},
    {"depends_on_previous: []", 36, "names no task", ""},
    {"deadline: \"48:00\"", 25, "`48:00` is no deadline", "hours go on to 47"},
    {"deadline: 8am", 25, "`8am` is no deadline", ""},
};

} // namespace

TEST_CASE("every bad need is refused with place, message and suggestion", "[loader]") {
  for (const auto& bad : bad_tasks) {
    const auto loaded = load("  a: {run: x, " + std::string{bad.keys} + "}\n");
    std::string all;
    for (const auto& error : loaded.errors)
      all += to_text(error) + '\n';
    INFO(bad.keys << ", got:\n" << all);
    const bool told =
        std::any_of(loaded.errors.begin(), loaded.errors.end(), [&](const diagnostic& error) {
          return error.file == "/w/dw/f.yaml" && error.line == 4 && error.column == bad.column &&
                 error.message.find(bad.message) != std::string::npos &&
                 error.suggestion.find(bad.suggestion) != std::string::npos;
        });
    CHECK(told);
  }
}

TEST_CASE("a need on the own workflow may look back", "[loader]") {
  for (const auto* how : {"slot: previous", "slot: -3", "window: day", "window: month, last: 2"}) {
    INFO(how);
    CHECK(load("  a: {run: x, needs: [{task: w.b, " + std::string{how} + "}]}\n  b: {run: x}\n")
              .ok());
  }
}

namespace {

/// Workflows by their tasks, one daily trigger each.
load_result load_all(const std::vector<std::pair<std::string, std::string>>& workflows) {
  std::vector<source_text> sources;
  for (const auto& [name, body] : workflows) {
    const bool own = body.find("triggers:") != std::string::npos;
    sources.push_back(
        {"/w/dw/" + name + ".yaml",
         "workflow: " + name + '\n' + (own ? "" : "triggers: [{period: day}]\n") + body});
  }
  return load_texts(sources, {});
}

} // namespace

TEST_CASE("workflows that wait for each other are refused with the path", "[loader]") {
  const auto loaded =
      load_all({{"a", "tasks:\n  x: {run: x, needs: [{task: b.z}]}\n  y: {run: x, needs: x}\n"},
                {"b", "tasks:\n  z: {run: x, needs: [{task: a.y, slot: same_day}]}\n"}});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].message ==
        "workflows wait for each other in a cycle: dw.a.x -> dw.a.y -> dw.b.z -> dw.a.x");
  CHECK(loaded.errors[0].file == "/w/dw/b.yaml");
  CHECK(loaded.errors[0].suggestion.find("slot: previous") != std::string::npos);
}

TEST_CASE("cycles go through whole runs, fallbacks, calls and after triggers", "[loader]") {
  CHECK_FALSE(load_all({{"a", "tasks: {x: {run: x, needs: [{workflow: b}]}}\n"},
                        {"b", "tasks: {z: {run: x, needs: [{task: a.x, window: data}]}}\n"}})
                  .ok());
  CHECK_FALSE(load_all({{"a", "tasks: {x: {run: x, fallback: f, needs: [{task: b.z}]}, "
                              "f: {run: x}}\n"},
                        {"b", "tasks: {z: {run: x, needs: [{task: a.x}]}}\n"}})
                  .ok());
  CHECK_FALSE(load_all({{"a", "tasks: {x: {type: workflow, workflow: b}}\n"},
                        {"b", "tasks: {z: {run: x, needs: [{task: a.x}]}}\n"}})
                  .ok());
  CHECK_FALSE(load_all({{"a", "tasks: {x: {run: x, needs: [{task: b.z}]}}\n"},
                        {"b", "triggers: [{after: a}]\ntasks: {z: {run: x}}\n"}})
                  .ok());
}

TEST_CASE("what looks back, or goes through different tasks or triggers, is no cycle", "[loader]") {
  const auto ok = [](const load_result& loaded) {
    for (const auto& error : loaded.errors)
      UNSCOPED_INFO(to_text(error));
    return loaded.ok();
  };
  CHECK(ok(load_all({{"a", "tasks: {x: {run: x, needs: [{task: b.z, slot: previous}]}}\n"},
                     {"b", "tasks: {z: {run: x, needs: [{task: a.x}]}}\n"}})));
  CHECK(ok(load_all({{"a", "tasks: {x: {run: x, needs: [{task: b.z, window: week, last: 2}]}}\n"},
                     {"b", "tasks: {z: {run: x, needs: [{task: a.x}]}}\n"}})));
  CHECK(ok(load_all({{"a", "tasks: {x: {run: x, needs: [{task: b.z}]}, y: {run: x}}\n"},
                     {"b", "tasks: {z: {run: x, needs: [{task: a.y}]}}\n"}})));
  // First by the clock, then b, then a again behind b.
  CHECK(ok(load_all({{"a", "triggers: [{id: first, period: day}, {id: second, after: b}]\n"
                           "tasks: {x: {run: x}}\n"},
                     {"b", "triggers: [{after: a, trigger: first}]\ntasks: {z: {run: x}}\n"}})));
}

TEST_CASE("chains of after triggers must end at slots", "[loader]") {
  const auto circle = load_all({{"a", "triggers: [{after: b}]\ntasks: {x: {run: x}}\n"},
                                {"b", "triggers: [{after: a}]\ntasks: {x: {run: x}}\n"}});
  REQUIRE_FALSE(circle.ok());
  CHECK(circle.errors[0].message ==
        "triggers follow each other in a circle: dw.a/default -> dw.b/default -> dw.a/default");
}

TEST_CASE("a workflow outside the set is checked where its definition is known", "[loader]") {
  const auto known = load("  a: {run: x}\n");
  REQUIRE(known.ok());
  const auto& elsewhere = known.workflows[0].definition;
  const source_text source{"/w/dw/n.yaml", "workflow: n\ntriggers: [{period: day}]\n"
                                           "tasks: {a: {run: x, needs: [{task: orders.laod}]}}\n"};
  load_options options;
  CHECK_FALSE(load_texts({&source, 1}, options).ok());
  options.exists_elsewhere = [](const std::string& id) { return id == "dw.orders"; };
  CHECK(load_texts({&source, 1}, options).ok());
  options.definition_elsewhere = [&](std::string_view id) {
    return id == "dw.orders" ? &elsewhere : nullptr;
  };
  const auto refused = load_texts({&source, 1}, options);
  REQUIRE(refused.errors.size() == 1);
  CHECK(refused.errors[0].message == "the workflow `dw.orders` has no task `laod`");
}

TEST_CASE("an engine finds cycles through workflows that it has already", "[loader]") {
  const auto first = load_all(
      {{"a", "tasks: {x: {run: x, needs: [{task: b.z}]}}\n"}, {"b", "tasks: {z: {run: x}}\n"}});
  REQUIRE(first.ok());
  auto edited = first.workflows[1].definition;
  outside_need back;
  back.workflow = "dw.a";
  back.task = "x";
  edited.tasks[0].outside_needs = {back};
  const workflow_definition* set[] = {&edited};
  const auto found = check_references(set, [&](std::string_view id) {
    return id == "dw.a" ? &first.workflows[0].definition : nullptr;
  });
  REQUIRE(found.size() == 1);
  CHECK(found[0].workflow == 0);
  CHECK(found[0].task == 0U);
  CHECK(found[0].what.message.find("dw.b.z -> dw.a.x -> dw.b.z") != std::string::npos);
}
