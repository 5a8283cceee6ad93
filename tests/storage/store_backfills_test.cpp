#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/pages.hpp"
#include "storage/records.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

namespace {

backfill_record backfill_of(std::uint64_t id, std::string workflow, backfill_state state) {
  backfill_record record;
  record.id = id;
  record.workflow = std::move(workflow);
  record.trigger = "t";
  record.state = state;
  return record;
}

/// Three backfills; the second has four slots.
struct backfill_store {
  backfill_store() {
    kv_batch batch;
    put_backfill(batch, backfill_of(1, "p.a", backfill_state::success), nullptr);
    put_backfill(batch, backfill_of(2, "p.w", backfill_state::running), nullptr);
    put_backfill(batch, backfill_of(300, "p.w", backfill_state::paused), nullptr);
    using state = backfill_item_state;
    for (const auto each : {state::success, state::running, state::pending, state::pending})
      put_backfill_item(batch, test::item_of(2, next_++, each), nullptr);
    if (!test::commit(kv, std::move(batch)))
      throw std::logic_error{"the memory store refused a batch"};
  }

  std::vector<std::uint64_t> ids(const backfill_filter& filter) const {
    std::vector<std::uint64_t> found;
    for (const auto& each : test::all_pages<backfill_record>(
             1, [&](const auto& ask) { return reader.list_backfills(filter, ask); }))
      found.push_back(each.id);
    return found;
  }

  std::vector<std::uint32_t> positions(std::optional<backfill_item_state> state) const {
    std::vector<std::uint32_t> found;
    for (const auto& each : test::all_pages<backfill_item>(
             1, [&](const auto& ask) { return reader.list_backfill_items(2, state, ask); }))
      found.push_back(each.position);
    return found;
  }

  memory_kv kv;
  store_reader reader{kv};

private:
  std::uint32_t next_ = 0;
};

} // namespace

TEST_CASE_METHOD(backfill_store, "backfills are listed newest first", "[backfills]") {
  CHECK(ids({}) == std::vector<std::uint64_t>{300, 2, 1});
  CHECK(ids({"p.w", {}}) == std::vector<std::uint64_t>{300, 2});
  CHECK(ids({"p.w", backfill_state::running}) == std::vector<std::uint64_t>{2});
  CHECK(ids({"", backfill_state::success}) == std::vector<std::uint64_t>{1});
  CHECK(ids({"p.none", {}}).empty());
  CHECK(reader.highest_backfill().value() == 300);
  CHECK(reader.backfill(2).value()->workflow == "p.w");
  CHECK_FALSE(reader.backfill(3).value());
}

TEST_CASE_METHOD(backfill_store, "the slots of a backfill are listed in their order, by state",
                 "[backfills]") {
  CHECK(positions({}) == std::vector<std::uint32_t>{0, 1, 2, 3});
  CHECK(positions(backfill_item_state::pending) == std::vector<std::uint32_t>{2, 3});
  CHECK(positions(backfill_item_state::cancelled).empty());
  CHECK(reader.counts_of_backfill(2).value() == backfill_counts{2, 1, 1, 0, 0, 0});
  CHECK(reader.counts_of_backfill(300).value() == backfill_counts{});
}

TEST_CASE_METHOD(backfill_store, "a slot that a backfill has to do is found until it is done",
                 "[backfills]") {
  const auto running = test::item_of(2, 1, backfill_item_state::running);
  const auto found = reader.open_backfill_items("p.w", "t", running.slot).value();
  REQUIRE(found.size() == 1);
  CHECK(found[0].backfill == 2);
  CHECK(found[0].position == 1);
  CHECK(reader.open_backfill_items("p.w", "t", test::day).value().empty());
  auto done = running;
  done.state = backfill_item_state::failed;
  kv_batch batch;
  put_backfill_item(batch, done, &running);
  REQUIRE(test::commit(kv, std::move(batch)));
  CHECK(reader.open_backfill_items("p.w", "t", running.slot).value().empty());
  CHECK(reader.counts_of_backfill(2).value() == backfill_counts{2, 0, 1, 1, 0, 0});
}

TEST_CASE("the settled edges of a run are read by task and need", "[backfills]") {
  memory_kv kv;
  kv_batch batch;
  for (const auto& [run, task] : {std::pair{1U, 0U}, {2U, 1U}, {2U, 0U}, {3U, 0U}}) {
    edge_record edge;
    edge.run = run_id{run};
    edge.task = task;
    edge.need = 7;
    edge.outcome = edge_record::counts_as::skipped;
    put_edge(batch, edge);
  }
  REQUIRE(test::commit(kv, std::move(batch)));
  const auto edges = store_reader{kv}.edges_of(run_id{2}).value();
  REQUIRE(edges.size() == 2);
  CHECK(edges[0].task == 0);
  CHECK(edges[1].task == 1);
  CHECK(edges[1].need == 7);
  CHECK(edges[1].outcome == edge_record::counts_as::skipped);
  kv_batch opened;
  erase_edge(opened, edges[0]);
  REQUIRE(test::commit(kv, std::move(opened)));
  CHECK(store_reader{kv}.edges_of(run_id{2}).value().size() == 1);
}

TEST_CASE("an erased slot of a backfill leaves nothing behind", "[backfills]") {
  memory_kv kv;
  const auto item = test::item_of(7, 0, backfill_item_state::pending);
  kv_batch batch;
  put_backfill_item(batch, item, nullptr);
  erase_backfill_item(batch, item);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  CHECK_FALSE(reader.backfill_item_at(7, 0).value());
  CHECK(reader.list_backfill_items(7, backfill_item_state::pending, {}).value().items.empty());
  CHECK(reader.counts_of_backfill(7).value() == backfill_counts{});
  CHECK(reader.open_backfill_items(item.workflow, item.trigger, item.slot).value().empty());
}
