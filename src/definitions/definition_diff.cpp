#include "pinion/definitions/definition_diff.hpp"

#include "pinion/definitions/canonical.hpp"
#include "pinion/timing/duration_text.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

namespace pinion {

namespace {

using nlohmann::json;

/// Keys under which the canonical form names tasks by their position.
constexpr std::string_view position_keys[] = {"needs", "previous_tasks", "fallback"};
/// Keys with JSON as text.
constexpr std::string_view text_keys[] = {"vars", "default"};

template <std::size_t Count>
bool is_one_of(const std::string_view (&known)[Count], std::string_view key) {
  return std::find(std::begin(known), std::end(known), key) != std::end(known);
}

/// Lists of (name, value), as `env` of a task.
bool is_pairs(const json& value) {
  const auto is_pair = [](const json& one) {
    return one.is_array() && one.size() == 2 && one[0].is_string();
  };
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_pair);
}

json opened(const json& value);

/// One member of an object, for people.
void put_opened(json& into, const std::string& key, const json& value) {
  if (key.ends_with("_us") && value.is_number_integer()) {
    into[key.substr(0, key.size() - 3)] = print_duration(duration{value.get<std::int64_t>()});
  } else if (is_one_of(text_keys, key) && value.is_string()) {
    into[key] = json::parse(value.get_ref<const std::string&>(), nullptr, false);
    if (into[key].is_discarded())
      into[key] = value;
  } else if (is_pairs(value)) {
    auto& map = into[key] = json::object();
    for (const auto& pair : value)
      map[pair[0].get<std::string>()] = pair[1];
  } else {
    into[key] = opened(value);
  }
}

json opened(const json& value) {
  if (value.is_array()) {
    json list = json::array();
    for (const auto& one : value)
      list.push_back(opened(one));
    return list;
  }
  if (!value.is_object())
    return value;
  json map = json::object();
  for (const auto& [key, member] : value.items())
    put_opened(map, key, member);
  return map;
}

/// The names of the tasks at a position or at several.
json named(const json& at, const workflow_definition& of) {
  if (at.is_array()) {
    json names = json::array();
    for (const auto& one : at)
      names.push_back(named(one, of));
    return names;
  }
  return of.tasks[at.get<std::size_t>()].name;
}

json opened_task(const json& task, const workflow_definition& of) {
  json map = json::object();
  for (const auto& [key, member] : task.items())
    if (is_one_of(position_keys, key))
      map[key] = named(member, of);
    else if (key != "fallback_of" && key != "name")
      put_opened(map, key, member);
  return map;
}

/// A list of objects that have a name, as a map.
json by_name(const json& list, const char* name) {
  json map = json::object();
  for (const auto& one : list) {
    auto shown = opened(one);
    shown.erase(name);
    shown.erase("text"); // Of a trigger: its schedule once more, as it was written.
    map[one.at(name).get<std::string>()] = std::move(shown);
  }
  return map;
}

json readable(const workflow_definition& definition) {
  const auto form = json::parse(to_canonical_json(definition));
  json out = json::object();
  for (const auto& [key, value] : form.items()) {
    if (key == "format" || key == "source_file")
      continue;
    if (key == "params")
      out[key] = by_name(value, "name");
    else if (key == "triggers")
      out[key] = by_name(value, "id");
    else if (key != "tasks")
      put_opened(out, key, value);
  }
  auto& tasks = out["tasks"] = json::object();
  for (const auto& task : form.at("tasks"))
    tasks[task.at("name").get<std::string>()] = opened_task(task, definition);
  return out;
}

std::string text_of(const json* value) {
  return value == nullptr ? std::string{}
                          : value->dump(-1, ' ', false, json::error_handler_t::replace);
}

void compare(const std::string& path, const json* before, const json* after,
             std::vector<definition_change>& into) {
  if (before != nullptr && after != nullptr && *before == *after)
    return;
  const bool maps =
      before != nullptr && after != nullptr && before->is_object() && after->is_object();
  if (!maps) {
    into.push_back({path, text_of(before), text_of(after)});
    return;
  }
  json keys = *before;
  keys.update(*after);
  const auto member = [](const json& of, const std::string& key) {
    const auto found = of.find(key);
    return found == of.end() ? nullptr : &*found;
  };
  for (const auto& [key, _] : keys.items())
    compare(path.empty() ? key : path + '.' + key, member(*before, key), member(*after, key), into);
}

} // namespace

json_text readable_form(const workflow_definition& definition) {
  const auto form = readable(definition);
  return text_of(&form);
}

std::vector<definition_change> definition_changes(const workflow_definition& before,
                                                  const workflow_definition& after) {
  std::vector<definition_change> changes;
  const auto from = readable(before);
  const auto to = readable(after);
  compare({}, &from, &to, changes);
  return changes;
}

} // namespace pinion
