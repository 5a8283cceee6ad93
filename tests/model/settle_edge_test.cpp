#include <catch2/catch.hpp>
#include <pinion/model/binding.hpp>

using namespace pinion;
using counts_as = edge_record::counts_as;
using kind = bound_state::kind;
using up = upstream_class;

namespace {

bound_state ended(up outcome, json_text outputs = "{}") {
  return {kind::ended, outcome, std::move(outputs)};
}

bound_edge edge_over(std::size_t slots) {
  bound_edge edge;
  edge.task = 3;
  edge.need = 1;
  edge.workflow = "dw.orders";
  edge.trigger = "hourly";
  edge.upstream_task = "load";
  edge.list = slots != 1;
  for (std::size_t slot = 0; slot < slots; ++slot)
    edge.slots.emplace_back(std::chrono::hours{slot});
  return edge;
}

/// How an edge over one slot counts; nothing while it waits.
std::optional<counts_as> counts(const bound_edge& edge, const bound_state& slot) {
  const auto settled = settle_edge(edge, std::vector{slot});
  return settled ? std::optional{settled->outcome} : std::nullopt;
}

} // namespace

TEST_CASE("an edge waits for a success unless it asks for no more than an end", "[settle_edge]") {
  auto edge = edge_over(1);
  CHECK(counts(edge, {}) == std::nullopt);
  CHECK(counts(edge, ended(up::success)) == counts_as::success);
  CHECK(counts(edge, ended(up::skipped)) == counts_as::skipped);
  CHECK(counts(edge, ended(up::failed)) == std::nullopt);
  CHECK(counts(edge, ended(up::upstream_failed)) == std::nullopt);
  CHECK(counts(edge, ended(up::pending)) == std::nullopt);
  edge.state = need_state::done;
  CHECK(counts(edge, ended(up::success)) == counts_as::success);
  CHECK(counts(edge, ended(up::skipped)) == counts_as::skipped);
  CHECK(counts(edge, ended(up::failed)) == counts_as::failed);
  CHECK(counts(edge, ended(up::upstream_failed)) == counts_as::failed);
}

TEST_CASE("a slot without a run counts as the need says", "[settle_edge]") {
  auto edge = edge_over(1);
  for (const auto what : {kind::left_out, kind::before_first}) {
    const bound_state slot{what, {}, "{}"};
    edge.missing = missing_policy::wait;
    CHECK(counts(edge, slot) == std::nullopt);
    edge.missing = missing_policy::satisfied;
    CHECK(counts(edge, slot) == counts_as::success);
    edge.missing = missing_policy::fail;
    CHECK(counts(edge, slot) == counts_as::failed);
    edge.missing = missing_policy::skip;
    CHECK(counts(edge, slot) == counts_as::skipped);
  }
  edge.slots.clear();
  CHECK(settle_edge(edge, {})->outcome == counts_as::skipped);
  CHECK(settle_edge(edge, {})->message == "dw.orders/hourly (task load) has no slot to bind to");
}

TEST_CASE("the previous slot satisfies by success or skipped, and so does its absence",
          "[settle_edge]") {
  auto edge = edge_over(1);
  edge.need = bound_edge::first_previous + 3;
  edge.missing = missing_policy::wait;
  CHECK(counts(edge, ended(up::skipped)) == counts_as::success);
  CHECK(counts(edge, ended(up::failed)) == std::nullopt);
  CHECK(counts(edge, {kind::before_first, {}, "{}"}) == counts_as::success);
  edge.slots.clear();
  CHECK(settle_edge(edge, {})->outcome == counts_as::success);
}

TEST_CASE("an edge over many slots waits for all, then counts as the worst", "[settle_edge]") {
  auto edge = edge_over(3);
  edge.state = need_state::done;
  std::vector slots{ended(up::success, R"({"n":1})"), ended(up::failed), bound_state{}};
  CHECK_FALSE(settle_edge(edge, slots));
  slots[2] = ended(up::skipped);
  const auto failed = settle_edge(edge, slots);
  REQUIRE(failed);
  CHECK(failed->outcome == counts_as::failed);
  CHECK(failed->task == 3);
  CHECK(failed->need == 1);
  CHECK(failed->outputs == "{}");
  CHECK(failed->message ==
        "slot 1970-01-01T01:00:00.000000Z of dw.orders/hourly (task load) failed or is missing");
  slots[1] = ended(up::success, R"({"n":2})");
  CHECK(settle_edge(edge, slots)->outcome == counts_as::skipped);
  slots[2] = ended(up::success, R"({"n":3})");
  CHECK(settle_edge(edge, slots)->outputs == R"([{"n":1},{"n":2},{"n":3}])");
  CHECK(settle_edge(edge, slots)->message.empty());
}

TEST_CASE("one slot gives an object, a window of one a list", "[settle_edge]") {
  auto edge = edge_over(1);
  const std::vector slots{ended(up::success, R"({"n":1})")};
  CHECK(settle_edge(edge, slots)->outputs == R"({"n":1})");
  edge.list = true;
  CHECK(settle_edge(edge, slots)->outputs == R"([{"n":1}])");
  edge.slots.clear();
  edge.missing = missing_policy::satisfied;
  CHECK(settle_edge(edge, {})->outputs == "[]");
}
