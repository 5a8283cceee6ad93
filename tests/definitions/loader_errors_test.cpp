#include "pinion/definitions/loader.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;

/// One bad file `dw/f.yaml` and what is said about it: the place, and parts of message and
/// suggestion.
struct bad_file {
  const char* name;
  const char* text;
  std::uint32_t line;
  std::uint32_t column;
  const char* message;
  const char* suggestion;
};

constexpr const char* settings = "pools: {models: 4}\nchannels: {ops: {log: true}}\nvars: {x: 1}\n";

const bad_file bad_files[] = {
    {"an empty file", "", 1, 1, "the file has no workflow", ""},
    {"only comments", "# nothing\n", 1, 1, "the file has no workflow", ""},
    {"no tasks", "workflow: w\n", 1, 1, "the workflow has no `tasks`", ""},
    {"empty tasks", "workflow: w\ntasks: {}\n", 2, 8, "the workflow has no tasks", ""},
    {"no name", "tasks:\n  a: {run: x}\n", 1, 1, "the document has no `workflow`", ""},
    {"a list as document", "- a\n- b\n", 1, 1, "a workflow is expected here, not a list", ""},
    {"an unknown key", "workflow: w\ntaskz:\n  a: {run: x}\ntasks: {b: {run: x}}\n", 2, 1,
     "unknown key `taskz` in a workflow", "did you mean `tasks`?"},
    {"an unknown key of a task", "workflow: w\ntasks:\n  a:\n    run: x\n    retrys: 3\n", 5, 5,
     "unknown key `retrys` in a task", "did you mean `retry`?"},
    {"a key of later", "workflow: w\ntasks:\n  a: {run: x, expect: {running: 1h}}\n", 3, 15,
     "unknown key `expect` in a task", ""},
    {"a duplicate key", "workflow: w\ntasks:\n  a: {run: x}\n  a: {run: y}\n", 4, 3,
     "the key `a` stands twice, first in line 3", ""},
    {"an anchor", "workflow: w\ntasks:\n  a: &x {run: x}\n", 3, 6,
     "anchors (`&name`) are not supported", "write the value out"},
    {"an alias", "workflow: w\ntasks:\n  a: &x {run: x}\n  b: *x\n", 4, 6,
     "aliases (`*name`) are not supported", "write the value out"},
    {"a tag", "workflow: w\ntasks:\n  a: {run: !!python/name x}\n", 3, 12,
     "tags are not supported: `tag:yaml.org,2002:python/name`", "remove the tag"},
    {"a merge key", "workflow: w\ntasks:\n  a: {run: x, <<: {shell: sh}}\n", 3, 15,
     "merge keys (`<<`) are not supported", "write the values out"},
    {"a tab", "workflow: w\ntasks:\n\ta: {run: x}\n", 3, 3, "syntax error",
     "indent by spaces: YAML allows no tabs"},
    {"a tab after spaces", "workflow: w\ntasks:\n  a:\n  \trun: x\n", 4, 7, "syntax error",
     "indent by spaces: YAML allows no tabs"},
    {"bare braces", "workflow: w\ntasks:\n  a:\n    run: {{ biz_date }}\n", 4, 10,
     "text is expected here, not a map",
     "write \"{{ \u2026 }}\" in quotes: YAML reads a bare { as "},
    {"a colon in text", "workflow: w\ntasks:\n  a:\n    run: echo a: b\n", 4, 16, "syntax error",
     "write text that holds `: ` in quotes"},
    {"an open bracket", "workflow: w\ntasks:\n  a: {run: x\n", 3, 6, "this bracket is not closed",
     ""},
    {"text after a document", "[a] b\n", 1, 5, "text after the end of a document",
     "separate workflows by a line `---`"},
    {"a list as text", "workflow: w\ntasks:\n  a:\n    run: x\n    title: [x]\n", 5, 12,
     "text is expected here, not a list", ""},
    {"an unknown task", "workflow: w\ntasks:\n  load: {run: x}\n  b: {run: x, needs: laod}\n", 4,
     22, "there is no task `laod`", "did you mean `load`?"},
    {"a task that needs itself", "workflow: w\ntasks:\n  a: {run: x, needs: a}\n", 3, 22,
     "the task needs itself: a -> a", ""},
    {"a cycle",
     "workflow: w\ntasks:\n  a: {run: x, needs: b}\n  b: {run: x, needs: c}\n  c: {run: x, needs: "
     "a}\n",
     3, 3, "the tasks form a cycle: a -> c -> b -> a", "remove one of these dependencies"},
    {"needs of another workflow", "workflow: w\ntasks:\n  a: {run: x, needs: [{task: dw.b.c}]}\n",
     3, 30, "there is no workflow `dw.b`", ""},
    {"a fallback that has needs",
     "workflow: w\ntasks:\n  a: {run: x, fallback: b}\n  b: {run: x, needs: c}\n  c: {run: x}\n", 4,
     22, "a fallback has no `needs` of its own: it runs when `a` has failed", "remove `needs`"},
    {"a fallback that is needed",
     "workflow: w\ntasks:\n  a: {run: x, fallback: b}\n  b: {run: x}\n  c: {run: x, needs: b}\n", 5,
     22, "`b` is a fallback: nobody needs it", "need `a`, which stands for both"},
    {"a fallback of two",
     "workflow: w\ntasks:\n  a: {run: x, fallback: b}\n  b: {run: x}\n  c: {run: x, fallback: b}\n",
     5, 25, "`b` is already the fallback of `a`", ""},
    {"fallbacks in a circle",
     "workflow: w\ntasks:\n  a: {run: x, fallback: b}\n  b: {run: x, fallback: a}\n", 3, 25,
     "the fallbacks form a cycle: a -> b -> a", ""},
    {"a fallback in the flow",
     "workflow: w\ntasks:\n  a: {run: x, fallback: b}\n  b: {run: x}\nflow: [[a], [b]]\n", 5, 14,
     "the fallback `b` has no place in `flow`", ""},
    {"a flow that names a task twice", "workflow: w\ntasks:\n  a: {run: x}\nflow: [[a], [a]]\n", 4,
     14, "the task `a` stands twice in `flow`", ""},
    {"a flow that contradicts needs",
     "workflow: w\ntasks:\n  a: {run: x, needs: b}\n  b: {run: x}\nflow: [a, b]\n", 3, 3,
     "the tasks form a cycle: a -> b -> a", "remove one of these dependencies"},
    {"a bad cron field", "workflow: w\ntriggers: [{cron: \"61 * * * *\"}]\ntasks:\n  a: {run: x}\n",
     2, 19, "cron \"61", ""},
    {"a time that never comes",
     "workflow: w\ntriggers: [{cron: \"0 0 30 2 *\"}]\ntasks:\n  a: {run: x}\n", 2, 19,
     "never comes", "L"},
    {"an unknown zone", "workflow: w\ntimezone: Asia/Shangai\ntasks:\n  a: {run: x}\n", 2, 11,
     "there is no time zone", ""},
    {"cron and every",
     "workflow: w\ntriggers: [{cron: \"0 0 * * *\", every: 5m}]\ntasks:\n  a: {run: x}\n", 2, 39,
     "not both `cron` and `every`", "make two triggers of it"},
    {"neither cron nor every", "workflow: w\ntriggers: [{id: x}]\ntasks:\n  a: {run: x}\n", 2, 12,
     "a trigger needs one of `cron`, `period`, `every`, `dates` and `after`", ""},
    {"two triggers of one id",
     "workflow: w\ntriggers:\n  - {id: x, every: 5m}\n  - {id: x, every: 6m}\ntasks:\n  a: {run: "
     "x}\n",
     4, 10, "a second trigger `x`", ""},
    {"two triggers without id",
     "workflow: w\ntriggers:\n  - {every: 5m}\n  - {every: 6m}\ntasks:\n  a: {run: x}\n", 4, 5,
     "the id `default` of a trigger without one is taken", "give this trigger an `id`"},
    {"every of nothing", "workflow: w\ntriggers: [{every: 0s}]\ntasks:\n  a: {run: x}\n", 2, 20,
     "duration \"", ""},
    {"an unknown parameter of a trigger",
     "workflow: w\nparams: {brand: A}\ntriggers: [{every: 5m, params: {brnad: B}}]\ntasks:\n  a: "
     "{run: x}\n",
     3, 33, "the workflow has no parameter `brnad`", "did you mean `brand`?"},
    {"a required parameter that a trigger lacks",
     "workflow: w\nparams: {n: {type: integer}}\ntriggers: [{every: 5m}]\ntasks:\n  a: {run: x}\n",
     3, 12, "the parameter `n` has no default, so each trigger must give ", ""},
    {"a default outside enum",
     "workflow: w\nparams: {b: {default: C, enum: [A, B]}}\ntasks:\n  a: {run: x}\n", 2, 23,
     "param `b`", ""},
    {"a parameter of nothing", "workflow: w\nparams: {b: }\ntasks:\n  a: {run: x}\n", 2, 10,
     "the parameter `b` has neither a default nor a type",
     "write {type: string} for one that must be given"},
    {"a duration without unit", "workflow: w\ntasks:\n  a: {run: x, timeout: 30}\n", 3, 24,
     "duration \"", ""},
    {"a negative delay", "workflow: w\ntasks:\n  a: {run: x, retry: {delay: -5s}}\n", 3, 30,
     "duration \"", ""},
    {"retries out of range", "workflow: w\ntasks:\n  a: {run: x, retry: {max: 2147483648}}\n", 3,
     28, "a whole number from 0 to 10000 is expected here, not `2147483648`", ""},
    {"a priority that is no number", "workflow: w\ntasks:\n  a: {run: x, priority: .nan}\n", 3, 25,
     "a whole number from 1 to 9 is expected here, not `.nan`", ""},
    {"a number with a leading zero", "workflow: w\ntasks:\n  a: {run: x, priority: 05}\n", 3, 25,
     "a whole number from 1 to 9 is expected here, not `05`", ""},
    {"an unknown join rule", "workflow: w\ntasks:\n  a: {run: x, join: all_sucess}\n", 3, 21,
     "`all_sucess` is none of `all_success`, `all_failed`, `all_do", "did you mean `all_success`?"},
    {"an unknown type", "workflow: w\ntasks:\n  a: {type: spark, run: x}\n", 3, 13,
     "`spark` is none of `shell`, `python`, `empty`, `check`, `workf", ""},
    {"a condition over what is not needed",
     "workflow: w\ntasks:\n  a: {run: x}\n  b: {run: x}\n  c: {run: x, needs: a, join: \"a.done && "
     "b.done\"}\n",
     5, 42, "`b` is none of the tasks that it needs", "add it to `needs`"},
    {"a condition that leaves out a need",
     "workflow: w\ntasks:\n  a: {run: x}\n  b: {run: x}\n  c: {run: x, needs: [a, b], join: "
     "a.done}\n",
     5, 36, "`b` is needed and does not occur in `join`", "write `&& b.done`"},
    {"a condition that asks for no state",
     "workflow: w\ntasks:\n  a: {run: x}\n  c: {run: x, needs: a, join: a.ok}\n", 4, 33,
     "a task is `success`, `failed`, `skipped` or `done`, not `ok`", ""},
    {"a java task without jar", "workflow: w\ntasks:\n  a: {type: java, args: [x]}\n", 3, 3,
     "a task of type java needs `jar`", ""},
    {"a limit of nothing", "workflow: w\nmax_active_tasks: 0\ntasks:\n  a: {run: x}\n", 2, 19,
     "a whole number from 1 to 1000000 is expected here, not `0`", ""},
    {"a switch without cases", "workflow: w\ntasks:\n  a: {type: switch, on: x}\n", 3, 3,
     "a task of type switch needs `cases`", ""},
    {"cases of no switch", "workflow: w\ntasks:\n  a: {run: x, cases: {y: b}}\n  b: {run: x}\n", 3,
     15, "`cases` does not belong to a task of type shell", ""},
    {"a switch that chooses what is not there",
     "workflow: w\ntasks:\n  a: {type: switch, on: \"{{ biz_date }}\", cases: {y: load}}\n  lod: "
     "{run: x}\n",
     3, 54, "there is no task `load`", "did you mean `lod`?"},
    {"a switch that goes by an unknown name",
     "workflow: w\ntasks:\n  a: {type: switch, on: \"{{ parms.x }}\", cases: {y: b}}\n  b: {run: "
     "x}\n",
     3, 29, "unknown name `parms`", "did you mean `params`?"},
    {"a fan-out of switches",
     "workflow: w\ntasks:\n  a: {type: switch, on: \"{{ biz_date }}\", cases: {y: b}, for_each: "
     "{i: [1]}}\n"
     "  b: {run: x}\n",
     3, 58, "`for_each` does not belong to a task of type switch", ""},
    {"a teardown of nothing", "workflow: w\ntasks:\n  a: {run: x, teardown: b}\n", 3, 25,
     "there is no task `b`", ""},
    {"a setup that is a teardown",
     "workflow: w\ntasks:\n  a: {run: x, setup: true, teardown: true}\n", 3, 38,
     "a task is a setup or a teardown, not both", ""},
    {"an unknown failure strategy", "workflow: w\nfailure: stop\ntasks:\n  a: {run: x}\n", 2, 10,
     "`stop` is none of `continue`, `finish_running` or `cancel`", ""},
    {"a poll of an empty task", "workflow: w\ntasks:\n  a: {type: empty, poll: 1m}\n", 3, 20,
     "`poll` does not belong to a task of type empty", ""},
    {"a poll that looks too often", "workflow: w\ntasks:\n  a: {run: x, poll: 10ms}\n", 3, 21,
     "duration \"", ""},
    {"a poll that never ends",
     "workflow: w\ntasks:\n  a: {run: x, poll: {every: 100ms, timeout: 30d}}\n", 3, 21,
     "within its `timeout` it would look more than 10,000,000 times", "look less often"},
    {"a poll for no exit code", "workflow: w\ntasks:\n  a: {run: x, poll: {not_yet: []}}\n", 3, 31,
     "`not_yet` lists no exit code", "write [1]"},
    {"an exit code of two meanings",
     "workflow: w\ntasks:\n  a: {run: x, poll: {not_yet: [1, 99]}}\n", 3, 21,
     "exit code 99 means `not_yet` and, by `skip_exit`, skipped", "give `skip_exit` another"},
    {"an exit code that retries and polls",
     "workflow: w\ntasks:\n  a: {run: x, retry: {on_exit: [1]}, poll: 1m}\n", 3, 44,
     "exit code 1 stands in `not_yet` and in `on_exit`", ""},
    {"a python task without script", "workflow: w\ntasks:\n  a: {type: python, run: x}\n", 3, 3,
     "a task of type python needs `script`", ""},
    {"a script without type", "workflow: w\ntasks:\n  a: {script: x.py}\n", 3, 3,
     "a task of type shell needs `run`", "add `type: python`"},
    {"a task without a command", "workflow: w\ntasks:\n  a: {title: x}\n", 3, 3,
     "a task of type shell needs `run`", ""},
    {"a task of nothing", "workflow: w\ntasks:\n  a:\n  b: {run: x}\n", 3, 3,
     "the task `a` is empty", "write at least `run: ...` or `type: empty`"},
    {"an empty command", "workflow: w\ntasks:\n  a: {run: \" \"}\n", 3, 12, "the text is empty",
     ""},
    {"an unknown pool", "workflow: w\ntasks:\n  a: {run: x, pool: modles}\n", 3, 21,
     "there is no pool `modles`", "did you mean `models`?"},
    {"more permits than there are", "workflow: w\ntasks:\n  a: {run: x, pool: {models: 5}}\n", 3,
     22, "the pool `models` has 4 permits, not 5", ""},
    {"an unknown channel", "workflow: w\non_failure: [{alert: opps}]\ntasks:\n  a: {run: x}\n", 2,
     22, "there is no channel `opps`", "did you mean `ops`?"},
    {"a name with a dot", "workflow: dw.w\ntasks:\n  a: {run: x}\n", 1, 11,
     "`dw.w` is no legal name", ""},
    {"a hostile name", "workflow: ../../etc/passwd\ntasks:\n  a: {run: x}\n", 1, 11,
     "`../../etc/passwd` is no legal name", ""},
    {"a name that begins with a minus", "workflow: w\ntasks:\n  -rf: {run: x}\n", 3, 3,
     "`-rf` is no legal name of a task", ""},
    {"a name with a mark that turns text", "workflow: w\ntasks:\n  \"a\\u202Eb\": {run: x}\n", 3, 3,
     "`a\\u{202e}b` is no legal name of a task", ""},
    {"a variable that Pinion sets", "workflow: w\ntasks:\n  a: {run: x, env: {PINION_RUN: x}}\n", 3,
     21, "variables named PINION_... are set by Pinion", ""},
    {"an unknown workflow", "workflow: w\ntasks:\n  a: {type: workflow, workflow: dw.nope}\n", 3,
     33, "there is no workflow `dw.nope`", ""},
    {"a workflow that calls itself", "workflow: w\ntasks:\n  a: {type: workflow, workflow: w}\n", 3,
     33, "workflows call each other in a cycle: dw.w -> dw.w", ""},
    {"two workflows of one name",
     "workflow: w\ntasks:\n  a: {run: x}\n---\nworkflow: w\ntasks:\n  a: {run: x}\n", 5, 11,
     "the workflow `dw.w` is defined twice", ""},
    {"an unknown name in an expression",
     "workflow: w\ntasks:\n  a:\n    run: |\n      echo one\n      echo {{ params.nope }}\n", 6, 15,
     "nope", ""},
    {"an unknown name in a list",
     "workflow: w\ntasks:\n  a: {run: [echo, \"\u00e9 {{ vars.nope }}\"]}\n", 3, 25, "nope", ""},
    {"groups by a pool that is not there",
     "workflow: w\ntasks:\n  a: {run: x, for_each: {i: {of: [1], groups: pool}}}\n", 3, 47,
     "`groups: pool` needs a task of exactly one `pool`", ""},
    {"a fan-out of two names", "workflow: w\ntasks:\n  a: {run: x, for_each: {i: [1], j: [2]}}\n",
     3, 25, "`for_each` is a map of one loop name", ""},
    {"a NUL", "workflow: w\ntasks:\n  a: {run: \"a\\0b\"}\n", 3, 12,
     "a text must not hold the character NUL", ""},
    {"true where a number is asked", "workflow: w\nmax_active_runs: yes\ntasks:\n  a: {run: x}\n",
     2, 18, "a whole number from 1 to 100000 is expected here, not `yes`", ""},
    {"text where a flag is asked", "workflow: w\ntasks:\n  a: {run: x, ignore_failure: \"yes\"}\n",
     3, 31, "true or false is expected here, not `yes`", ""},
};

load_result load_beside_settings(std::string text) {
  const source_text sources[] = {{"/w/dw/pinion.yaml", settings},
                                 {"/w/dw/f.yaml", std::move(text)}};
  return load_texts(sources, {});
}

bool told(const load_result& loaded, const bad_file& expected) {
  for (const auto& error : loaded.errors)
    if (error.file == "/w/dw/f.yaml" && error.line == expected.line &&
        error.column == expected.column &&
        error.message.find(expected.message) != std::string::npos &&
        error.suggestion.find(expected.suggestion) != std::string::npos)
      return true;
  return false;
}

} // namespace

TEST_CASE("every kind of bad file is refused with place, message and suggestion", "[loader]") {
  for (const auto& bad : bad_files) {
    const auto loaded = load_beside_settings(bad.text);
    std::string all;
    for (const auto& error : loaded.errors)
      all += to_text(error) + '\n';
    INFO(bad.name << ", got:\n" << all);
    CHECK(told(loaded, bad));
    CHECK(loaded.workflows.empty());
    CHECK(loaded.projects.empty());
  }
}

TEST_CASE("all errors of a file are told at once, in order of place", "[loader]") {
  const auto loaded = load_beside_settings("workflow: w\n"
                                           "timezone: Mars/Olympus\n"
                                           "tasks:\n"
                                           "  a: {run: x, priority: 10}\n"
                                           "  b: {run: x, needs: c, retry: {max: -1}}\n"
                                           "  d: {runn: x}\n");
  REQUIRE(loaded.errors.size() == 6);
  CHECK(loaded.errors[0].line == 2);
  CHECK(loaded.errors[1].line == 4);
  CHECK(loaded.errors[2].line == 5);
  CHECK(loaded.errors[2].column == 22);
  CHECK(loaded.errors[3].column == 38);
  CHECK(loaded.errors[4].column == 3);
  CHECK(loaded.errors[5].suggestion == "did you mean `run`?");
}

TEST_CASE("a comment that cuts a plain command is warned about", "[loader]") {
  const auto loaded = load_beside_settings("workflow: w\ntasks:\n  a:\n    run: echo a #b\n"
                                           "  c: {run: x} # fine\n  d: {run: \"x #y\"} # fine\n");
  CHECK(loaded.ok());
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0].line == 4);
  CHECK(loaded.warnings[0].column == 17);
  CHECK(to_text(loaded.warnings[0]).find("warning: ") != std::string::npos);
}

TEST_CASE("a diagnostic prints as a line and as JSON", "[loader]") {
  const diagnostic what{"a.yaml", 3, 5, "no \"x\"", "y"};
  CHECK(to_text(what) == "a.yaml:3:5: error: no \"x\" (y)");
  CHECK(to_json(what) ==
        R"({"file":"a.yaml","line":3,"column":5,"message":"no \"x\"","suggestion":"y"})");
}

TEST_CASE("a set whose calls form a cycle is refused with the path", "[loader]") {
  const source_text sources[] = {
      {"/w/dw/a.yaml", "workflow: a\ntasks:\n  t: {type: workflow, workflow: b}\n"},
      {"/w/dw/b.yaml", "workflow: b\ntasks:\n  t: {type: workflow, workflow: dw.a}\n"}};
  const auto loaded = load_texts(sources, {});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].file == "/w/dw/a.yaml");
  CHECK(loaded.errors[0].line == 3);
  CHECK(loaded.errors[0].column == 33);
  CHECK(loaded.errors[0].message == "workflows call each other in a cycle: dw.a -> dw.b -> dw.a");
}

TEST_CASE("a call is checked against the parameters of the workflow that it names", "[loader]") {
  const source_text sources[] = {
      {"/w/dw/a.yaml",
       "workflow: a\ntasks:\n  t: {type: workflow, workflow: b, params: {brnad: x}}\n"},
      {"/w/dw/b.yaml", "workflow: b\nparams: {brand: {type: string}}\ntasks: {t: {run: x}}\n"}};
  const auto loaded = load_texts(sources, {});
  REQUIRE(loaded.errors.size() == 2);
  CHECK(loaded.errors[0].suggestion == "did you mean `brand`?");
  CHECK(loaded.errors[1].message.find("needs the parameter `brand`") != std::string::npos);
}

TEST_CASE("a workflow that exists elsewhere may be called", "[loader]") {
  load_options options;
  options.exists_elsewhere = [](const std::string& id) { return id == "dw.other"; };
  const auto text = "workflow: a\ntasks:\n  t: {type: workflow, workflow: other}\n";
  CHECK(load_text("/w/dw/a.yaml", text, options).ok());
  CHECK_FALSE(load_text("/w/dw/a.yaml", text, {}).ok());
}

TEST_CASE("bad values of pinion.yaml are told at their place", "[loader]") {
  const bad_file bad[] = {
      {"a plain secret", "secrets: {a: hunter2}\n", 1, 14, "not written into the file", "env"},
      {"a secret of two sources", "secrets: {a: {env: A, file: b}}\n", 1, 11, "either", ""},
      {"a pool of nothing", "pools: {a: 0}\n", 1, 12, "from 1 to 1000000", ""},
      {"a channel that goes nowhere", "channels: {a: {log: false}}\n", 1, 12, "nowhere", "log"},
      {"a key of later", "lanes: {test: {}}\n", 1, 1, "unknown key `lanes`", ""},
      {"an illegal project", "project: a.b\n", 1, 10, "no legal name", ""},
      {"an unknown pool in defaults", "defaults: {pool: x}\n", 1, 18, "no pool `x`", "pools"},
  };
  for (const auto& expected : bad) {
    const auto loaded = load_text("/w/dw/pinion.yaml", expected.text, {});
    INFO(expected.name);
    REQUIRE_FALSE(loaded.errors.empty());
    const auto& error = loaded.errors.front();
    INFO(to_text(error));
    CHECK(error.line == expected.line);
    CHECK(error.column == expected.column);
    CHECK(error.message.find(expected.message) != std::string::npos);
    CHECK(error.suggestion.find(expected.suggestion) != std::string::npos);
  }
}
