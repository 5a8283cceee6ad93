#include "definitions/expression_operators.hpp"

#include "definitions/expression_node.hpp"
#include "definitions/suggest.hpp"
#include "pinion/timing/instant_text.hpp"

#include <cmath>

namespace pinion {

using nlohmann::json;

namespace {

problem invalid(std::string message, std::string suggestion = {}) {
  return {errc::invalid, std::move(message), std::move(suggestion)};
}

const json* as_json(const expression_value& value) noexcept { return std::get_if<json>(&value); }

/// JSON from outside may hold integers beyond int64; they count as real numbers.
bool is_int(const json& value) noexcept {
  return value.is_number_integer() &&
         (!value.is_number_unsigned() ||
          value.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
}

result<expression_value> checked(double value) {
  if (!std::isfinite(value))
    return invalid("the result is not a finite number");
  return expression_value{json(value)};
}

result<expression_value> whole_arithmetic(char op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  bool overflow = false;
  switch (op) {
  case '+':
    overflow = __builtin_add_overflow(a, b, &out);
    break;
  case '-':
    overflow = __builtin_sub_overflow(a, b, &out);
    break;
  case '*':
    overflow = __builtin_mul_overflow(a, b, &out);
    break;
  default:
    if (b == 0)
      return invalid("division by zero");
    if (b == -1) { // The least integer has no opposite, and `%` would trap.
      overflow = op == '/' && __builtin_sub_overflow(std::int64_t{0}, a, &out);
      break;
    }
    if (op == '/' && a % b != 0)
      return checked(static_cast<double>(a) / static_cast<double>(b));
    out = op == '/' ? a / b : a % b;
    if (op == '%' && out != 0 && (out < 0) != (b < 0))
      out += b; // The sign of the divisor, as in Python.
  }
  if (overflow)
    return invalid("integer overflow");
  return expression_value{json(out)};
}

result<expression_value> real_arithmetic(char op, double a, double b) {
  switch (op) {
  case '+':
    return checked(a + b);
  case '-':
    return checked(a - b);
  case '*':
    return checked(a * b);
  default:
    if (b == 0)
      return invalid("division by zero");
    if (op == '/')
      return checked(a / b);
    const auto rest = std::fmod(a, b);
    return checked(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
  }
}

result<expression_value> arithmetic(char op, const expression_value& left,
                                    const expression_value& right, zone in) {
  const auto* a = as_json(left);
  const auto* b = as_json(right);
  if (!a && !b && op == '-') {
    const auto apart = std::get<instant>(left) - std::get<instant>(right);
    return checked(static_cast<double>(apart.count()) / 1e6);
  }
  if (a && b && a->is_number() && b->is_number()) {
    if (is_int(*a) && is_int(*b))
      return whole_arithmetic(op, a->get<std::int64_t>(), b->get<std::int64_t>());
    return real_arithmetic(op, a->get<double>(), b->get<double>());
  }
  if (a && b && op == '+' && a->is_string() && b->is_string()) {
    auto text = a->get_ref<const std::string&>() + b->get_ref<const std::string&>();
    return expression_value{json(std::move(text))};
  }
  if (a && b && op == '+' && a->is_array() && b->is_array()) {
    auto list = *a;
    list.insert(list.end(), b->begin(), b->end());
    return expression_value{std::move(list)};
  }
  std::string hint;
  if (op == '+' && ((a && a->is_string()) || (b && b->is_string())))
    hint = "make both text with `| string`";
  else if (!a || !b)
    hint = "use add_days, add_hours, add_months ...";
  return invalid(std::string{"`"} + op + "` does not take " + kind_of(left) + " and " +
                     kind_of(right) + ": " + shown(left, in) + ", " + shown(right, in),
                 hint);
}

result<instant> instant_of(const expression_value& value, zone in) {
  if (const auto* at = std::get_if<instant>(&value))
    return *at;
  const auto& text = std::get<json>(value);
  if (!text.is_string())
    return invalid("a time does not compare with " + kind_of(value));
  return parse_instant(text.get_ref<const std::string&>(), in);
}

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

result<bool> equal(const expression_value& left, const expression_value& right, zone in) {
  const auto* a = as_json(left);
  const auto* b = as_json(right);
  if (a && b)
    return *a == *b;
  if ((a && !a->is_string()) || (b && !b->is_string()))
    return false;
  BOOST_OUTCOME_TRY(apart, compare(left, right, in));
  return apart == 0;
}

result<bool> contains(const expression_value& container, const expression_value& part, zone in) {
  const auto* of = as_json(container);
  if (of && of->is_array()) {
    const auto wanted = to_json(part, in);
    for (const auto& item : *of)
      if (item == wanted)
        return true;
    return false;
  }
  const auto* text = as_json(part);
  if (of && of->is_object())
    return of->contains(to_text(part, in));
  if (of && of->is_string() && text && text->is_string())
    return of->get_ref<const std::string&>().find(text->get_ref<const std::string&>()) !=
           std::string::npos;
  return invalid("`in` looks into a list, a map or text, not into " + kind_of(container));
}

} // namespace

std::string kind_of(const expression_value& value) {
  const auto* data = as_json(value);
  if (!data)
    return "a time";
  if (data->is_string())
    return "text";
  if (data->is_boolean())
    return "a boolean";
  if (data->is_number())
    return is_int(*data) ? "an integer" : "a number";
  if (data->is_array())
    return "a list";
  return data->is_object() ? "a map" : "null";
}

std::string shown(const expression_value& value, zone in) {
  const auto* data = as_json(value);
  if (data && data->is_null())
    return "null";
  return definitions::shown(to_text(value, in));
}

result<bool> truth(const expression_value& value, zone in) {
  if (const auto* data = as_json(value)) {
    if (data->is_boolean())
      return data->get<bool>();
    if (*data == "true")
      return true;
    if (*data == "false")
      return false;
  }
  return invalid("a condition must be true or false, not " + kind_of(value) + ": " +
                     shown(value, in),
                 "compare it, as in `x == 1` or `x != ''`");
}

result<std::int64_t> integer(const expression_value& value, std::string_view what, zone in) {
  const auto* data = as_json(value);
  if (!data || !is_int(*data))
    return invalid(std::string{what} + " must be an integer, not " + kind_of(value) + ": " +
                   shown(value, in));
  return data->get<std::int64_t>();
}

result<int> compare(const expression_value& left, const expression_value& right, zone in) {
  const auto* a = as_json(left);
  const auto* b = as_json(right);
  if (!a || !b) {
    BOOST_OUTCOME_TRY(x, instant_of(left, in));
    BOOST_OUTCOME_TRY(y, instant_of(right, in));
    return order(x, y);
  }
  if (a->is_number() && b->is_number())
    return *a < *b ? -1 : *b < *a ? 1 : 0;
  if (a->is_string() && b->is_string())
    return order(a->get_ref<const std::string&>(), b->get_ref<const std::string&>());
  if (a->is_boolean() && b->is_boolean())
    return order(a->get<bool>(), b->get<bool>());
  return invalid(kind_of(left) + " does not compare with " + kind_of(right) + ": " +
                 shown(left, in) + ", " + shown(right, in));
}

result<expression_value> apply_operator(std::string_view op, const expression_value& left,
                                        const expression_value& right, zone in) {
  if (op == "==" || op == "!=") {
    BOOST_OUTCOME_TRY(same, equal(left, right, in));
    return expression_value{json(same == (op == "=="))};
  }
  if (op == "in" || op == "not in") {
    BOOST_OUTCOME_TRY(inside, contains(right, left, in));
    return expression_value{json(inside == (op == "in"))};
  }
  if (op.front() == '<' || op.front() == '>') {
    BOOST_OUTCOME_TRY(apart, compare(left, right, in));
    const bool holds = op == "<"    ? apart < 0
                       : op == "<=" ? apart <= 0
                       : op == ">"  ? apart > 0
                                    : apart >= 0;
    return expression_value{json(holds)};
  }
  return arithmetic(op.front(), left, right, in);
}

result<expression_value> member_of(const expression_value& container, const expression_value& key,
                                   zone in) {
  const auto* of = as_json(container);
  const auto missing = [&](std::string suggestion = {}) {
    return problem{errc::not_found, "there is no " + shown(key, in) + " in " + kind_of(container),
                   std::move(suggestion)};
  };
  if (of && of->is_null())
    return missing();
  if (of && of->is_object()) {
    const auto name = to_text(key, in);
    if (const auto at = of->find(name); at != of->end())
      return expression_value{*at};
    std::vector<std::string_view> names;
    for (const auto& item : of->items())
      names.emplace_back(item.key());
    return missing(definitions::did_you_mean(name, names));
  }
  if (of && of->is_array()) {
    BOOST_OUTCOME_TRY(index, integer(key, "the index of a list", in));
    const auto size = static_cast<std::int64_t>(of->size());
    if (index < -size || index >= size)
      return missing();
    return expression_value{(*of)[static_cast<std::size_t>(index < 0 ? index + size : index)]};
  }
  return invalid(kind_of(container) + " has no keys: " + shown(container, in));
}

std::size_t size_of(const json& value) noexcept {
  std::size_t out = 16;
  if (value.is_string())
    out += value.get_ref<const std::string&>().size();
  else if (value.is_object())
    for (auto at = value.begin(); at != value.end(); ++at)
      out += at.key().size() + 48 + size_of(at.value());
  else if (value.is_array())
    for (const auto& item : value)
      out += size_of(item);
  return out;
}

} // namespace pinion
