#include "definitions/builtins.hpp"
#include "definitions/expression_operators.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pinion {

namespace limits = expression_limits;
using nlohmann::json;

namespace {

using outcome = result<expression_value>;

problem invalid(std::string message) { return {errc::invalid, std::move(message), {}}; }

/// The argument as JSON; an instant as its text.
json data(const builtin_arguments& given, std::size_t i, const name_scope& scope) {
  return given[i] ? to_json(*given[i], scope.local_zone()) : json(nullptr);
}

std::string text(const builtin_arguments& given, std::size_t i, const name_scope& scope) {
  return given[i] ? to_text(*given[i], scope.local_zone()) : std::string{};
}

result<json> list(const builtin_arguments& given, std::size_t i, const name_scope& scope) {
  auto value = data(given, i, scope);
  if (!value.is_array())
    return invalid("a list is needed, not " + kind_of(*given[i]) + ": " +
                   shown(*given[i], scope.local_zone()));
  return value;
}

outcome value(json of) { return expression_value{std::move(of)}; }

template <class Change>
outcome changed_text(const builtin_arguments& given, const name_scope& scope, Change change) {
  auto out = text(given, 0, scope);
  for (auto& c : out)
    c = change(c);
  return value(std::move(out));
}

outcome upper(builtin_arguments& given, const name_scope& scope) {
  return changed_text(given, scope,
                      [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

outcome lower(builtin_arguments& given, const name_scope& scope) {
  return changed_text(given, scope,
                      [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

outcome trim(builtin_arguments& given, const name_scope& scope) {
  const auto of = text(given, 0, scope);
  const auto first = of.find_first_not_of(" \t\r\n");
  if (first == std::string::npos)
    return value("");
  return value(of.substr(first, of.find_last_not_of(" \t\r\n") - first + 1));
}

/// Characters of text, elements of a list, keys of a map.
outcome length(builtin_arguments& given, const name_scope& scope) {
  const auto of = data(given, 0, scope);
  if (of.is_structured())
    return value(static_cast<std::int64_t>(of.size()));
  if (!of.is_string())
    return invalid(kind_of(*given[0]) + " has no length");
  const auto& bytes = of.get_ref<const std::string&>();
  return value(std::int64_t{std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  })});
}

outcome join(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  const auto separator = given[1] ? text(given, 1, scope) : std::string{","};
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    out += i == 0 ? std::string{} : separator;
    out += to_text(expression_value{items[i]}, scope.local_zone());
    if (out.size() > limits::string_bytes)
      return problem{errc::limit, "text of more than 1 MiB"};
  }
  return value(std::move(out));
}

outcome split(builtin_arguments& given, const name_scope& scope) {
  const auto of = text(given, 0, scope);
  const auto separator = given[1] ? text(given, 1, scope) : std::string{","};
  if (separator.empty())
    return invalid("`split` needs a separator that is not empty");
  auto out = json::array();
  std::size_t begin = 0;
  for (auto at = of.find(separator); at != std::string::npos; at = of.find(separator, begin)) {
    out.push_back(of.substr(begin, at - begin));
    begin = at + separator.size();
    if (out.size() > limits::list_elements)
      return problem{errc::limit, "a list of more than 100,000 elements"};
  }
  out.push_back(of.substr(begin));
  return value(std::move(out));
}

outcome replace(builtin_arguments& given, const name_scope& scope) {
  const auto of = text(given, 0, scope);
  const auto old = text(given, 1, scope);
  const auto fresh = text(given, 2, scope);
  if (old.empty())
    return invalid("`replace` needs a text to look for that is not empty");
  std::string out;
  std::size_t begin = 0;
  for (auto at = of.find(old); at != std::string::npos; at = of.find(old, begin)) {
    out.append(of, begin, at - begin).append(fresh);
    begin = at + old.size();
    if (out.size() > limits::string_bytes)
      return problem{errc::limit, "text of more than 1 MiB"};
  }
  return value(out.append(of, begin));
}

outcome starts_with(builtin_arguments& given, const name_scope& scope) {
  return value(text(given, 0, scope).starts_with(text(given, 1, scope)));
}

outcome ends_with(builtin_arguments& given, const name_scope& scope) {
  return value(text(given, 0, scope).ends_with(text(given, 1, scope)));
}

/// The part of a path behind its last slash.
outcome basename(builtin_arguments& given, const name_scope& scope) {
  const auto of = text(given, 0, scope);
  return value(of.substr(of.rfind('/') + 1)); // npos + 1 is 0
}

outcome dirname(builtin_arguments& given, const name_scope& scope) {
  const auto of = text(given, 0, scope);
  const auto slash = of.rfind('/');
  if (slash == std::string::npos)
    return value(".");
  return value(slash == 0 ? "/" : of.substr(0, slash));
}

outcome at_end(builtin_arguments& given, const name_scope& scope, bool front) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  if (items.empty())
    return problem{errc::not_found, "the list is empty"};
  return value(front ? items.front() : items.back());
}

outcome first(builtin_arguments& given, const name_scope& scope) {
  return at_end(given, scope, true);
}
outcome last(builtin_arguments& given, const name_scope& scope) {
  return at_end(given, scope, false);
}

outcome reverse(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  std::reverse(items.begin(), items.end());
  return value(std::move(items));
}

outcome sort(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  std::stable_sort(items.begin(), items.end());
  return value(std::move(items));
}

outcome unique(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return items[a] < items[b]; });
  const auto end =
      std::unique(order.begin(), order.end(), [&](auto a, auto b) { return items[a] == items[b]; });
  std::sort(order.begin(), end); // The first of equals, in the order of the list.
  auto out = json::array();
  for (auto at = order.begin(); at != end; ++at)
    out.push_back(items[*at]);
  return value(std::move(out));
}

outcome keys(builtin_arguments& given, const name_scope& scope) {
  const auto of = data(given, 0, scope);
  if (!of.is_object())
    return invalid("a map is needed, not " + kind_of(*given[0]));
  auto out = json::array();
  for (const auto& item : of.items())
    out.push_back(item.key());
  return value(std::move(out));
}

outcome values(builtin_arguments& given, const name_scope& scope) {
  const auto of = data(given, 0, scope);
  if (!of.is_object())
    return invalid("a map is needed, not " + kind_of(*given[0]));
  auto out = json::array();
  for (const auto& item : of)
    out.push_back(item);
  return value(std::move(out));
}

outcome to_string_value(builtin_arguments& given, const name_scope& scope) {
  return value(text(given, 0, scope));
}

outcome to_json_text(builtin_arguments& given, const name_scope& scope) {
  return value(data(given, 0, scope).dump(-1, ' ', false, json::error_handler_t::replace));
}

outcome from_json_text(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(out, parse_json(text(given, 0, scope)));
  return value(std::move(out));
}

outcome to_int(builtin_arguments& given, const name_scope& scope) {
  const auto of = data(given, 0, scope);
  if (of.is_number_float()) {
    const auto real = of.get<double>();
    if (!(std::fabs(real) < 9.2e18))
      return invalid("the number is out of the range of integers");
    return value(static_cast<std::int64_t>(real)); // Toward zero.
  }
  if (of.is_string()) {
    const auto& digits = of.get_ref<const std::string&>();
    std::int64_t out = 0;
    const auto* begin = digits.data() + (digits.starts_with('+') ? 1 : 0);
    const auto read = std::from_chars(begin, digits.data() + digits.size(), out);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
      return invalid("not an integer: " + shown(*given[0], scope.local_zone()));
    return value(out);
  }
  BOOST_OUTCOME_TRY(out, integer(*given[0], "the value", scope.local_zone()));
  return value(out);
}

outcome to_float(builtin_arguments& given, const name_scope& scope) {
  const auto of = data(given, 0, scope);
  double out = 0;
  if (of.is_number()) {
    out = of.get<double>();
  } else {
    const auto digits = text(given, 0, scope);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (!of.is_string() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
      return invalid("not a number: " + shown(*given[0], scope.local_zone()));
  }
  if (!std::isfinite(out))
    return invalid("not a finite number");
  return value(out);
}

outcome to_bool(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(out, truth(*given[0], scope.local_zone()));
  return value(out);
}

outcome absolute(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(sign, compare(*given[0], expression_value{json(0)}, scope.local_zone()));
  return sign < 0 ? apply_operator("-", expression_value{json(0)}, *given[0], scope.local_zone())
                  : outcome{*given[0]};
}

/// Half away from zero; without digits an integer.
outcome round(builtin_arguments& given, const name_scope& scope) {
  const auto of = data(given, 0, scope);
  if (!of.is_number())
    return invalid("a number is needed, not " + kind_of(*given[0]));
  std::int64_t digits = 0;
  if (given[1]) {
    BOOST_OUTCOME_TRY(wanted, integer(*given[1], "the number of digits", scope.local_zone()));
    digits = wanted;
  }
  if (digits < 0 || digits > 15)
    return invalid("`round` takes 0 to 15 digits");
  if (of.is_number_integer())
    return value(of);
  const auto scale = std::pow(10.0, static_cast<double>(digits));
  const auto out = std::round(of.get<double>() * scale) / scale;
  if (!std::isfinite(out) || (digits == 0 && !(std::fabs(out) < 9.2e18)))
    return invalid("the number is too large to round");
  return digits == 0 ? value(static_cast<std::int64_t>(out)) : value(out);
}

outcome extreme(builtin_arguments& given, const name_scope& scope, int sign) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  if (items.empty())
    return problem{errc::not_found, "the list is empty"};
  expression_value best{items.front()};
  for (const auto& item : items) {
    expression_value candidate{item};
    BOOST_OUTCOME_TRY(apart, compare(candidate, best, scope.local_zone()));
    if (apart * sign > 0)
      best = std::move(candidate);
  }
  return best;
}

outcome least(builtin_arguments& given, const name_scope& scope) {
  return extreme(given, scope, -1);
}
outcome largest(builtin_arguments& given, const name_scope& scope) {
  return extreme(given, scope, 1);
}

outcome sum(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(items, list(given, 0, scope));
  expression_value out{json(0)};
  for (const auto& item : items) {
    BOOST_OUTCOME_TRY(next, apply_operator("+", out, expression_value{item}, scope.local_zone()));
    out = std::move(next);
  }
  return out;
}

/// `range(3)` is 0, 1, 2; `range(1, 4)` is 1, 2, 3; a third argument is the step.
outcome range(builtin_arguments& given, const name_scope& scope) {
  std::int64_t bounds[3] = {0, 0, 1};
  for (std::size_t i = 0; i < 3; ++i)
    if (given[i]) {
      BOOST_OUTCOME_TRY(bound, integer(*given[i], "a bound of `range`", scope.local_zone()));
      bounds[i] = bound;
    }
  if (!given[1])
    std::swap(bounds[0], bounds[1]);
  if (bounds[2] == 0)
    return invalid("the step of `range` must not be 0");
  auto out = json::array();
  auto at = bounds[0];
  while (bounds[2] > 0 ? at < bounds[1] : at > bounds[1]) {
    out.push_back(at);
    if (out.size() > limits::list_elements)
      return problem{errc::limit, "a list of more than 100,000 elements"};
    if (__builtin_add_overflow(at, bounds[2], &at))
      break;
  }
  return value(std::move(out));
}

} // namespace

std::span<const builtin> value_builtins() {
  static const std::vector<builtin> table{
      {"upper", {"value"}, 1, -1, upper},
      {"lower", {"value"}, 1, -1, lower},
      {"trim", {"value"}, 1, -1, trim},
      {"length", {"value"}, 1, -1, length},
      {"join", {"list", "separator"}, 1, -1, join},
      {"split", {"value", "separator"}, 1, -1, split},
      {"replace", {"value", "old", "new"}, 3, -1, replace},
      {"starts_with", {"value", "prefix"}, 2, -1, starts_with},
      {"ends_with", {"value", "suffix"}, 2, -1, ends_with},
      {"basename", {"path"}, 1, -1, basename},
      {"dirname", {"path"}, 1, -1, dirname},
      {"first", {"list"}, 1, -1, first},
      {"last", {"list"}, 1, -1, last},
      {"reverse", {"list"}, 1, -1, reverse},
      {"sort", {"list"}, 1, -1, sort},
      {"unique", {"list"}, 1, -1, unique},
      {"keys", {"map"}, 1, -1, keys},
      {"values", {"map"}, 1, -1, values},
      {"string", {"value"}, 1, -1, to_string_value},
      {"json", {"value"}, 1, -1, to_json_text},
      {"from_json", {"text"}, 1, -1, from_json_text},
      {"int", {"value"}, 1, -1, to_int},
      {"float", {"value"}, 1, -1, to_float},
      {"bool", {"value"}, 1, -1, to_bool},
      {"abs", {"value"}, 1, -1, absolute},
      {"round", {"value", "digits"}, 1, -1, round},
      {"min", {"list"}, 1, -1, least},
      {"max", {"list"}, 1, -1, largest},
      {"sum", {"list"}, 1, -1, sum},
      {"range", {"from", "to", "step"}, 1, -1, range},
  };
  return table;
}

} // namespace pinion
