#include "definitions/param_reader.hpp"

#include "definitions/key_rules.hpp"
#include "pinion/definitions/limits.hpp"
#include "pinion/definitions/params.hpp"

#include <algorithm>

namespace pinion::definitions {

namespace {

/// A parameter while it is read; values are checked when its type is known.
struct param_draft {
  param_definition param;
  const node* default_value = nullptr;
  const node* allowed = nullptr;
  const node* least = nullptr;
  const node* most = nullptr;
};

const std::vector<std::string_view>& type_words() {
  static const std::vector<std::string_view> words{"string",  "integer", "number",
                                                   "boolean", "list",    "map"};
  return words;
}

constexpr double widest = 1e300;

constexpr key_rule<param_draft> param_rules[] = {
    {"default",
     [](const reporter&, const node& at, param_draft& into) { into.default_value = &at; }},
    {"type",
     [](const reporter& report, const node& at, param_draft& into) {
       if (const auto word = read_word(report, at, type_words()))
         into.param.type = type_words()[*word];
     }},
    {"enum", [](const reporter&, const node& at, param_draft& into) { into.allowed = &at; }},
    {"min",
     [](const reporter& report, const node& at, param_draft& into) {
       into.least = &at;
       into.param.min = read_number(report, at, -widest, widest);
     }},
    {"max",
     [](const reporter& report, const node& at, param_draft& into) {
       into.most = &at;
       into.param.max = read_number(report, at, -widest, widest);
     }},
};

std::string_view type_of(const nlohmann::json& value) {
  if (value.is_string())
    return "string";
  if (value.is_boolean())
    return "boolean";
  if (value.is_number_integer())
    return "integer";
  if (value.is_number())
    return "number";
  return value.is_array() ? "list" : "map";
}

/// The type of the default value; if there is none, of the first that is allowed.
void infer_type(const reporter& report, const node& name, param_draft& draft) {
  if (!draft.param.type.empty())
    return;
  const node* sample = draft.default_value;
  if (sample == nullptr && draft.allowed != nullptr && draft.allowed->is_list() &&
      !draft.allowed->items.empty())
    sample = &draft.allowed->items.front();
  if (sample == nullptr || sample->is_null()) {
    report.error(name, "the parameter " + shown(name.text) + " has neither a default nor a type",
                 "write {type: string} for one that must be given");
    draft.param.type = "string";
    return;
  }
  const auto value = read_json(report, *sample);
  draft.param.type = value ? type_of(*value) : "string";
}

std::optional<json_text> converted(const reporter& report, const node& at,
                                   const param_definition& param) {
  const auto value = read_json(report, at);
  if (!value)
    return std::nullopt;
  auto checked = convert_param(param, value->dump());
  if (checked)
    return std::move(checked).value();
  report.error(at, checked.error().message, checked.error().suggestion);
  return std::nullopt;
}

void settle_allowed(const reporter& report, param_draft& draft) {
  if (draft.allowed == nullptr)
    return;
  if (!draft.allowed->is_list() || draft.allowed->items.empty())
    return report.error(*draft.allowed, "`enum` is a list of values");
  std::vector<json_text> allowed;
  for (const auto& item : draft.allowed->items)
    if (auto value = converted(report, item, draft.param))
      allowed.push_back(*std::move(value));
  draft.param.allowed = std::move(allowed);
}

void check_bounds(const reporter& report, const param_draft& draft) {
  const bool numeric = draft.param.type == "integer" || draft.param.type == "number";
  for (const auto* bound : {draft.least, draft.most})
    if (bound != nullptr && !numeric)
      report.error(*bound, "`min` and `max` belong to numbers, not to type " + draft.param.type);
  if (draft.param.min && draft.param.max && *draft.param.min > *draft.param.max)
    report.error(*draft.least, "`min` is above `max`");
}

void read_param(const reporter& report, const node& name, const node& value, param_draft& draft) {
  draft.param.name = name.text;
  if (!is_name(name.text))
    report.error(name, shown(name.text) + " is no legal name of a parameter",
                 std::string{name_rule});
  const auto errors = report.sink.error_count();
  if (value.is_map())
    read_keys<param_draft>(report, value, param_rules, "a parameter", draft);
  else
    draft.default_value = &value;
  infer_type(report, name, draft);
  check_bounds(report, draft);
  // Values that break a broken declaration would be told twice.
  if (report.sink.error_count() != errors)
    return;
  settle_allowed(report, draft);
  if (draft.default_value != nullptr)
    if (auto checked = converted(report, *draft.default_value, draft.param))
      draft.param.default_value = *std::move(checked);
}

} // namespace

std::vector<param_definition> read_params(const reporter& report, const node& params) {
  std::vector<param_definition> out;
  if (!params.is_map()) {
    report_kind(report, params, "a map of parameters");
    return out;
  }
  if (params.pairs() > definition_limits::params) {
    report.error(params, "more than 1,000 parameters");
    return out;
  }
  for (std::size_t i = 0; i < params.pairs(); ++i) {
    if (!params.key(i).is_scalar())
      continue;
    param_draft draft;
    read_param(report, params.key(i), params.value(i), draft);
    out.push_back(std::move(draft.param));
  }
  return out;
}

std::vector<std::pair<std::string, json_text>>
read_param_values(const reporter& report, const node& values,
                  const std::vector<param_definition>& declared) {
  std::vector<std::pair<std::string, json_text>> out;
  if (!values.is_map()) {
    report_kind(report, values, "a map of parameters");
    return out;
  }
  for (std::size_t i = 0; i < values.pairs(); ++i) {
    const auto& name = values.key(i).text;
    const auto known = std::find_if(declared.begin(), declared.end(),
                                    [&](const auto& param) { return param.name == name; });
    if (known == declared.end()) {
      std::vector<std::string_view> names;
      for (const auto& param : declared)
        names.emplace_back(param.name);
      report.error(values.key(i), "the workflow has no parameter " + shown(name),
                   did_you_mean(name, names));
    } else if (auto value = converted(report, values.value(i), *known)) {
      put_sorted(out, name, *std::move(value));
    }
  }
  return out;
}

std::vector<std::string_view> param_keys() { return keys_of<param_draft>(param_rules); }

} // namespace pinion::definitions
