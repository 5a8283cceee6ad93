#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/preview.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace {

using namespace pinion;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// A folder of this test's own, gone with it.
struct scratch_folder {
  fs::path path = fs::temp_directory_path() / ("pinion_loader_" + std::to_string(::getpid()));
  scratch_folder() { fs::create_directories(path); }
  ~scratch_folder() { fs::remove_all(path); }

  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream{path / name, std::ios::binary} << text;
  }
};

std::string one_task(const std::string& name) {
  return "workflow: " + name + "\ntasks: {a: {run: x}}\n";
}

workflow_definition load_one(const std::string& text, const std::string& project = "") {
  const source_text sources[] = {{"/w/dw/pinion.yaml", project}, {"/w/dw/f.yaml", text}};
  auto loaded = load_texts(sources, {});
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.workflows.size() == 1);
  return std::move(loaded.workflows.front().definition);
}

} // namespace

TEST_CASE("defaults of pinion.yaml, of the workflow and of the task are merged key by key",
          "[loader]") {
  const auto made =
      load_one("workflow: w\n"
               "defaults: {retry: {delay: 1m, factor: 2}, env: {A: w, B: w}}\n"
               "tasks:\n"
               "  a: {run: x, retry: {factor: 3}, env: {B: t}}\n",
               "defaults: {retry: {max: 2, delay: 5m}, env: {A: p, C: p}, shell: sh}\n");
  const auto& task = made.tasks.at(0);
  CHECK(task.retry.max == 2);
  CHECK(task.retry.delay == duration{1min});
  CHECK(task.retry.factor == 3.0);
  CHECK(task.shell == "sh");
  CHECK(task.env ==
        std::vector<std::pair<std::string, std::string>>{{"A", "w"}, {"B", "t"}, {"C", "p"}});
  CHECK(task.cwd == "/w/dw");
}

TEST_CASE("a poll is read in both forms, with its defaults", "[loader]") {
  const auto made = load_one("workflow: w\n"
                             "tasks:\n"
                             "  a: {run: x, poll: {every: 30s, timeout: 2h, not_yet: [4, 2]}}\n"
                             "  b: {run: x, poll: 10s}\n"
                             "  c: {run: x, poll: {not_yet: 7}}\n"
                             "  d: {type: check, checks: [{command: x}], poll: {}}\n"
                             "  e: {run: x}\n");
  REQUIRE(made.tasks.at(0).poll);
  CHECK(made.tasks[0].poll->every == duration{30s});
  CHECK(made.tasks[0].poll->timeout == duration{2h});
  CHECK(made.tasks[0].poll->not_yet == std::vector{2, 4});
  CHECK(made.tasks.at(1).poll->every == duration{10s});
  CHECK(made.tasks[1].poll->timeout == duration{24h});
  CHECK(made.tasks[1].poll->not_yet == std::vector{1});
  CHECK(made.tasks.at(2).poll->not_yet == std::vector{7});
  CHECK(made.tasks.at(3).poll == poll_policy{});
  CHECK_FALSE(made.tasks.at(4).poll);
}

TEST_CASE("a switch and a teardown are behind what they name, or the other way round", "[loader]") {
  const auto made =
      load_one("workflow: w\n"
               "failure: finish_running\n"
               "tasks:\n"
               "  up: {run: x}\n"
               "  route: {type: switch, on: \"{{ params.x ?? 1 }}\", cases: {1: [a, b], yes: b}, "
               "default: [c]}\n"
               "  a: {run: x}\n"
               "  b: {run: x, needs: up}\n"
               "  c: {run: x}\n"
               "  down: {run: x, needs: [a, b], teardown: [up]}\n"
               "  sweep: {run: x, needs: c, teardown: true, join: all_done, ignore_failure: "
               "false}\n");
  using tasks = std::vector<std::uint32_t>;
  CHECK(made.failure == failure_strategy::finish_running);
  REQUIRE(made.tasks.at(1).choice);
  const auto& choice = *made.tasks[1].choice;
  REQUIRE(choice.cases.size() == 2);
  CHECK(choice.cases[0].value == "1");
  CHECK(choice.cases[0].tasks == tasks{2, 3});
  CHECK(choice.cases[1].value == "yes");
  CHECK(choice.cases[1].tasks == tasks{3});
  CHECK(choice.otherwise == tasks{4});
  CHECK(made.tasks[2].needs == tasks{1});
  CHECK(made.tasks[3].needs == tasks{0, 1});
  CHECK(made.tasks[0].setup);
  CHECK(made.tasks[5].teardown);
  CHECK(made.tasks[5].teardown_of == tasks{0});
  CHECK(made.tasks[5].needs == tasks{0, 2, 3});
  CHECK(made.tasks[5].join == join_rule::all_done_setup_success);
  CHECK(made.tasks[5].ignore_failure);
  CHECK(made.tasks[6].teardown);
  CHECK(made.tasks[6].join == join_rule::all_done);
  CHECK_FALSE(made.tasks[6].ignore_failure);
}

TEST_CASE("conditions, limits and java are read", "[loader]") {
  const auto made =
      load_one("workflow: w\n"
               "max_active_tasks: 7\n"
               "tasks:\n"
               "  a: {type: java, jar: lib/x.jar, args: [\"{{ biz_date }}\"], jvm: [-Xmx1g]}\n"
               "  b-2: {run: x, max_active: 2}\n"
               "  c: {run: x, needs: [a, b-2], join: \"a.success && !b-2.skipped\"}\n");
  CHECK(made.max_active_tasks == 7);
  CHECK(made.tasks.at(0).type == task_type::java);
  CHECK(made.tasks[0].jar == "lib/x.jar");
  CHECK(made.tasks[0].jvm == std::vector<std::string>{"-Xmx1g"});
  CHECK(made.tasks.at(1).max_active == 2);
  CHECK(made.tasks.at(2).join_condition == "a.success && !b-2.skipped");
  CHECK(made.tasks[2].join == join_rule::all_success);
}

TEST_CASE("rows of a flow run one after another, beside what `needs` says", "[loader]") {
  const auto made =
      load_one("workflow: w\n"
               "tasks:\n"
               "  a: {run: x}\n  b: {run: x}\n  c: {run: x}\n  d: {run: x, needs: a}\n"
               "flow: [a, [b, c], [d]]\n");
  CHECK(made.tasks[0].needs.empty());
  CHECK(made.tasks[1].needs == std::vector<std::uint32_t>{0});
  CHECK(made.tasks[2].needs == std::vector<std::uint32_t>{0});
  CHECK(made.tasks[3].needs == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("a chain of fallbacks is linked both ways", "[loader]") {
  const auto made = load_one("workflow: w\ntasks:\n  a: {run: x, fallback: b}\n"
                             "  b: {run: x, fallback: c}\n  c: {run: x}\n");
  CHECK(made.tasks[0].fallback == 1U);
  CHECK(made.tasks[1].fallback == 2U);
  CHECK(made.tasks[1].fallback_of == 0U);
  CHECK(made.tasks[2].fallback_of == 1U);
}

TEST_CASE("the forms of for_each, timeout, retry and pool mean what the surface says", "[loader]") {
  const auto made = load_one("workflow: w\n"
                             "params: {xs: [1, 2]}\n"
                             "tasks:\n"
                             "  a: {run: x, for_each: {i: [1, b, true]}, timeout: 1h, retry: 3}\n"
                             "  b: {run: x, for_each: {i: \"{{ params.xs }}\"}, pool: m}\n"
                             "  c: {run: x, pool: {m: 2}, for_each: {i: {of: \"{{ params.xs }}\", "
                             "groups: pool, max_parallel: 2}}}\n",
                             "pools: {m: 2}\n");
  CHECK(made.tasks[0].for_each->of == "[1,\"b\",true]");
  CHECK(made.tasks[0].for_each->of_is_json);
  CHECK(made.tasks[0].timeout.attempt == duration{1h});
  CHECK(made.tasks[0].retry.max == 3);
  CHECK(made.tasks[1].for_each->of == "{{ params.xs }}");
  CHECK(made.tasks[1].pools == std::vector<pool_need>{{"m", 1}});
  CHECK(made.tasks[2].for_each->groups_pool == "m");
  CHECK(made.tasks[2].for_each->max_parallel == 2);
}

TEST_CASE("plain scalars are typed as in YAML 1.2, with JSON's numbers", "[loader]") {
  const auto made =
      load_one("workflow: w\n"
               "vars: {a: no, b: 010, c: 1e3, d: true, e: 1_000, f: -5, g: 0x1F, h: ~,"
               " i: \"7\", j: y, k: 12:30}\n"
               "tasks: {t: {run: x}}\n");
  CHECK(made.vars == R"({"a":"no","b":"010","c":1000.0,"d":true,"e":"1_000","f":-5,"g":"0x1F",)"
                     R"("h":null,"i":"7","j":"y","k":"12:30"})");
}

TEST_CASE("vars of the environment win over the workflow's, those over pinion.yaml's", "[loader]") {
  const source_text sources[] = {
      {"/w/dw/pinion.yaml", "vars: {a: p, b: p, c: p}\npools: {m: 1}\n"
                            "environments: {dev: {vars: {a: e}, triggers: off, pools: {m: 3}}}\n"},
      {"/w/dw/f.yaml", "workflow: w\nvars: {a: w, b: w}\ntasks: {t: {run: x}}\n"}};
  load_options options;
  options.environment = "dev";
  const auto loaded = load_texts(sources, options);
  REQUIRE(loaded.ok());
  CHECK(loaded.workflows.at(0).definition.vars == R"({"a":"e","b":"w","c":"p"})");
  CHECK_FALSE(loaded.projects.at(0).triggers_enabled);
  CHECK(loaded.projects.at(0).pools.at("m") == 3);
  options.environment = "prod";
  const auto refused = load_texts(sources, options);
  REQUIRE(refused.errors.size() == 1);
  CHECK(refused.errors[0].suggestion == "known: `dev`");
}

TEST_CASE("the project is pinion.yaml's or the folder's, the nearest pinion.yaml wins",
          "[loader]") {
  const source_text sources[] = {{"/w/pinion.yaml", "vars: {from: outer}\n"},
                                 {"/w/a/f.yaml", one_task("one")},
                                 {"/w/b/pinion.yaml", "project: dw\nvars: {from: inner}\n"},
                                 {"/w/b/deep/f.yaml", one_task("two")}};
  const auto loaded = load_texts(sources, {});
  REQUIRE(loaded.workflows.size() == 2);
  CHECK(loaded.workflows[0].definition.id() == "a.one");
  CHECK(loaded.workflows[0].definition.vars == R"({"from":"outer"})");
  CHECK(loaded.workflows[1].definition.id() == "dw.two");
  CHECK(loaded.workflows[1].definition.vars == R"({"from":"inner"})");
  REQUIRE(loaded.projects.size() == 2);
  CHECK(loaded.projects[0].project == "a");
  CHECK(loaded.files.size() == 4);
}

TEST_CASE("a folder with an illegal name needs a project in pinion.yaml", "[loader]") {
  const auto loaded = load_text("/w/my project/f.yaml", one_task("w"), {});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].line == 1);
  CHECK(loaded.errors[0].suggestion.find("project:") != std::string::npos);
}

TEST_CASE("two pinion.yaml of one project are refused", "[loader]") {
  const source_text sources[] = {{"/w/a/pinion.yaml", "project: dw\n"},
                                 {"/w/b/pinion.yaml", "project: dw\n"}};
  const auto loaded = load_texts(sources, {});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].file == "/w/b/pinion.yaml");
}

TEST_CASE("a folder is read recursively, without hidden files and without following a loop",
          "[loader]") {
  const scratch_folder folder;
  folder.write("dw/b.yaml", one_task("b"));
  folder.write("dw/a.yml", one_task("a") + "---\n" + one_task("c") + "---\n");
  folder.write("dw/.hidden.yaml", "{");
  folder.write("dw/.git/x.yaml", "{");
  folder.write("dw/notes.txt", "{");
  fs::create_directory_symlink(folder.path, folder.path / "dw" / "loop");
  load_options options;
  options.roots = {folder.path.string()};
  const auto loaded = load_set(options);
  REQUIRE(loaded.ok());
  REQUIRE(loaded.workflows.size() == 3);
  CHECK(loaded.workflows[0].definition.id() == "dw.a");
  CHECK(loaded.workflows[1].definition.id() == "dw.c");
  CHECK(loaded.workflows[1].line == 3);
  CHECK(loaded.workflows[2].definition.id() == "dw.b");
  CHECK(loaded.workflows[2].definition.source_file == (folder.path / "dw/b.yaml").string());
}

TEST_CASE("a root that is a file takes the pinion.yaml beside it", "[loader]") {
  const scratch_folder folder;
  folder.write("pinion.yaml", "project: dw\n");
  folder.write("a.yaml", one_task("a"));
  folder.write("b.yaml", "{");
  load_options options;
  options.roots = {(folder.path / "a.yaml").string()};
  const auto loaded = load_set(options);
  REQUIRE(loaded.workflows.size() == 1);
  CHECK(loaded.workflows[0].definition.id() == "dw.a");
}

TEST_CASE("a root that does not exist is an error at its beginning", "[loader]") {
  load_options options;
  options.roots = {"/nonexistent/pinion"};
  const auto loaded = load_set(options);
  REQUIRE(loaded.errors.size() == 1);
  CHECK(to_text(loaded.errors[0]) ==
        "/nonexistent/pinion:1:1: error: there is no such file or folder");
}

TEST_CASE("preview gives the next fire times of each trigger in its zone", "[loader]") {
  const auto made = load_one("workflow: w\n"
                             "timezone: Asia/Shanghai\n"
                             "triggers: [{id: n, cron: \"0 2 * * *\"}, {id: e, every: 15m}]\n"
                             "tasks: {a: {run: x}}\n");
  const auto told = preview(made, from_us(1'795'000'000'000'000), 2);
  REQUIRE(told.size() == 2);
  REQUIRE(told[0].times.size() == 2);
  CHECK(told[0].times[0].slot == "2026-11-19T02:00:00+08:00");
  CHECK(told[0].times[0].utc == "2026-11-18T18:00:00.000000Z");
  CHECK(told[1].text == "every 15m");
  CHECK(to_json({told[0].times[0]}) == R"({"items":[{"slot":"2026-11-19T02:00:00+08:00",)"
                                       R"("utc":"2026-11-18T18:00:00.000000Z"}]})");
}
