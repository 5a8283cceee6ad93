#include "pinion/storage/store_reader.hpp"

#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/records.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

/// A small store: two runs, one of them over, and what belongs to them.
class small_store {
public:
  small_store() {
    kv_batch batch;
    auto first = test::run_of(1, "p.w", run_state::success);
    first.request_key = "k";
    put_run(batch, first, nullptr);
    put_run(batch, test::run_of(2, "p.w", run_state::running), nullptr);
    put_request_key(batch, "p.w", "k", first.id);
    for (const std::uint32_t task : {0U, 1U}) {
      put_instance(batch, test::instance_of(2, task, instance_state::running));
      for (const std::uint32_t number : {1U, 2U}) {
        attempt_record attempt;
        attempt.instance = {run_id{2}, task};
        attempt.number = number;
        put_attempt(batch, attempt);
      }
    }
    put_output(batch, {{run_id{2}, 0}, R"({"n":1})"});
    put_permit(batch, {"p", "gpu", 2, {run_id{2}, 1}, 2, test::day});
    for (const auto minute : {0min, 1min, 2min})
      put_slot(batch, test::slot_of("p.w", "nightly", test::day + minute, slot_outcome::planned),
               nullptr);
    put_workflow(batch, test::workflow_of("p.w", 2, "h"));
    put_version(batch, test::version_of("p.w", 1, "g"));
    put_version(batch, test::version_of("p.w", 2, "h"));
    put_trigger(batch, test::trigger_of("p.w", "nightly", test::day));
    put_trigger(batch, test::trigger_of("p.x", "nightly", test::day));
    put_project(batch, "p", R"({"pools":{}})");
    REQUIRE(test::commit(kv, std::move(batch)));
  }

  memory_kv kv;
  store_reader reader{kv};
};

TEST_CASE("a trigger's cursor is the later one of its two rows", "[store_reader]") {
  memory_kv kv{std::make_shared<surviving_disk>()};
  trigger_record of;
  of.workflow = "p.w";
  of.trigger = "t";
  of.cursor = from_us(5);
  const auto write = [&](auto put) {
    kv_batch batch;
    put(batch);
    kv.commit(std::move(batch), [](const auto& done) { REQUIRE(done); });
  };
  write([&](kv_batch& batch) { put_trigger(batch, of); });
  CHECK(store_reader{kv}.trigger("p.w", "t").value()->cursor == from_us(5));
  write([&](kv_batch& batch) { put_cursor(batch, "p.w", "t", from_us(9)); });
  write([&](kv_batch& batch) { put_trigger(batch, of); });
  CHECK(store_reader{kv}.trigger("p.w", "t").value()->cursor == from_us(9));
  CHECK(store_reader{kv}.triggers_of("p.w").value().front().cursor == from_us(9));
  CHECK(store_reader{kv}.triggers().value().size() == 1);
  of.cursor = from_us(20);
  write([&](kv_batch& batch) { put_trigger(batch, of); });
  CHECK(store_reader{kv}.triggers().value().front().cursor == from_us(20));
}

} // namespace

TEST_CASE_METHOD(small_store, "single records are found by their keys", "[store_reader]") {
  CHECK(reader.run(run_id{2}).value()->version == 3);
  CHECK_FALSE(reader.run(run_id{3}).value());
  CHECK(reader.instance({run_id{2}, 1}).value()->state == instance_state::running);
  CHECK(reader.attempt({run_id{2}, 1}, 2).value()->number == 2);
  CHECK(reader.output({run_id{2}, 0}).value()->values == R"({"n":1})");
  CHECK(reader.slot({"main", "p.w", "nightly", test::day}).value()->outcome ==
        slot_outcome::planned);
  CHECK(reader.workflow("p.w").value()->hash == "h");
  CHECK(reader.version("p.w", 1).value()->hash == "g");
  CHECK(reader.trigger("p.w", "nightly").value()->since == test::day);
  CHECK(reader.project("p").value() == R"({"pools":{}})");
}

TEST_CASE_METHOD(small_store, "a name with a 0 byte finds nothing", "[store_reader]") {
  CHECK_FALSE(reader.workflow("p.w\0"s).value());
  CHECK_FALSE(reader.version("p.w\0"s, 1).value());
  CHECK_FALSE(reader.trigger("p.w\0nightly"s, "").value());
  CHECK_FALSE(reader.run_by_key({"main", "p.w\0nightly"s, "", test::day}).value());
  CHECK(reader.triggers_of("p\0"s).value().empty());
}

TEST_CASE_METHOD(small_store, "runs are found by natural key and by request key",
                 "[store_reader]") {
  CHECK(reader.run_by_key({"main", "p.w", "nightly", test::day + 2min}).value() == run_id{2});
  CHECK_FALSE(reader.run_by_key({"main", "p.w", "nightly", test::day}).value());
  CHECK_FALSE(reader.run_by_key({"test", "p.w", "nightly", test::day + 2min}).value());
  CHECK(reader.run_by_request_key("p.w", "k").value() == run_id{1});
  CHECK_FALSE(reader.run_by_request_key("p.w", "").value());
  CHECK(reader.highest_run().value() == run_id{2});
}

TEST_CASE_METHOD(small_store, "recovery reads what is alive", "[store_reader]") {
  const auto live = reader.live_runs().value();
  REQUIRE(live.size() == 1);
  CHECK(live[0].id == run_id{2});
  CHECK(reader.instances_of(run_id{2}).value().size() == 2);
  CHECK(reader.instances_of(run_id{1}).value().empty());
  const auto newest = reader.newest_attempts_of(run_id{2}).value();
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].number == 2);
  CHECK(newest[1].instance.task == 1);
  CHECK(reader.attempts_of({run_id{2}, 0}).value().size() == 2);
  CHECK(reader.outputs_of(run_id{2}).value().size() == 1);
  const auto permits = reader.permits().value();
  REQUIRE(permits.size() == 1);
  CHECK(permits[0].pool == "gpu");
  CHECK(permits[0].permits == 2);
  CHECK(permits[0].since == test::day);
}

TEST_CASE_METHOD(small_store, "definitions are read whole", "[store_reader]") {
  CHECK(reader.workflows().value().size() == 1);
  CHECK(reader.versions_of("p.w").value().size() == 2);
  CHECK(reader.triggers().value().size() == 2);
  CHECK(reader.triggers_of("p.w").value().size() == 1);
  CHECK(reader.projects().value() ==
        std::vector<std::pair<std::string, json_text>>{{"p", R"({"pools":{}})"}});
}

TEST_CASE_METHOD(small_store, "the plan is read by time, its end excluded", "[store_reader]") {
  const auto planned = reader.planned_slots(test::day, test::day + 2min).value();
  REQUIRE(planned.size() == 2);
  CHECK(planned[0].slot == test::day);
  CHECK(planned[1].slot == test::day + 1min);
  CHECK(reader.planned_slots(test::day + 1min, test::day).value().empty());
}

TEST_CASE_METHOD(small_store, "a live row without its run is reported as corrupt",
                 "[store_reader]") {
  REQUIRE(test::commit(kv, test::put(family::live, keys::run(run_id{9}), {})));
  const auto live = reader.live_runs();
  REQUIRE_FALSE(live);
  CHECK(live.error().code == errc::corrupt);
}

TEST_CASE("an empty store has nothing", "[store_reader]") {
  const memory_kv kv;
  const store_reader reader{kv};
  CHECK(reader.highest_run().value() == run_id{0});
  CHECK(reader.last_audit().value() == 0);
  CHECK(reader.live_runs().value().empty());
  CHECK_FALSE(reader.latest({}).value());
}
