#include <catch2/catch.hpp>

#include "cli_with_engine.hpp"

using namespace pinion;
using namespace pinion::testing;

namespace {

json a_definition() {
  return {{"workflow", "dag"},
          {"params", {{"n", 1}}},
          {"tasks", {{"a", {{"run", "echo {{ params.n }}"}}}}}};
}

} // namespace

TEST_CASE("a posted definition is run once, under the name of its content", "[run]") {
  api_fixture uut;
  uut.add_run(1);
  const auto answer = uut.post(
      "/api/v1/run",
      {{"definition", a_definition()}, {"params", {{"n", 2}}}, {"key", "k"}, {"reason", "try"}});
  REQUIRE(answer.status == 201);
  CHECK(uut.engine.calls == std::vector<std::string>{"apply", "trigger"});
  CHECK(uut.engine.applied.unlisted);
  REQUIRE(uut.engine.applied.workflows.size() == 1);
  const auto& made = uut.engine.applied.workflows.front();
  CHECK(made.id().starts_with("adhoc.dag-"));
  CHECK(made.id().size() == 18);
  CHECK(made.tasks.front().cwd == "/");
  CHECK(uut.engine.triggered.workflow == made.id());
  CHECK(uut.engine.triggered.params == R"({"n":2})");
  CHECK(uut.engine.triggered.key == "k");
  CHECK(uut.engine.last_caller.reason == "try");
  const auto name = made.id();
  uut.post("/api/v1/run", {{"definition", a_definition()}});
  CHECK(uut.engine.triggered.workflow == name);
  auto other = a_definition();
  other["tasks"]["a"]["run"] = "echo other";
  uut.post("/api/v1/run", {{"definition", other}});
  CHECK(uut.engine.triggered.workflow != name);
}

TEST_CASE("what cannot be run is told with its place, and nothing is made of it", "[run]") {
  api_fixture uut;
  auto wrong = a_definition();
  wrong["tasks"]["a"]["rnu"] = "x";
  const auto answer = uut.post("/api/v1/run", {{"definition", wrong}});
  CHECK(answer.status == 400);
  CHECK(answer.body["error"]["message"] == "1 error in the definitions: nothing was run");
  CHECK(uut.post("/api/v1/run", {{"definition", 7}}).status == 400);
  CHECK(uut.post("/api/v1/run", {{"definition", "workflow: w\ntasks: {a: {run: x}}\n---\n"
                                                "workflow: v\ntasks: {a: {run: x}}\n"}})
            .status == 400);
  CHECK(uut.post("/api/v1/run", json::object()).status == 400);
  CHECK(uut.engine.calls.empty());
}

TEST_CASE("what would be run is shown with the inputs of now", "[render]") {
  api_fixture uut;
  auto made = api_fixture::definition();
  made.name = "shown";
  for (auto& task : made.tasks)
    task.run = "echo " + task.name + " {{ ds }}";
  made.tasks[1].run = "echo {{ x }}";
  made.tasks[1].for_each->of = "[7, 8]";
  made.tasks[3].run = "echo {{ inputs.side.path }}";
  made.params.push_back({.name = "n", .default_value = "1", .type = "integer"});
  made.tasks[2].env = {{"N", "{{ params.n }}"}};
  uut.apply(made);
  const auto whole = uut.get("/api/v1/render?ref=dw.shown").body["items"];
  REQUIRE(whole.size() == 5);
  CHECK(whole[0]["id"] == "dw.shown.first");
  CHECK(whole[0]["script"] == "echo first '2026-11-23'");
  CHECK(whole[0]["index"].is_null());
  CHECK(whole[1]["id"] == "dw.shown.train");
  CHECK(whole[1]["index"] == "7");
  CHECK(whole[2]["script"] == "echo '8'");
  CHECK(whole[4]["error"]["message"].get<std::string>().find("side") != std::string::npos);
  const auto side = uut.get("/api/v1/render?ref=dw.shown.side&params=%7B%22n%22%3A3%7D");
  REQUIRE(side.body["items"].size() == 1);
  CHECK(side.body["items"][0]["env"]["N"] == "3");
  CHECK(uut.get("/api/v1/render?ref=dw.shown&params=%7B%22m%22%3A3%7D").status == 400);
  CHECK(uut.get("/api/v1/render?ref=dw.shown.sied").status == 404);
  const auto added = uut.add_run(10);
  attempt_record alive;
  alive.instance = {added.id, 1, 0};
  alive.number = 0; // As the instance's row of the fixture says.
  alive.state = attempt_state::running;
  kv_batch batch;
  put_attempt(batch, alive);
  uut.commit(std::move(batch));
  const auto of_run = uut.get("/api/v1/render?ref=r10%2Fside").body;
  INFO(of_run.dump());
  const auto run = of_run["items"];
  REQUIRE(run.size() == 1);
  CHECK(run[0]["attempt"] == 1);
  CHECK(run[0]["id"] == "r10/side");
}

TEST_CASE_METHOD(cli_fixture, "a task of a file is tested without an engine", "[cli][test]") {
  const auto file =
      write("p/w.yaml", "workflow: w\n"
                        "params: {n: 1, word: {default: a, enum: [a, b]}}\n"
                        "tasks:\n"
                        "  a:\n"
                        "    run: |\n"
                        "      echo \"n={{ params.n }} in={{ inputs.b.path ?? 'none' }} $WHO\"\n"
                        "      echo \"got={{ params.n }}\" >> \"$PINION_OUTPUT\"\n"
                        "    env: {WHO: me}\n"
                        "    needs: b\n"
                        "  b: {run: exit 3}\n"
                        "  c: {type: empty}\n"
                        "  d: {for_each: {x: [u, v]}, run: 'echo {{ x }}'}\n");
  const auto seen = run("test " + file + " a --param n=5");
  CHECK(seen.code == 0);
  CHECK(seen.out == "n=5 in=none me\n");
  CHECK(seen.err.find("outputs: {\"got\":5}") != std::string::npos);
  CHECK(seen.err.find("a: success after") != std::string::npos);
  const auto params = write("params.yaml", "n: 7\nword: b\n");
  const auto inputs = write("inputs.yaml", "b: {path: /x}\n");
  CHECK(run("test " + file + " a --inputs " + inputs + " --params-file " + params).out ==
        "n=7 in=/x me\n");
  CHECK(run("test " + file + " a --param n=6 --params-file " + params).out == "n=6 in=none me\n");
  const auto failed = run("test " + file + " b");
  CHECK(failed.code == 1);
  CHECK(failed.err.find("exit code 3") != std::string::npos);
  CHECK(run("test " + file + " d --index v").out == "v\n");
  CHECK(run("test " + file + " d --index w").code == 3);
  CHECK(run("test " + file + " c").code == 2);
  CHECK(run("test " + file + " x").code == 3);
  CHECK(run("test " + file + " a --param word=c").code == 2);
  CHECK(run("test " + file + " a --param n=many").code == 2);
  const auto told = json::parse(run("test " + file + " a -o json").out);
  CHECK(told["outputs"]["got"] == 1);
  CHECK(told["state"] == "success");
}

TEST_CASE_METHOD(cli_with_engine, "run hands a file over, render shows what would be run",
                 "[cli][run]") {
  add_run(1);
  const auto file = write("p/w.yaml", "workflow: w\ntasks: {a: {run: 'echo x'}}\n");
  CHECK(run("run " + file + " -o name").out == "r1\n");
  CHECK(engine.applied.workflows.front().id().starts_with("p.w-"));
  CHECK(run("run - -o name <" + file).out == "r1\n");
  CHECK(run("run " + write("p/x.yaml", "workflow: w\ntasks: {a: {rnu: 'echo x'}}\n")).code == 1);
  auto made = definition();
  made.name = "shown";
  made.tasks[0].run = "echo {{ ds }}";
  apply(made);
  const auto shown = run("render dw.shown.first");
  CHECK(shown.code == 0);
  CHECK(shown.out.find("| echo '2026-11-23'") != std::string::npos);
  CHECK(shown.out.starts_with("dw.shown.first\n"));
  CHECK(run("render dw.shown.train").out.starts_with("dw.shown.train for 1\n"));
  CHECK(run("render dw.nothing").code == 3);
}
