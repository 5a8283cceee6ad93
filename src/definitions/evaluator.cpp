#include "pinion/definitions/evaluator.hpp"

#include "definitions/expression_operators.hpp"
#include "definitions/run_scope.hpp"
#include "definitions/suggest.hpp"
#include "pinion/definitions/limits.hpp"
#include "pinion/definitions/text_template.hpp"

#include <algorithm>
#include <set>

namespace pinion {

using nlohmann::json;

namespace {

problem in_field(std::string_view field, problem what) {
  what.message = std::string{field} + ": " + what.message;
  return what;
}

bool is_plain_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
  });
}

result<expression_value> list_value(const fan_out& loop, const run_scope& scope) {
  if (loop.of_is_json) {
    BOOST_OUTCOME_TRY(list, parse_json(loop.of));
    return expression_value{std::move(list)};
  }
  auto text = value_text::parse(loop.of, value_text::bare::expression);
  if (!text)
    return text.error().what;
  auto value = text.value().evaluate(scope);
  if (!value)
    return value.error().what;
  return std::move(value.value());
}

/// The value as a list of items.
result<std::vector<json>> items_of(const expression_value& value, zone in) {
  auto data = to_json(value, in);
  if (data.is_string())
    if (auto parsed = parse_json(data.get_ref<const std::string&>());
        parsed && parsed.value().is_structured())
      data = std::move(parsed.value());
  std::vector<json> out;
  if (data.is_array()) {
    out.assign(data.begin(), data.end());
  } else if (data.is_object()) {
    for (const auto& item : data.items())
      out.push_back({{"key", item.key()}, {"value", item.value()}});
  } else if (!data.is_null()) {
    return problem{errc::invalid,
                   "a list or map is needed, not " + kind_of(value) + ": " + shown(value, in),
                   {}};
  }
  if (out.size() > definition_limits::for_each_elements)
    return problem{errc::limit,
                   "the list has " + std::to_string(out.size()) + " elements, more than 10,000",
                   "form groups with `groups:`"};
  return out;
}

/// Neighbours together; the first `size % count` groups have one more.
std::vector<json> grouped(std::vector<json> items, std::size_t count) {
  std::vector<json> out;
  count = std::min(count, items.size());
  std::size_t at = 0;
  for (std::size_t group = 0; group < count; ++group) {
    const auto size = items.size() / count + (group < items.size() % count ? 1 : 0);
    auto list = json::array();
    for (std::size_t i = 0; i < size; ++i)
      list.push_back(std::move(items[at++]));
    out.push_back(std::move(list));
  }
  return out;
}

std::string compact(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Keys by the items' own text; empty if that does not do for all of them.
std::vector<std::string> natural_keys(const std::vector<json>& items, zone in) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const auto& item : items) {
    if (item.is_structured() || item.is_null())
      return {};
    auto key = to_text(expression_value{item}, in);
    if (!is_plain_key(key) || !seen.insert(key).second)
      return {};
    out.push_back(std::move(key));
  }
  return out;
}

result<std::vector<std::string>> evaluated_keys(const fan_out& loop, const std::vector<json>& items,
                                                run_scope& scope) {
  auto text = value_text::parse(loop.key, value_text::bare::expression);
  if (!text)
    return in_field("for_each.key", text.error().what);
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    scope.bind_element(std::to_string(i), items[i]);
    auto value = text.value().evaluate(scope);
    if (!value)
      return in_field("for_each.key", value.error().what);
    auto key = to_text(value.value(), scope.local_zone());
    if (!is_plain_key(key))
      return problem{errc::invalid, "for_each.key: " + definitions::shown(key) + " is no key",
                     "a key has 1 to 64 letters, digits, `_`, `.` or `-`"};
    if (!seen.insert(key).second)
      return problem{
          errc::invalid, "for_each.key: the key " + definitions::shown(key) + " comes twice", {}};
    out.push_back(std::move(key));
  }
  return out;
}

} // namespace

expression_evaluator::expression_evaluator(std::map<std::string, std::uint32_t> pools)
    : pools_{std::move(pools)} {}

result<bool> expression_evaluator::condition(const run_core& run, std::uint32_t task) const {
  const auto& when = run.definition().tasks[task].when;
  if (when.empty())
    return true;
  BOOST_OUTCOME_TRY(scope, run_scope::make(run, task));
  auto text = value_text::parse(when, value_text::bare::expression);
  if (!text)
    return in_field("when", text.error().what);
  auto value = text.value().evaluate(scope);
  if (!value)
    return in_field("when", value.error().what);
  auto holds = truth(value.value(), scope.local_zone());
  return holds ? holds : result<bool>{in_field("when", holds.error())};
}

result<std::string> expression_evaluator::choice(const run_core& run, std::uint32_t task) const {
  const auto& choice = run.definition().tasks[task].choice;
  if (!choice)
    return problem{errc::internal, "the task is no switch", {}};
  BOOST_OUTCOME_TRY(scope, run_scope::make(run, task));
  auto text = value_text::parse(choice->on, value_text::bare::expression);
  if (!text)
    return in_field("on", text.error().what);
  auto value = text.value().evaluate(scope);
  if (!value)
    return in_field("on", value.error().what);
  return to_text(value.value(), scope.local_zone());
}

result<std::vector<fan_out_element>> expression_evaluator::elements(const run_core& run,
                                                                    std::uint32_t task) const {
  const auto& loop = run.definition().tasks[task].for_each;
  if (!loop)
    return problem{errc::internal, "the task has no `for_each:`", {}};
  BOOST_OUTCOME_TRY(scope, run_scope::make(run, task));
  auto value = list_value(*loop, scope);
  if (!value)
    return in_field("for_each.of", value.error());
  auto items = items_of(value.value(), scope.local_zone());
  if (!items)
    return in_field("for_each.of", items.error());
  std::size_t groups = loop->groups;
  if (!loop->groups_pool.empty()) {
    const auto pool = pools_.find(loop->groups_pool);
    if (pool == pools_.end() || pool->second == 0)
      return problem{errc::not_found,
                     "for_each.groups: there is no pool " + definitions::shown(loop->groups_pool),
                     {}};
    groups = pool->second;
  }
  auto parts = groups > 0 ? grouped(std::move(items.value()), groups) : std::move(items.value());
  std::vector<std::string> keys;
  if (!loop->key.empty()) {
    BOOST_OUTCOME_TRY(evaluated, evaluated_keys(*loop, parts, scope));
    keys = std::move(evaluated);
  } else if (groups == 0) {
    keys = natural_keys(parts, scope.local_zone());
  }
  std::vector<fan_out_element> out;
  for (std::size_t i = 0; i < parts.size(); ++i)
    out.push_back({keys.empty() ? std::to_string(i) : std::move(keys[i]), compact(parts[i])});
  return out;
}

} // namespace pinion
