#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/definition_diff.hpp"
#include "pinion/definitions/evaluator.hpp"
#include "pinion/definitions/loader.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace pinion;

namespace {

load_result load(std::vector<source_text> sources) { return load_texts(sources, {}); }

load_result load_one(const std::string& text, const std::string& settings = {}) {
  std::vector<source_text> sources{{"/w/dw/f.yaml", text}};
  if (!settings.empty())
    sources.push_back({"/w/dw/pinion.yaml", settings});
  return load(std::move(sources));
}

std::string all_errors(const load_result& loaded) {
  std::string text;
  for (const auto& one : loaded.errors)
    text += to_text(one) + '\n';
  for (const auto& one : loaded.warnings)
    text += to_text(one) + '\n';
  return text;
}

const workflow_definition& only(const load_result& loaded) {
  INFO(all_errors(loaded));
  REQUIRE(loaded.workflows.size() == 1);
  return loaded.workflows.front().definition;
}

std::vector<std::string> names_of(const load_result& loaded) {
  std::vector<std::string> names;
  for (const auto& one : loaded.workflows)
    names.push_back(one.definition.name);
  return names;
}

constexpr const char* profiles = R"(
defaults: {retry: {max: 1}, env: {A: defaults, B: defaults, C: defaults}}
pools: {models: 4}
profiles:
  spark: {retry: {delay: 5m}, env: {B: spark, C: spark, D: spark}, pool: models, cwd: jobs}
  patient: {retry: {max: 9}, env: {D: patient}}
)";

} // namespace

TEST_CASE("a profile stands between the defaults and the task's own keys", "[profiles]") {
  const auto loaded =
      load_one("workflow: w\ndefaults: {retry: {max: 2}}\ntasks:\n"
               "  a: {run: x, use: spark, env: {C: own}}\n  b: {run: x, use: [spark, patient]}\n"
               "  c: {run: x}\n",
               profiles);
  const auto& made = only(loaded);
  using pairs = std::vector<std::pair<std::string, std::string>>;
  const auto& a = made.tasks[0];
  CHECK(a.env == pairs{{"A", "defaults"}, {"B", "spark"}, {"C", "own"}, {"D", "spark"}});
  CHECK(a.retry.max == 2);
  CHECK(a.retry.delay == std::chrono::minutes{5});
  CHECK(a.pools == std::vector<pool_need>{{"models", 1}});
  // Relative to pinion.yaml, as in its `defaults`.
  CHECK(a.cwd == "/w/dw/jobs");
  const auto& b = made.tasks[1];
  CHECK(b.retry.max == 9);
  CHECK(b.retry.delay == std::chrono::minutes{5});
  CHECK(b.env == pairs{{"A", "defaults"}, {"B", "spark"}, {"C", "spark"}, {"D", "patient"}});
  CHECK(made.tasks[2].pools.empty());
}

TEST_CASE("faults of profiles are told once, where they stand", "[profiles]") {
  const auto bad = load_one("workflow: w\ntasks:\n  a: {run: x, use: p}\n  b: {run: x, use: p}\n",
                            "profiles:\n  p: {retry: {max: many}, run: x}\n");
  CHECK(all_errors(bad) ==
        "/w/dw/pinion.yaml:2:20: error: a whole number from 0 to 10000 is expected here, not "
        "`many`\n"
        "/w/dw/pinion.yaml:2:27: error: unknown key `run` in a profile\n");
  const auto unknown = load_one("workflow: w\ntasks:\n  a: {run: x, use: sprk}\n", profiles);
  CHECK(all_errors(unknown) ==
        "/w/dw/f.yaml:3:20: error: there is no profile `sprk` (did you mean `spark`?)\n");
  const auto none = load_one("workflow: w\ntasks:\n  a: {run: x, use: spark}\n");
  CHECK(all_errors(none) == "/w/dw/f.yaml:3:20: error: there is no profile `spark` (declare it "
                            "under `profiles:` in pinion.yaml)\n");
}

TEST_CASE("a template gives a workflow for each element of a list", "[templates]") {
  const auto loaded = load_one(R"(
template: ingest
workflow: "ingest_{{ each.country }}"
labels: {country: "{{ each.country }}"}
triggers: [{cron: "0 {{ each.hour }} * * *"}]
tasks:
  "read_{{ each.country }}":
    retry: {max: "{{ each.retries }}"}
    run: ./read --country {{ each.country }} --date {{ biz_date }}
  check:
    needs: ["read_{{ each.country }}"]
    when: "{{ params.only ?? each.country == each.country }}"
    env: {COUNTRY: "{{ each.country }}"}
    for_each: {x: "{{ each.items }}"}
    run: [./check, "{{ each.country }}", "{{ x }}"]
params: {only: ""}
---
from: ingest
each:
  - {country: DEU, hour: 2, retries: 3, items: [1, 2]}
  - {country: AUT, hour: 3, retries: 0, items: [3]}
)");
  INFO(all_errors(loaded));
  REQUIRE(names_of(loaded) == std::vector<std::string>{"ingest_DEU", "ingest_AUT"});
  const auto& made = loaded.workflows[0].definition;
  CHECK(made.triggers[0].text == "0 2 * * *");
  CHECK(made.tasks[0].name == "read_DEU");
  CHECK(made.tasks[0].retry.max == 3);
  CHECK(made.tasks[0].run == R"(./read --country {{ "DEU" }} --date {{ biz_date }})");
  CHECK(made.tasks[1].when == R"({{ params.only ?? "DEU" == "DEU" }})");
  CHECK(made.tasks[1].env[0].second == "DEU");
  CHECK(made.tasks[1].for_each->of == "[1,2]");
  CHECK(made.tasks[1].argv == std::vector<std::string>{"./check", "DEU", "{{ x }}"});
  CHECK(loaded.workflows[1].definition.tasks[0].retry.max == 0);
  CHECK(made.source_file == "/w/dw/f.yaml");
}

TEST_CASE("a map of lists means every combination; a template may lie in another file",
          "[templates]") {
  const auto loaded = load({{"/w/dw/a.yaml", "from: t\neach: {x: [a, b], n: [1, 2]}\n"},
                            {"/w/dw/z.yaml", "template: t\nworkflow: \"{{ each.x }}{{ each.n }}\"\n"
                                             "tasks: {t: {type: empty}}\n"}});
  INFO(all_errors(loaded));
  CHECK(names_of(loaded) == std::vector<std::string>{"a1", "a2", "b1", "b2"});
  CHECK(loaded.workflows[0].definition.source_file == "/w/dw/a.yaml");
  CHECK(loaded.workflows[0].file == "/w/dw/z.yaml");
}

TEST_CASE("a value in a shell text is quoted like every other", "[templates]") {
  const auto loaded =
      load_one("template: t\nworkflow: w\ntasks:\n"
               "  a: {run: 'echo {{ each.name }} \"{{ each.name }}\"'}\n"
               "  b: {run: \"{{ each.command }}\"}\n"
               "  c: {expressions: off, run: 'echo {{ each.plain }}'}\n"
               "---\nfrom: t\neach:\n"
               "  - {name: \"O'Neil \\\"x\\\" $(id)\", command: \"echo a | wc\", plain: p}\n");
  const auto& made = only(loaded);
  CHECK(made.tasks[0].run ==
        "echo {{ \"O'Neil \\\"x\\\" $(id)\" }} \"{{ \"O'Neil \\\"x\\\" $(id)\" }}\"");
  CHECK(made.tasks[1].run == "echo a | wc");
  CHECK(made.tasks[2].run == "echo p");
}

TEST_CASE("what a template makes is a definition like one that is written out", "[templates]") {
  const auto made =
      load_one("template: t\nworkflow: w\ntasks: {a: {run: x, priority: \"{{ each.p }}\"}}\n"
               "---\nfrom: t\neach: [{p: 7}]\n");
  const auto written = load_one("workflow: w\ntasks: {a: {run: x, priority: 7}}\n");
  CHECK(definition_hash(only(made)) == definition_hash(only(written)));
}

TEST_CASE("faults in a template have its place and name the instance", "[templates]") {
  const auto two = load_one("template: t\nworkflow: \"w{{ each.n }}\"\ntasks:\n"
                            "  a: {run: x, priority: \"{{ each.n }}\"}\n  b: {runn: x}\n"
                            "---\nfrom: t\neach: {n: [8, 12, 13]}\n");
  CHECK(all_errors(two) ==
        "/w/dw/f.yaml:4:25: error: a whole number from 1 to 9 is expected here, not `12` (in `t` "
        "with n = 12)\n"
        "/w/dw/f.yaml:4:25: error: a whole number from 1 to 9 is expected here, not `13` (in `t` "
        "with n = 13)\n"
        "/w/dw/f.yaml:5:3: error: a task of type shell needs `run` (in `t` with n = 8 and 2 "
        "others)\n"
        "/w/dw/f.yaml:5:7: error: unknown key `runn` in a task (in `t` with n = 8 and 2 others) "
        "(did you mean `run`?)\n");
  const auto unknown =
      load_one("template: t\nworkflow: w\ntasks:\n  a: {run: \"echo {{ each.contry }}\"}\n"
               "---\nfrom: t\neach: [{country: DEU}]\n");
  CHECK(
      all_errors(unknown) ==
      "/w/dw/f.yaml:4:12: error: `each` has no `contry` (in `t` with country = DEU) (did you mean "
      "`country`?)\n"
      "/w/dw/f.yaml:7:9: warning: the template `t` does not use `country`\n");
  const auto same = load_one("template: t\nworkflow: w\ntasks: {a: {run: \"x {{ each.n }}\"}}\n"
                             "---\nfrom: t\neach: {n: [1, 2]}\n");
  CHECK(all_errors(same) == "/w/dw/f.yaml:2:11: error: the workflow `dw.w` is defined twice, first "
                            "in /w/dw/f.yaml:2 (in `t` with n = 2)\n");
  const auto expression =
      load_one("template: t\nworkflow: w\ntasks:\n  a: {run: \"echo {{ each.n }} {{ nme }}\"}\n"
               "---\nfrom: t\neach: [{n: 1}]\n");
  CHECK(all_errors(expression).starts_with("/w/dw/f.yaml:4:12: error: "));
}

TEST_CASE("faults of documents with `from` and `each`", "[templates]") {
  const std::string tail =
      "\n---\ntemplate: t\nworkflow: \"w{{ each.n }}\"\ntasks: {a: {type: empty}}\n";
  const auto error_of = [&](const std::string& document) {
    const auto loaded = load_one(document + tail);
    return loaded.errors.empty() ? std::string{} : to_text(loaded.errors.front());
  };
  CHECK(error_of("from: tt\neach: {n: [1]}") ==
        "/w/dw/f.yaml:1:7: error: there is no template `tt` (a document of these files begins it: "
        "`template: tt`)");
  CHECK(error_of("from: t") == "/w/dw/f.yaml:1:1: error: `from` needs `each` with the values");
  CHECK(error_of("each: {n: [1]}") ==
        "/w/dw/f.yaml:1:1: error: `each` needs `from` with a template's name");
  CHECK(error_of("from: t\neach: []") ==
        "/w/dw/f.yaml:2:7: error: `each` is empty: no workflow is made");
  CHECK(error_of("from: t\neach: [DEU]") ==
        "/w/dw/f.yaml:2:8: error: a map of values, as {country: DEU} is expected here, not text");
  CHECK(error_of("from: t\neach: {n: DEU}") ==
        "/w/dw/f.yaml:2:11: error: a list of values is expected here, not text");
  CHECK(error_of("from: t\neach: {a-b: [1]}") ==
        "/w/dw/f.yaml:2:8: error: `a-b` is no legal name of a value (write letters, digits and _, "
        "not a digit first)");
  CHECK(error_of("from: t\nworkflow: w\neach: {n: [1]}") ==
        "/w/dw/f.yaml:2:1: error: unknown key `workflow` in a document with `from` and `each`");
  CHECK(error_of("from: t\neach: {n: [[1, 2]]}") ==
        "/w/dw/f.yaml:5:11: error: a list cannot stand in a text (in `t` with n = a list) (a value "
        "of this kind stands alone: \"{{ each.name }}\")");
}

TEST_CASE("a template is made once in a set, and warned about where nobody uses it",
          "[templates]") {
  const std::string one = "template: t\nworkflow: w\ntasks: {a: {type: empty}}\n";
  CHECK(all_errors(load_one(one + "---\n" + one)) ==
        "/w/dw/f.yaml:5:11: error: the template `t` is defined twice, first in /w/dw/f.yaml:1\n"
        "/w/dw/f.yaml:1:11: warning: no workflow is made from the template `t` (add a document "
        "with `from: t` and `each:`)\n");
}

TEST_CASE("the number of workflows of one list is limited", "[templates]") {
  std::string list = "[0";
  for (int i = 1; i < 101; ++i)
    list += ", " + std::to_string(i);
  list += ']';
  const auto loaded =
      load_one("template: t\nworkflow: \"w{{ each.a }}_{{ each.b }}\"\ntasks: {a: {type: empty}}\n"
               "---\nfrom: t\neach: {a: " +
               list + ", b: " + list + "}\n");
  CHECK(all_errors(loaded) ==
        "/w/dw/f.yaml:6:7: error: more than 10,000 workflows from one document\n");
}

TEST_CASE("what differs between two definitions is told by name", "[diff]") {
  const auto before = load_one("workflow: w\nvars: {x: 1}\ntasks:\n  a: {run: x}\n"
                               "  b: {run: x, needs: a, timeout: 1h, env: {A: '1', B: '2'}}\n");
  const auto after = load_one("workflow: w\nvars: {x: 1}\ntasks:\n  c: {run: x}\n  a: {run: x}\n"
                              "  b: {run: x, needs: [a, c], timeout: 90m, env: {B: '3'}}\n");
  std::string told;
  for (const auto& one : definition_changes(only(before), only(after)))
    told += one.path + ": " + one.before + " -> " + one.after + '\n';
  CHECK(told == R"(tasks.b.env.A: "1" -> 
tasks.b.env.B: "2" -> "3"
tasks.b.needs: ["a"] -> ["c","a"]
tasks.b.timeout.attempt: "1h" -> "1h30m"
tasks.c:  -> {"cwd":"/w/dw","run":"x"}
)");
  CHECK(definition_changes(only(before), only(before)).empty());
}
