#include <catch2/catch.hpp>

#include "api_fixture.hpp"

using namespace pinion;
using namespace pinion::testing;
using namespace std::chrono_literals;

namespace {

json body(const json& further) {
  json made{{"target", "dw.load/nightly"}};
  made.update(further);
  return made;
}

/// Backfill 12 of three slots, of which one has run.
void add_backfill(api_fixture& uut, backfill_state state, quiet_hours hours = {}) {
  backfill_record record;
  record.id = 12;
  record.workflow = "dw.load";
  record.trigger = "nightly";
  record.state = state;
  record.hours = hours;
  record.total = 3;
  record.created_at = uut.clock.wall_now();
  record.created_by = "bob";
  kv_batch batch;
  put_backfill(batch, record, nullptr);
  for (std::uint32_t i = 0; i < 3; ++i) {
    backfill_item item;
    item.backfill = 12;
    item.position = i;
    item.workflow = "dw.load";
    item.trigger = "nightly";
    item.slot = from_us(api_fixture::slot_us) + std::chrono::days{i};
    item.state = i == 0 ? backfill_item_state::success : backfill_item_state::pending;
    put_backfill_item(batch, item, nullptr);
  }
  uut.commit(std::move(batch));
}

} // namespace

TEST_CASE("a backfill goes to the engine as it is asked for", "[backfills]") {
  api_fixture uut;
  const auto answer = uut.post("/api/v1/backfills", body({{"from", "2026-11-01"},
                                                          {"to", "2026-11-03"},
                                                          {"tasks", {"first", "side"}},
                                                          {"rest", "leave"},
                                                          {"parallel", 3},
                                                          {"order", "desc"},
                                                          {"reprocess", "failed"},
                                                          {"hours", "22:00-06:00"},
                                                          {"on_failure", "continue"},
                                                          {"version", "pinned"},
                                                          {"params", {{"n", "3"}}},
                                                          {"reason", "new rates"}}));
  CHECK(answer.status == 201);
  CHECK(answer.body["id"] == "b12");
  const auto& asked = uut.engine.asked_backfill;
  CHECK(asked.workflow == "dw.load");
  CHECK(asked.trigger == "nightly");
  CHECK(asked.from == from_us(1'793'462'400'000'000));                // 2026-11-01T00:00+08:00
  CHECK(asked.to == asked.from + std::chrono::days{3} - duration{1}); // All of the last day.
  CHECK(asked.tasks == std::vector<std::string>{"first", "side"});
  CHECK(asked.leave_rest);
  CHECK(asked.parallel == 3);
  CHECK(asked.descending);
  CHECK(asked.reprocess == reprocess_policy::failed);
  CHECK(asked.hours == quiet_hours{22h, 6h});
  CHECK_FALSE(asked.stop_on_failure);
  CHECK(asked.pinned);
  CHECK(asked.params == std::vector<std::pair<std::string, json_text>>{{"n", "\"3\""}});
  CHECK(uut.engine.last_caller.reason == "new rates");
}

TEST_CASE("business dates, lists of slots and the only trigger of a workflow are understood",
          "[backfills]") {
  api_fixture uut;
  REQUIRE(uut.post("/api/v1/backfills",
                   {{"target", "dw.load"}, {"biz_dates", "2026-11-01..2026-11-03"}})
              .status == 201);
  CHECK(uut.engine.asked_backfill.trigger == "nightly");
  CHECK(uut.engine.asked_backfill.by_biz_date);
  CHECK(uut.engine.asked_backfill.to - uut.engine.asked_backfill.from == std::chrono::days{2});
  CHECK(uut.engine.asked_backfill.stop_on_failure);
  REQUIRE(uut.post("/api/v1/backfills",
                   body({{"slots", {"2026-11-01T02:00", "2026-11-02T02:00+08:00"}}}))
              .status == 201);
  CHECK(uut.engine.asked_backfill.slots.size() == 2);
}

TEST_CASE("what no backfill can be is refused before the engine is asked", "[backfills]") {
  api_fixture uut;
  const json range{{"from", "2026-11-01"}, {"to", "2026-11-03"}};
  const auto status = [&](json further) {
    auto whole = body(range);
    whole.update(further);
    return uut.post("/api/v1/backfills", whole).status;
  };
  CHECK(uut.post("/api/v1/backfills", body(json::object())).status == 400);
  CHECK(uut.post("/api/v1/backfills", body({{"from", "2026-11-01"}})).status == 400);
  CHECK(status({{"biz_dates", "2026-11-01"}}) == 400);
  CHECK(status({{"to", "2026-10-01"}}) == 400);
  CHECK(status({{"order", "random"}}) == 400);
  CHECK(status({{"parallel", 0}}) == 400);
  CHECK(status({{"parallel", "2"}}) == 400);
  CHECK(status({{"hours", "22-6"}}) == 400);
  CHECK(status({{"hours", "22:00-22:00"}}) == 400);
  CHECK(status({{"rest", "leave"}}) == 400);
  CHECK(status({{"tasks", {"frist"}}}) == 404);
  CHECK(status({{"isolated", true}, {"downstream", "all"}}) == 400);
  CHECK(status({{"target", "dw.load/weekly"}}) == 404);
  CHECK(status({{"target", "dw.load@latest"}}) == 400);
  CHECK(uut.engine.calls.empty());
}

TEST_CASE("a dry run shows the exact slots and what would become of each", "[backfills]") {
  api_fixture uut;
  const auto slot = from_us(api_fixture::slot_us);
  uut.engine.previewed.slots = {
      {"dw.load", "nightly", slot, "2026-11-22", run_id{7}, backfill_slot::act::leave},
      {"dw.load",
       "nightly",
       slot + std::chrono::days{1},
       "2026-11-23",
       {},
       backfill_slot::act::make}};
  const auto answer = uut.post("/api/v1/backfills",
                               body({{"biz_dates", "2026-11-22..2026-11-23"}, {"dry_run", true}}));
  REQUIRE(answer.status == 200);
  CHECK(uut.engine.calls == std::vector<std::string>{"preview_backfill"});
  CHECK(answer.body["counts"] == json{{"leave", 1}, {"make", 1}});
  CHECK(answer.body["items"][0].dump() ==
        R"({"workflow":"dw.load","trigger":"nightly","slot":"2026-11-23T02:00:00+08:00",)"
        R"("biz_date":"2026-11-22","run":"r7","action":"leave"})");
  CHECK(answer.body["items"][1]["run"].is_null());
}

TEST_CASE("backfills are listed, shown with their slots, and steered", "[backfills]") {
  api_fixture uut;
  add_backfill(uut, backfill_state::running);
  const auto listed = uut.get("/api/v1/backfills?workflow=dw.load").body["items"];
  REQUIRE(listed.size() == 1);
  CHECK(listed[0]["counts"] == json{{"pending", 2}, {"success", 1}});
  CHECK(uut.get("/api/v1/backfills?state=paused").body["items"].empty());
  CHECK(uut.get("/api/v1/backfills?state=asleep").status == 400);
  CHECK(uut.get("/api/v1/backfills/b12").body["created_by"] == "bob");
  CHECK(uut.get("/api/v1/backfills/b13").body["error"]["suggestion"] == "The newest one is b12");
  CHECK(uut.get("/api/v1/backfills/12").status == 400);
  const auto items = uut.get("/api/v1/backfills/b12/items?state=pending").body["items"];
  REQUIRE(items.size() == 2);
  CHECK(items[0]["position"] == 1);
  CHECK(items[0]["biz_date"] == "2026-11-23");
  const auto shown = uut.get("/api/v1/describe?ref=b12").body;
  CHECK(shown["kind"] == "backfill");
  CHECK(shown["items"].size() == 3);
  CHECK(shown["timeline"][0]["event"] == "created");
  for (const std::string verb : {"pause", "resume", "cancel"}) {
    CHECK(uut.post("/api/v1/backfills/b12/" + verb, json::object()).status == 200);
    CHECK(uut.engine.calls.back() == verb + " b12");
  }
  CHECK(uut.post("/api/v1/backfills/b13/pause", json::object()).status == 404);
}

TEST_CASE("why of a backfill tells its hours, its pause and what runs", "[backfills]") {
  api_fixture uut; // The clock shows 03:00 in Shanghai.
  SECTION("outside its hours") {
    add_backfill(uut, backfill_state::running, {22h, 2h});
    const auto why = uut.get("/api/v1/why?ref=b12").body;
    CHECK(why["blocked_by"][0]["kind"] == "hours");
    CHECK(why["expected_start"] == "2026-11-23T14:00:00.000000Z");
  }
  SECTION("within its hours, over midnight") {
    add_backfill(uut, backfill_state::running, {22h, 6h});
    CHECK(uut.get("/api/v1/why?ref=b12").body["blocked_by"].empty());
  }
  SECTION("paused") {
    add_backfill(uut, backfill_state::paused);
    CHECK(uut.get("/api/v1/why?ref=b12").body["blocked_by"][0]["kind"] == "paused");
  }
}

TEST_CASE("tasks, runs and instances are frozen, thawed and dry-run", "[switches]") {
  api_fixture uut;
  uut.add_run(10);
  const auto operate = [&](const char* verb, const char* ref) {
    return uut.post("/api/v1/operations", {{"operation", verb}, {"ref", ref}});
  };
  CHECK(operate("freeze", "dw.load.train").body ==
        json{{"task", "dw.load.train"}, {"mode", "frozen"}, {"affected", 2}});
  CHECK(uut.engine.switched.task == "train");
  CHECK(uut.engine.switched.mode == task_mode::frozen);
  CHECK(operate("dryrun", "dw.load.train").body["mode"] == "dry");
  CHECK(operate("thaw", "dw.load.train").body["mode"] == "normal");
  CHECK(operate("freeze", "r10/last").status == 200);
  CHECK(uut.engine.operation.what == run_operation::verb::freeze);
  CHECK(uut.engine.operation.targets.size() == 1);
  CHECK(operate("dryrun", "r10").status == 200);
  CHECK(uut.engine.operation.targets.empty());
  CHECK(operate("cancel", "dw.load.train").status == 400);
  CHECK(operate("freeze", "dw.load.trian").status == 404);
}

TEST_CASE("a switched task is shown with its workflow", "[switches]") {
  api_fixture uut;
  kv_batch batch;
  put_task_switch(batch,
                  {"dw.load", "train", task_mode::frozen, "bob", "broken", uut.clock.wall_now()});
  uut.commit(std::move(batch));
  const auto switched = uut.get("/api/v1/describe?ref=dw.load").body["switched_tasks"];
  REQUIRE(switched.size() == 1);
  CHECK(switched[0]["id"] == "dw.load.train");
  CHECK(switched[0]["mode"] == "frozen");
  CHECK(switched[0]["by"] == "bob");
}

TEST_CASE("the slot of a trigger is made on demand, with nothing of a run by hand", "[trigger]") {
  api_fixture uut;
  uut.add_run(1);
  const auto answer =
      uut.post("/api/v1/trigger", {{"workflow", "dw.load/nightly"}, {"slot", "2026-11-20T02:00"}});
  CHECK(answer.status == 201);
  CHECK(answer.body["id"] == "r1");
  CHECK(uut.engine.asked_slot.trigger == "nightly");
  CHECK(uut.engine.asked_slot.slot == from_us(1'795'111'200'000'000));
  CHECK(uut.post("/api/v1/trigger",
                 {{"workflow", "dw.load/nightly"}, {"slot", "2026-11-20T02:00"}, {"key", "k"}})
            .status == 400);
  CHECK(uut.post("/api/v1/trigger", {{"workflow", "dw.load/nightly"}}).status == 400);
  CHECK(uut.post("/api/v1/trigger", {{"workflow", "dw.load/weekly"}, {"slot", "2026-11-20"}})
            .status == 404);
  uut.engine.refusal = problem{errc::refused, "r3 is that slot's run"};
  CHECK(uut.post("/api/v1/trigger", {{"workflow", "dw.load/nightly"}, {"slot", "2026-11-20T02:00"}})
            .status == 409);
}
