#include "pinion/storage/keys.hpp"

#include "storage/records.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <tuple>

using namespace pinion;
using namespace std::string_literals;

namespace {

const keys::slot_key nightly{"main", "p.w", "t", instant{duration{258}}};
const instance_key third{run_id{1}, 2, 3};

keys::slot_key any_slot_key() {
  return {*test::any_name(), *test::any_name(), *test::any_name(), *test::any_instant()};
}

} // namespace

TEST_CASE("the stored form of keys of definitions does not change", "[keys]") {
  CHECK(keys::workflow("p.w") == "wp.w\0"s);
  CHECK(keys::version({"p.w", 258}) == "vp.w\0\0\0\1\2"s);
  CHECK(keys::trigger({"p.w", "t"}) == "tp.w\0t\0"s);
  CHECK(keys::project("p") == "pp\0"s);
  CHECK(keys::task_switch({"p.w", "load"}) == "xp.w\0load\0"s);
}

TEST_CASE("the stored form of keys of slots does not change", "[keys]") {
  CHECK(keys::slot(nightly) == "smain\0p.w\0t\0\x80\0\0\0\0\0\1\2"s);
  CHECK(keys::natural(nightly) == "nmain\0p.w\0t\0\x80\0\0\0\0\0\1\2"s);
  CHECK(keys::plan(nightly) == "m\x80\0\0\0\0\0\1\2main\0p.w\0t\0"s);
  CHECK(keys::plan_from(nightly.slot) == "m\x80\0\0\0\0\0\1\2"s);
  CHECK(keys::request({"p.w", "k\0y"s}) == "kp.w\0k\0y"s);
}

TEST_CASE("the stored form of keys of edges and backfills does not change", "[keys]") {
  CHECK(keys::edge({run_id{258}, 1, 0x01000000}) == "e\0\0\0\0\0\0\1\2\0\0\0\1\1\0\0\0"s);
  CHECK(keys::backfill(258) == "b\0\0\0\0\0\0\1\2"s);
  CHECK(keys::backfill_item({258, 3}) == "j\0\0\0\0\0\0\1\2\0\0\0\3"s);
  CHECK(keys::backfill_by_workflow("p.w", 258) == "bp.w\0\xff\xff\xff\xff\xff\xff\xfe\xfd"s);
  CHECK(keys::item_by_state({258, 3}, backfill_item_state::failed) ==
        "j\0\0\0\0\0\0\1\2\3\0\0\0\3"s);
  CHECK(keys::item_counter(258, backfill_item_state::failed) == "d\0\0\0\0\0\0\1\2\3"s);
  CHECK(keys::open_item({"p.w", "t", nightly.slot, {258, 3}}) ==
        "yp.w\0t\0\x80\0\0\0\0\0\1\2\0\0\0\0\0\0\1\2\0\0\0\3"s);
}

TEST_CASE("the stored form of keys of runs and what is in them does not change", "[keys]") {
  CHECK(keys::run(run_id{258}) == "\0\0\0\0\0\0\1\2"s);
  CHECK(keys::instance(third) == "\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3"s);
  CHECK(keys::instance({run_id{1}, 2}) == "\0\0\0\0\0\0\0\1\0\0\0\2\xff\xff\xff\xff"s);
  CHECK(keys::attempt({third, 4}) == "\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4"s);
  CHECK(keys::permit({"p", "gpu", third, 4}) ==
        "p\0gpu\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4"s);
  CHECK(keys::audit(258) == "\0\0\0\0\0\0\1\2"s);
}

TEST_CASE("the stored form of keys of indexes does not change", "[keys]") {
  const run_id run{258};
  const auto newest = "\xff\xff\xff\xff\xff\xff\xfe\xfd"s;
  CHECK(keys::newest_first(keys::runs_by_workflow("main", "p.w"), run) == "wmain\0p.w\0"s + newest);
  CHECK(keys::newest_first(keys::runs_by_workflow("main", "p.w", run_state::failed), run) ==
        "xmain\0p.w\0\4"s + newest);
  CHECK(keys::newest_first(keys::runs_by_trigger("main", "p.w", "t"), run) ==
        "tmain\0p.w\0t\0"s + newest);
  CHECK(keys::newest_first(keys::runs_by_state("main", run_state::success), run) ==
        "smain\0\3"s + newest);
  CHECK(keys::newest_first(keys::runs_by_instance_state("main", instance_state::failed), run) ==
        "imain\0\x0b"s + newest);
  CHECK(keys::slot_outcome(nightly, slot_outcome::missed) ==
        "omain\0\3\x7f\xff\xff\xff\xff\xff\xfe\xfdp.w\0t\0"s);
  CHECK(keys::counter({"main", "p.w", run_state::running}) == "cmain\0p.w\0\2"s);
}

TEST_CASE("the end of a prefix is the least key behind it", "[keys]") {
  CHECK(keys::after("ab") == "ac");
  CHECK(keys::after("a\xff") == "b");
  CHECK(keys::after("\xff\xff").empty());
  CHECK(keys::after("").empty());
}

TEST_CASE("a name with a 0 byte is none", "[keys]") {
  CHECK(keys::is_name("p.w"));
  CHECK_FALSE(keys::is_name("p\0w"s));
}

TEST_CASE("the order of slot keys is that of their parts", "[keys]") {
  CHECK(rc::check([] {
    const auto a = any_slot_key();
    const auto b = any_slot_key();
    RC_ASSERT((keys::slot(a) < keys::slot(b)) == (a < b));
    const auto in_time = [](const keys::slot_key& key) {
      return std::tie(key.slot, key.lane, key.workflow, key.trigger);
    };
    RC_ASSERT((keys::plan(a) < keys::plan(b)) == (in_time(a) < in_time(b)));
    RC_ASSERT((keys::plan(a) < keys::plan_from(b.slot)) == (a.slot < b.slot));
  }));
}

TEST_CASE("the order of attempt keys is that of their parts", "[keys]") {
  CHECK(rc::check([] {
    const keys::attempt_key a{test::any_instance_key(), *rc::gen::arbitrary<std::uint32_t>()};
    const keys::attempt_key b{test::any_instance_key(), *rc::gen::arbitrary<std::uint32_t>()};
    RC_ASSERT((keys::attempt(a) < keys::attempt(b)) == (a < b));
    RC_ASSERT((keys::instance(a.instance) < keys::instance(b.instance)) ==
              (a.instance < b.instance));
  }));
}

TEST_CASE("every key can be read back", "[keys]") {
  CHECK(rc::check([] {
    const auto slot = any_slot_key();
    const keys::attempt_key attempt{test::any_instance_key(), *rc::gen::arbitrary<std::uint32_t>()};
    const keys::permit_key permit{slot.lane, slot.workflow, attempt.instance, attempt.number};
    const keys::request_key request{slot.workflow, *test::any_text()};
    const keys::version_key version{slot.workflow, attempt.number};
    const keys::counter_key counter{slot.lane, slot.workflow,
                                    *test::any_of<run_state>(run_state_count)};
    const auto run = attempt.instance.run;
    RC_ASSERT(keys::decode_slot(keys::slot(slot)).value() == slot);
    RC_ASSERT(keys::decode_natural(keys::natural(slot)).value() == slot);
    RC_ASSERT(keys::decode_plan(keys::plan(slot)).value() == slot);
    RC_ASSERT(keys::decode_slot_outcome(keys::slot_outcome(slot, slot_outcome::late)).value() ==
              slot);
    RC_ASSERT(keys::decode_attempt(keys::attempt(attempt)).value() == attempt);
    RC_ASSERT(keys::decode_instance(keys::instance(attempt.instance)).value() == attempt.instance);
    RC_ASSERT(keys::decode_permit(keys::permit(permit)).value() == permit);
    RC_ASSERT(keys::decode_request(keys::request(request)).value() == request);
    RC_ASSERT(keys::decode_version(keys::version(version)).value() == version);
    RC_ASSERT(keys::decode_trigger(keys::trigger({slot.workflow, slot.trigger})).value() ==
              (keys::trigger_key{slot.workflow, slot.trigger}));
    RC_ASSERT(keys::decode_counter(keys::counter(counter)).value() == counter);
    RC_ASSERT(keys::decode_workflow(keys::workflow(slot.workflow)).value() == slot.workflow);
    RC_ASSERT(keys::decode_project(keys::project(slot.lane)).value() == slot.lane);
    RC_ASSERT(keys::decode_run(keys::run(run)).value() == run);
    RC_ASSERT(keys::decode_audit(keys::audit(run.value)).value() == run.value);
    const keys::backfill_item_key item{run.value, attempt.number};
    const keys::open_item_key open{slot.workflow, slot.trigger, slot.slot, item};
    const keys::edge_key edge{run, attempt.number, attempt.instance.task};
    RC_ASSERT(keys::decode_task_switch(keys::task_switch({slot.workflow, slot.trigger})).value() ==
              (keys::task_key{slot.workflow, slot.trigger}));
    RC_ASSERT(keys::decode_edge(keys::edge(edge)).value() == edge);
    RC_ASSERT(keys::decode_backfill(keys::backfill(run.value)).value() == run.value);
    RC_ASSERT(keys::decode_backfill_item(keys::backfill_item(item)).value() == item);
    RC_ASSERT(
        keys::decode_backfill_by_workflow(keys::backfill_by_workflow(slot.workflow, run.value))
            .value() == run.value);
    RC_ASSERT(
        keys::decode_item_by_state(keys::item_by_state(item, *test::any_of<backfill_item_state>(6)))
            .value() == item);
    RC_ASSERT(keys::decode_open_item(keys::open_item(open)).value() == open);
    const auto prefix = keys::runs_by_workflow(slot.lane, slot.workflow);
    RC_ASSERT(keys::decode_newest_first(keys::newest_first(prefix, run), prefix.size()).value() ==
              run);
  }));
}

TEST_CASE("bytes that are no key are refused as corrupt", "[keys]") {
  const auto is_corrupt = [](const auto& decoded) {
    return !decoded && decoded.error().code == errc::corrupt;
  };
  auto slot = keys::slot(nightly);
  CHECK(is_corrupt(keys::decode_natural(slot)));
  CHECK(is_corrupt(keys::decode_slot(slot + 'x')));
  slot.pop_back();
  CHECK(is_corrupt(keys::decode_slot(slot)));
  CHECK(is_corrupt(keys::decode_slot("")));
  CHECK(is_corrupt(keys::decode_run("1234567")));
  CHECK(is_corrupt(keys::decode_instance("12345678")));
  CHECK(is_corrupt(keys::decode_counter("cmain\0p.w\0\7"s)));
  CHECK(is_corrupt(keys::decode_newest_first("wmain", 5)));
  CHECK(is_corrupt(keys::decode_edge("e12345678")));
  CHECK(is_corrupt(keys::decode_backfill_item(keys::backfill(1))));
  CHECK(is_corrupt(keys::decode_item_by_state("j\0\0\0\0\0\0\0\1\6\0\0\0\1"s)));
}

TEST_CASE("a prefix never meets the rows of a longer name", "[keys]") {
  const auto of_w = keys::triggers_of("p.w");
  const auto other = keys::trigger({"p.w2", "t"});
  CHECK_FALSE((other >= of_w && other < keys::after(of_w)));
}
