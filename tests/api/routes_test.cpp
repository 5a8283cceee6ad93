#include <catch2/catch.hpp>

#include "api_fixture.hpp"

#include <set>

using namespace pinion;
using namespace pinion::testing;

TEST_CASE("a run's object has the keys of the reference, in order", "[objects]") {
  api_fixture uut;
  uut.add_run(10);
  const auto answer = uut.get("/api/v1/runs/r10");
  CHECK(answer.status == 200);
  CHECK(
      answer.body.dump() ==
      R"({"id":"r10","key":"dw.load/nightly@2026-11-23T02:00:00+08:00","workflow":"dw.load",)"
      R"("version":1,"trigger":"nightly","lane":"main","slot":"2026-11-23T02:00:00+08:00",)"
      R"("biz_date":"2026-11-22","data_interval":{"start":"2026-11-21T18:00:00.000000Z",)"
      R"("end":"2026-11-22T18:00:00.000000Z"},"state":"running","reason":"none","outcome":null,"message":"",)"
      R"("created_at":"2026-11-22T18:00:00.000000Z","fired_at":"2026-11-22T18:00:00.000000Z",)"
      R"("started_at":"2026-11-22T18:00:00.000000Z","ended_at":null,"duration_s":null,"params":{},)"
      R"("requested_by":null,"dry":false,"backfill":null,"isolated":false,"note":"","counts":{"waiting":2,"pre_ready":1,"running":1,"success":1}})");
}

TEST_CASE("an instance's object has the keys of the reference, in order", "[objects]") {
  api_fixture uut;
  uut.add_run(10);
  const auto answer = uut.get("/api/v1/instances?run=r10&task=first");
  REQUIRE(answer.body["items"].size() == 1);
  CHECK(
      answer.body["items"][0].dump() ==
      R"({"id":"r10/first","run":"r10","workflow":"dw.load","task":"first","index":null,)"
      R"("state":"success","reason":"none","message":"","attempt":0,"worker":null,"pool":null,)"
      R"("priority":5,"slot":"2026-11-23T02:00:00+08:00","ready_at":null,)"
      R"("started_at":"2026-11-22T18:00:01.000000Z","ended_at":"2026-11-22T18:00:03.000000Z",)"
      R"("duration_s":2.0,"retry_at":null,"looks":0,"warned":false,"mode":"normal","called":null,"outputs":{},"upstream":[]})");
}

TEST_CASE("instances without a row are listed in their initial state", "[instances]") {
  api_fixture uut;
  uut.add_run(10);
  const auto answer = uut.get("/api/v1/instances?run=r10");
  std::string seen;
  for (const auto& one : answer.body["items"])
    seen += one["id"].get<std::string>() + '=' + one["state"].get<std::string>() + ' ';
  CHECK(seen == "r10/first=success r10/train:DEU=running r10/train:AUT=pre_ready "
                "r10/side=waiting r10/last=waiting ");
  CHECK(answer.body["next"].is_null());
}

TEST_CASE("pages of any size give the whole list of instances once", "[instances]") {
  api_fixture uut;
  for (std::uint64_t number = 1; number <= 4; ++number)
    uut.add_run(number);
  const auto all = uut.get("/api/v1/instances?limit=1000").body["items"];
  REQUIRE(all.size() == 20);
  for (int limit = 1; limit <= 21; ++limit) {
    CAPTURE(limit);
    json seen = json::array();
    std::string cursor;
    for (int pages = 0; pages < 30; ++pages) {
      const auto page = uut.get("/api/v1/instances?limit=" + std::to_string(limit) +
                                (cursor.empty() ? "" : "&cursor=" + percent_encode(cursor)));
      REQUIRE(page.status == 200);
      CHECK(page.body["items"].size() <= static_cast<std::size_t>(limit));
      for (const auto& one : page.body["items"])
        seen.push_back(one);
      if (page.body["next"].is_null())
        break;
      cursor = page.body["next"].get<std::string>();
    }
    CHECK(seen == all);
  }
}

TEST_CASE("a state selects instances with and without a row", "[instances]") {
  api_fixture uut;
  uut.add_run(10);
  CHECK(uut.get("/api/v1/instances?state=waiting").body["items"].size() == 2);
  CHECK(uut.get("/api/v1/instances?state=running").body["items"].size() == 1);
  CHECK(uut.get("/api/v1/instances?state=failed").body["items"].empty());
  CHECK(uut.get("/api/v1/instances?state=well").status == 400);
}

TEST_CASE("runs are paged and filtered", "[runs]") {
  api_fixture uut;
  for (std::uint64_t number = 1; number <= 5; ++number)
    uut.add_run(number, number == 2 ? run_state::failed : run_state::running);
  const auto page = uut.get("/api/v1/runs?limit=2");
  CHECK(page.body["items"][0]["id"] == "r5");
  CHECK(page.body["items"].size() == 2);
  const auto rest = uut.get("/api/v1/runs?limit=3&cursor=" +
                            percent_encode(page.body["next"].get<std::string>()));
  CHECK(rest.body["items"][0]["id"] == "r3");
  CHECK(rest.body["items"].size() == 3);
  CHECK(uut.get("/api/v1/runs?state=failed").body["items"][0]["id"] == "r2");
  CHECK(uut.get("/api/v1/runs?owner=nobody").body["items"].empty());
  CHECK(uut.get("/api/v1/runs?labels=tier%3Dgold").body["items"].size() == 5);
  CHECK(uut.get("/api/v1/runs?workflow=dw.load&from=2026-11-18").body["items"].size() == 1);
  CHECK(uut.get("/api/v1/runs?limit=0").status == 400);
  CHECK(uut.get("/api/v1/runs?cursor=rubbish").status == 400);
  CHECK(uut.get("/api/v1/runs?sate=failed").body["error"]["suggestion"] == "Did you mean 'state'?");
}

TEST_CASE("references find runs by slot, newest and business date", "[lookup]") {
  api_fixture uut;
  uut.add_run(9);
  uut.add_run(10);
  const auto id = [&](const std::string& ref) {
    return uut.get("/api/v1/describe?ref=" + percent_encode(ref)).body.value("id", "");
  };
  CHECK(id("r9") == "r9");
  CHECK(id("dw.load/nightly@2026-11-22T02:00") == "r9");
  CHECK(id("dw.load@2026-11-22T02:00") == "r9");
  CHECK(id("dw.load@latest") == "r10");
  CHECK(id("dw.load@biz:2026-11-21") == "r9");
  CHECK(id("dw.load@latest/train:AUT") == "r10/train:AUT");
}

TEST_CASE("what is not found is named, with what is near", "[lookup]") {
  api_fixture uut;
  uut.add_run(10);
  const auto error = [&](const std::string& ref) {
    const auto answer = uut.get("/api/v1/describe?ref=" + percent_encode(ref));
    CHECK(answer.status == 404);
    return answer.body["error"]["suggestion"].get<std::string>();
  };
  CHECK(error("dw.laod") == "Did you mean 'dw.load'?");
  CHECK(error("r10/frist") == "Did you mean 'first'?");
  CHECK(error("r10/train:DEV") == "Did you mean 'DEU'?");
  CHECK(error("r11") == "The newest run is r10");
}

TEST_CASE("a workflow is shown with its triggers and next slot", "[workflows]") {
  api_fixture uut;
  const auto shown = uut.get("/api/v1/workflows/dw.load").body;
  CHECK(shown["id"] == "dw.load");
  CHECK(shown["next_slot"] == "2026-11-24T02:00:00+08:00");
  CHECK(shown["triggers"][0]["id"] == "dw.load/nightly");
  CHECK(uut.get("/api/v1/preview?workflow=dw.load&count=2").body["items"][1]["utc"] ==
        "2026-11-24T18:00:00.000000Z");
}

TEST_CASE("an operation goes to the engine with its caller and targets", "[operations]") {
  api_fixture uut;
  uut.add_run(10);
  const auto answer = uut.post(
      "/api/v1/operations", {{"operation", "rerun"}, {"ref", "r10/train"}, {"reason", "new data"}});
  CHECK(answer.status == 200);
  CHECK(uut.engine.calls == std::vector<std::string>{"operate r10"});
  CHECK(uut.engine.operation.targets.size() == 2);
  CHECK(uut.engine.operation.scope == rerun_scope::downstream);
  CHECK(uut.engine.last_caller.who == "alice");
  CHECK(uut.engine.last_caller.reason == "new data");
  uut.engine.refusal = problem{errc::refused, "It has ended"};
  const auto refused = uut.post("/api/v1/operations", {{"operation", "cancel"}, {"ref", "r10"}});
  CHECK(refused.status == 409);
  CHECK(refused.body["error"]["code"] == "refused");
}

TEST_CASE("a dry run of a rerun names what would change and asks nobody", "[operations]") {
  api_fixture uut;
  const auto run = uut.add_run(10);
  kv_batch batch;
  put_instance(batch, api_fixture::instance(run, 1, 0, instance_state::success, "DEU"));
  put_instance(batch, api_fixture::instance(run, 1, 1, instance_state::success, "AUT"));
  uut.commit(std::move(batch));
  const auto answer = uut.post(
      "/api/v1/operations",
      {{"operation", "rerun"}, {"ref", "r10/first"}, {"scope", "only"}, {"dry_run", true}});
  REQUIRE(answer.status == 200);
  CHECK(answer.body["items"][0]["id"] == "r10/first");
  CHECK(uut.engine.calls.empty());
}

TEST_CASE("bad bodies are refused before the engine is asked", "[operations]") {
  api_fixture uut;
  uut.add_run(10);
  CHECK(uut.send("POST", "/api/v1/operations", "{").status == 400);
  CHECK(uut.send("POST", "/api/v1/operations", "[1]").status == 400);
  CHECK(uut.post("/api/v1/operations", {{"operation", 7}, {"ref", "r10"}}).status == 400);
  CHECK(uut.post("/api/v1/operations", {{"operation", "explode"}, {"ref", "r10"}}).status == 400);
  CHECK(uut.post("/api/v1/operations", {{"operation", "cancel"}, {"ref", "r10#1"}}).status == 400);
  CHECK(uut.post("/api/v1/trigger", {{"workflow", "dw.load"}, {"prams", {}}})
            .body["error"]["suggestion"] == "Did you mean 'params'?");
  CHECK(uut.engine.calls.empty());
}

TEST_CASE("a trigger answers with the run", "[trigger]") {
  api_fixture uut;
  uut.add_run(1);
  const auto answer = uut.post("/api/v1/trigger", {{"workflow", "dw.load"},
                                                   {"params", {{"n", "3"}}},
                                                   {"key", "k"},
                                                   {"biz_date", "2026-11-19"}});
  CHECK(answer.status == 201);
  CHECK(answer.body["id"] == "r1");
  CHECK(uut.engine.triggered.params == R"({"n":"3"})");
  CHECK(uut.engine.triggered.biz_date == from_us(1'795'017'600'000'000));
}

TEST_CASE("pause and resume check their target", "[pause]") {
  api_fixture uut;
  CHECK(uut.post("/api/v1/pause", {{"target", "dw.load/nightly"}}).status == 200);
  CHECK(uut.engine.target.trigger == "nightly");
  CHECK(uut.post("/api/v1/resume", {{"target", "all"}, {"catch_up", "last"}}).status == 200);
  CHECK(uut.engine.owed == catch_up::last);
  CHECK(uut.post("/api/v1/pause", {{"target", "dw.load/weekly"}}).status == 404);
  CHECK(uut.post("/api/v1/resume", {{"target", "all"}, {"catch_up", "some"}}).status == 400);
}

TEST_CASE("a set of files is applied as a whole or refused with its errors", "[apply]") {
  api_fixture uut;
  const auto file = [](const char* text) {
    return json{{"files", json::array({{{"path", "/x/p/w.yaml"}, {"text", text}}})},
                {"reason", "why"}};
  };
  const auto good = uut.post("/api/v1/apply", file("workflow: w\ntasks: {a: {type: empty}}\n"));
  CHECK(good.status == 200);
  CHECK(good.body["items"][0]["workflow"] == "p.w");
  CHECK(uut.engine.applied.workflows.at(0).source_file.empty());
  const auto bad = uut.post("/api/v1/apply", file("workflow: w\ntasks: {a: {tpye: empty}}\n"));
  CHECK(bad.status == 400);
  CHECK(bad.body["error"]["details"][0]["line"] == 2);
  CHECK(uut.engine.calls.size() == 1);
}

TEST_CASE("an apply tells which fire times change", "[apply]") {
  api_fixture uut;
  const auto apply = [&](const char* cron) {
    const auto text = std::string{"workflow: load\ntimezone: Asia/Shanghai\n"
                                  "triggers: [{id: nightly, cron: '"} +
                      cron + "'}]\ntasks: {a: {type: empty}}\n";
    const auto answer = uut.post(
        "/api/v1/apply",
        {{"files", json::array({{{"path", "/x/dw/w.yaml"}, {"text", text}}})}, {"dry_run", true}});
    REQUIRE(answer.status == 200);
    return answer.body["items"][0]["fire_times"];
  };
  CHECK(apply("0 2 * * *").empty());
  const auto changes = apply("0 3 * * *");
  REQUIRE(changes.size() == 1);
  CHECK(changes[0]["trigger"] == "dw.load/nightly");
  CHECK(changes[0]["before"][0] == "2026-11-24T02:00:00+08:00");
  CHECK(changes[0]["after"][0] == "2026-11-24T03:00:00+08:00");
}

TEST_CASE("health is 503 until the engine is ready", "[now]") {
  api_fixture uut;
  CHECK(uut.get("/api/v1/health").status == 503);
  uut.engine.state.ready = true;
  CHECK(uut.get("/api/v1/health").status == 200);
  CHECK(uut.get("/api/v1/version").body["api"] == "v1");
  CHECK(uut.get("/api/v1/pools").body["items"][1]["id"] == "dw.models");
}

TEST_CASE("a graph has levels, states and the counts of a fan-out", "[graph]") {
  api_fixture uut;
  uut.add_run(10);
  const auto nodes = uut.get("/api/v1/graph?ref=r10").body["nodes"];
  REQUIRE(nodes.size() == 4);
  CHECK(nodes[1]["level"] == 1);
  CHECK(nodes[1]["state"] == "running");
  CHECK(nodes[1]["counts"] == json{{"pre_ready", 1}, {"running", 1}});
  CHECK(nodes[3]["level"] == 2);
  CHECK(uut.get("/api/v1/graph?ref=r10/last&upstream=1").body["nodes"].size() == 3);
}

TEST_CASE("instances in a rare state are found through the runs that have some", "[instances]") {
  api_fixture uut;
  for (std::uint64_t number = 1; number <= 6; ++number) {
    auto run = uut.add_run(number);
    if (number % 2 != 0)
      continue;
    const auto before = run;
    run.counts[static_cast<std::size_t>(instance_state::failed)] = 1;
    kv_batch batch;
    put_run(batch, run, &before);
    put_instance(batch, api_fixture::instance(run, 2, no_element, instance_state::failed));
    uut.commit(std::move(batch));
  }
  const auto pages_of = [&](const std::string& query) {
    std::vector<std::string> found;
    std::string cursor;
    for (int i = 0; i < 20; ++i) {
      const auto page = uut.get("/api/v1/instances?state=failed&limit=1" + query +
                                (cursor.empty() ? "" : "&cursor=" + cursor))
                            .body;
      for (const auto& item : page["items"])
        found.push_back(item["id"]);
      if (page["next"].is_null())
        break;
      cursor = percent_encode(page["next"].get<std::string>());
    }
    return found;
  };
  const std::vector<std::string> all{"r6/side", "r4/side", "r2/side"};
  CHECK(pages_of("") == all);
  CHECK(pages_of("&workflow=dw.load&task=side") == all);
  CHECK(pages_of("&project=dw") == all);
  CHECK(pages_of("&project=d").empty());
  CHECK(pages_of("&run=r4") == std::vector<std::string>{"r4/side"});
  for (const auto* wrong : {"x", "0.0.x", "0.0.~", "0.0.~0", "0.0.~4x"})
    CHECK(uut.get("/api/v1/instances?state=failed&cursor=" + std::string{wrong}).status == 400);
}

TEST_CASE("a graph that is too large shows what needs attention, then its top", "[graph]") {
  api_fixture uut;
  uut.add_run(10);
  const auto names = [&](const std::string& query) {
    std::vector<std::string> found;
    const auto graph = uut.get("/api/v1/graph?ref=" + query).body;
    for (const auto& node : graph["nodes"])
      found.push_back(node["task"]);
    return found;
  };
  CHECK(names("r10&limit=1") == std::vector<std::string>{"train"});
  CHECK(names("r10&limit=2") == std::vector<std::string>{"train", "side"});
  CHECK(names("dw.load&limit=2") == std::vector<std::string>{"first", "train"});
  CHECK(uut.get("/api/v1/graph?ref=r10&limit=1").body["more"] == 3);
  CHECK(uut.get("/api/v1/graph?ref=r10").body["more"] == 0);
  CHECK(uut.get("/api/v1/graph?ref=r10&limit=0").status == 400);
}

TEST_CASE("every route has a summary and a pattern of its own", "[routes]") {
  api_fixture uut;
  std::set<std::string> seen;
  for (const auto& one : uut.api.routes()) {
    CAPTURE(one.pattern);
    CHECK_FALSE(one.summary.empty());
    CHECK(one.pattern.starts_with("/api/v1/"));
    CHECK(seen.insert(one.method + one.pattern).second);
  }
}

TEST_CASE("why of a workflow tells who paused it, of a trigger when its next slot is", "[why]") {
  api_fixture uut;
  const auto due = uut.get("/api/v1/why?ref=dw.load%2Fnightly");
  REQUIRE(due.status == 200);
  CHECK(due.body["state"] == "active");
  CHECK(due.body["blocked_by"][0]["kind"] == "time");
  CHECK_FALSE(due.body["expected_start"].is_null());

  auto record = store_reader{uut.engine.kv}.workflow("dw.load").value().value();
  record.paused = true;
  record.paused_by = "alice";
  record.paused_reason = "wrong data";
  kv_batch batch;
  put_workflow(batch, record);
  uut.commit(std::move(batch));
  const auto paused = uut.get("/api/v1/why?ref=dw.load");
  CHECK(paused.body["state"] == "paused");
  CHECK(paused.body["blocked_by"][0]["kind"] == "paused");
  CHECK(paused.body["blocked_by"][0]["message"].get<std::string>().find(
            "paused by alice (wrong data)") == 0);
  CHECK(paused.body["expected_start"].is_null());
  CHECK(uut.get("/api/v1/why?ref=dw.load%2Fnone").status == 404);
}

TEST_CASE("changes take no query: a name in it is refused, not lost", "[routes]") {
  api_fixture uut;
  for (const auto& one : uut.api.routes()) {
    if (one.method != "POST" || one.pattern.find('{') != std::string::npos)
      continue;
    CAPTURE(one.pattern);
    const auto answer = uut.post(one.pattern + "?dry_run=true", json::object());
    CHECK(answer.status == 400);
    CHECK(answer.body["error"]["message"].get<std::string>().find("dry_run") != std::string::npos);
  }
  CHECK(uut.engine.calls.empty());
}
