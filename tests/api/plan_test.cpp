#include <catch2/catch.hpp>

#include "api_fixture.hpp"

#include <set>

using namespace pinion;
using namespace pinion::testing;

namespace {

/// The clock stands at 03:00 in Shanghai on November 23, an hour behind the slot of run 10.
std::string plan(const std::string& query) { return "/api/v1/plan?" + query; }

/// A run of which `first` took 90 s, from 30 s behind its slot on, and `train` two permits' worth.
void add_successful_run(api_fixture& uut) {
  auto run = uut.add_run(9, run_state::success);
  kv_batch batch;
  auto first = api_fixture::instance(run, 0, no_element, instance_state::success);
  first.attempt = 1;
  first.started_at = run.slot + std::chrono::seconds{30};
  first.ended_at = first.started_at + std::chrono::seconds{90};
  put_instance(batch, first);
  for (std::uint32_t element = 0; element < 2; ++element) {
    auto train = api_fixture::instance(run, 1, element, instance_state::success, "x");
    train.attempt = 1;
    train.started_at = first.ended_at;
    train.ended_at = train.started_at + std::chrono::minutes{1};
    put_instance(batch, train);
  }
  uut.commit(std::move(batch));
}

} // namespace

TEST_CASE("the plan of a day counts the instances of its slots by minute", "[plan]") {
  api_fixture uut;
  uut.add_slots({api_fixture::slot(0, slot_outcome::fired),
                 api_fixture::slot(1, slot_outcome::planned),
                 api_fixture::slot(2, slot_outcome::planned)});
  const auto answer = uut.get(plan("date=2026-11-24"));
  REQUIRE(answer.status == 200);
  CHECK(answer.body["date"] == "2026-11-24");
  CHECK(answer.body["timezone"] == "Asia/Shanghai");
  CHECK(answer.body["runs"] == 1);
  CHECK(answer.body["count"] == 4);
  REQUIRE(answer.body["items"].size() == 1);
  const auto& item = answer.body["items"][0];
  CHECK(item["minute"] == "2026-11-23T18:00:00.000000Z");
  CHECK(item["local"] == "02:00");
  CHECK(item["count"] == 4);
  CHECK(item["states"] == json{{"planned", 1}});
  CHECK(uut.get(plan("")).body["items"][0]["states"] == json{{"fired", 1}});
}

TEST_CASE("slots that the planner has not come to are expected, paused ones are not", "[plan]") {
  api_fixture uut;
  CHECK(uut.get(plan("date=2026-12-24")).body["items"][0]["states"] == json{{"expected", 1}});
  CHECK(uut.get(plan("date=2026-11-20")).body["items"].empty());
  auto row = store_reader{uut.engine.kv}.trigger("dw.load", "nightly").value().value();
  row.paused = true;
  kv_batch batch;
  put_trigger(batch, row);
  uut.commit(std::move(batch));
  CHECK(uut.get(plan("date=2026-12-24")).body["items"].empty());
}

TEST_CASE("slots that were left out are in the plan and count nothing", "[plan]") {
  api_fixture uut;
  uut.add_slots({api_fixture::slot(-1, slot_outcome::missed)});
  const auto day = uut.get(plan("date=2026-11-22")).body;
  CHECK(day["count"] == 0);
  CHECK(day["items"][0]["states"] == json{{"missed", 1}});
  CHECK(uut.get("/api/v1/plan/instances?date=2026-11-22").body["items"].empty());
}

TEST_CASE("the load to expect is that of the last successful runs", "[plan]") {
  api_fixture uut;
  add_successful_run(uut);
  uut.add_slots({api_fixture::slot(1, slot_outcome::planned)});
  const auto day = uut.get(plan("date=2026-11-24")).body;
  // Half of the first minute; the second minute whole, but only minutes in which a run begins show.
  CHECK(day["items"][0]["load"]["slots"] == 0.5);
  CHECK(day["peak"]["slots"] == 2.0);
  CHECK(day["peak"]["local"] == "02:02");
}

TEST_CASE("the instances of a plan are paged, and narrowed to a minute", "[plan]") {
  api_fixture uut;
  auto other = api_fixture::definition();
  other.name = "other";
  uut.apply(other);
  const std::string all = "/api/v1/plan/instances?date=2026-11-24";
  std::set<std::string> seen;
  std::string cursor;
  int pages = 0;
  do {
    const auto page =
        uut.get(all + "&limit=3" + (cursor.empty() ? "" : "&cursor=" + percent_encode(cursor)));
    REQUIRE(page.status == 200);
    for (const auto& one : page.body["items"])
      CHECK(seen.insert(one["id"].get<std::string>()).second);
    cursor = page.body["next"].is_null() ? "" : page.body["next"].get<std::string>();
    REQUIRE(++pages < 10);
  } while (!cursor.empty());
  CHECK(pages == 3);
  CHECK(seen.size() == 8);
  CHECK(seen.contains("dw.load/nightly@2026-11-24T02:00:00+08:00/first"));
  CHECK(uut.get(all + "&minute=02:00").body["items"].size() == 8);
  CHECK(uut.get(all + "&minute=02:01").body["items"].empty());
  CHECK(uut.get(all + "&minute=25:00").status == 400);
  CHECK(uut.get(all + "&cursor=rubbish").status == 400);
  CHECK(uut.get(plan("date=2026-11-24&workflow=dw.other")).body["count"] == 4);
  CHECK(uut.get(plan("date=tomorrow")).status == 400);
  CHECK(uut.get(plan("timezone=Mars%2FBase")).status == 400);
}

TEST_CASE("slots are listed by trigger, outcome and time", "[slots]") {
  api_fixture uut;
  auto late = api_fixture::slot(0, slot_outcome::late);
  late.lateness = std::chrono::minutes{5};
  auto missed = api_fixture::slot(-1, slot_outcome::missed);
  missed.why = reason::misfire_policy;
  uut.add_slots({missed, late, api_fixture::slot(1, slot_outcome::planned)});
  const auto listed = [&](const std::string& query) {
    return uut.get("/api/v1/slots?" + query).body["items"];
  };
  CHECK(listed("ref=dw.load").size() == 2);
  CHECK(listed("ref=dw.load%2Fnightly&state=late")[0]["lateness_s"] == 300.0);
  CHECK(listed("state=missed")[0]["reason"] == "misfire_policy");
  CHECK(listed("state=missed")[0]["biz_date"] == "2026-11-21");
  CHECK(listed("state=planned").size() == 1);
  CHECK(listed("ref=dw.load&from=2026-11-23").size() == 1);
  CHECK(listed("ref=dw.load&to=2026-11-22T02:00").size() == 1);
  CHECK(listed("reason=misfire_policy").size() == 1);
  CHECK(uut.get("/api/v1/slots?state=gone").status == 400);
  CHECK(uut.get("/api/v1/slots?ref=dw.laod").status == 404);
}

TEST_CASE("a description has the newest changes of its thing, and says if there are older ones",
          "[describe]") {
  api_fixture uut;
  uut.add_run(1);
  std::uint64_t next = 1;
  const auto record = [&](const std::string& object, int times) {
    kv_batch batch;
    for (int i = 0; i < times; ++i) {
      audit_record change;
      change.object = object;
      change.verb = "note";
      change.at = from_us(1'800'000'000'000'000);
      put_audit(batch, change);
    }
    number_audit(batch, next);
    uut.engine.kv.commit(std::move(batch), [](const auto&) {});
  };
  const auto changes = [&] {
    const auto shown = uut.get("/api/v1/describe?ref=r1").body;
    int notes = 0;
    for (const auto& event : shown["timeline"])
      notes += event["event"] == "note" ? 1 : 0;
    return std::pair{notes, shown["more_changes"].get<bool>()};
  };
  record("r1", 2);
  record("r10", 60); // Of others, whose name begins the same.
  CHECK(changes() == std::pair{2, false});
  record("r1", 60);
  CHECK(changes() == std::pair{50, true});
}

TEST_CASE("a slot without a run is described, and says how to make it", "[slots]") {
  api_fixture uut;
  auto missed = api_fixture::slot(-1, slot_outcome::missed);
  missed.why = reason::misfire_policy;
  bound_edge need;
  need.workflow = "dw.orders";
  need.trigger = "hourly";
  need.slots = {missed.slot};
  missed.edges = {need};
  uut.add_slots({missed});
  const std::string ref = percent_encode("dw.load/nightly@2026-11-22T02:00");
  const auto why = uut.get("/api/v1/why?ref=" + ref);
  REQUIRE(why.status == 200);
  CHECK(why.body["state"] == "missed");
  CHECK(why.body["blocked_by"][0]["kind"] == "missed");
  CHECK(why.body["message"].get<std::string>().find(
            "pinionctl trigger dw.load/nightly --slot 2026-11-22T02:00:00+08:00") !=
        std::string::npos);
  const auto shown = uut.get("/api/v1/describe?ref=" + ref).body;
  CHECK(shown["kind"] == "slot");
  CHECK(shown["needs"][0]["workflow"] == "dw.orders");
  CHECK(shown["needs"][0]["task"] == "first");
  CHECK(shown["needs"][0]["settled"].is_null());
  const auto about = [&](const std::string& slot) {
    return uut.get("/api/v1/why?ref=" + percent_encode("dw.load@" + slot));
  };
  CHECK(about("2026-11-21T02:00").body["state"] == "undecided");
  CHECK(about("2036-11-21T02:00").body["blocked_by"][0]["until"] == "2036-11-20T18:00:00.000000Z");
  CHECK(about("2026-11-21T03:00").status == 404);
}

TEST_CASE("a run shows its needs with the slots they are bound to, and how they were settled",
          "[needs]") {
  api_fixture uut;
  const auto run = uut.add_run(10);
  auto slot = api_fixture::slot(0, slot_outcome::fired);
  slot.run = run.id;
  bound_edge need;
  need.task = 3;
  need.workflow = "dw.orders";
  need.trigger = "hourly";
  need.upstream_task = "load";
  need.slots = {run.slot - std::chrono::hours{1}, run.slot};
  slot.edges = {need};
  uut.add_slots({slot});
  edge_record settled;
  settled.run = run.id;
  settled.task = 3;
  settled.at = run.slot;
  kv_batch batch;
  put_edge(batch, settled);
  uut.commit(std::move(batch));
  const auto needs = uut.get("/api/v1/describe?ref=r10").body["needs"];
  REQUIRE(needs.size() == 1);
  CHECK(needs[0]["task"] == "last");
  CHECK(needs[0]["kind"] == "need");
  CHECK(needs[0]["slots"] ==
        json::array({"2026-11-23T01:00:00+08:00", "2026-11-23T02:00:00+08:00"}));
  CHECK(needs[0]["settled"] == "success");
}
