#include "actors/stage.hpp"
#include "pinion/storage/deleted_workflows.hpp"

#include <catch2/catch.hpp>
#include <set>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;

workflow_definition one_task(std::string name) {
  workflow_definition out;
  out.project = "sim";
  out.name = std::move(name);
  out.tasks.emplace_back();
  out.tasks.back().name = "only";
  out.tasks.back().type = task_type::empty;
  trigger_definition tick;
  tick.id = "tick";
  tick.slots = slot_rule{make_every(hours{1}).value()};
  out.triggers.push_back(std::move(tick));
  return out;
}

sim::scenario one_workflow() {
  sim::scenario of;
  of.settings.project = "sim";
  of.workflows = {one_task("old")};
  of.lasts = hours{1};
  of.retention = retention_settings{};
  return of;
}

/// An engine with a workflow that a person wants to be rid of.
struct field : stage {
  explicit field(sim::scenario what = one_workflow()) : stage{std::move(what)} { apply(); }

  result<deletion_answer> remove(bool dry_run = false, version_condition condition = {}) {
    std::optional<result<deletion_answer>> out;
    engine->client().delete_workflow({"sim.old", std::move(condition), dry_run}, {"ann", "old"},
                                     [&](result<deletion_answer> made) { out = std::move(made); });
    settle();
    REQUIRE(out);
    return *out;
  }
  result<apply_answer> take(std::vector<workflow_definition> set) {
    std::optional<result<apply_answer>> out;
    apply_request ask;
    ask.workflows = std::move(set);
    engine->client().apply(std::move(ask), {"ann", ""},
                           [&](result<apply_answer> made) { out = std::move(made); });
    settle();
    REQUIRE(out);
    return *out;
  }
  bool is_erased() const {
    const auto row = find_deleted_workflow(rows, "sim.old").value();
    return row && row->erased;
  }
  std::vector<std::string> verbs() const {
    std::vector<std::string> out;
    const auto page = store().list_audit({}, {});
    for (const auto& each : page.value().items)
      out.push_back(each.verb + ' ' + each.object);
    return out;
  }
};

TEST_CASE("a workflow of the API is retired by its deletion, and goes with its history",
          "[deletion]") {
  field at;
  at.pass(hours{5});
  REQUIRE_FALSE(at.store().list_runs({}, {}).value().items.empty());
  CHECK(at.remove(true).value().refused.empty());
  CHECK(at.store().workflow("sim.old").value());
  const auto gone = at.remove();
  REQUIRE(gone);
  CHECK(gone.value().version == 1);
  at.pass(minutes{1});
  CHECK(at.is_erased());
  CHECK_FALSE(at.store().workflow("sim.old").value());
  CHECK(at.store().list_runs({}, {}).value().items.empty());
  CHECK(at.verbs().front() == "delete sim.old");
  CHECK(at.remove().error().code == errc::not_found);
  at.pass(hours{30}); // Nothing is planned of it any more.
  CHECK(at.store().list_runs({}, {}).value().items.empty());
  at.restart();
  CHECK(at.remove().error().code == errc::not_found);
}

TEST_CASE("what is alive keeps a workflow from being deleted", "[deletion]") {
  field at;
  at.engine->client().hold({"ann", ""}, [](const auto&) {});
  auto slow = one_task("old");
  slow.tasks.front().type = task_type::shell;
  REQUIRE(at.take({slow}));
  at.trigger();
  const auto refused = at.remove();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::refused);
  CHECK(at.remove(true).value().refused.size() == 1);
}

TEST_CASE("a workflow that others need is not deleted; they are named", "[deletion]") {
  field at;
  auto needs = one_task("new");
  outside_need need;
  need.workflow = "sim.old";
  need.trigger = "tick";
  needs.tasks.front().outside_needs.push_back(need);
  auto calls = one_task("boss");
  calls.triggers.clear();
  calls.tasks.front().type = task_type::workflow;
  calls.tasks.front().call_workflow = "old";
  REQUIRE(at.take({needs, calls}));
  const auto refused = at.remove(true).value().refused;
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].message == "sim.boss needs sim.old");
  CHECK(refused[1].message == "sim.new needs sim.old");
  CHECK(at.remove().error().code == errc::refused);
}

TEST_CASE("a deletion goes by the version that it was asked for", "[deletion]") {
  field at;
  version_condition condition;
  condition.versions.emplace_back("sim.old", 2);
  CHECK(at.remove(false, condition).value().stale);
  condition.versions.front().second = 1;
  CHECK_FALSE(at.remove(false, condition).value().stale);
}

TEST_CASE("a deletion that something came before is not kept as refused: it may be asked for again",
          "[deletion]") {
  std::set<std::string> messages;
  for (int jobs_between = 0; jobs_between < 8; ++jobs_between) {
    CAPTURE(jobs_between);
    field at;
    std::optional<result<deletion_answer>> out;
    const auto trigger = [&at] {
      trigger_request ask;
      ask.workflow = "sim.old";
      at.engine->client().trigger(ask, {"ann", ""}, [](const auto&) {});
    };
    if (jobs_between == 0)
      trigger();
    at.engine->client().delete_workflow({"sim.old", {}, false}, {"ann", ""},
                                        [&](auto made) { out = std::move(made); });
    for (int i = 1; i < jobs_between && at.engine->jobs().has_job(); ++i)
      at.engine->jobs().run_once();
    if (jobs_between > 0)
      trigger();
    at.settle();
    REQUIRE(out);
    if (*out || out->error().suggestion != "Ask again")
      continue;
    CHECK(out->error().code == errc::unavailable);
    messages.insert(out->error().message);
  }
  CHECK(messages == std::set<std::string>{"sim.old has just been changed",
                                          "something of sim.old is just being decided"});
}

TEST_CASE("a name comes again with versions behind the last one", "[deletion]") {
  field at;
  REQUIRE(at.remove());
  at.pass(minutes{1});
  REQUIRE(at.is_erased());
  const auto again = at.take({one_task("old")});
  REQUIRE(again);
  CHECK(again.value().changes.front().version == 2);
  CHECK_FALSE(find_deleted_workflow(at.rows, "sim.old").value());
  const auto before = at.store().highest_run().value();
  CHECK(at.trigger() > before);
  at.restart();
  CHECK(at.store().workflow("sim.old").value()->version == 2);
}

TEST_CASE("an engine that crashes in the middle of a deletion goes on with it", "[deletion]") {
  field at;
  at.pass(hours{5});
  const auto highest = at.store().highest_run().value();
  std::optional<result<deletion_answer>> out;
  at.engine->client().delete_workflow({"sim.old", {}, false}, {"ann", ""},
                                      [&](result<deletion_answer> made) { out = std::move(made); });
  for (int step = 0; step < 1'000 && !out; ++step) {
    at.run_actors();
    if (at.engine->disk.pending())
      at.engine->disk.release(true);
  }
  REQUIRE(out);
  CHECK_FALSE(at.is_erased());
  at.restart();
  at.pass(minutes{1});
  CHECK(at.is_erased());
  CHECK(at.store().highest_run().value() == highest);
}

} // namespace
