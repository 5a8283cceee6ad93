#include "definitions/builtins.hpp"
#include "definitions/suggest.hpp"

#include "pinion/timing/civil_format.hpp"

#include <algorithm>

namespace pinion {

namespace {

const builtin* find(std::string_view name) {
  for (const auto table : {value_builtins(), time_builtins()})
    for (const auto& candidate : table)
      if (candidate.name == name)
        return &candidate;
  return nullptr;
}

std::string usage(const builtin& what) {
  std::string out{what.name};
  out += '(';
  for (std::size_t i = 0; i < what.parameters.size(); ++i) {
    out += i == 0 ? "" : ", ";
    out += what.parameters[i];
    out += i < what.required ? "" : "?";
  }
  return out + ')';
}

int parameter_named(const builtin& what, std::string_view name) {
  const auto at = std::find(what.parameters.begin(), what.parameters.end(), name);
  return at == what.parameters.end() ? -1 : static_cast<int>(at - what.parameters.begin());
}

/// The parameter that argument `i` of the call goes to, given how many positional ones went before;
/// -1 if there is none.
int place_of(const builtin& what, const expression_node& call, std::size_t i,
             const expression_value* value, std::vector<bool>& taken) {
  int at = -1;
  if (!call.named[i].empty()) {
    at = parameter_named(what, call.named[i]);
  } else if (what.of >= 0 &&
             ((call.piped && i == 0) || (value && std::holds_alternative<instant>(*value)))) {
    at = what.of;
  } else {
    at = static_cast<int>(std::find(taken.begin(), taken.end(), false) - taken.begin());
    if (at == static_cast<int>(taken.size()))
      at = -1;
  }
  if (at < 0 || taken[static_cast<std::size_t>(at)])
    return -1;
  taken[static_cast<std::size_t>(at)] = true;
  return at;
}

} // namespace

bool is_builtin(std::string_view name) { return find(name) != nullptr; }

std::vector<std::string_view> builtin_names() {
  std::vector<std::string_view> out{"default", "raw"};
  for (const auto table : {value_builtins(), time_builtins()})
    for (const auto& candidate : table)
      out.push_back(candidate.name);
  return out;
}

problem check_call(const expression_node& call) {
  if (call.text == "raw")
    return call.children.size() == 1 ? problem{errc::none, ""}
                                     : problem{errc::invalid, "`raw` takes no arguments"};
  const auto* what = find(call.text);
  if (!what)
    return {errc::invalid, "unknown function or filter `" + call.text + "`"};
  for (const auto& name : call.named)
    if (!name.empty() && parameter_named(*what, name) < 0)
      return {errc::invalid, "`" + call.text + "` has no argument `" + name + "`",
              "it is " + usage(*what)};
  if (call.children.size() > what->parameters.size() || call.children.size() < what->required)
    return {errc::invalid, "wrong number of arguments for `" + call.text + "`",
            "it is " + usage(*what)};
  const auto pattern = std::size_t{call.piped ? 1U : 0U};
  if (call.text == "date" && pattern < call.children.size() &&
      call.children[pattern]->literal.is_string())
    if (const auto good =
            check_civil_pattern(call.children[pattern]->literal.get_ref<const std::string&>());
        !good)
      return good.error();
  return {errc::none, ""};
}

result<expression_value> run_call(const expression_node& call,
                                  std::vector<expression_value> arguments,
                                  const name_scope& scope) {
  const auto* what = find(call.text);
  builtin_arguments bound(what->parameters.size());
  std::vector<bool> taken(what->parameters.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto at = place_of(*what, call, i, &arguments[i], taken);
    if (at < 0)
      return problem{errc::invalid, "the arguments of `" + call.text + "` do not fit",
                     "it is " + usage(*what)};
    bound[static_cast<std::size_t>(at)] = std::move(arguments[i]);
  }
  for (std::size_t i = 0; i < what->required; ++i)
    if (!bound[i])
      return problem{errc::invalid,
                     "`" + call.text + "` lacks its argument `" + std::string{what->parameters[i]} +
                         "`",
                     "it is " + usage(*what)};
  return what->run(bound, scope);
}

} // namespace pinion
