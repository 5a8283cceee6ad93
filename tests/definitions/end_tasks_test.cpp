#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/render.hpp"
#include "pinion/definitions/template_check.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;

load_result load(const std::string& text) {
  const source_text sources[] = {
      {"/w/dw/pinion.yaml", "channels: {ops: {log: true}}\n"},
      {"/w/dw/other.yaml",
       "workflow: other\ntriggers: [{period: day}]\non_failure: [{task: tidy}]\n"
       "tasks: {work: {run: x}, tidy: {run: x}}\n"},
      {"/w/dw/w.yaml", text}};
  return load_texts(sources, {});
}

workflow_definition load_one(const std::string& text) {
  auto loaded = load(text);
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  return std::move(loaded.workflows.at(1).definition);
}

constexpr const char* well = "workflow: w\n"
                             "on_failure: [{alert: ops}, {task: clean_up}, {task: report}]\n"
                             "on_success: {task: report}\n"
                             "tasks:\n"
                             "  load: {run: x, fallback: spare}\n"
                             "  spare: {run: x}\n"
                             "  clean_up: {run: 'x {{ run.outcome }} {{ inputs.load.path }}', "
                             "needs: report, fallback: other_way}\n"
                             "  other_way: {run: 'x {{ run.failed[0] }}'}\n"
                             "  report: {run: 'x {{ run.reason }}'}\n";

/// What is wrong, where, and in which words.
struct fault {
  const char* name;
  const char* head;  ///< Of the workflow, two lines.
  const char* tasks; ///< From line 4 on.
  std::uint32_t line;
  std::uint32_t column;
  const char* says;
};

const fault all_faults[] = {
    {"an unknown task", "on_failure: [{task: clean}]\n\n", "  a: {run: x}\n  clean_up: {run: x}\n",
     2, 21, "there is no task `clean`"},
    {"named twice", "on_failure: [{task: c}, {task: c}]\n\n", "  a: {run: x}\n  c: {run: x}\n", 2,
     32, "`c` is named twice"},
    {"nothing named", "on_failure: [{}]\n\n", "  a: {run: x}\n", 2, 14, "write `alert`"},
    {"needed by another", "on_failure: [{task: c}]\n\n", "  c: {run: x}\n  a: {run: x, needs: c}\n",
     6, 22, "`c` is an end task"},
    {"needs another", "on_failure: [{task: c}]\n\n", "  a: {run: x}\n  c: {run: x, needs: [a]}\n",
     6, 23, "it needs none of them"},
    {"needs one that does not always run", "on_failure: [{task: c}]\non_success: [{task: d}]\n",
     "  a: {run: x}\n  c: {run: x}\n  d: {run: x, needs: c}\n", 7, 22,
     "`c` does not run whenever `d` does"},
    {"no task before the end", "on_failure: [{task: c}]\n\n", "  c: {run: x}\n", 2, 21,
     "all tasks are end tasks"},
    {"a fallback", "on_failure: [{task: c}]\n\n", "  a: {run: x, fallback: c}\n  c: {run: x}\n", 6,
     3, "is the fallback of `a`"},
    {"a setup", "on_failure: [{task: c}]\n\n", "  a: {run: x}\n  c: {run: x, setup: true}\n", 6, 3,
     "cannot be a setup or teardown"},
    {"needs of other runs", "on_failure: [{task: c}]\n\n",
     "  a: {run: x}\n  c: {run: x, needs: [{task: dw.other.work}]}\n", 6, 22,
     "waits for its own run alone"},
    {"the slot before", "on_failure: [{task: c}]\n\n",
     "  a: {run: x}\n  c: {run: x, depends_on_previous: self}\n", 6, 36,
     "waits for its own run alone"},
    {"needed by the next slot", "on_failure: [{task: c}]\n\n",
     "  a: {run: x, depends_on_previous: [c]}\n  c: {run: x}\n", 5, 37, "nobody needs it"},
    {"needed by another workflow", "triggers: [{period: day}]\n\n",
     "  a: {run: x, needs: [{task: dw.other.tidy}]}\n", 5, 30, "`tidy` is an end task"},
    {"chosen by a switch", "on_failure: [{task: c}]\n\n",
     "  a: {type: switch, on: \"1\", cases: {1: c}}\n  c: {run: x}\n", 6, 3, "it needs none"},
    {"in the flow", "on_failure: [{task: c}]\nflow: [[a], [c]]\n", "  a: {run: x}\n  c: {run: x}\n",
     3, 14, "has no place in `flow`"},
    {"a task's own end", "\n\n", "  a: {run: x, on_failure: [{task: c}]}\n  c: {run: x}\n", 5, 29,
     "unknown key `task` in an alarm"},
    {"the outcome before the end", "\n\n", "  a: {run: 'x {{ run.outcome }}'}\n", 5, 18,
     "is known when all tasks have ended"},
};

} // namespace

TEST_CASE("what `on_failure` and `on_success` of a workflow name are end tasks", "[end_tasks]") {
  const auto made = load_one(well);
  CHECK(made.alarms.on_failure == std::vector<alarm_target>{{"ops"}});
  CHECK(made.alarms.on_success.empty());
  CHECK_FALSE(made.tasks.at(0).is_end_task());
  CHECK(made.tasks.at(2).on_run_failure);
  CHECK_FALSE(made.tasks[2].on_run_success);
  CHECK_FALSE(made.tasks.at(3).is_end_task()); // Its primary is.
  CHECK(made.tasks.at(4).on_run_failure);
  CHECK(made.tasks[4].on_run_success);
  const auto back = from_canonical_json(to_canonical_json(made));
  REQUIRE(back);
  CHECK(to_canonical_json(back.value()) == to_canonical_json(made));
  CHECK(back.value().tasks[2].on_run_failure);
}

TEST_CASE("faults of end tasks have their place", "[end_tasks]") {
  for (const auto& each : all_faults) {
    INFO(each.name);
    const auto loaded = load(std::string{"workflow: w\n"} + each.head + "tasks:\n" + each.tasks);
    std::string all;
    bool found = false;
    for (const auto& error : loaded.errors) {
      all += to_text(error) + '\n';
      found = found || (error.line == each.line && error.column == each.column &&
                        error.message.find(each.says) != std::string::npos);
    }
    INFO(all);
    CHECK(found);
  }
}

TEST_CASE("an end task knows how its run came out", "[end_tasks][render]") {
  const auto of = std::make_shared<workflow_definition>(load_one(well));
  run_record record;
  record.id = run_id{12};
  record.workflow = "dw.w";
  record.fired_at = record.admitted_at = record.slot = from_us(1'800'000'000'000'000);
  record.admitted = true;
  const project_settings settings;
  const secret_reader no_secrets = [](const std::string&) -> result<std::string> {
    return std::string{};
  };
  const auto render = [&](const run_core& run, std::uint32_t task) {
    return render_task({run, {run_id{12}, task, no_element}, 1, settings, no_secrets});
  };
  const run_core early{of, record};
  REQUIRE_FALSE(render(early, 4));
  CHECK(render(early, 4).error().code == errc::not_found);

  instance_record load;
  load.key = {run_id{12}, 0, no_element};
  load.state = instance_state::failed;
  auto spare = load;
  spare.key.task = 1;
  const auto run = run_core::restore(of, record, {load, spare}, {}, {}, {}, {});
  REQUIRE(run);
  const auto report = render(run.value(), 4);
  REQUIRE(report);
  CHECK(report.value().script == "x 'tasks_failed'");
  const auto variable = [&](const char* name) {
    for (const auto& [key, value] : report.value().environment)
      if (key == name)
        return value;
    return std::string{"(none)"};
  };
  CHECK(variable("PINION_RUN_OUTCOME") == "failed");
  CHECK(variable("PINION_RUN_REASON") == "tasks_failed");
  CHECK(variable("PINION_RUN_FAILED") == "load");
  const auto fallback = render(run.value(), 3);
  REQUIRE(fallback);
  CHECK(fallback.value().script == "x 'load'");
}
