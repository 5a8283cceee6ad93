#include "run_fixture.hpp"

#include <catch2/catch.hpp>
#include <pinion/model/join_condition.hpp>
#include <rapidcheck.h>

using namespace pinion;
using namespace pinion::testing;
using truth = join_condition::truth;
using is = instance_state;

namespace {

/// Tasks a, b, c ... are 0, 1, 2 ...
std::optional<std::uint32_t> letter(std::string_view name) {
  if (name.size() != 1 || name[0] < 'a' || name[0] > 'e')
    return std::nullopt;
  return static_cast<std::uint32_t>(name[0] - 'a');
}

join_condition read(std::string_view text) {
  join_condition out;
  const auto failed = join_condition::parse(text, letter, out);
  if (failed)
    UNSCOPED_INFO(failed->what.message);
  REQUIRE_FALSE(failed);
  return out;
}

truth value_of(const join_condition& of, const std::vector<upstream_class>& upstreams) {
  join_condition_state state{of};
  for (std::uint32_t task = 0; task < upstreams.size(); ++task)
    state.set(task, upstreams[task]);
  return state.value();
}

constexpr auto yes = upstream_class::success;
constexpr auto bad = upstream_class::failed;
constexpr auto out = upstream_class::skipped;
constexpr auto open = upstream_class::pending;

/// By a recursion over all parts.
truth slow(const join_condition& of, std::uint32_t at, const std::vector<upstream_class>& as) {
  const auto& node = of.nodes()[at];
  if (node.kind == join_condition::node_kind::operand)
    return join_condition::answer(node.asks, as[node.task]);
  std::uint32_t all = 0;
  std::uint32_t yes_parts = 0;
  std::uint32_t no_parts = 0;
  for (std::uint32_t child = 0; child < at; ++child)
    if (of.nodes()[child].parent == at) {
      const auto part = slow(of, child, as);
      ++all;
      yes_parts += part == truth::yes;
      no_parts += part == truth::no;
    }
  if (node.kind == join_condition::node_kind::negation)
    return yes_parts > 0 ? truth::no : no_parts > 0 ? truth::yes : truth::unknown;
  if (node.kind == join_condition::node_kind::all)
    return no_parts > 0 ? truth::no : yes_parts == all ? truth::yes : truth::unknown;
  return yes_parts > 0 ? truth::yes : no_parts == all ? truth::no : truth::unknown;
}

std::string random_text(std::size_t depth) {
  static const std::vector<std::string> asked{".success", ".failed", ".skipped", ".done"};
  const auto kind = depth > 4 ? 0 : *rc::gen::inRange(0, 5);
  const auto part = [&] { return random_text(depth + 1); };
  if (kind == 1)
    return part() + " && " + part();
  if (kind == 2)
    return "(" + part() + " || " + part() + ")";
  if (kind == 3)
    return "!(" + part() + ")";
  return std::string(1, *rc::gen::inRange('a', 'f')) + *rc::gen::elementOf(asked);
}

} // namespace

TEST_CASE("a condition is decided as soon as nothing open can change it", "[join]") {
  const auto both = read("a.success && (b.failed || c.done)");
  CHECK(value_of(both, {open, open, open}) == truth::unknown);
  CHECK(value_of(both, {bad, open, open}) == truth::no);
  CHECK(value_of(both, {yes, open, open}) == truth::unknown);
  CHECK(value_of(both, {yes, bad, open}) == truth::yes);
  CHECK(value_of(both, {yes, yes, out}) == truth::yes);
  CHECK(both.tasks() == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(value_of(read("!a.skipped"), {out}) == truth::no);
  CHECK(value_of(read("!!a.skipped"), {out}) == truth::yes);
  CHECK(value_of(read("a.success||a.failed"), {upstream_class::upstream_failed}) == truth::yes);
  // && before ||.
  CHECK(value_of(read("a.done || b.done && c.failed"), {yes, yes, yes}) == truth::yes);
}

TEST_CASE("a condition that is not one says where and why", "[join]") {
  const auto complaint = [](std::string_view text) {
    join_condition into;
    const auto failed = join_condition::parse(text, letter, into);
    REQUIRE(failed);
    return std::to_string(failed->offset) + ": " + failed->what.message;
  };
  CHECK(complaint("") == "0: the condition ends too early");
  CHECK(complaint("a.success &&") == "12: the condition ends too early");
  CHECK(complaint("a.success & b.done") == "10: `&&`, `||` or the end is expected here");
  CHECK(complaint("x.success") == "0: `x` is none of the tasks that it needs");
  CHECK(complaint("a") == "1: the state of `a` is missing");
  CHECK(complaint("a.ok") == "2: a task is `success`, `failed`, `skipped` or `done`, not `ok`");
  CHECK(complaint("(a.done") == "7: a `)` is missing here");
  CHECK(complaint(std::string(100, '!') + "a.done").find("64 deep") != std::string::npos);
}

TEST_CASE("a condition kept over changes is what a slow look at all of it says", "[join]") {
  CHECK(rc::check([] {
    const auto of = read(random_text(0));
    std::vector<upstream_class> as(5, open);
    join_condition_state state{of};
    const auto root = static_cast<std::uint32_t>(of.nodes().size() - 1);
    for (int change = 0; change < 20; ++change) {
      const auto task = *rc::gen::inRange<std::uint32_t>(0, 5);
      as[task] = static_cast<upstream_class>(*rc::gen::inRange(0, 5)); // Back to pending too.
      state.set(task, as[task]);
      RC_ASSERT(state.value() == slow(of, root, as));
    }
  }));
}

TEST_CASE("a task behind a condition runs or is skipped as that says", "[run_core][join]") {
  workflow_builder workflow;
  workflow.add();
  workflow.add();
  workflow.add({0, 1}).join_condition = "t0.success && t1.failed";
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0));
  CHECK(run.state(2) == is::waiting);
  const int code = GENERATE(0, 1);
  run.finish(run.key(1), code);
  CHECK(run.state(2) == (code == 1 ? is::pre_ready : is::skipped));
  CHECK(run.why(2) == (code == 1 ? reason::permits_pending : reason::join_not_met));
  CHECK(run.complaint == "");
}

TEST_CASE("a fan-out is one task of a condition", "[run_core][join]") {
  workflow_builder workflow;
  workflow.add().for_each.emplace();
  workflow.add({0}).join_condition = "!t0.failed";
  driven_run run{workflow};
  run.fire();
  run.finish(run.key(0, 0));
  run.finish(run.key(0, 1));
  CHECK(run.state(1) == is::waiting);
  run.finish(run.key(0, 2));
  CHECK(run.state(1) == is::pre_ready);
  CHECK(run.complaint == "");
}
