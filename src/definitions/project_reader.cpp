#include "definitions/project_reader.hpp"

#include "definitions/key_rules.hpp"
#include "definitions/yaml_tree.hpp"
#include "pinion/definitions/limits.hpp"

#include <utility>

namespace pinion::definitions {

namespace {

/// A pinion.yaml while it is read; what needs other keys first is kept as nodes.
struct project_draft {
  project_file made;
  const node* defaults = nullptr;
  const node* profiles = nullptr;
  const node* environments = nullptr;
};

/// What `environments:` may change; the same readers serve the top of the file.
struct overlay_draft {
  project_settings* settings;
  nlohmann::json* vars;
  const std::string* folder;
};

void read_pool_sizes(const reporter& report, const node& at, overlay_draft& into) {
  if (!at.is_map())
    return report_kind(report, at, "a map from pools to permits");
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    const auto& key = at.key(i);
    if (!is_name(key.text))
      report.error(key, shown(key.text) + " is no legal name of a pool", std::string{name_rule});
    if (const auto size = read_integer(report, at.value(i), 1, definition_limits::permits))
      into.settings->pools[key.text] = static_cast<std::uint32_t>(*size);
  }
}

struct secret_draft {
  secret_source source;
  const std::string* folder;
};

constexpr key_rule<secret_draft> secret_rules[] = {
    {"env",
     [](const reporter& report, const node& at, secret_draft& into) {
       if (auto value = read_filled_text(report, at))
         into.source = {secret_source::kind::environment, *std::move(value)};
     }},
    {"file",
     [](const reporter& report, const node& at, secret_draft& into) {
       if (const auto value = read_filled_text(report, at))
         into.source = {secret_source::kind::file, below(*into.folder, *value)};
     }},
};

void read_secrets_map(const reporter& report, const node& at, overlay_draft& into) {
  if (!at.is_map())
    return report_kind(report, at, "a map of secrets");
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    const auto& key = at.key(i);
    if (!is_name(key.text))
      report.error(key, shown(key.text) + " is no legal name of a secret", std::string{name_rule});
    secret_draft draft{{}, into.folder};
    const auto& value = at.value(i);
    if (value.is_scalar())
      report.error(value, "a secret is not written into the file",
                   "write {env: NAME} or {file: path}");
    else if (read_keys<secret_draft>(report, value, secret_rules, "a secret", draft) &&
             value.pairs() != 1)
      report.error(key, "a secret has either `env` or `file`");
    into.settings->secrets[key.text] = std::move(draft.source);
  }
}

constexpr key_rule<channel_definition> channel_rules[] = {
    {"log",
     [](const reporter& report, const node& at, channel_definition& into) {
       if (const auto value = read_flag(report, at))
         into.log = *value;
     }},
    {"command",
     [](const reporter& report, const node& at, channel_definition& into) {
       auto words = read_texts(report, at, single_text::refused);
       if (words && (words->empty() || words->front().empty()))
         report.error(at, "the command is empty");
       else if (words)
         into.command = *std::move(words);
     }},
};

void read_channels(const reporter& report, const node& at, overlay_draft& into) {
  if (!at.is_map())
    return report_kind(report, at, "a map of channels");
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    const auto& key = at.key(i);
    if (!is_name(key.text))
      report.error(key, shown(key.text) + " is no legal name of a channel", std::string{name_rule});
    channel_definition channel;
    channel.cwd = *into.folder;
    const auto errors = report.sink.error_count();
    read_keys<channel_definition>(report, at.value(i), channel_rules, "a channel", channel);
    if (errors == report.sink.error_count() && !channel.log && channel.command.empty())
      report.error(key, "the channel " + shown(key.text) + " goes nowhere",
                   "write {log: true} or {command: [./page.sh]}");
    into.settings->channels[key.text] = std::move(channel);
  }
}

void read_vars_into(const reporter& report, const node& at, overlay_draft& into) {
  into.vars->update(read_vars(report, at));
}

constexpr key_rule<overlay_draft> environment_rules[] = {
    {"vars", read_vars_into},
    {"secrets", read_secrets_map},
    {"pools", read_pool_sizes},
    {"channels", read_channels},
    {"triggers",
     [](const reporter& report, const node& at, overlay_draft& into) {
       if (const auto value = read_flag(report, at))
         into.settings->triggers_enabled = *value;
     }},
};

overlay_draft base_of(project_draft& draft) {
  return {&draft.made.settings, &draft.made.vars, &draft.made.folder};
}

template <void (*Read)(const reporter&, const node&, overlay_draft&)>
void top_level(const reporter& report, const node& at, project_draft& into) {
  auto base = base_of(into);
  Read(report, at, base);
}

constexpr key_rule<project_draft> project_rules[] = {
    {"project",
     [](const reporter& report, const node& at, project_draft& into) {
       if (auto value = read_name(report, at))
         into.made.project = *std::move(value);
     }},
    {"timezone",
     [](const reporter& report, const node& at, project_draft& into) {
       const auto name = read_text(report, at);
       if (!name)
         return;
       if (const auto known = zone::load(*name); !known)
         report.error(at, known.error().message, known.error().suggestion);
       else
         into.made.timezone = *name;
     }},
    {"defaults", [](const reporter&, const node& at, project_draft& into) { into.defaults = &at; }},
    {"profiles", [](const reporter&, const node& at, project_draft& into) { into.profiles = &at; }},
    {"vars", top_level<read_vars_into>},
    {"secrets", top_level<read_secrets_map>},
    {"pools", top_level<read_pool_sizes>},
    {"channels", top_level<read_channels>},
    {"calendars", [](const reporter& report, const node& at,
                     project_draft& into) { into.made.calendars = read_calendars(report, at); }},
    {"environments",
     [](const reporter&, const node& at, project_draft& into) { into.environments = &at; }},
};

/// Reads every environment, so that all are checked; the chosen one is applied last.
void read_environments(const reporter& report, const node& at, std::string_view chosen,
                       project_draft& into) {
  if (!at.is_map())
    return report_kind(report, at, "a map of environments");
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    const auto& name = at.key(i);
    if (!is_name(name.text))
      report.error(name, shown(name.text) + " is no legal name of an environment",
                   std::string{name_rule});
    into.made.environments.push_back(name.text);
    auto settings = into.made.settings;
    auto vars = nlohmann::json::object();
    overlay_draft overlay{&settings, &vars, &into.made.folder};
    if (!at.value(i).is_null())
      read_keys<overlay_draft>(report, at.value(i), environment_rules, "an environment", overlay);
    if (name.text != chosen)
      continue;
    into.made.has_environment = true;
    into.made.environment_vars = std::move(vars);
    into.made.settings = std::move(settings);
  }
}

void read_content(const reporter& report, const node& root, std::string_view environment,
                  project_draft& draft) {
  if (!read_keys<project_draft>(report, root, project_rules, "pinion.yaml", draft))
    return;
  if (draft.environments != nullptr)
    read_environments(report, *draft.environments, environment, draft);
  task_draft unsaid;
  unsaid.folder = &draft.made.folder;
  unsaid.settings = &draft.made.settings;
  if (draft.profiles != nullptr) {
    check_profiles(report, *draft.profiles, unsaid);
    draft.made.profiles =
        std::make_shared<profile_set>(profile_set{report.file, draft.made.folder, *draft.profiles});
  }
  if (draft.defaults != nullptr) {
    read_defaults(report, *draft.defaults, unsaid);
    draft.made.defaults = std::move(unsaid.task);
  }
}

} // namespace

nlohmann::json read_vars(const reporter& report, const node& at) {
  auto vars = nlohmann::json::object();
  if (!at.is_map()) {
    report_kind(report, at, "a map of values");
    return vars;
  }
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    const auto& key = at.key(i);
    if (!is_name(key.text))
      report.error(key, shown(key.text) + " is no legal name of a variable",
                   std::string{name_rule});
    else if (auto value = read_json(report, at.value(i)))
      vars[key.text] = *std::move(value);
  }
  return vars;
}

project_file read_project(const reporter& report, std::string folder,
                          std::string_view environment) {
  project_draft draft;
  draft.made.path = report.file.path();
  draft.made.folder = std::move(folder);
  const auto documents = read_yaml(report);
  if (documents.size() > 1)
    report.error(documents[1].offset, "a second document in pinion.yaml");
  if (!documents.empty() && !documents.front().root.is_null())
    read_content(report, documents.front().root, environment, draft);
  draft.made.settings.project = draft.made.project;
  return std::move(draft.made);
}

std::vector<std::string_view> project_keys() { return keys_of<project_draft>(project_rules); }
std::vector<std::string_view> environment_keys() {
  return keys_of<overlay_draft>(environment_rules);
}
std::vector<std::string_view> secret_keys() { return keys_of<secret_draft>(secret_rules); }
std::vector<std::string_view> channel_keys() { return keys_of<channel_definition>(channel_rules); }

} // namespace pinion::definitions
