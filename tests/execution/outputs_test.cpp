#include "execution/outputs.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

namespace pinion::test {

using nlohmann::json;

TEST_CASE("outputs are key=value lines and JSON objects", "[outputs]") {
  const auto of = [](std::string_view text) { return json::parse(parse_outputs(text).value()); };
  CHECK(of("") == json::object());
  CHECK(of("a=b\n") == json{{"a", "b"}});
  CHECK(of("a=1\nb=true\nc=[1, \"x\"]\nd=null\ne=\"q\"") ==
        json{{"a", 1}, {"b", true}, {"c", {1, "x"}}, {"d", nullptr}, {"e", "q"}});
  CHECK(of("a=x=y\n\nb=\r\n") == json{{"a", "x=y"}, {"b", ""}});
  CHECK(of("id=007\npath=/tmp/a b\n") == json{{"id", "007"}, {"path", "/tmp/a b"}});
  CHECK(of("{\"a\": {\"b\": 1}, \"c\": 2}\na=3\n") == json{{"a", 3}, {"c", 2}});
  CHECK(of("a=ü\n") == json{{"a", "ü"}});
}

TEST_CASE("outputs that break a rule are refused by name", "[outputs]") {
  const auto of = [](const std::string& text) {
    return parse_outputs(text).assume_error().message;
  };
  CHECK_THAT(of("x=1\nhello\n"), Catch::Contains("line 2") && Catch::Contains("neither"));
  CHECK_THAT(of("=1\n"), Catch::Contains("no key"));
  CHECK_THAT(of("{broken\n"), Catch::Contains("line 1"));
  CHECK_THAT(of("{\"\": 1}\n"), Catch::Contains("without a key"));
  CHECK_THAT(of("big=" + std::string(65'537, 'x')),
             Catch::Contains("\"big\"") && Catch::Contains("65537"));
  CHECK_THAT(of("{\"big\": \"" + std::string(65'537, 'x') + "\"}"), Catch::Contains("\"big\""));
  CHECK_THAT(of("bad=\xff\n"), Catch::Contains("\"bad\"") && Catch::Contains("UTF-8"));
  CHECK_THAT(of("deep=" + std::string(30'000, '[') + std::string(30'000, ']')),
             Catch::Contains("\"deep\""));
  std::string many;
  for (int i = 0; i < 20; ++i)
    many += "k" + std::to_string(i) + "=" + std::string(60'000, 'x') + "\n";
  CHECK_THAT(of(many), Catch::Contains("1048576"));
}

TEST_CASE("a value of exactly 64 KiB is taken", "[outputs]") {
  CHECK(parse_outputs("v=" + std::string(65'536, 'x')).has_value());
}

TEST_CASE("any text is either an object of JSON or a problem", "[outputs]") {
  CHECK(rc::check("arbitrary outputs", [](const std::string& text) {
    const auto parsed = parse_outputs(text);
    RC_ASSERT((!parsed || json::parse(parsed.value()).is_object()));
  }));
}

} // namespace pinion::test
