#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/pages.hpp"
#include "storage/records.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <tuple>

using namespace pinion;
using namespace std::chrono_literals;

namespace {

instant minute(int number) { return test::day + std::chrono::minutes{number}; }

std::vector<long> minutes_of(const std::vector<slot_record>& slots) {
  std::vector<long> minutes;
  for (const auto& slot : slots)
    minutes.push_back((slot.slot - test::day) / 1min);
  return minutes;
}

std::vector<slot_record> list(const store_reader& reader, const slot_filter& filter,
                              std::size_t limit = 1) {
  return test::all_pages<slot_record>(
      limit, [&](const auto& ask) { return reader.list_slots(filter, ask); });
}

auto place(const slot_record& slot) {
  return std::tie(slot.lane, slot.workflow, slot.trigger, slot.slot);
}

/// The rule of slot_filter, written once more.
bool wanted(const slot_filter& f, const slot_record& slot) {
  return slot.lane == f.lane && (f.workflow.empty() || slot.workflow == f.workflow) &&
         (f.trigger.empty() || slot.trigger == f.trigger) &&
         (!f.outcome || slot.outcome == *f.outcome) && (f.from == never || slot.slot >= f.from) &&
         (f.to == never || slot.slot < f.to);
}

slot_filter any_filter() {
  slot_filter filter;
  filter.workflow = *rc::gen::element(std::string{}, std::string{"p.a"});
  filter.trigger = *rc::gen::element(std::string{}, std::string{"t"});
  if (*rc::gen::arbitrary<bool>())
    filter.outcome = *test::any_of<slot_outcome>(6);
  if (*rc::gen::arbitrary<bool>())
    filter.from = minute(*rc::gen::inRange(0, 12));
  if (*rc::gen::arbitrary<bool>())
    filter.to = minute(*rc::gen::inRange(0, 12));
  return filter;
}

/// Writes a slot with its run, as the engine does.
void put_fired(kv_batch& batch, std::uint64_t id, slot_outcome outcome) {
  auto slot = test::slot_of("p.a", "nightly", minute(static_cast<int>(id)), outcome);
  auto run = test::run_of(id, "p.a", run_state::success);
  slot.run = run.id;
  put_slot(batch, slot, nullptr);
  put_run(batch, run, nullptr);
}

} // namespace

TEST_CASE("slots are listed by trigger and by outcome, newest first", "[slots]") {
  memory_kv kv;
  kv_batch batch;
  for (int i = 0; i < 6; ++i)
    put_slot(batch,
             test::slot_of(i < 4 ? "p.a" : "p.b", "t", minute(i),
                           i % 2 == 0 ? slot_outcome::missed : slot_outcome::fired),
             nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  const auto minutes = [&](const slot_filter& filter) { return minutes_of(list(reader, filter)); };
  using expected = std::vector<long>;
  CHECK(minutes({"main", "p.a", "t", {}, never, never}) == expected{3, 2, 1, 0});
  CHECK(minutes({"main", "", "", slot_outcome::missed, never, never}) == expected{4, 2, 0});
  CHECK(minutes({"main", "p.a", "", slot_outcome::missed, never, never}) == expected{2, 0});
  CHECK(minutes({"main", "p.a", "", slot_outcome::fired, never, never}) == expected{3, 1});
  CHECK(minutes({"main", "p.a", "t", {}, minute(1), minute(3)}) == expected{2, 1});
  CHECK(minutes({"main", "", "", slot_outcome::missed, minute(2), minute(4)}) == expected{2});
  CHECK(minutes({"main", "", "", {}, never, never}) == expected{5, 4, 3, 2, 1, 0});
  CHECK(minutes({"test", "p.a", "", {}, never, never}).empty());
  CHECK(minutes({"main", "p.a", "t", {}, minute(3), minute(1)}).empty());
}

TEST_CASE("the plan of all workflows is listed oldest first", "[slots]") {
  memory_kv kv;
  kv_batch batch;
  for (const int at : {2, 0, 1})
    put_slot(batch, test::slot_of(at == 1 ? "p.b" : "p.a", "t", minute(at), slot_outcome::planned),
             nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  CHECK(minutes_of(list(reader, {"main", "", "", slot_outcome::planned, never, never})) ==
        std::vector<long>{0, 1, 2});
  CHECK(minutes_of(list(reader, {"main", "", "", slot_outcome::planned, minute(1), minute(2)})) ==
        std::vector<long>{1});
}

TEST_CASE("the pages of a list of slots hold every slot that passes once", "[slots]") {
  CHECK(rc::check([] {
    memory_kv kv;
    kv_batch batch;
    std::vector<slot_record> slots;
    for (const auto* workflow : {"p.a", "p.b"})
      for (const auto* trigger : {"t", "u"})
        for (int at = 0; at < 10; ++at)
          if (*rc::gen::arbitrary<bool>())
            slots.push_back(
                test::slot_of(workflow, trigger, minute(at), *test::any_of<slot_outcome>(6)));
    for (const auto& slot : slots)
      put_slot(batch, slot, nullptr);
    RC_ASSERT(test::commit(kv, std::move(batch)).has_value());
    const auto filter = any_filter();
    auto listed = list(store_reader{kv}, filter, *rc::gen::inRange<std::size_t>(1, 10));
    std::erase_if(slots, [&](const slot_record& slot) { return !wanted(filter, slot); });
    std::sort(listed.begin(), listed.end(),
              [](const auto& a, const auto& b) { return place(a) < place(b); });
    RC_ASSERT(std::equal(listed.begin(), listed.end(), slots.begin(), slots.end(),
                         [](const auto& a, const auto& b) {
                           return place(a) == place(b) && a.outcome == b.outcome;
                         }));
  }));
}

TEST_CASE("a plan of any length is visited in order, and only as far as wanted", "[slots]") {
  memory_kv kv;
  kv_batch batch;
  for (int i = 0; i < 1000; ++i)
    put_slot(batch, test::slot_of("p.a", "t", minute(i), slot_outcome::planned), nullptr);
  put_slot(batch, test::slot_of("p.a", "u", minute(5), slot_outcome::fired), nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  std::vector<slot_record> seen;
  const auto visit = [&](std::size_t most) {
    seen.clear();
    return reader
        .visit_planned(minute(1), minute(999),
                       [&](const slot_record& slot) {
                         seen.push_back(slot);
                         // May read: the walk holds no lock.
                         static_cast<void>(reader.slot({"main", "p.a", "t", slot.slot}));
                         return seen.size() < most;
                       })
        .has_value();
  };
  REQUIRE(visit(5000));
  CHECK(seen.size() == 998);
  CHECK(seen.front().slot == minute(1));
  CHECK(seen.back().slot == minute(998));
  CHECK(std::is_sorted(seen.begin(), seen.end(),
                       [](const auto& a, const auto& b) { return a.slot < b.slot; }));
  REQUIRE(visit(300));
  CHECK(seen.size() == 300);
}

TEST_CASE("the slot before is the last one that has a run and is not merely planned", "[slots]") {
  memory_kv kv;
  kv_batch batch;
  put_fired(batch, 1, slot_outcome::fired);
  put_fired(batch, 2, slot_outcome::late);
  put_slot(batch, test::slot_of("p.a", "nightly", minute(3), slot_outcome::missed), nullptr);
  put_fired(batch, 4, slot_outcome::planned);
  put_fired(batch, 5, slot_outcome::planned);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  const auto before = [&](int at) {
    return reader.slot_before({"main", "p.a", "nightly", minute(at)}).value();
  };
  CHECK(before(6) == slot_run{minute(2), run_id{2}});
  CHECK(before(2) == slot_run{minute(1), run_id{1}});
  CHECK_FALSE(before(1));
  CHECK_FALSE(reader.slot_before({"main", "p.a", "night", minute(6)}).value());
}
