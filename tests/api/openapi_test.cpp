#include <catch2/catch.hpp>

#include "api_fixture.hpp"

#include <set>

using namespace pinion;
using namespace pinion::testing;

namespace {

using names = std::set<std::string>;

/// What a `$ref` of the document leads to; other objects are themselves.
const json& resolved(const json& document, const json& at) {
  if (!at.contains("$ref"))
    return at;
  return document.at(json::json_pointer(at.at("$ref").get<std::string>().substr(1)));
}

names query_of(const json& document, const json& operation) {
  names found;
  for (const auto& one : operation.value("parameters", json::array()))
    if (const auto& parameter = resolved(document, one); parameter.at("in") == "query")
      found.insert(parameter.at("name").get<std::string>());
  return found;
}

names body_of(const json& operation) {
  names found;
  const auto& schema =
      operation.at("requestBody").at("content").at("application/json").at("schema");
  for (const auto& [name, _] : schema.at("properties").items())
    found.insert(name);
  return found;
}

/// The names that a handler knows, by its own word: it refuses one that nobody knows.
names accepted(api_fixture& uut, const std::string& method, const std::string& target) {
  constexpr auto nobodys = "zzzzzzzzzzzzzzzz";
  const auto mark = target.find('?') == std::string::npos ? '?' : '&';
  const auto answer = method != "POST" ? uut.send(method, target + mark + nobodys + "=1", {})
                                       : uut.send(method, target, json{{nobodys, 1}}.dump());
  REQUIRE(answer.status == 400);
  const auto text = answer.body["error"]["suggestion"].get<std::string>();
  if (text == "None is known here")
    return {};
  REQUIRE(text.starts_with("Known: "));
  names found;
  for (std::size_t at = 7; at < text.size();) {
    const auto end = std::min(text.find(", ", at), text.size());
    found.insert(text.substr(at, end - at));
    at = end + 2;
  }
  return found;
}

names accepted(api_fixture& uut, const route& asked) {
  auto target = asked.pattern;
  for (const auto& [part, value] : {std::pair{"{workflow}", "dw.load"},
                                    {"{run}", "r10"},
                                    {"{backfill}", "b1"},
                                    {"{project}", "dw"},
                                    {"{version}", "dw.load:v1"}})
    if (const auto at = target.find(part); at != std::string::npos)
      target.replace(at, std::string_view{part}.size(), value);
  REQUIRE(target.find('{') == std::string::npos);
  if (target != "/api/v1/watch")
    return accepted(uut, asked.method, target);
  names all; // Each kind has filters of its own.
  for (const std::string kind :
       {"runs", "instances", "slots", "backfills", "attempts", "audit", "pools"})
    all.merge(accepted(uut, asked.method, target + "?kind=" + kind));
  return all;
}

std::string lower(std::string text) {
  for (auto& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// Every `$ref` below `at`.
void walk(const json& at, names& refs) {
  if (at.is_object() && at.contains("$ref"))
    refs.insert(at.at("$ref").get<std::string>());
  if (at.is_structured())
    for (const auto& part : at)
      walk(part, refs);
}

} // namespace

TEST_CASE("the OpenAPI document has exactly the routes of the router", "[openapi]") {
  api_fixture uut;
  const auto document = uut.get("/api/v1/openapi.json").body;
  names described;
  for (const auto& [path, operations] : document.at("paths").items())
    for (const auto& [method, _] : operations.items())
      described.insert(method + ' ' + path);
  names served;
  for (const auto& one : uut.api.routes())
    served.insert(lower(one.method) + ' ' + one.pattern);
  // A route that is missing belongs into schema/openapi.json.
  CHECK(described == served);
}

TEST_CASE("the OpenAPI document has exactly the names that handlers accept", "[openapi]") {
  api_fixture uut;
  uut.add_run(10);
  const auto document = uut.get("/api/v1/openapi.json").body;
  for (const auto& one : uut.api.routes()) {
    INFO("schema/openapi.json: " << one.method << ' ' << one.pattern);
    const auto& operation = document.at("paths").at(one.pattern).at(lower(one.method));
    CHECK(operation.at("summary") == one.summary);
    CHECK(accepted(uut, one) ==
          (one.method != "POST" ? query_of(document, operation) : body_of(operation)));
  }
}

TEST_CASE("the OpenAPI document is whole: references lead somewhere, names are used once",
          "[openapi]") {
  api_fixture uut;
  const auto document = uut.get("/api/v1/openapi.json").body;
  CHECK(document.at("info").at("version") == uut.get("/api/v1/version").body.at("version"));
  names refs;
  walk(document, refs);
  for (const auto& one : refs) {
    INFO(one);
    CHECK(document.contains(json::json_pointer(one.substr(1))));
  }
  names used;
  for (const auto& [path, operations] : document.at("paths").items())
    for (const auto& [method, operation] : operations.items()) {
      INFO(path);
      CHECK(used.insert(operation.at("operationId").get<std::string>()).second);
      std::size_t in_path = 0;
      for (const auto& each : operation.value("parameters", json::array()))
        in_path += resolved(document, each).at("in") == "path" ? 1 : 0;
      CHECK(in_path == static_cast<std::size_t>(std::count(path.begin(), path.end(), '{')));
    }
}
