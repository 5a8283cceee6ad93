#include "pinion/storage/deleted_workflows.hpp"

#include "pinion/storage/store_check.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/sound_store.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace std::string_literals;

namespace {

/// A store of two workflows that the checker knows, with history of both.
struct two_workflows {
  memory_kv kv;
  std::uint64_t runs = 0;

  two_workflows() {
    kv_batch batch;
    batch.put(family::meta, std::string{keys::epoch}, codecs::encode_counter(3));
    put_project(batch, "dw", "{}");
    for (const auto* id : {"dw.w", "dw.other"}) {
      put_workflow(batch, test::workflow_of(id, 2, "h"));
      put_version(batch, test::version_of(id, 1, "g"));
      put_version(batch, test::version_of(id, 2, "h"));
      auto trigger = test::trigger_of(id, "t", test::day);
      put_trigger(batch, trigger);
      put_cursor(batch, id, "t", test::day);
      put_rule_from(batch, id, test::day);
      put_task_switch(batch, {id, "a", task_mode::frozen, "ann", "", test::day});
      auto slot = test::slot_of(id, "t", test::day - std::chrono::hours{1}, slot_outcome::missed);
      slot.version = 2;
      put_slot(batch, slot, nullptr);
    }
    REQUIRE(test::commit(kv, std::move(batch)));
  }

  run_id ended(const std::string& workflow, std::uint32_t attempts = 1) {
    run_record run;
    run.id = {++runs};
    run.workflow = workflow;
    run.trigger = "t";
    run.version = 2;
    run.slot = test::day + std::chrono::seconds{runs};
    run.created_at = run.fired_at = run.admitted_at = run.ended_at = run.slot;
    run.admitted = true;
    run.state = run_state::success;
    run.request_key = "key" + std::to_string(runs);
    run.counts[static_cast<std::size_t>(instance_state::success)] = 2;
    auto slot = test::slot_of(workflow, "t", run.slot, slot_outcome::fired);
    slot.run = run.id;
    slot.version = 2;
    kv_batch batch;
    put_run(batch, run, nullptr);
    put_slot(batch, slot, nullptr);
    put_request_key(batch, workflow, run.request_key, run.id);
    for (std::uint32_t task = 0; task < 2; ++task) {
      auto instance = test::instance_of(run.id.value, task, instance_state::success);
      instance.attempt = attempts;
      instance.epoch = 3;
      put_instance(batch, instance);
      for (std::uint32_t number = 1; number <= attempts; ++number) {
        attempt_record attempt;
        attempt.instance = instance.key;
        attempt.number = number;
        attempt.epoch = 3;
        attempt.state = attempt_state::ended;
        put_attempt(batch, attempt);
      }
    }
    REQUIRE(test::commit(kv, std::move(batch)));
    return run.id;
  }

  void backfill(std::uint64_t id, const std::string& workflow) {
    backfill_record record;
    record.id = id;
    record.workflow = workflow;
    record.trigger = "t";
    record.total = 2;
    record.state = backfill_state::success;
    kv_batch batch;
    put_backfill(batch, record, nullptr);
    for (std::uint32_t position = 1; position <= 2; ++position) {
      backfill_item item;
      item.backfill = id;
      item.position = position;
      item.workflow = workflow;
      item.trigger = "t";
      item.slot = test::day + std::chrono::seconds{position};
      item.state = backfill_item_state::success;
      put_backfill_item(batch, item, nullptr);
    }
    REQUIRE(test::commit(kv, std::move(batch)));
  }

  deleted_workflow mark() {
    deleted_workflow made{"dw.w", 2, "ann", "old", test::day, false};
    const store_reader store{kv};
    kv_batch batch;
    put_deleted_workflow(batch, made);
    put_given(batch, store.highest_run().value(), store.highest_backfill().value());
    REQUIRE(test::commit(kv, std::move(batch)));
    return made;
  }

  void check() {
    const auto report = check_store(kv, test::sound_readers()).value();
    for (const auto& each : report.findings)
      UNSCOPED_INFO(each.key << ' ' << each.message);
    CHECK(report.findings.empty());
  }

  /// Rows whose key has the name of the workflow in it.
  std::size_t rows_of(const std::string& workflow) {
    std::size_t found = 0;
    for (std::size_t in = 0; in < family_count; ++in)
      REQUIRE(kv.scan(static_cast<family>(in), {}, {}, [&](std::string_view key, std::string_view) {
        found += key.find(workflow) == std::string_view::npos ? 0 : 1;
        return true;
      }));
    return found;
  }
};

} // namespace

TEST_CASE("the stored form of a deleted workflow does not change", "[deletion]") {
  kv_batch batch;
  put_deleted_workflow(batch, {"dw.w", 300, "ann", "old", from_us(64), true});
  put_given(batch, {258}, 3);
  REQUIRE(batch.writes.size() == 3);
  CHECK(batch.writes[0].in == family::meta);
  CHECK(batch.writes[0].key == "deleted/dw.w");
  CHECK(batch.writes[0].value == "\1\xac\2\3ann\3old\1\x80\1\1"s);
  CHECK(batch.writes[1].key == "given/runs");
  CHECK(batch.writes[1].value == "\2\1\0\0\0\0\0\0"s);
  CHECK(batch.writes[2].key == "given/backfills");
}

TEST_CASE("a deleted workflow is erased step by step, each of which leaves a sound store",
          "[deletion]") {
  two_workflows of;
  std::vector<run_id> mine;
  for (int i = 0; i < 250; ++i) {
    mine.push_back(of.ended("dw.w", i == 100 ? 900 : 1));
    of.ended("dw.other");
  }
  of.backfill(1, "dw.other");
  of.backfill(2, "dw.w");
  mine.push_back(of.ended("dw.w")); // The newest of all.
  const auto deleted = of.mark();
  const auto others = of.rows_of("dw.other");
  std::vector<run_id> erased;
  std::size_t steps = 0;
  for (bool over = false; !over; ++steps) {
    REQUIRE(steps < 100);
    auto step = erase_workflow_step(of.kv, deleted).value();
    CHECK(step.batch.writes.size() < 3 * erasure_step_rows);
    CHECK_FALSE(step.batch.empty());
    erased.insert(erased.end(), step.runs.begin(), step.runs.end());
    over = step.over;
    REQUIRE(test::commit(of.kv, std::move(step.batch)));
    if (steps % 5 == 0 || over)
      of.check();
  }
  CHECK(steps > 5);
  std::sort(erased.begin(), erased.end());
  CHECK(erased == mine);
  CHECK(of.rows_of("dw.w") == 1); // That it was deleted.
  CHECK(of.rows_of("dw.other") == others);
  CHECK(find_deleted_workflow(of.kv, "dw.w").value()->erased);
  // Numbers are not given again.
  CHECK(store_reader{of.kv}.highest_run().value() == mine.back());
  CHECK(store_reader{of.kv}.highest_backfill().value() == 2);
}

TEST_CASE("a workflow that is marked as erased has no row", "[deletion]") {
  two_workflows of;
  auto deleted = of.mark();
  deleted.erased = true;
  kv_batch batch;
  put_deleted_workflow(batch, deleted);
  REQUIRE(test::commit(of.kv, std::move(batch)));
  const auto report = check_store(of.kv, test::sound_readers()).value();
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings.front().rule == "deleted_workflow");
}
