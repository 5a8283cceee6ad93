#include "pinion/storage/rows.hpp"

#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/records.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <rapidcheck.h>

using namespace pinion;

namespace {

using all_rows = std::vector<std::vector<test::row>>;

/// All rows but those of meta, which count commits, and counters that came back to 0.
all_rows without_counts(const kv_reader& kv) {
  auto all = test::everything(kv);
  all[static_cast<std::size_t>(family::meta)].clear();
  std::erase_if(all[static_cast<std::size_t>(family::index)], [](const test::row& row) {
    const char kind = row.first.front();
    return (kind == 'c' || kind == 'd') && row.second == codecs::encode_counter(0);
  });
  return all;
}

run_record any_change(run_record run) {
  run.state = *test::any_of<run_state>(run_state_count);
  for (auto& count : run.counts)
    count = *rc::gen::element(0U, 0U, 1U, 2U);
  return run;
}

void commit_run(memory_kv& kv, const run_record& now, const run_record* before) {
  kv_batch batch;
  put_run(batch, now, before);
  RC_ASSERT(test::commit(kv, std::move(batch)).has_value());
}

} // namespace

TEST_CASE("however a run came to be as it is, its rows are those of a run written once", "[rows]") {
  CHECK(rc::check([] {
    memory_kv changed;
    auto run = any_change(test::run_of(7, "p.w", run_state::planned));
    commit_run(changed, run, nullptr);
    const auto rounds = *rc::gen::inRange(0, 5);
    for (int i = 0; i < rounds; ++i) {
      const auto before = run;
      run = any_change(before);
      commit_run(changed, run, &before);
    }
    memory_kv once;
    commit_run(once, run, nullptr);
    RC_ASSERT(without_counts(changed) == without_counts(once));
    kv_batch gone;
    erase_run(gone, run);
    RC_ASSERT(test::commit(changed, gone).has_value());
    RC_ASSERT(without_counts(changed) == all_rows(family_count));
  }));
}

TEST_CASE("however a slot came to be as it is, its rows are those of a slot written once",
          "[rows]") {
  CHECK(rc::check([] {
    memory_kv changed;
    memory_kv once;
    auto slot = test::slot_of("p.w", "t", test::day, slot_outcome::planned);
    kv_batch batch;
    put_slot(batch, slot, nullptr);
    const auto rounds = *rc::gen::inRange(0, 4);
    for (int i = 0; i < rounds; ++i) {
      const auto before = slot;
      slot.outcome = *test::any_of<slot_outcome>(6);
      put_slot(batch, slot, &before);
    }
    RC_ASSERT(test::commit(changed, batch).has_value());
    kv_batch whole;
    put_slot(whole, slot, nullptr);
    RC_ASSERT(test::commit(once, whole).has_value());
    RC_ASSERT(without_counts(changed) == without_counts(once));
    kv_batch gone;
    erase_slot(gone, slot);
    RC_ASSERT(test::commit(changed, gone).has_value());
    RC_ASSERT(without_counts(changed) == all_rows(family_count));
  }));
}

TEST_CASE(
    "however a slot of a backfill came to be as it is, its rows are those of one written once",
    "[rows]") {
  CHECK(rc::check([] {
    memory_kv changed;
    memory_kv once;
    auto item = test::item_of(1, 2, *test::any_of<backfill_item_state>(6));
    kv_batch batch;
    put_backfill_item(batch, item, nullptr);
    const auto rounds = *rc::gen::inRange(0, 5);
    for (int i = 0; i < rounds; ++i) {
      const auto before = item;
      item.state = *test::any_of<backfill_item_state>(6);
      put_backfill_item(batch, item, &before);
    }
    RC_ASSERT(test::commit(changed, batch).has_value());
    kv_batch whole;
    put_backfill_item(whole, item, nullptr);
    RC_ASSERT(test::commit(once, whole).has_value());
    RC_ASSERT(without_counts(changed) == without_counts(once));
  }));
}

TEST_CASE("a run that is erased takes its settled edges along", "[rows]") {
  memory_kv kv;
  const auto run = test::run_of(7, "p.w", run_state::planned);
  edge_record edge;
  edge.run = run.id;
  kv_batch batch;
  put_run(batch, run, nullptr);
  put_edge(batch, edge);
  erase_run(batch, run, {&edge, 1});
  REQUIRE(test::commit(kv, std::move(batch)));
  CHECK(without_counts(kv) == all_rows(family_count));
}

TEST_CASE("a task that is normal again leaves no row", "[rows]") {
  memory_kv kv;
  task_switch frozen{"p.w", "load", task_mode::frozen, "u", "", test::day};
  kv_batch batch;
  put_task_switch(batch, frozen);
  REQUIRE(test::commit(kv, std::move(batch)));
  const auto found = store_reader{kv}.task_switches_of("p.w").value();
  REQUIRE(found.size() == 1);
  CHECK(found[0].task == "load");
  CHECK(found[0].mode == task_mode::frozen);
  frozen.mode = task_mode::normal;
  kv_batch thaw;
  put_task_switch(thaw, frozen);
  REQUIRE(test::commit(kv, std::move(thaw)));
  CHECK(store_reader{kv}.task_switches_of("p.w").value().empty());
}

TEST_CASE("an instance and its attempt cost one put each", "[rows]") {
  kv_batch batch;
  put_instance(batch, test::instance_of(1, 2, instance_state::running));
  put_attempt(batch, {});
  CHECK(batch.writes.size() == 2);
}

TEST_CASE("a run that changes no state and opens no list costs one put", "[rows]") {
  auto before = test::run_of(1, "p.w", run_state::running);
  before.counts[2] = 5;
  auto now = before;
  now.counts[2] = 4;
  kv_batch batch;
  put_run(batch, now, &before);
  CHECK(batch.writes.size() == 1);
}

TEST_CASE("audit records are numbered without gaps when they are committed", "[rows]") {
  memory_kv kv;
  std::uint64_t next = store_reader{kv}.last_audit().value() + 1;
  for (int i = 0; i < 2; ++i) {
    kv_batch batch;
    audit_record record;
    record.verb = "cancel";
    put_audit(batch, record);
    put_instance(batch, {});
    put_audit(batch, record);
    number_audit(batch, next);
    REQUIRE(test::commit(kv, std::move(batch)));
  }
  CHECK(next == 5);
  CHECK(store_reader{kv}.last_audit().value() == 4);
  CHECK(test::rows_between(kv, family::audit, {}, {}).size() == 4);
}
