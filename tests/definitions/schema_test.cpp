#include "definitions/key_rules.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace {

using nlohmann::json;
using namespace pinion::definitions;

json read_schema(const std::string& name) {
  std::ifstream in{std::string{PINION_SCHEMA_DIR} + '/' + name + ".schema.json"};
  REQUIRE(in);
  return json::parse(in);
}

/// The object in the two schemas that describes a construct of the language.
json schema_of(std::string_view construct) {
  if (construct == "project")
    return read_schema("pinion");
  const bool of_project = construct == "environment" || construct == "secret" ||
                          construct == "channel" || construct == "calendar";
  return read_schema(of_project ? "pinion" : "workflow").at("$defs").at(std::string{construct});
}

/// Every `$ref` below `at`, and every property without a description.
void walk(const json& at, std::set<std::string>& refs, std::set<std::string>& undescribed) {
  if (at.is_object() && at.contains("$ref") && at.at("$ref").is_string())
    refs.insert(at.at("$ref").get<std::string>());
  if (at.is_object() && at.contains("properties"))
    for (const auto& [name, property] : at.at("properties").items())
      if (!property.contains("description") && !property.contains("$ref"))
        undescribed.insert(name);
  if (at.is_structured())
    for (const auto& part : at)
      walk(part, refs, undescribed);
}

} // namespace

TEST_CASE("the JSON Schema has exactly the keys that the loader knows", "[schema]") {
  for (const auto& table : all_key_tables()) {
    INFO(table.construct);
    const auto schema = schema_of(table.construct);
    CHECK(schema.at("additionalProperties") == false);
    std::set<std::string> described;
    for (const auto& [key, value] : schema.at("properties").items())
      described.insert(key);
    CHECK(described == std::set<std::string>(table.keys.begin(), table.keys.end()));
  }
}

TEST_CASE("each property is described and each reference leads somewhere", "[schema]") {
  for (const auto* name : {"workflow", "pinion"}) {
    const auto schema = read_schema(name);
    std::set<std::string> refs;
    std::set<std::string> undescribed;
    walk(schema, refs, undescribed);
    CHECK(undescribed.empty());
    for (const auto& ref : refs) {
      INFO(ref);
      const auto hash = ref.find('#');
      REQUIRE(hash != std::string::npos);
      const auto target = hash == 0 ? schema : read_schema(ref.substr(0, ref.find('.')));
      CHECK(target.contains(json::json_pointer(ref.substr(hash + 1))));
    }
  }
}
