#pragma once

#include "definitions/foreign_words.hpp"
#include "definitions/suggest.hpp"
#include "definitions/value_reader.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// A key of a construct, and how its value goes into what is being made. The tables of these are
/// the language: the JSON Schema is tested against them.
template <class Draft>
struct key_rule {
  std::string_view key;
  void (*read)(const reporter& report, const node& value, Draft& into);
};

template <class Draft>
std::vector<std::string_view> keys_of(std::span<const key_rule<Draft>> rules) {
  std::vector<std::string_view> keys;
  for (const auto& rule : rules)
    keys.push_back(rule.key);
  return keys;
}

/// Reads a map by its table; a key that is not in it is an error. `what` names the construct: "a
/// task". Returns false if it is no map at all.
template <class Draft>
bool read_keys(const reporter& report, const node& map, std::span<const key_rule<Draft>> rules,
               std::string_view what, Draft& into) {
  if (!map.is_map()) {
    report_kind(report, map, std::string{what});
    return false;
  }
  for (std::size_t i = 0; i < map.pairs(); ++i) {
    const auto& key = map.key(i);
    if (!key.is_scalar()) {
      report_kind(report, map, "a text for " + std::string{what});
      continue;
    }
    const key_rule<Draft>* found = nullptr;
    for (const auto& rule : rules)
      if (rule.key == key.text)
        found = &rule;
    if (found != nullptr) {
      found->read(report, map.value(i), into);
      continue;
    }
    auto advice = std::string{advice_for_key(what, key.text)};
    if (advice.empty())
      advice = did_you_mean(key.text, keys_of(rules));
    report.error(key, "unknown key " + shown(key.text) + " in " + std::string{what},
                 std::move(advice));
  }
  return true;
}

/// The name of a construct and all its keys.
struct key_table {
  std::string_view construct;
  std::vector<std::string_view> keys;
};

/// Every table of the two kinds of file, for the test of the JSON Schema.
std::vector<key_table> all_key_tables();

} // namespace pinion::definitions
