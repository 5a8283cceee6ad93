#include <catch2/catch.hpp>

#include "api_fixture.hpp"

using namespace pinion;
using namespace pinion::testing;

namespace {

using headers = std::map<std::string, std::string>;

json set_of(const std::string& workflow) {
  return {{"files",
           {{{"path", "/dw/x.yaml"},
             {"text", "workflow: " + workflow + "\ntasks: {a: {type: empty}}\n"}}}}};
}

struct condition_fixture : api_fixture {
  answer apply_if(const std::string& workflow, headers asked) {
    return send("POST", "/api/v1/apply", to_text(set_of(workflow)), std::move(asked));
  }
  answer restore_if(headers asked) {
    return send("POST", "/api/v1/restore", R"({"version": "dw.load:v1"})", std::move(asked));
  }
};

} // namespace

TEST_CASE_METHOD(condition_fixture, "the present version's tag is its name", "[conditions]") {
  CHECK(get("/api/v1/versions/dw.load").headers.at("ETag") == "\"dw.load:v1\"");
  CHECK(send("GET", "/api/v1/versions/dw.load", {}, {{"if-none-match", "\"dw.load:v1\""}}).status ==
        304);
}

TEST_CASE_METHOD(condition_fixture, "definitions are taken if their condition holds",
                 "[conditions]") {
  for (const std::string tags : {"\"dw.load:v1\"", "\"v1\"", "*", "\"dw.x:v3\", \"dw.load:v1\""}) {
    CAPTURE(tags);
    CHECK(apply_if("load", {{"if-match", tags}}).status == 200);
    CHECK(restore_if({{"if-match", tags}}).status == 200);
  }
  CHECK(apply_if("fresh", {{"if-none-match", "*"}}).status == 200);
}

TEST_CASE_METHOD(condition_fixture, "a stale condition names the present version", "[conditions]") {
  for (const std::string tags : {"\"dw.load:v2\"", "\"v2\"", "\"dw.other:v1\""}) {
    CAPTURE(tags);
    for (const auto& refused :
         {apply_if("load", {{"if-match", tags}}), restore_if({{"if-match", tags}})}) {
      CHECK(refused.status == 412);
      CHECK(refused.body["error"]["code"] == "stale");
      CHECK(refused.body["error"]["message"].get<std::string>().find("dw.load stands at v1") !=
            std::string::npos);
      CHECK(refused.headers.at("ETag") == "\"dw.load:v1\"");
    }
  }
  const auto absent = apply_if("fresh", {{"if-match", "*"}});
  CHECK(absent.status == 412);
  CHECK_FALSE(absent.headers.contains("ETag"));
  CHECK(apply_if("load", {{"if-none-match", "*"}}).status == 412);
}

TEST_CASE_METHOD(condition_fixture, "conditions that say nothing about versions are refused",
                 "[conditions]") {
  for (const auto& asked :
       {headers{{"if-match", ""}}, headers{{"if-match", "\"0123456789abcdef\""}},
        headers{{"if-none-match", "\"dw.load:v1\""}},
        headers{{"if-match", "*"}, {"if-none-match", "*"}}})
    CHECK(apply_if("load", asked).status == 400);
  CHECK(send("POST", "/api/v1/hold", "{}", {{"if-match", "*"}}).status == 400);
  CHECK(engine.calls.empty());
}
