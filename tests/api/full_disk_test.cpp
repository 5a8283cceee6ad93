#include "pinion/api/full_disk.hpp"

#include <catch2/catch.hpp>

#include "api_fixture.hpp"

using namespace pinion;
using namespace pinion::testing;

namespace {

struct full_disk_fixture : api_fixture {
  std::string why;
  full_disk_fixture() {
    api = refusing_when_full(make_api({&engine, &clock, nullptr, nullptr, {}, ""}),
                             [this] { return why; });
    add_run(10);
    engine.state.ready = true;
  }
};

} // namespace

TEST_CASE_METHOD(full_disk_fixture, "a full disk refuses new work and nothing else",
                 "[full_disk]") {
  CHECK(get("/api/v1/health").status == 200);
  CHECK(get("/api/v1/health").body["disk_full"] == false);
  why = "1.0 MiB are free";
  const json rerun{{"operation", "rerun"}, {"ref", "r10/first"}, {"scope", "only"}};
  for (const auto& [path, body] : {
           std::pair{"/api/v1/trigger", json{{"workflow", "dw.load"}}},
           std::pair{"/api/v1/apply", json{{"files", json::array()}}},
           std::pair{"/api/v1/backfills", json{{"workflow", "dw.load"}}},
           std::pair{"/api/v1/operations", rerun},
       }) {
    CAPTURE(path);
    const auto refused = post(path, body);
    CHECK(refused.status == 507);
    CHECK(refused.body["error"]["code"] == "disk_full");
    CHECK(refused.body["error"]["message"] == "1.0 MiB are free");
  }
  CHECK(engine.calls.empty());
  CHECK(get("/api/v1/runs/r10").status == 200);
  CHECK(post("/api/v1/operations", {{"operation", "cancel"}, {"ref", "r10"}}).status == 200);
  CHECK(post("/api/v1/pause", {{"target", "dw.load"}}).status == 200);
  why.clear();
  engine.calls.clear();
  CHECK(post("/api/v1/operations", rerun).status == 200);
  CHECK(engine.calls == std::vector<std::string>{"operate r10"});
}

TEST_CASE_METHOD(full_disk_fixture, "health and why name a full disk", "[full_disk]") {
  why = "1.0 MiB are free";
  const auto health = get("/api/v1/health");
  CHECK(health.status == 507);
  CHECK(health.body["ready"] == true);
  CHECK(health.body["disk_full"] == true);
  CHECK(health.body["problems"] == json::array({"1.0 MiB are free"}));
  engine.reasons.state = "ready";
  CHECK(get("/api/v1/why?ref=r10/first").body["blocked_by"][0]["kind"] == "disk");
  engine.reasons.state = "running";
  CHECK(get("/api/v1/why?ref=r10/first").body["blocked_by"].empty());
}

TEST_CASE("health on a full disk has the keys that the document calls required", "[full_disk]") {
  const auto keys_of = [](const router& uut, const char* path) {
    http_request request;
    request.method = "GET";
    request.path = path;
    json body;
    uut.dispatch(std::move(request), [&](http_reply reply) { body = json::parse(reply.body); });
    return body;
  };
  const auto document = keys_of(make_api({}), "/api/v1/openapi.json");
  const auto health = keys_of(full_disk_only(make_api({}), "no room"), "/api/v1/health");
  for (const auto& key : document.at("components").at("schemas").at("health").at("required")) {
    CAPTURE(key);
    CHECK(health.contains(key.get<std::string>()));
  }
}

TEST_CASE("without room for the store only health answers, and says why", "[full_disk]") {
  const auto uut = full_disk_only(make_api({}), "no room");
  REQUIRE_FALSE(uut.routes().empty());
  for (const auto& route : uut.routes()) {
    if (route.pattern.find('{') != std::string::npos)
      continue;
    CAPTURE(route.pattern);
    http_request request;
    request.method = route.method;
    request.path = route.pattern;
    http_reply got;
    uut.dispatch(std::move(request), [&](http_reply reply) { got = std::move(reply); });
    CHECK(got.status == 507);
    CHECK(got.body.find("no room") != std::string::npos);
    CHECK((got.body.find("\"ready\":false") != std::string::npos) ==
          (route.pattern == "/api/v1/health"));
  }
}
