#include "pinion/definitions/canonical.hpp"

#include "definitions/canonical_parts.hpp"

#include <array>
#include <openssl/evp.h>

namespace pinion {

namespace definitions {

namespace {

using nlohmann::json;

json interval_to_json(const interval_rule& rule) {
  json out = json::object();
  interval_words.put(out, "kind", rule.kind, interval_kind::previous);
  put(out, "length_us", rule.length, duration{});
  put(out, "units", rule.units, 1U);
  return out;
}

interval_rule interval_from(const json& from) {
  interval_rule rule;
  interval_words.take(from, "kind", rule.kind);
  take(from, "length_us", rule.length);
  take(from, "units", rule.units);
  return rule;
}

/// Bytes that are no UTF-8 (a path) become U+FFFD.
std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Everything but the tasks, which may be many and are written one by one.
json head_to_json(const workflow_definition& definition) {
  const workflow_definition unsaid;
  json out = json::object();
  out["format"] = canonical_format;
  out["project"] = definition.project;
  out["name"] = definition.name;
  put(out, "description", definition.description, unsaid.description);
  put(out, "owner", definition.owner, unsaid.owner);
  if (!definition.labels.empty())
    out["labels"] = pairs_to_json(definition.labels);
  put(out, "timezone", definition.timezone, unsaid.timezone);
  for (const auto& param : definition.params)
    out["params"].push_back(to_json(param));
  for (const auto& trigger : definition.triggers)
    out["triggers"].push_back(to_json(trigger, definition.timezone));
  overlap_words.put(out, "overlap", definition.overlap, unsaid.overlap);
  put(out, "max_active_runs", definition.max_active_runs, unsaid.max_active_runs);
  put(out, "max_active_tasks", definition.max_active_tasks, unsaid.max_active_tasks);
  put(out, "timeout_us", definition.timeout, unsaid.timeout);
  failure_words.put(out, "failure", definition.failure, unsaid.failure);
  if (auto interval = interval_to_json(definition.data_interval); !interval.empty())
    out["data_interval"] = std::move(interval);
  // A rule that is there was given; what differs from that is said.
  put(out, "data_interval_given", definition.data_interval_given,
      definition.data_interval != interval_rule{});
  edit_words.put(out, "edits", definition.edits, unsaid.edits);
  put(out, "vars", definition.vars, unsaid.vars);
  if (auto alarms = to_json(definition.alarms); !alarms.empty())
    out["alarms"] = std::move(alarms);
  put(out, "source_file", definition.source_file, unsaid.source_file);
  return out;
}

std::string write_workflow(const workflow_definition& definition, const json& head) {
  std::string out{'{'};
  bool tasks_written = false;
  const auto write_tasks = [&] {
    tasks_written = true;
    out += "\"tasks\":[";
    for (std::size_t i = 0; i < definition.tasks.size(); ++i)
      out += (i > 0 ? "," : "") + dumped(to_json(definition.tasks[i]));
    out += "],";
  };
  for (const auto& [key, value] : head.items()) {
    if (!tasks_written && key > "tasks")
      write_tasks();
    out += dumped(key) + ':' + dumped(value) + ',';
  }
  if (!tasks_written)
    write_tasks();
  out.back() = '}';
  return out;
}

/// Positions of tasks in a stored form are used without further checks.
void check_positions(const workflow_definition& definition) {
  const auto count = definition.tasks.size();
  const auto check = [&](std::uint32_t at) {
    if (at >= count)
      throw corrupt_member{"a task's position is " + std::to_string(at) + " of " +
                           std::to_string(count)};
  };
  for (const auto& task : definition.tasks) {
    for (const auto need : task.needs)
      check(need);
    for (const auto previous : task.previous_tasks)
      check(previous);
    check(task.fallback.value_or(0));
    check(task.fallback_of.value_or(0));
  }
}

workflow_definition workflow_from(const json& from) {
  workflow_definition out;
  out.project = from.at("project").get<std::string>();
  out.name = from.at("name").get<std::string>();
  take(from, "description", out.description);
  take(from, "owner", out.owner);
  out.labels = pairs_from(from.value("labels", json::array()));
  take(from, "timezone", out.timezone);
  for (const auto& param : from.value("params", json::array()))
    out.params.push_back(param_from(param));
  for (const auto& trigger : from.value("triggers", json::array()))
    out.triggers.push_back(trigger_from(trigger, out.timezone));
  overlap_words.take(from, "overlap", out.overlap);
  take(from, "max_active_runs", out.max_active_runs);
  take(from, "max_active_tasks", out.max_active_tasks);
  take(from, "timeout_us", out.timeout);
  failure_words.take(from, "failure", out.failure);
  out.data_interval = interval_from(from.value("data_interval", json::object()));
  out.data_interval_given = out.data_interval != interval_rule{};
  take(from, "data_interval_given", out.data_interval_given);
  edit_words.take(from, "edits", out.edits);
  take(from, "vars", out.vars);
  out.alarms = alarms_from(from.value("alarms", json::object()));
  take(from, "source_file", out.source_file);
  const auto& tasks = from.at("tasks");
  out.tasks.reserve(tasks.size());
  for (const auto& task : tasks)
    out.tasks.push_back(task_from(task));
  check_positions(out);
  return out;
}

json channel_to_json(const channel_definition& channel) {
  const channel_definition unsaid;
  json out = json::object();
  put(out, "log", channel.log, unsaid.log);
  put(out, "command", channel.command, unsaid.command);
  put(out, "cwd", channel.cwd, unsaid.cwd);
  return out;
}

channel_definition channel_from(const json& from) {
  channel_definition channel;
  take(from, "log", channel.log);
  take(from, "command", channel.command);
  take(from, "cwd", channel.cwd);
  return channel;
}

constexpr const char* secret_words[] = {"env", "file"};

project_settings settings_from(const json& from) {
  project_settings out;
  out.project = from.at("project").get<std::string>();
  take(from, "pools", out.pools);
  const auto secrets = from.value("secrets", json::object());
  for (const auto& [name, secret] : secrets.items())
    for (const auto kind : {secret_source::kind::environment, secret_source::kind::file})
      if (const auto* word = secret_words[static_cast<std::size_t>(kind)]; secret.contains(word))
        out.secrets[name] = {kind, secret.at(word).get<std::string>()};
  const auto channels = from.value("channels", json::object());
  for (const auto& [name, channel] : channels.items())
    out.channels[name] = channel_from(channel);
  take(from, "triggers_enabled", out.triggers_enabled);
  return out;
}

/// Parses a canonical form and hands it to `read`; every way to fail becomes a problem.
template <class Value, class Read>
result<Value> read_form(std::string_view text, const char* what, Read read) {
  try {
    const auto form = json::parse(text);
    const auto format = form.at("format").get<int>();
    if (format > canonical_format)
      return problem{errc::newer_format, std::string{what} + " is of format " +
                                             std::to_string(format) + "; this program knows " +
                                             std::to_string(canonical_format)};
    return read(form);
  } catch (const json::exception& why) {
    return problem{errc::corrupt, std::string{what} + " cannot be read: " + why.what()};
  } catch (const corrupt_member& why) {
    return problem{errc::corrupt, std::string{what} + " cannot be read: " + why.what};
  }
}

} // namespace

json to_json(const param_definition& param) {
  json out = json::object();
  out["name"] = param.name;
  put(out, "default", param.default_value, std::string{});
  put(out, "type", param.type, std::string{});
  put(out, "enum", param.allowed, std::vector<json_text>{});
  if (param.min)
    out["min"] = *param.min;
  if (param.max)
    out["max"] = *param.max;
  return out;
}

param_definition param_from(const json& from) {
  param_definition param;
  take(from, "name", param.name);
  take(from, "default", param.default_value);
  take(from, "type", param.type);
  take(from, "enum", param.allowed);
  if (from.contains("min"))
    take(from, "min", param.min.emplace());
  if (from.contains("max"))
    take(from, "max", param.max.emplace());
  return param;
}

} // namespace definitions

using namespace definitions;

std::string to_canonical_json(const workflow_definition& definition) {
  return write_workflow(definition, head_to_json(definition));
}

result<workflow_definition> from_canonical_json(std::string_view text) {
  return read_form<workflow_definition>(text, "a stored definition", workflow_from);
}

std::string definition_hash(const workflow_definition& definition) {
  auto head = head_to_json(definition);
  head.erase("source_file");
  return sha256_hex(write_workflow(definition, head));
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += digits[digest[i] >> 4U];
    out += digits[digest[i] & 0xFU];
  }
  return out;
}

std::string to_canonical_json(const project_settings& settings) {
  nlohmann::json out = nlohmann::json::object();
  out["format"] = canonical_format;
  out["project"] = settings.project;
  put(out, "pools", settings.pools, {});
  for (const auto& [name, source] : settings.secrets)
    out["secrets"][name][secret_words[static_cast<std::size_t>(source.from)]] = source.name;
  for (const auto& [name, channel] : settings.channels)
    out["channels"][name] = channel_to_json(channel);
  put(out, "triggers_enabled", settings.triggers_enabled, true);
  return dumped(out);
}

result<project_settings> settings_from_canonical_json(std::string_view text) {
  return read_form<project_settings>(text, "stored settings", settings_from);
}

} // namespace pinion
