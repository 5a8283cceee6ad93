#include <catch2/catch.hpp>

#include "pinion/api/router.hpp"

#include <rapidcheck.h>
#include <stdexcept>

using namespace pinion;

namespace {

http_reply ask(const router& table, const std::string& method, const std::string& target) {
  http_request request;
  request.method = method;
  if (const auto parsed = parse_target(target, request); !parsed)
    return error_reply(400, parsed.error());
  http_reply got;
  table.dispatch(std::move(request), [&](http_reply reply) { got = std::move(reply); });
  return got;
}

router example() {
  const auto echo = [](const http_request& request, const reply_function& reply) {
    http_reply answer;
    for (const auto& [name, value] : request.params)
      answer.body += name + '=' + value + ';';
    for (const auto& [name, value] : request.query)
      answer.body += name + '=' + value + ';';
    reply(answer);
  };
  const auto broken = [](const http_request&, const reply_function&) {
    throw std::runtime_error{"out of order"};
  };
  return router{{{"GET", "/a/{name}", "", echo},
                 {"GET", "/a", "", echo},
                 {"POST", "/a", "", echo},
                 {"GET", "/broken", "", broken}}};
}

} // namespace

TEST_CASE("a route gets what its pattern matched, decoded", "[router]") {
  CHECK(ask(example(), "GET", "/a/r%31?x=1%202&y=a+b").body == "name=r1;x=1 2;y=a b;");
}

TEST_CASE("an unknown path is not found, another method is not allowed", "[router]") {
  CHECK(ask(example(), "GET", "/b").status == 404);
  CHECK(ask(example(), "GET", "/a/b/c").status == 404);
  const auto refused = ask(example(), "DELETE", "/a");
  CHECK(refused.status == 405);
  CHECK(refused.headers.at("Allow") == "GET, POST");
}

TEST_CASE("a handler that throws answers 500", "[router]") {
  const auto failed = ask(example(), "GET", "/broken");
  CHECK(failed.status == 500);
  CHECK(failed.body.find("out of order") != std::string::npos);
}

TEST_CASE("what was read and is known already is not sent again", "[router]") {
  const router uut{{{"GET", "/a", "", [](const http_request&, const reply_function& reply) {
                       http_reply answer;
                       answer.body = "{}";
                       reply(answer);
                     }}}};
  const auto get = [&](const std::string& known) {
    http_request request;
    request.method = "GET";
    request.path = "/a";
    request.headers["if-none-match"] = known;
    http_reply got;
    uut.dispatch(std::move(request), [&](http_reply reply) { got = std::move(reply); });
    return got;
  };
  const auto first = get("");
  const auto tag = first.headers.at("ETag");
  CHECK(first.status == 200);
  for (const auto& known : {tag, "W/" + tag, "\"x\", " + tag, std::string{"*"}}) {
    INFO(known);
    const auto again = get(known);
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(again.headers.at("ETag") == tag);
  }
  CHECK(get("\"x\"").status == 200);
}

TEST_CASE("targets that are no plain absolute path are refused", "[router]") {
  for (const auto* bad :
       {"a", "", "*", "http://x/a", "/a/../b", "/a/%2e%2e/b", "/a/..%2fb", "//a", "/a/", "/a%00",
        "/a%0d%0ab", "/a%zz", "/a%4", "/a%ff", "/a#b", "/a?x=1&x=2"}) {
    CAPTURE(bad);
    CHECK(ask(example(), "GET", bad).status == 400);
  }
}

TEST_CASE("what was percent-encoded is decoded to itself", "[router]") {
  CHECK(rc::check("round trip", [] {
    const auto printable = rc::gen::inRange<char>(0x20, 0x7F);
    const auto text = *rc::gen::container<std::string>(printable);
    http_request request;
    const auto parsed = parse_target("/a?q=" + percent_encode(text), request);
    RC_ASSERT(static_cast<bool>(parsed));
    RC_ASSERT(request.query.at("q") == text);
  }));
}
