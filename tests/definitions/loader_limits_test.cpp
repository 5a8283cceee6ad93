#include "pinion/definitions/limits.hpp"
#include "pinion/definitions/loader.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace {

using namespace pinion;

load_result load(const std::string& text) { return load_text("/w/dw/f.yaml", text, {}); }

std::string repeated(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += piece;
  return out;
}

void check_refused(const std::string& text, const std::string& message) {
  const auto loaded = load(text);
  REQUIRE_FALSE(loaded.errors.empty());
  INFO(to_text(loaded.errors.front()));
  CHECK(loaded.errors.front().message.find(message) != std::string::npos);
}

const std::string good = "workflow: w\r\n"
                         "params: {n: 3}\r\n"
                         "triggers: [{cron: \"0 2 * * *\", params: {n: 4}}]\r\n"
                         "tasks:\r\n"
                         "  a:\r\n"
                         "    run: |\r\n"
                         "      echo \"{{ params.n }}\"\r\n"
                         "  b: {needs: a, run: [x, y], retry: {max: 2, delay: 5s}}\r\n"
                         "flow: [[a], [b]]\r\n";

} // namespace

TEST_CASE("lines may end in CR LF, and a byte order mark is skipped", "[loader]") {
  const auto loaded = load("\xEF\xBB\xBF" + good);
  REQUIRE(loaded.ok());
  CHECK(loaded.workflows[0].definition.tasks[0].run == "echo \"{{ params.n }}\"\n");
}

TEST_CASE("bytes that are no UTF-8 text are refused where they stand", "[loader]") {
  check_refused(std::string{"\xFF\xFEw\0", 4}, "UTF-16");
  check_refused(std::string{"w\0o\0", 4}, "UTF-16");
  check_refused(std::string{"workflow: w\n\0", 13}, "U+0000");
  check_refused("workflow: \xC3\x28\n", "not UTF-8");
  check_refused("workflow: \xED\xA0\x80\n", "not UTF-8");
  check_refused("workflow: a\rb: c\n", "carriage return");
  const auto loaded = load("a: \xC3\xA9\x07\n");
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].column == 5);
}

TEST_CASE("alias bombs, depth and size are refused without being expanded", "[loader]") {
  check_refused("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors");
  check_refused("a: &a [*a]\n", "anchors");
  check_refused(repeated("[", 100'000), "64 deep");
  check_refused("a: " + repeated("{b: ", 70) + "c" + repeated("}", 70), "64 deep");
  check_refused(std::string(definition_limits::file_bytes + 1, ' '), "16 MiB");
  check_refused("workflow: w\nvars: {x: [" + repeated("1,", definition_limits::nodes) + "]}\n",
                "1,500,000 values");
}

TEST_CASE("a task more than the limit is refused, and so is an edge", "[loader]") {
  std::string tasks = "workflow: w\ntasks:\n";
  for (std::size_t i = 0; i <= definition_limits::tasks; ++i)
    tasks += "  t" + std::to_string(i) + ":\n";
  check_refused(tasks, "100,000 are allowed");
  std::string wide = "workflow: w\ntasks:\n";
  std::string rows[2];
  for (int i = 0; i < 2'002; ++i) {
    const auto name = "t" + std::to_string(i);
    wide += "  " + name + ": {type: empty}\n";
    rows[i % 2] += name + ',';
  }
  check_refused(wide + "flow: [[" + rows[0] + "], [" + rows[1] + "]]\n", "1,000,000 dependencies");
}

TEST_CASE("a chain of 100,000 tasks loads, and a cycle through all of them is told in short",
          "[loader]") {
  std::string chain = "workflow: w\ntasks:\n  t0: {type: empty}\n";
  for (std::size_t i = 1; i < definition_limits::tasks; ++i)
    chain += "  t" + std::to_string(i) + ": {type: empty, needs: t" + std::to_string(i - 1) + "}\n";
  const auto loaded = load(chain);
  REQUIRE(loaded.ok());
  CHECK(loaded.workflows[0].definition.tasks.size() == definition_limits::tasks);
  chain.replace(chain.find("{type: empty}"), 13, "{type: empty, needs: t99999}");
  const auto refused = load(chain);
  REQUIRE(refused.errors.size() == 1);
  CHECK(refused.errors[0].line == 3);
  CHECK(refused.errors[0].message.find("t0 -> t1 -> t2") != std::string::npos);
  CHECK(refused.errors[0].message.find("(99980 more)") != std::string::npos);
}

TEST_CASE("more than a thousand errors are counted, not listed", "[loader]") {
  std::string text = "workflow: w\ntasks:\n";
  for (int i = 0; i < 1'500; ++i)
    text += "  t" + std::to_string(i) + ": {runn: x}\n";
  const auto loaded = load(text);
  CHECK(loaded.errors.size() == definition_limits::errors + 1);
  CHECK(loaded.errors.back().message == "and 2000 more errors");
}

TEST_CASE("any bytes are either loaded or refused with an error", "[loader]") {
  CHECK(rc::check("random bytes", [](const std::string& bytes) {
    const auto loaded = load(bytes);
    RC_ASSERT(loaded.ok() != loaded.workflows.empty());
  }));
}

TEST_CASE("a good file with some bytes changed is either loaded or refused", "[loader]") {
  CHECK(rc::check("mutations", [] {
    auto text = good;
    const auto edits = *rc::gen::inRange(1, 6);
    for (int i = 0; i < edits; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto piece = *rc::gen::element<std::string>("{", "}", "[", "]", ":", "- ", "\n", "\t",
                                                        "'", "\"", "&a ", "*a", "!x ", "#", "|", "",
                                                        "---\n", "? ", "{{ ", " }}", "%");
      text.replace(at, *rc::gen::inRange<std::size_t>(0, 4), piece);
    }
    const auto loaded = load(text);
    RC_ASSERT(loaded.ok() != loaded.workflows.empty());
  }));
}
