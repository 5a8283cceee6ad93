#include "pinion/storage/store_check.hpp"

#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/pool_overrides.hpp"
#include "pinion/storage/store_figures.hpp"
#include "storage/sound_store.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace pinion;

namespace {

constexpr auto in_state = [](instance_state state) { return static_cast<std::size_t>(state); };

store_check_report check(const kv_reader& rows, store_check_limits limits = {}) {
  return check_store(rows, test::sound_readers(), limits).value();
}

memory_kv filled(const test::sound_store& from) {
  memory_kv kv;
  kv_batch batch;
  from.write_to(batch);
  REQUIRE(test::commit(kv, std::move(batch)));
  return kv;
}

std::string listed(const store_check_report& report) {
  std::string text;
  for (const auto& each : report.findings)
    text += std::to_string(each.invariant) + ' ' + each.rule + ' ' + each.key + ": " +
            each.message + '\n';
  return text;
}

/// How a store is damaged, and what must be found.
struct damage {
  std::string name;
  std::function<void(kv_batch&, const test::sound_store&)> make;
  int invariant;
  std::string rule;
  bool mendable; ///< All findings of it can be undone from other rows.
};

std::string state_row(const run_record& run, run_state state) {
  return keys::newest_first(keys::runs_by_state(run.lane, state), run.id);
}

keys::slot_key key_of(const slot_record& slot) {
  return {slot.lane, slot.workflow, slot.trigger, slot.slot};
}

keys::slot_key natural_of(const run_record& run) {
  return {run.lane, run.workflow, run.trigger, run.slot};
}

/// Writes the row alone, without what stands beside it.
template <class Record>
void bare(kv_batch& batch, family in, std::string key, const Record& record) {
  batch.put(in, std::move(key), codecs::encode(record));
}

std::vector<damage> damages_of_lists() {
  return {
      {"an index row of a run is gone",
       [](auto& b, auto& s) { b.erase(family::index, state_row(s.ended, s.ended.state)); }, 0,
       "index_missing", true},
      {"an index row of a run is left from another state",
       [](auto& b, auto& s) { b.put(family::index, state_row(s.ended, run_state::failed), {}); }, 0,
       "index_stale", true},
      {"a list of runs names one that does not exist",
       [](auto& b, auto&) {
         b.put(family::index, keys::newest_first(keys::runs_by_workflow("main", "dw.w"), {99}), {});
       },
       0, "index_stale", true},
      {"the list of a trigger lacks a run",
       [](auto& b, auto& s) {
         b.erase(family::index,
                 keys::newest_first(keys::runs_by_trigger("main", "dw.w", "t"), s.running.id));
       },
       0, "index_missing", true},
      {"the list by state of instances lacks a run",
       [](auto& b, auto& s) {
         b.erase(family::index,
                 keys::newest_first(keys::runs_by_instance_state("main", instance_state::running),
                                    s.running.id));
       },
       0, "index_missing", true},
      {"a counter of runs is wrong",
       [](auto& b, auto&) {
         b.add(family::index, keys::counter({"main", "dw.w", run_state::success}), 1);
       },
       0, "counter_wrong", true},
      {"a counter counts what is not there",
       [](auto& b, auto&) {
         b.add(family::index, keys::counter({"main", "dw.gone", run_state::success}), 2);
       },
       0, "counter_wrong", true},
      {"a missed slot is not listed",
       [](auto& b, auto& s) {
         b.erase(family::index, keys::slot_outcome(key_of(s.missed), slot_outcome::missed));
       },
       0, "index_missing", true},
      {"a slot is listed under an outcome that it has not",
       [](auto& b, auto& s) {
         b.put(family::index, keys::slot_outcome(key_of(s.missed), slot_outcome::paused), {});
       },
       0, "index_stale", true},
      {"a list of outcomes names a slot without a row",
       [](auto& b, auto& s) { b.erase(family::slots, keys::slot(key_of(s.missed))); }, 0,
       "index_stale", true},
      {"a backfill is not listed",
       [](auto& b, auto&) { b.erase(family::index, keys::backfill_by_workflow("dw.w", 1)); }, 0,
       "index_missing", true},
      {"a list names a backfill that does not exist",
       [](auto& b, auto&) { b.put(family::index, keys::backfill_by_workflow("dw.w", 7), {}); }, 0,
       "index_stale", true},
      {"a slot of a backfill is not listed by its state",
       [](auto& b, auto&) {
         b.erase(family::index, keys::item_by_state({1, 0}, backfill_item_state::running));
       },
       0, "index_missing", true},
      {"a slot of a backfill is listed as open that is not there",
       [](auto& b, auto&) {
         b.put(family::index, keys::open_item({"dw.w", "t", test::day, {1, 8}}), {});
       },
       0, "index_stale", true},
      {"a counter of a backfill is wrong",
       [](auto& b, auto&) {
         b.add(family::index, keys::item_counter(1, backfill_item_state::running), -1);
       },
       0, "counter_wrong", true},
      {"a backfill lacks a slot",
       [](auto& b, auto& s) {
         auto more = s.backfill;
         more.total = 2;
         bare(b, family::slots, keys::backfill(1), more);
       },
       0, "backfill_slots", false},
      {"a row is of no known kind", [](auto& b, auto&) { b.put(family::index, "?", {}); }, 0,
       "row_unknown", false},
      {"a key is not what its first byte says",
       [](auto& b, auto&) { b.put(family::index, "ojunk", {}); }, 0, "row_damaged", false},
  };
}

std::vector<damage> damages_of_runs() {
  return {
      {"a live run is not among the live",
       [](auto& b, auto& s) { b.erase(family::live, keys::run(s.running.id)); }, 6, "live_missing",
       true},
      {"an ended run is among the live",
       [](auto& b, auto& s) { b.put(family::live, keys::run(s.ended.id), {}); }, 6, "live_stale",
       true},
      {"a run that does not exist is among the live",
       [](auto& b, auto&) { b.put(family::live, keys::run({99}), {}); }, 6, "live_stale", true},
      {"the natural key of a run is gone",
       [](auto& b, auto& s) { b.erase(family::slots, keys::natural(natural_of(s.ended))); }, 2,
       "natural_key_missing", true},
      {"the natural key of a run names another",
       [](auto& b, auto& s) {
         b.put(family::slots, keys::natural(natural_of(s.ended)),
               codecs::encode_run_id(s.running.id));
       },
       2, "natural_key_wrong", false},
      {"a natural key is left of a run that does not exist",
       [](auto& b, auto&) {
         b.put(family::slots, keys::natural({"main", "dw.w", "t", test::day}),
               codecs::encode_run_id({99}));
       },
       2, "natural_key_stale", true},
      {"a request key names a run that does not exist",
       [](auto& b, auto&) {
         b.put(family::slots, keys::request({"dw.w", "x"}), codecs::encode_run_id({99}));
       },
       2, "request_key_stale", true},
      {"a run's version does not exist",
       [](auto& b, auto& s) {
         auto run = s.ended;
         run.version = 9;
         bare(b, family::runs, keys::run(run.id), run);
       },
       0, "version_missing", false},
      {"a run says success while an instance of it runs",
       [](auto& b, auto& s) {
         auto other = s.running;
         other.state = run_state::success;
         put_run(b, other, &s.running);
       },
       6, "run_state", false},
      {"a run's counts are not its instances'",
       [](auto& b, auto& s) {
         auto other = s.running;
         other.counts[in_state(instance_state::waiting)] = 0;
         put_run(b, other, &s.running);
       },
       0, "run_counts", true},
      {"an instance is of a task that the definition has not",
       [](auto& b, auto&) {
         put_instance(b, test::sound_store::instance(1, 7, instance_state::success));
       },
       2, "run_rows", false},
      {"instances are left of a run that does not exist",
       [](auto& b, auto&) {
         put_instance(b, test::sound_store::instance(50, 0, instance_state::success));
       },
       0, "run_missing", true},
      {"an attempt is left of a run that does not exist",
       [](auto& b, auto& s) {
         auto stray = s.attempt;
         stray.instance.run = {50};
         stray.state = attempt_state::ended;
         put_attempt(b, stray);
       },
       0, "run_missing", true},
      {"outputs are left of a run that does not exist",
       [](auto& b, auto&) {
         put_output(b, {{run_id{50}, 0, no_element}, "{}"});
       },
       0, "run_missing", true},
      {"a settled need is left of a run that does not exist",
       [](auto& b, auto& s) {
         auto stray = s.settled;
         stray.run = {50};
         put_edge(b, stray);
       },
       0, "run_missing", true},
      {"the row of a run is cut",
       [](auto& b, auto& s) {
         auto bytes = codecs::encode(s.ended);
         bytes.pop_back();
         b.put(family::runs, keys::run(s.ended.id), bytes);
       },
       0, "row_damaged", false},
      {"a row is of a newer format",
       [](auto& b, auto& s) {
         auto bytes = codecs::encode(test::instance_of(1, 0, instance_state::success));
         bytes.front() = '\x7f';
         b.put(family::instances, keys::instance({s.ended.id, 0, no_element}), bytes);
       },
       0, "row_newer", false},
  };
}

std::vector<damage> damages_of_attempts() {
  return {
      {"two attempts of an instance are alive",
       [](auto& b, auto& s) {
         auto second = s.attempt;
         second.number = 2;
         second.permits.clear();
         put_attempt(b, second);
       },
       3, "attempt_twice", false},
      {"an attempt is alive although its instance has ended",
       [](auto& b, auto& s) {
         auto stray = s.attempt;
         stray.instance.run = s.ended.id;
         stray.permits.clear();
         put_attempt(b, stray);
       },
       3, "attempt_alive", false},
      {"the fence of an attempt is not its instance's",
       [](auto& b, auto& s) {
         auto other = s.attempt;
         other.epoch = 2;
         put_attempt(b, other);
       },
       11, "fence", false},
      {"an attempt is newer than its instance says",
       [](auto& b, auto& s) {
         auto newer = s.attempt;
         newer.number = 5;
         newer.state = attempt_state::ended;
         put_attempt(b, newer);
       },
       11, "attempt_number", false},
      {"the attempt that an instance ended with is gone",
       [](auto& b, auto& s) {
         b.erase(family::attempts, keys::attempt({{s.ended.id, 0, no_element}, 1}));
       },
       0, "attempt_missing", false},
      {"the outputs of an instance are gone",
       [](auto& b, auto& s) {
         b.erase(family::outputs, keys::instance({s.ended.id, 1, no_element}));
       },
       0, "outputs_missing", false},
      {"an attempt is of an epoch that never was",
       [](auto& b, auto&) {
         b.put(family::meta, std::string{keys::epoch}, codecs::encode_counter(1));
       },
       10, "epoch_ahead", false},
      {"an attempt that runs lacks its permit", [](auto& b, auto& s) { erase_permit(b, s.permit); },
       9, "permit_missing", true},
      {"a permit is held by an attempt that does not exist",
       [](auto& b, auto& s) {
         auto stray = s.permit;
         stray.attempt = 7;
         put_permit(b, stray);
       },
       9, "permit_stale", true},
      {"a permit is held by an attempt that has ended",
       [](auto& b, auto& s) {
         auto stray = s.permit;
         stray.holder.run = s.ended.id;
         put_permit(b, stray);
       },
       9, "permit_stale", true},
      {"a permit is held by an attempt that waits for its next look",
       [](auto& b, auto& s) {
         auto run = s.running;
         run.counts[in_state(instance_state::running)] = 0;
         run.counts[in_state(instance_state::pre_ready)] = 1;
         put_run(b, run, &s.running);
         put_instance(b, test::sound_store::instance(2, 0, instance_state::pre_ready));
         auto attempt = s.attempt;
         attempt.state = attempt_state::waiting;
         put_attempt(b, attempt);
       },
       9, "permit_stale", true},
      {"a permit has other units than its attempt needs",
       [](auto& b, auto& s) {
         auto more = s.permit;
         more.permits = 2;
         put_permit(b, more);
       },
       9, "permit_units", false},
  };
}

std::vector<damage> damages_of_slots_and_definitions() {
  return {
      {"a planned slot is not in the plan",
       [](auto& b, auto& s) { b.erase(family::slots, keys::plan(key_of(s.planned))); }, 1,
       "plan_missing", true},
      {"a slot that was missed is in the plan",
       [](auto& b, auto& s) { b.put(family::slots, keys::plan(key_of(s.missed)), {}); }, 1,
       "plan_stale", true},
      {"a slot in the plan has no row",
       [](auto& b, auto& s) { b.erase(family::slots, keys::slot(key_of(s.planned))); }, 1,
       "plan_stale", true},
      {"a fired slot names a run that does not exist",
       [](auto& b, auto& s) {
         auto other = s.fired;
         other.run = {99};
         put_slot(b, other, &s.fired);
       },
       1, "slot_run", false},
      {"a fired slot names the run of another slot",
       [](auto& b, auto& s) {
         auto other = s.fired;
         other.run = s.ended.id;
         put_slot(b, other, &s.fired);
       },
       1, "slot_run", false},
      {"a fired slot names no run",
       [](auto& b, auto& s) {
         auto other = s.fired;
         other.run = {};
         put_slot(b, other, &s.fired);
       },
       1, "slot_run", false},
      {"a planned slot waits for a workflow that does not exist",
       [](auto& b, auto& s) {
         auto other = s.planned;
         other.edges = s.fired.edges;
         other.edges.front().workflow = "dw.gone";
         put_slot(b, other, &s.planned);
       },
       0, "workflow_missing", false},
      {"a planned slot's version does not exist",
       [](auto& b, auto& s) {
         auto other = s.planned;
         other.version = 9;
         put_slot(b, other, &s.planned);
       },
       0, "version_missing", false},
      {"a workflow's version does not exist",
       [](auto& b, auto&) { put_workflow(b, test::workflow_of("dw.w", 9, "h")); }, 0,
       "version_missing", false},
      {"the text of a version is damaged",
       [](auto& b, auto&) {
         auto version = test::version_of("dw.w", 2, "h");
         version.definition = "damaged";
         put_version(b, version);
       },
       0, "definition_damaged", false},
      {"the settings of a project are damaged",
       [](auto& b, auto&) { put_project(b, "pv", "damaged"); }, 0, "definition_damaged", false},
      {"a trigger belongs to a workflow that does not exist",
       [](auto& b, auto&) { put_trigger(b, test::trigger_of("dw.gone", "t", test::day)); }, 0,
       "workflow_missing", false},
      {"a switch is of a workflow that does not exist",
       [](auto& b, auto&) {
         put_task_switch(b, {"dw.gone", "a", task_mode::dry, "ada", "", test::day});
       },
       0, "workflow_missing", false},
      {"a cursor is cut",
       [](auto& b, auto&) {
         b.put(family::definitions, keys::cursor({"dw.w", "t"}), "xx");
       },
       0, "row_damaged", false},
      {"the audit has a gap", [](auto& b, auto&) { b.erase(family::audit, keys::audit(2)); }, 7,
       "audit_gap", false},
      {"the epoch is no number",
       [](auto& b, auto&) { b.put(family::meta, std::string{keys::epoch}, "1"); }, 0, "row_damaged",
       false},
  };
}

std::vector<damage> all_damages() {
  std::vector<damage> all;
  for (auto& part : {damages_of_lists(), damages_of_runs(), damages_of_attempts(),
                     damages_of_slots_and_definitions()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

TEST_CASE("nothing is found in a store in which all fits together", "[store_check]") {
  const auto kv = filled({});
  const auto report = check(kv);
  INFO(listed(report));
  CHECK(report.findings.empty());
  CHECK(report.ok());
  CHECK(report.complete);
  // Each kind of row is there to be damaged.
  for (const auto* kind : {"meta",
                           "workflows",
                           "versions",
                           "triggers",
                           "projects",
                           "trigger cursors",
                           "task switches",
                           "version starts",
                           "runs",
                           "instances",
                           "attempts",
                           "outputs",
                           "live",
                           "permits",
                           "slots",
                           "natural keys",
                           "planned slots",
                           "request keys",
                           "settled needs",
                           "backfills",
                           "backfill slots",
                           "index: workflow",
                           "index: workflow and state",
                           "index: trigger",
                           "index: state",
                           "index: instance state",
                           "index: slot outcome",
                           "counters of runs",
                           "index: backfills",
                           "index: backfill slots",
                           "counters of backfills",
                           "index: open backfill slots",
                           "audit"})
    CHECK(report.rows.count(kind) == 1);
}

TEST_CASE("every way to damage a store is found and named", "[store_check]") {
  const test::sound_store sound;
  for (const auto& each : all_damages()) {
    DYNAMIC_SECTION(each.name) {
      auto kv = filled(sound);
      kv_batch batch;
      each.make(batch, sound);
      REQUIRE(test::commit(kv, std::move(batch)));
      const auto report = check(kv);
      INFO(listed(report));
      CHECK_FALSE(report.ok());
      CHECK(std::any_of(report.findings.begin(), report.findings.end(), [&](const auto& finding) {
        return finding.rule == each.rule && finding.invariant == each.invariant &&
               !finding.key.empty() && !finding.mend.empty();
      }));
      CHECK(std::all_of(report.findings.begin(), report.findings.end(), [](const auto& finding) {
              return !finding.repair.empty();
            }) == each.mendable);
    }
  }
}

TEST_CASE("what other rows say is written again by the repairs", "[store_check]") {
  const test::sound_store sound;
  for (const auto& each : all_damages()) {
    if (!each.mendable)
      continue;
    DYNAMIC_SECTION(each.name) {
      auto kv = filled(sound);
      kv_batch batch;
      each.make(batch, sound);
      REQUIRE(test::commit(kv, std::move(batch)));
      kv_batch repair;
      for (const auto& finding : check(kv).findings)
        repair.writes.insert(repair.writes.end(), finding.repair.writes.begin(),
                             finding.repair.writes.end());
      REQUIRE(test::commit(kv, std::move(repair)));
      const auto left = check(kv);
      INFO(listed(left));
      CHECK(left.findings.empty());
    }
  }
}

TEST_CASE("more permits out than a pool has is a note: it may have been made smaller",
          "[store_check]") {
  test::sound_store sound;
  sound.attempt.permits = {{"models", 3}};
  sound.permit.permits = 3;
  const auto report = check(filled(sound));
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings.front().rule == "pool_exceeded");
  CHECK(report.ok());
}

TEST_CASE("a pool has the size that was set by hand", "[store_check]") {
  test::sound_store sound;
  sound.attempt.permits = {{"models", 3}};
  sound.permit.permits = 3;
  auto kv = filled(sound);
  const auto set = [&kv](std::uint32_t permits) {
    kv_batch batch;
    put_pool_override(batch, {"dw", "models", permits, "ann", "", instant{}});
    REQUIRE(test::commit(kv, std::move(batch)));
  };
  set(3);
  CHECK(check(kv).findings.empty());
  set(2);
  REQUIRE(check(kv).findings.size() == 1);
  CHECK(check(kv).findings.front().rule == "pool_exceeded");
}

TEST_CASE("a planned slot may wait for a workflow that was deleted since", "[store_check]") {
  test::sound_store sound;
  sound.planned.edges = sound.fired.edges;
  sound.planned.edges.front().workflow = "dw.gone";
  auto kv = filled(sound);
  CHECK_FALSE(check(kv).ok());
  kv_batch batch;
  put_deleted_workflow(batch, {"dw.gone", 1, "ada", "", test::day, true});
  REQUIRE(test::commit(kv, std::move(batch)));
  INFO(listed(check(kv)));
  CHECK(check(kv).findings.empty());
}

TEST_CASE("slots of a backfill that was being made are a note: the next start removes them",
          "[store_check]") {
  const test::sound_store sound;
  auto kv = filled(sound);
  kv_batch batch;
  auto early = sound.item;
  early.backfill = 2;
  put_backfill_item(batch, early, nullptr);
  REQUIRE(test::commit(kv, std::move(batch)));
  const auto report = check(kv);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings.front().rule == "backfill_missing");
  CHECK(report.ok());
}

TEST_CASE("a check looks at no more rows than it may", "[store_check]") {
  const auto kv = filled({});
  const auto report = check(kv, {10, 1000});
  CHECK_FALSE(report.complete);
  std::uint64_t rows = 0;
  for (const auto& [_, number] : report.rows)
    rows += number;
  CHECK(rows == 10);
}

TEST_CASE("findings beyond the limit are counted", "[store_check]") {
  auto kv = filled({});
  kv_batch batch;
  for (std::uint64_t i = 100; i < 120; ++i)
    batch.put(family::live, keys::run({i}), {});
  REQUIRE(test::commit(kv, std::move(batch)));
  const auto report = check(kv, {1'000'000, 5});
  CHECK(report.findings.size() == 5);
  CHECK(report.more_findings == 15);
  CHECK_FALSE(report.ok());
}

TEST_CASE("a key is printed so that it can be read and typed", "[store_check]") {
  CHECK(printed_key(family::slots, std::string_view{"sdw.w\0\x01\\", 8}) ==
        "slots/sdw.w\\x00\\x01\\x5c");
}

TEST_CASE("a summary tells what is live and what is history", "[store_figures]") {
  const test::sound_store sound;
  const auto summary = summarize_store(filled(sound)).value();
  CHECK(summary.epoch == 3);
  CHECK(summary.live_runs == 1);
  CHECK(summary.live_instances == 2);
  CHECK(summary.ended_runs == 1);
  CHECK(summary.planned_slots == 1);
  CHECK(summary.first_planned == sound.planned.slot);
  CHECK(summary.oldest_run == sound.ended.created_at);
  CHECK(summary.newest_run == sound.running.created_at);
  CHECK(summary.audit_records == 3);
}
