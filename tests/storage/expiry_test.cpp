#include "pinion/storage/expiry.hpp"

#include "pinion/storage/store_check.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/sound_store.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

namespace {

using std::chrono::hours;

constexpr hours one_day{24};
constexpr instant now = test::day + 1'000 * one_day;

history_ages all_kept(duration age) {
  return {[age](const std::string&) { return age; }, age, age};
}

/// A store of `dw.w` that the checker knows, whose runs are as old as is said.
struct history {
  memory_kv kv;
  std::uint64_t next = 0;
  std::uint64_t sequence = 0;

  history() {
    kv_batch batch;
    batch.put(family::meta, std::string{keys::epoch}, codecs::encode_counter(3));
    put_project(batch, "dw", "{}");
    put_workflow(batch, test::workflow_of("dw.w", 1, "h"));
    put_version(batch, test::version_of("dw.w", 1, "h"));
    auto trigger = test::trigger_of("dw.w", "t", test::day);
    trigger.cursor = now;
    put_trigger(batch, trigger);
    REQUIRE(test::commit(kv, std::move(batch)));
  }

  run_record base(int days_old) {
    run_record run;
    run.id = {++next};
    run.workflow = "dw.w";
    run.trigger = "t";
    run.version = 1;
    run.slot = now - days_old * one_day + std::chrono::seconds{next};
    run.created_at = run.fired_at = run.admitted_at = run.slot;
    run.admitted = true;
    return run;
  }
  void put_fired(kv_batch& batch, const run_record& run) {
    auto slot = test::slot_of("dw.w", run.trigger, run.slot, slot_outcome::fired);
    slot.run = run.id;
    slot.version = 1;
    put_slot(batch, slot, nullptr);
  }
  run_record ended(int days_old, std::uint32_t attempts = 1) {
    auto run = base(days_old);
    run.state = run_state::success;
    run.ended_at = run.slot;
    run.request_key = "key" + std::to_string(run.id.value);
    run.counts[static_cast<std::size_t>(instance_state::success)] = 2;
    kv_batch batch;
    put_run(batch, run, nullptr);
    put_fired(batch, run);
    put_request_key(batch, run.workflow, run.request_key, run.id);
    for (std::uint32_t task = 0; task < 2; ++task) {
      auto instance = test::instance_of(run.id.value, task, instance_state::success);
      instance.attempt = attempts;
      instance.epoch = 3;
      instance.has_outputs = true;
      put_instance(batch, instance);
      put_output(batch, {instance.key, R"({"n":1})"});
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
    return run;
  }
  run_record skipped(int days_old, const std::string& trigger) {
    auto run = base(days_old);
    run.trigger = trigger;
    run.state = run_state::skipped;
    run.ended_at = run.slot;
    run.counts[static_cast<std::size_t>(instance_state::skipped)] = 2;
    kv_batch batch;
    put_run(batch, run, nullptr);
    put_fired(batch, run);
    for (std::uint32_t task = 0; task < 2; ++task)
      put_instance(batch, test::instance_of(run.id.value, task, instance_state::skipped));
    REQUIRE(test::commit(kv, std::move(batch)));
    return run;
  }
  run_record waiting(int days_old) {
    auto run = base(days_old);
    run.state = run_state::running;
    run.counts[static_cast<std::size_t>(instance_state::waiting)] = 2;
    kv_batch batch;
    put_run(batch, run, nullptr);
    put_fired(batch, run);
    REQUIRE(test::commit(kv, std::move(batch)));
    return run;
  }
  void slot(int days_old, slot_outcome outcome) {
    kv_batch batch;
    put_slot(batch, test::slot_of("dw.w", "t", now - days_old * one_day, outcome), nullptr);
    REQUIRE(test::commit(kv, std::move(batch)));
  }
  std::uint64_t backfill(std::uint64_t id, int days_old, std::uint32_t slots) {
    backfill_record made;
    made.id = id;
    made.workflow = "dw.w";
    made.trigger = "t";
    made.state = backfill_state::success;
    made.ended_at = now - days_old * one_day;
    made.total = slots;
    kv_batch batch;
    put_backfill(batch, made, nullptr);
    for (std::uint32_t i = 0; i < slots; ++i) {
      auto item = test::item_of(id, i, backfill_item_state::success);
      item.workflow = "dw.w";
      put_backfill_item(batch, item, nullptr);
    }
    REQUIRE(test::commit(kv, std::move(batch)));
    return id;
  }
  void audit(int days_old) {
    audit_record record;
    record.sequence = ++sequence;
    record.at = now - days_old * one_day;
    kv_batch batch;
    put_audit(batch, record);
    REQUIRE(test::commit(kv, std::move(batch)));
  }

  /// One pass; the sum of its steps, the largest batch, and how many steps there were.
  struct pass_sum {
    expiry_step sum;
    std::size_t largest = 0;
    std::size_t steps = 0;
  };
  pass_sum pass(history_ages ages) {
    pass_sum out;
    history_expiry expiry{now, std::move(ages)};
    for (; out.steps < 10'000; ++out.steps) {
      auto step = expiry.next(kv).value();
      out.sum.runs += step.runs;
      out.sum.slots += step.slots;
      out.sum.backfills += step.backfills;
      out.sum.audit += step.audit;
      out.largest = std::max(out.largest, step.batch.writes.size());
      REQUIRE(test::commit(kv, std::move(step.batch)));
      // Also in the middle of a pass.
      CHECK(check_store(kv, test::sound_readers()).value().ok());
      if (step.over)
        return out;
    }
    FAIL("the pass has no end");
    return out;
  }
  bool has(const run_record& run) const { return store_reader{kv}.run(run.id).value().has_value(); }
};

} // namespace

TEST_CASE("ended runs go with all their rows when they are older than they are kept", "[expiry]") {
  history store;
  const auto old = store.ended(200);
  const auto young = store.ended(100);
  store.ended(1);
  const auto out = store.pass(all_kept(180 * one_day));
  CHECK(out.sum.runs == 1);
  CHECK_FALSE(store.has(old));
  CHECK(store.has(young));
  for (const auto in : {family::instances, family::attempts, family::outputs})
    CHECK(
        test::rows_between(store.kv, in, keys::rows_of(old.id), keys::after(keys::rows_of(old.id)))
            .empty());
  const store_reader rows{store.kv};
  CHECK_FALSE(rows.slot({"main", "dw.w", "t", old.slot}).value());
  CHECK_FALSE(rows.run_by_request_key("dw.w", old.request_key).value());
  CHECK(rows.counts_of("main", "dw.w").value().by_state[3] == 2);
}

TEST_CASE("what is alive is never touched, however old", "[expiry]") {
  history store;
  const auto live = store.waiting(900);
  store.ended(800);
  store.ended(1);
  store.slot(900, slot_outcome::planned);
  CHECK(store.pass(all_kept(one_day)).sum.runs == 1);
  CHECK(store.has(live));
  CHECK(store_reader{store.kv}.slot({"main", "dw.w", "t", live.slot}).value());
  CHECK(store_reader{store.kv}.planned_slots(never, now).value().size() == 1);
}

TEST_CASE("the newest run of a trigger stays: the next one may depend on it", "[expiry]") {
  history store;
  store.ended(900);
  const auto newest = store.ended(800);
  kv_batch batch;
  auto other = store.base(700);
  other.trigger = "@manual";
  other.state = run_state::skipped;
  other.ended_at = other.slot;
  other.counts[static_cast<std::size_t>(instance_state::skipped)] = 2;
  put_run(batch, other, nullptr);
  for (std::uint32_t task = 0; task < 2; ++task)
    put_instance(batch, test::instance_of(other.id.value, task, instance_state::skipped));
  REQUIRE(test::commit(store.kv, std::move(batch)));
  CHECK(store.pass(all_kept(one_day)).sum.runs == 1);
  CHECK(store.has(newest));
  // Numbers of runs go on from the highest.
  CHECK(store.has(other));
}

TEST_CASE("the run of the last slot of a trigger stays, also if an older slot has a newer run",
          "[expiry]") {
  history store;
  const auto before = store.ended(900);
  const auto last = store.ended(400);
  const auto backfilled = store.ended(800);
  CHECK(store.pass(all_kept(one_day)).sum.runs == 1);
  CHECK_FALSE(store.has(before));
  CHECK(store.has(last));
  CHECK(store.has(backfilled));
}

TEST_CASE("the last run of a trigger stays behind slots that were left out since", "[expiry]") {
  history store;
  const auto last = store.ended(500);
  store.ended(800); // Of a backfill: the newest by its number.
  for (int days = 400; days > 0; days -= 100)
    store.slot(days, slot_outcome::paused);
  store.pass(all_kept(180 * one_day));
  CHECK(store.has(last));
}

TEST_CASE("the newest run of an isolated backfill stays until that is over", "[expiry]") {
  history store;
  std::vector<run_record> runs;
  for (int i = 0; i < 2; ++i)
    runs.push_back(store.skipped(800 - i, "@backfill.4"));
  store.ended(1);
  backfill_record backfill;
  backfill.id = 4;
  backfill.workflow = "dw.w";
  backfill.trigger = "t";
  backfill.isolated = true;
  backfill.state = backfill_state::running;
  kv_batch batch;
  put_backfill(batch, backfill, nullptr);
  REQUIRE(test::commit(store.kv, std::move(batch)));
  store.pass(all_kept(one_day));
  CHECK_FALSE(store.has(runs.front()));
  CHECK(store.has(runs.back()));

  auto over = backfill;
  over.state = backfill_state::success;
  over.ended_at = now;
  kv_batch end;
  put_backfill(end, over, &backfill);
  REQUIRE(test::commit(store.kv, std::move(end)));
  store.pass(all_kept(one_day));
  CHECK_FALSE(store.has(runs.back()));
}

TEST_CASE("runs that others called or an isolated backfill made go, each is its trigger's only one",
          "[expiry]") {
  history store;
  store.ended(10);
  std::vector<run_record> all;
  for (const auto* trigger : {"@call.r1.0.-.1", "@backfill.3"})
    all.push_back(store.skipped(800, trigger));
  store.ended(5);
  CHECK(store.pass(all_kept(one_day)).sum.runs == 3); // And the first of the other trigger.
  for (const auto& run : all)
    CHECK_FALSE(store.has(run));
}

TEST_CASE("the last slot of a trigger stays that has no run", "[expiry]") {
  history store;
  store.slot(500, slot_outcome::missed);
  store.slot(400, slot_outcome::skipped_overlap);
  CHECK(store.pass(all_kept(one_day)).sum.slots == 1);
}

TEST_CASE("a slot that its trigger has not decided for good keeps its row", "[expiry]") {
  history store;
  const auto old = store.ended(900);
  store.ended(1);
  store.slot(850, slot_outcome::missed);
  auto trigger = test::trigger_of("dw.w", "t", test::day);
  trigger.cursor = old.slot - std::chrono::seconds{1};
  kv_batch batch;
  put_trigger(batch, trigger);
  REQUIRE(test::commit(store.kv, std::move(batch)));
  const auto out = store.pass(all_kept(one_day));
  CHECK(out.sum.runs == 0);
  CHECK(out.sum.slots == 0);
}

TEST_CASE("slots without a run go by their own age", "[expiry]") {
  history store;
  for (int days = 300; days > 100; days -= 10)
    store.slot(days, days % 20 == 0 ? slot_outcome::missed : slot_outcome::paused);
  const auto out = store.pass(all_kept(180 * one_day));
  CHECK(out.sum.slots == 12);
  slot_filter missed;
  missed.outcome = slot_outcome::missed;
  CHECK(store_reader{store.kv}.list_slots(missed, {}).value().items.size() == 4);
}

TEST_CASE("projects keep as long as each says", "[expiry]") {
  history store;
  const auto run = store.ended(50);
  store.ended(1);
  history_ages ages{
      [](const std::string& project) { return project == "dw" ? 100 * one_day : one_day; }, one_day,
      100 * one_day};
  CHECK(store.pass(ages).sum.runs == 0);
  ages.of = [](const std::string& project) { return project == "dw" ? one_day : 100 * one_day; };
  CHECK(store.pass(ages).sum.runs == 1);
  CHECK_FALSE(store.has(run));
}

TEST_CASE("a pass goes in steps of bounded size, whatever it finds", "[expiry]") {
  history store;
  for (int i = 0; i < 400; ++i)
    store.ended(900 - i);
  store.ended(800, 700); // 1,400 attempts in one run.
  store.ended(1);
  const auto out = store.pass(all_kept(180 * one_day));
  CHECK(out.sum.runs == 401);
  CHECK(out.largest < 3 * history_expiry::step_rows);
  CHECK(out.steps > 5);
  CHECK(store_reader{store.kv}.list_runs({}, {1'000, {}}).value().items.size() == 1);
  CHECK(test::rows_between(store.kv, family::attempts, {}, {}).size() == 2);
}

TEST_CASE("what a killed engine has begun to remove is removed by the next", "[expiry]") {
  history store;
  store.ended(800, 1'700);
  store.ended(1);
  {
    history_expiry killed{now, all_kept(180 * one_day)};
    for (int i = 0; i < 2; ++i) // Unlinked, and nothing more.
      REQUIRE(test::commit(store.kv, killed.next(store.kv).value().batch));
  }
  REQUIRE(test::rows_between(store.kv, family::attempts, {}, {}).size() > 1'000);
  store.pass(all_kept(180 * one_day));
  CHECK(test::rows_between(store.kv, family::attempts, {}, {}).size() == 2);
  CHECK(
      test::rows_between(store.kv, family::meta, expiring_rows, keys::after("expiring/")).empty());
}

TEST_CASE("ended backfills go with their slots and counters, the newest stays", "[expiry]") {
  history store;
  store.backfill(1, 900, 2'500);
  store.backfill(2, 10, 3);
  store.backfill(3, 900, 2);
  const auto out = store.pass(all_kept(180 * one_day));
  CHECK(out.sum.backfills == 1);
  const store_reader rows{store.kv};
  CHECK_FALSE(rows.backfill(1).value());
  CHECK(rows.backfill(2).value());
  CHECK(rows.backfill(3).value());
  CHECK(test::rows_between(store.kv, family::slots, "j", "k").size() == 5);
  CHECK(test::rows_between(store.kv, family::index, keys::item_counter(1, {}), "e").size() == 2);
}

TEST_CASE("the audit keeps what is young enough for any project, without gaps", "[expiry]") {
  history store;
  for (int days = 300; days > 100; days -= 10)
    store.audit(days);
  CHECK(
      store.pass({[](const std::string&) { return one_day; }, one_day, 180 * one_day}).sum.audit ==
      12);
  const auto left = store_reader{store.kv}.list_audit({}, {}).value();
  CHECK(left.items.size() == 8);
  CHECK(left.items.front().sequence == 20);
}

TEST_CASE("a second pass finds nothing more to do", "[expiry]") {
  history store;
  for (int i = 0; i < 20; ++i)
    store.ended(300 - i);
  store.slot(400, slot_outcome::missed);
  store.pass(all_kept(180 * one_day));
  const auto again = store.pass(all_kept(180 * one_day));
  CHECK(again.sum.runs == 0);
  CHECK(again.sum.slots == 0);
  CHECK(again.largest == 0);
}
