#include "pinion/definitions/render.hpp"

#include "pinion/definitions/evaluator.hpp"
#include "pinion/definitions/params.hpp"
#include "pinion/definitions/template_check.hpp"
#include "pinion/timing/instant_text.hpp"

#include <catch2/catch.hpp>
#include <memory>

using namespace pinion;

namespace {

fan_out loop(std::string variable, std::string of, bool json) {
  fan_out out;
  out.variable = std::move(variable);
  out.of = std::move(of);
  out.of_is_json = json;
  return out;
}

std::shared_ptr<workflow_definition> workflow() {
  auto out = std::make_shared<workflow_definition>();
  out->project = "dw";
  out->name = "w";
  out->timezone = "Asia/Shanghai";
  out->vars = R"({"countries": ["DEU", "AUT", "NLD"], "schema": "dw"})";
  out->params.push_back({"brand", "\"A\"", "string", {"\"A\"", "\"B\""}, {}, {}});
  out->params.push_back({"n", "3", "integer", {}, 1, 10});
  out->tasks.resize(3);
  out->tasks[0].name = "read-file";
  out->tasks[0].run = "echo {{ biz_date }} '{{ params.brand }}'";
  out->tasks[0].env = {
      {"PW", "u:{{ secrets.pw }}"}, {"UP", "{{ secrets.pw | upper }}"}, {"LEAK", "xs3cretx"}};
  out->tasks[1].name = "train";
  out->tasks[1].needs = {0};
  out->tasks[1].argv = {"./train", "{{ vars.schema }}", "{{ task.attempt }}"};
  out->tasks[1].when = "{{ params.brand == 'A' }}";
  out->tasks[1].for_each = loop("country", "{{ vars.countries }}", false);
  out->tasks[2].name = "other";
  out->tasks[2].run = "true";
  return out;
}

run_core core(const std::shared_ptr<workflow_definition>& of) {
  run_record run;
  run.id = run_id{12};
  run.workflow = "dw.w";
  run.trigger = "nightly";
  run.slot = parse_instant("2026-11-20T02:00", zone::load("Asia/Shanghai").value()).value();
  run.interval_start = run.slot - std::chrono::hours{24};
  run.interval_end = run.slot;
  run.params = R"({"brand":"A","n":3})";
  return run_core{of, run};
}

const secret_reader secrets = [](const std::string&) -> result<std::string> {
  return std::string{"s3cret"};
};

std::string variable(const rendered_task& of, std::string_view name) {
  for (const auto& [key, value] : of.environment)
    if (key == name)
      return value;
  return "(none)";
}

} // namespace

TEST_CASE("a shell task becomes a script with its environment, secrets masked", "[render]") {
  const auto run = core(workflow());
  const project_settings settings;
  const auto out = render_task({run, {run_id{12}, 0, no_element}, 2, settings, secrets});
  REQUIRE(out);
  const auto& task = out.value();
  CHECK(task.script == "echo '2026-11-19' 'A'");
  CHECK(task.argv == std::vector<std::string>{"/bin/bash", "-eo", "pipefail"});
  CHECK(variable(task, "PW") == "u:s3cret");
  CHECK(variable(task, "PINION_RUN") == "r12");
  CHECK(variable(task, "PINION_ATTEMPT") == "2");
  CHECK(variable(task, "PINION_SLOT") == "2026-11-20T02:00:00+08:00");
  CHECK(variable(task, "PINION_BIZ_DATE") == "2026-11-19");
  CHECK(task.masked.find("s3cret") == std::string::npos);
  CHECK(task.masked.find("S3CRET") == std::string::npos);
  CHECK(task.masked.find("x***x") != std::string::npos);
}

TEST_CASE("a list is rendered without a shell, python source takes literals", "[render]") {
  auto of = workflow();
  of->tasks[1].for_each.reset();
  of->tasks[2].type = task_type::python;
  of->tasks[2].script = "x = {{ params.brand + '\"' }}\nprint(x, {{ null }})\n";
  of->tasks[2].args = {"{{ params.n }}"};
  const auto run = core(of);
  const project_settings settings;
  CHECK(render_task({run, {run_id{12}, 1, no_element}, 1, settings, secrets}).value().argv ==
        std::vector<std::string>{"./train", "dw", "1"});
  const auto python = render_task({run, {run_id{12}, 2, no_element}, 1, settings, secrets}).value();
  CHECK(python.script == "x = \"A\\\"\"\nprint(x, None)\n");
  CHECK(python.script_args == std::vector<std::string>{"3"});
}

TEST_CASE("outputs of needs on other workflows are inputs under their name", "[render]") {
  auto of = workflow();
  outside_need need;
  need.workflow = "dw.orders";
  need.task = "load";
  need.last = 2;
  need.as = "sales";
  of->tasks[2].outside_needs = {need};
  of->tasks[2].run = "x {{ inputs.sales[1].path }} {{ inputs.sales | length }}";
  project_settings settings;
  CHECK(check_task(*of, 2, settings).empty());

  const auto fresh = core(of);
  bound_edge edge;
  edge.task = 2;
  edge.workflow = "dw.orders";
  edge.trigger = "daily";
  edge.upstream_task = "load";
  edge.list = true;
  edge.slots = {fresh.run().slot - std::chrono::hours{24}, fresh.run().slot};
  edge_record settled;
  settled.run = run_id{12};
  settled.task = 2;
  settled.outputs = R"([{"path":"a"},{"path":"b"}])";
  const auto run = run_core::restore(of, fresh.run(), {}, {}, {}, {edge}, {settled});
  REQUIRE(run);
  const auto out =
      render_task({run.value(), {run_id{12}, 2, no_element}, 1, settings, secrets}).value();
  CHECK(out.script == "x 'b' '2'");
  CHECK(out.inputs_json == R"({"sales":[{"path":"a"},{"path":"b"}]})");

  const auto open = run_core::restore(of, fresh.run(), {}, {}, {}, {edge}, {});
  const auto early = render_task({open.value(), {run_id{12}, 2, no_element}, 1, settings, secrets});
  REQUIRE_FALSE(early);
  CHECK(early.error().code == errc::not_found);
}

TEST_CASE("what no process can take is refused", "[render]") {
  auto of = workflow();
  of->tasks[1].for_each.reset();
  of->tasks[1].env = {{"BIG", std::string(200'000, 'x')}};
  of->tasks[2].argv = {"echo", "{{ '\\u0000' }}"};
  const auto run = core(of);
  const project_settings settings;
  CHECK(render_task({run, {run_id{12}, 1, no_element}, 1, settings, secrets}).error().code ==
        errc::limit);
  CHECK(render_task({run, {run_id{12}, 2, no_element}, 1, settings, secrets}).error().code ==
        errc::invalid);
}

TEST_CASE("names are checked before anything runs", "[template_check]") {
  auto of = workflow();
  project_settings settings;
  settings.secrets["pw"] = {};
  CHECK(check_task(*of, 0, settings).empty());
  CHECK(check_task(*of, 1, settings).empty());
  of->tasks[1].argv = {"{{ params.brnad }}",          "{{ secrets.pw }}", "{{ inputs.other.x }}",
                       "{{ inputs['read-file'].x }}", "{{ slt }}",        "{{ vars.q ?? 1 }}"};
  of->tasks[1].when = "{{ country == 'DEU' }}";
  const auto problems = check_task(*of, 1, settings);
  REQUIRE(problems.size() == 5);
  CHECK(problems[0].field == "argv[0]");
  CHECK(problems[0].offset == 3);
  CHECK(problems[0].what.suggestion == "did you mean `brand`?");
  CHECK(problems[1].what.message == "secrets are available only in `env:` and `stdin:`");
  CHECK(problems[2].what.message == "task `other` is not upstream of `train`");
  CHECK(problems[3].what.suggestion == "did you mean `slot`?");
  CHECK(problems[4].field == "when");
}

TEST_CASE("conditions are strict and lists get stable keys", "[evaluator]") {
  auto of = workflow();
  const expression_evaluator uut{{{"models", 2}}};
  CHECK(uut.condition(core(of), 1).value());
  const auto elements = uut.elements(core(of), 1).value();
  REQUIRE(elements.size() == 3);
  CHECK(elements[1].key == "AUT");
  CHECK(elements[1].value == "\"AUT\"");
  of->tasks[1].for_each->groups_pool = "models";
  const auto groups = uut.elements(core(of), 1).value();
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].value == R"(["DEU","AUT"])");
  CHECK(groups[1].key == "1");
  of->tasks[1].for_each = loop("c", R"([{"k": "x"}, {"k": "x"}])", true);
  of->tasks[1].for_each->key = "{{ c.k }}";
  CHECK_FALSE(uut.elements(core(of), 1));
  of->tasks[1].when = "{{ params.n }}";
  CHECK_FALSE(uut.condition(core(of), 1));
}

TEST_CASE("params are converted, checked and complete", "[params]") {
  const auto of = workflow();
  CHECK(resolve_params(*of, std::nullopt).value() == R"({"brand":"A","n":3})");
  CHECK(resolve_params(*of, "@manual", R"({"n": "7"})").value() == R"({"brand":"A","n":7})");
  CHECK(resolve_params(*of, std::nullopt, R"({"brnd": 1})").error().suggestion ==
        "did you mean `brand`?");
  CHECK_FALSE(resolve_params(*of, std::nullopt, R"({"n": 11})"));
  CHECK_FALSE(resolve_params(*of, std::nullopt, R"({"n": "x"})"));
  CHECK_FALSE(resolve_params(*of, std::nullopt, R"({"brand": "C"})"));
  CHECK_FALSE(resolve_params(*of, "nix"));
}
