#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/pages.hpp"
#include "storage/records.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace pinion;
using namespace std::chrono_literals;

namespace {

std::vector<std::uint64_t> ids_of(const std::vector<run_record>& runs) {
  std::vector<std::uint64_t> ids;
  for (const auto& run : runs)
    ids.push_back(run.id.value);
  return ids;
}

const std::vector<std::string> workflows{"p.a", "p.b", "q.a"};

run_record any_run(std::uint64_t id) {
  auto run =
      test::run_of(id, *rc::gen::elementOf(workflows), *test::any_of<run_state>(run_state_count));
  run.trigger = *rc::gen::element(std::string{"t"}, std::string{"u"});
  run.lane = *rc::gen::element(std::string{"main"}, std::string{"main"}, std::string{"test"});
  return run;
}

run_filter any_filter() {
  run_filter filter;
  filter.project = *rc::gen::element(std::string{}, std::string{"p"});
  filter.workflow = *rc::gen::element(std::string{}, std::string{"p.a"}, std::string{"q.a"});
  filter.trigger = *rc::gen::element(std::string{}, std::string{"t"});
  if (*rc::gen::arbitrary<bool>())
    filter.state = *test::any_of<run_state>(run_state_count);
  if (*rc::gen::arbitrary<bool>())
    filter.since = test::day + std::chrono::minutes{*rc::gen::inRange(0, 40)};
  if (*rc::gen::arbitrary<bool>())
    filter.until = test::day + std::chrono::minutes{*rc::gen::inRange(0, 40)};
  return filter;
}

/// The rule of run_filter, written once more.
bool wanted(const run_filter& f, const run_record& run) {
  return run.lane == f.lane && (f.project.empty() || run.workflow.starts_with(f.project + ".")) &&
         (f.workflow.empty() || run.workflow == f.workflow) &&
         (f.trigger.empty() || run.trigger == f.trigger) && (!f.state || run.state == *f.state) &&
         (f.since == never || run.slot >= f.since) && (f.until == never || run.slot < f.until);
}

/// Writes the instances and their run, counted.
void put_counted(kv_batch& batch, run_record run, const std::vector<instance_record>& instances) {
  for (const auto& each : instances) {
    put_instance(batch, each);
    ++run.counts[static_cast<std::size_t>(each.state)];
  }
  put_run(batch, run, nullptr);
}

} // namespace

TEST_CASE("the pages of a list of runs hold every run that passes once, newest first", "[lists]") {
  CHECK(rc::check([] {
    memory_kv kv;
    std::vector<run_record> runs;
    kv_batch batch;
    const auto count = *rc::gen::inRange<std::uint64_t>(0, 40);
    for (std::uint64_t id = 1; id <= count; ++id) {
      runs.push_back(any_run(id));
      put_run(batch, runs.back(), nullptr);
    }
    RC_ASSERT(test::commit(kv, std::move(batch)).has_value());
    const auto filter = any_filter();
    const store_reader reader{kv};
    const auto listed =
        test::all_pages<run_record>(*rc::gen::inRange<std::size_t>(1, 10),
                                    [&](const auto& ask) { return reader.list_runs(filter, ask); });
    std::erase_if(runs, [&](const run_record& run) { return !wanted(filter, run); });
    std::reverse(runs.begin(), runs.end());
    RC_ASSERT(ids_of(listed) == ids_of(runs));
  }));
}

TEST_CASE("the pages of a list of instances hold every instance that passes once", "[lists]") {
  CHECK(rc::check([] {
    memory_kv kv;
    kv_batch batch;
    instance_filter filter;
    filter.workflow = *rc::gen::element(std::string{}, std::string{"p.a"});
    if (*rc::gen::arbitrary<bool>())
      filter.state = *rc::gen::element(instance_state::failed, instance_state::success);
    std::vector<instance_key> expected;
    const auto count = *rc::gen::inRange<std::uint64_t>(0, 8);
    for (auto id = count; id >= 1; --id) {
      const auto run = test::run_of(id, *rc::gen::elementOf(workflows), run_state::running);
      std::vector<instance_record> instances;
      const auto tasks = *rc::gen::inRange<std::uint32_t>(0, 6);
      for (std::uint32_t task = 0; task < tasks; ++task)
        instances.push_back(test::instance_of(
            id, task, *rc::gen::element(instance_state::failed, instance_state::success)));
      put_counted(batch, run, instances);
      for (const auto& each : instances)
        if ((filter.workflow.empty() || run.workflow == filter.workflow) &&
            (!filter.state || each.state == *filter.state))
          expected.push_back(each.key);
    }
    RC_ASSERT(test::commit(kv, std::move(batch)).has_value());
    const store_reader reader{kv};
    const auto listed = test::all_pages<instance_record>(
        *rc::gen::inRange<std::size_t>(1, 10),
        [&](const auto& ask) { return reader.list_instances(filter, ask); });
    std::vector<instance_key> found;
    for (const auto& each : listed)
      found.push_back(each.key);
    RC_ASSERT(found == expected);
  }));
}

TEST_CASE("a list of one run's instances stays in it", "[lists]") {
  memory_kv kv;
  kv_batch batch;
  for (const std::uint64_t run : {1U, 2U, 3U})
    put_counted(batch, test::run_of(run, "p.a", run_state::running),
                {test::instance_of(run, 0, instance_state::success),
                 test::instance_of(run, 1, instance_state::success, 0),
                 test::instance_of(run, 1, instance_state::failed, 1)});
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  instance_filter filter;
  filter.run = run_id{2};
  const auto list = [&](const auto& ask) { return reader.list_instances(filter, ask); };
  CHECK(test::all_pages<instance_record>(2, list).size() == 3);
  filter.state = instance_state::failed;
  const auto failed = test::all_pages<instance_record>(1, list);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].key == instance_key{run_id{2}, 1, 1});
}

TEST_CASE("a page looks at a bounded number of rows and goes on with the next", "[lists]") {
  memory_kv kv;
  kv_batch batch;
  for (std::uint64_t id = 1; id <= store_reader::scan_bound + 10; ++id)
    put_run(batch, test::run_of(id, id == 5 ? "p.rare" : "p.a", run_state::success), nullptr);
  put_counted(batch, test::run_of(20'000, "p.a", run_state::success), [] {
    std::vector<instance_record> wide;
    for (std::uint32_t task = 0; task < store_reader::scan_bound + 10; ++task)
      wide.push_back(test::instance_of(20'000, task,
                                       task < store_reader::scan_bound ? instance_state::success
                                                                       : instance_state::failed));
    return wide;
  }());
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  run_filter rare;
  rare.until = test::day + 6min;
  const auto first = reader.list_runs(rare, {10, {}}).value();
  CHECK(first.items.empty());
  REQUIRE_FALSE(first.next.empty());
  const auto second = reader.list_runs(rare, {10, first.next}).value();
  CHECK(second.items.size() == 5);
  CHECK(second.next.empty());
  instance_filter failed;
  failed.state = instance_state::failed;
  const auto found = test::all_pages<instance_record>(
      100, [&](const auto& ask) { return reader.list_instances(failed, ask); });
  CHECK(found.size() == 10);
}

TEST_CASE("the latest run is the newest that is not only planned", "[lists]") {
  memory_kv kv;
  kv_batch batch;
  put_run(batch, test::run_of(1, "p.a", run_state::failed), nullptr);
  put_run(batch, test::run_of(2, "p.a", run_state::success), nullptr);
  put_run(batch, test::run_of(3, "p.a", run_state::planned), nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  run_filter filter;
  filter.workflow = "p.a";
  CHECK(reader.latest(filter).value()->id == run_id{2});
  filter.state = run_state::failed;
  CHECK(reader.latest(filter).value()->id == run_id{1});
  filter.workflow = "p.b";
  CHECK_FALSE(reader.latest(filter).value());
}

TEST_CASE("attempts, versions and audit records come in pages", "[lists]") {
  memory_kv kv;
  kv_batch batch;
  for (std::uint32_t number = 1; number <= 5; ++number) {
    attempt_record attempt;
    attempt.instance = {run_id{1}, number % 2};
    attempt.number = number;
    put_attempt(batch, attempt);
    put_version(batch, test::version_of("p.a", number, "h"));
    audit_record audit;
    audit.sequence = number;
    audit.at = test::day + std::chrono::minutes{number};
    audit.object = number == 3 ? "p.b" : "p.a/t";
    put_audit(batch, audit);
  }
  put_version(batch, test::version_of("p.a2", 9, "h"));
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  CHECK(test::all_pages<attempt_record>(2, [&](const auto& ask) {
          return reader.list_attempts(run_id{1}, ask);
        }).size() == 5);
  CHECK(test::all_pages<attempt_record>(2, [&](const auto& ask) {
          return reader.list_attempts(instance_key{run_id{1}, 1}, ask);
        }).size() == 3);
  const auto versions = test::all_pages<version_record>(
      2, [&](const auto& ask) { return reader.list_versions("p.a", ask); });
  REQUIRE(versions.size() == 5);
  CHECK(versions.front().version == 5);
  const auto audit = test::all_pages<audit_record>(1, [&](const auto& ask) {
    return reader.list_audit({"p.a", test::day + 2min}, ask);
  });
  REQUIRE(audit.size() == 3);
  CHECK(audit.front().sequence == 5);
  CHECK(audit.back().sequence == 2);
}

TEST_CASE("counters follow the states of runs", "[lists]") {
  memory_kv kv;
  kv_batch batch;
  const auto before = test::run_of(1, "p.a", run_state::running);
  auto now = before;
  now.state = run_state::failed;
  put_run(batch, before, nullptr);
  put_run(batch, now, &before);
  put_run(batch, test::run_of(2, "p.a", run_state::failed), nullptr);
  put_run(batch, test::run_of(3, "p.b", run_state::queued), nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  const auto all = reader.counts("main").value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].by_state[static_cast<std::size_t>(run_state::failed)] == 2);
  CHECK(all[0].by_state[static_cast<std::size_t>(run_state::running)] == 0);
  CHECK(all[1].workflow == "p.b");
  CHECK(reader.counts_of("main", "p.a").value().by_state == all[0].by_state);
}

TEST_CASE("a cursor or limit that is none is refused", "[lists]") {
  memory_kv kv;
  kv_batch batch;
  for (const std::uint64_t id : {1U, 2U})
    put_run(batch, test::run_of(id, "p.a", run_state::running), nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const store_reader reader{kv};
  const auto good = reader.list_runs({}, {1, {}}).value().next;
  REQUIRE_FALSE(good.empty());
  for (const auto& bad : {std::string{"zz"}, std::string{"7"}, good + "00", good.substr(2)})
    CHECK(reader.list_runs({}, {1, bad}).error().code == errc::invalid);
  CHECK(reader.list_instances({}, {1, good}).error().code == errc::invalid);
  CHECK(reader.list_audit({}, {1, good}).error().code == errc::invalid);
  CHECK(reader.list_runs({}, {0, {}}).error().code == errc::invalid);
  CHECK(reader.list_runs({}, {1001, {}}).error().code == errc::invalid);
}
