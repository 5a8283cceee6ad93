#include "pinion/definitions/params.hpp"

#include "definitions/expression_operators.hpp"
#include "definitions/suggest.hpp"

#include <algorithm>
#include <charconv>

namespace pinion {

using nlohmann::json;

namespace {

problem invalid(const param_definition& param, std::string message, std::string suggestion = {}) {
  return {errc::invalid, "param `" + param.name + "` " + message, std::move(suggestion)};
}

std::string as_text(const json& value) { return to_text(expression_value{value}, zone{}); }

template <class Number>
std::optional<Number> whole_number(const std::string& text) {
  Number out{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size())
    return std::nullopt;
  return out;
}

/// Text in the declared type, if it spells a value of it; else the value as it is.
json from_text(const std::string& type, const json& value) {
  if (!value.is_string())
    return value;
  const auto& text = value.get_ref<const std::string&>();
  if (type == "integer") {
    if (const auto number = whole_number<std::int64_t>(text))
      return *number;
  } else if (type == "number") {
    if (const auto integer = whole_number<std::int64_t>(text))
      return *integer;
    if (const auto number = whole_number<double>(text); number && *number - *number == 0) // Finite.
      return *number;
  } else if (type == "boolean" && (text == "true" || text == "false")) {
    return text == "true";
  } else if (type == "list" || type == "map") {
    if (auto parsed = parse_json(text); parsed && parsed.value().is_structured())
      return std::move(parsed.value());
  }
  return value;
}

bool has_type(const std::string& type, const json& value) {
  if (type == "integer")
    return value.is_number_integer();
  if (type == "number")
    return value.is_number();
  if (type == "boolean")
    return value.is_boolean();
  if (type == "list")
    return value.is_array();
  return type == "map" ? value.is_object() : value.is_string();
}

result<json> converted(const param_definition& param, const json& given) {
  auto value = from_text(param.type, given);
  // A number or boolean where text is declared: YAML and JSON spell it without quotes.
  if (param.type == "string" && (value.is_number() || value.is_boolean()))
    value = as_text(value);
  if (!has_type(param.type, value))
    return invalid(param, "must be of type " + param.type + ", not " +
                              kind_of(expression_value{given}) + ": " +
                              shown(expression_value{given}, zone{}));
  if (!param.allowed.empty()) {
    std::string known;
    bool found = false;
    for (const auto& text : param.allowed) {
      BOOST_OUTCOME_TRY(one, parse_json(text));
      found = found || one == value || from_text(param.type, one) == value;
      known += (known.empty() ? "" : ", ") + as_text(one);
    }
    if (!found)
      return invalid(param, "must not be " + shown(expression_value{value}, zone{}),
                     "allowed are " + known);
  }
  if (value.is_number()) {
    const auto number = value.get<double>();
    if (param.min && number < *param.min)
      return invalid(param, "must be at least " + as_text(*param.min) + ", not " + as_text(value));
    if (param.max && number > *param.max)
      return invalid(param, "must be at most " + as_text(*param.max) + ", not " + as_text(value));
  }
  return value;
}

const param_definition* declared(const workflow_definition& workflow, std::string_view name) {
  for (const auto& param : workflow.params)
    if (param.name == name)
      return &param;
  return nullptr;
}

result<void> put(json& out, const workflow_definition& workflow, const std::string& name,
                 const json& value) {
  const auto* param = declared(workflow, name);
  if (!param) {
    std::vector<std::string_view> names;
    for (const auto& one : workflow.params)
      names.emplace_back(one.name);
    auto hint = definitions::did_you_mean(name, names);
    if (hint.empty())
      hint =
          names.empty() ? "the workflow declares none" : "known are " + definitions::listed(names);
    return problem{errc::invalid, "unknown param " + definitions::shown(name), std::move(hint)};
  }
  BOOST_OUTCOME_TRY(typed, converted(*param, value));
  out[name] = std::move(typed);
  return ok();
}

result<void> put_trigger(json& out, const workflow_definition& workflow, const std::string& id) {
  if (id.starts_with('@'))
    return ok();
  const auto at = std::find_if(workflow.triggers.begin(), workflow.triggers.end(),
                               [&](const auto& trigger) { return trigger.id == id; });
  if (at == workflow.triggers.end())
    return problem{errc::not_found,
                   "workflow " + workflow.id() + " has no trigger " + definitions::shown(id),
                   {}};
  for (const auto& [name, text] : at->params) {
    BOOST_OUTCOME_TRY(value, parse_json(text));
    BOOST_OUTCOME_TRY(put(out, workflow, name, value));
  }
  return ok();
}

} // namespace

result<json_text> convert_param(const param_definition& param, const json_text& value) {
  BOOST_OUTCOME_TRY(given, parse_json(value));
  BOOST_OUTCOME_TRY(typed, converted(param, given));
  return typed.dump(-1, ' ', false, json::error_handler_t::replace);
}

result<json_text> resolve_params(const workflow_definition& workflow,
                                 const std::optional<std::string>& trigger,
                                 const json_text& given) {
  auto out = json::object();
  for (const auto& param : workflow.params)
    if (!param.default_value.empty()) {
      BOOST_OUTCOME_TRY(value, parse_json(param.default_value));
      out[param.name] = std::move(value);
    }
  if (trigger) {
    BOOST_OUTCOME_TRY(put_trigger(out, workflow, *trigger));
  }
  BOOST_OUTCOME_TRY(values, parse_json(given.empty() ? "{}" : given));
  if (!values.is_object())
    return problem{errc::invalid, "params must be a map of names to values", {}};
  for (const auto& item : values.items()) {
    BOOST_OUTCOME_TRY(put(out, workflow, item.key(), item.value()));
  }
  for (const auto& param : workflow.params)
    if (!out.contains(param.name))
      return invalid(param, "has no value and no default",
                     "give one with --param " + param.name + "=...");
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace pinion
