#include "program/options.hpp"

#include "pinion/timing/duration_text.hpp"
#include "program/socket_group.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <ios>
#include <set>
#include <yaml-cpp/yaml.h>

namespace pinion {

namespace {

using setter = std::function<result<void>(program_options&, const std::string&)>;

/// One setting: all that is known of it stands in one row.
struct setting {
  std::string flag; ///< "--slots"
  std::string key;  ///< "engine.slots"
  std::string argument;
  std::string help;
  std::string standard; ///< The default, as the help prints it; empty: none.
  bool repeats = false;
  setter set;
};

problem bad(const std::string& what, const std::string& mend) {
  return {errc::invalid, what, mend};
}

result<bool> read_switch(const std::string& text) {
  if (text == "on" || text == "true")
    return true;
  if (text == "off" || text == "false")
    return false;
  return bad("`" + text + "` is neither on nor off", "write on or off");
}

result<std::uint64_t> read_number(const std::string& text, std::uint64_t least,
                                  std::uint64_t most) {
  std::uint64_t value = 0;
  const auto end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc{} || at != end || value < least || value > most)
    return bad("`" + text + "` is not a number from " + std::to_string(least) + " to " +
                   std::to_string(most),
               {});
  return value;
}

result<duration> read_time_of_day(const std::string& text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  const bool shaped =
      text.size() == 5 && text[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4);
  const auto hours = shaped ? (text[0] - '0') * 10 + text[1] - '0' : 24;
  const auto minutes = shaped ? (text[3] - '0') * 10 + text[4] - '0' : 60;
  if (hours > 23 || minutes > 59)
    return bad("`" + text + "` is no time of day", "write HH:MM, from 00:00 to 23:59");
  return duration{std::chrono::hours{hours}} + std::chrono::minutes{minutes};
}

result<std::string> absolute_path(const std::string& text) {
  if (text.empty())
    return bad("the path is empty", {});
  std::error_code failed;
  auto path = std::filesystem::absolute(text, failed).lexically_normal().string();
  if (failed)
    return bad("`" + text + "` cannot be made absolute: " + failed.message(), {});
  if (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  return path;
}

/// "180d" for all projects, "dw=90d" for one. Read: text -> result<T>.
template <class T, class Read>
result<void> read_by_project(const std::string& text, by_project<T>& into, Read read) {
  const auto equals = text.find('=');
  if (equals == 0)
    return bad("`" + text + "` names no project", "write PROJECT=VALUE");
  BOOST_OUTCOME_TRY(value, read(equals == std::string::npos ? text : text.substr(equals + 1)));
  if (equals == std::string::npos)
    into.usual = value;
  else
    into.projects[text.substr(0, equals)] = value;
  return ok();
}

result<duration> read_age(const std::string& text) {
  BOOST_OUTCOME_TRY(value, parse_duration(text));
  if (value < std::chrono::minutes{1})
    return bad("`" + text + "` is less than 1m", {});
  return value;
}

/// One of the ages of retention.
setting age_setting(std::string flag, std::string key, std::string help, std::string standard,
                    by_project<duration> retention_settings::*age) {
  return {std::move(flag),
          std::move(key),
          "[PROJECT=]DURATION",
          std::move(help),
          std::move(standard),
          true,
          [age](auto& to, const auto& text) -> result<void> {
            return read_by_project(text, to.retention.*age, read_age);
          }};
}

const std::vector<setting>& settings() {
  static const std::vector<setting> all{
      {"--data", "engine.data", "DIR", "data folder",
       "$XDG_STATE_HOME/pinion; root: /var/lib/pinion", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(path, absolute_path(text));
         to.data = std::move(path);
         return ok();
       }},
      {"--workflows", "engine.workflows", "DIR",
       "folder of workflow files, read recursively; may be repeated", "", true,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(path, absolute_path(text));
         to.workflows.push_back(std::move(path));
         return ok();
       }},
      {"--env", "engine.environment", "NAME", "one of `environments:` of pinion.yaml", "", false,
       [](auto& to, const auto& text) -> result<void> {
         to.environment = text;
         return ok();
       }},
      {"--slots", "engine.slots", "N", "processes at once, 1 to 10000", "2 x processors", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(number, read_number(text, 1, 10'000));
         to.slots = static_cast<std::uint32_t>(number);
         return ok();
       }},
      {"--socket-group", "engine.socket_group", "GROUP",
       "members may steer the engine: socket 0660, data folder 0710", "none", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(group, find_group(text));
         to.socket_group = group;
         return ok();
       }},
      {"--watch", "engine.watch", "on|off", "read workflow folders again when they change", "on",
       false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(value, read_switch(text));
         to.watch = value;
         return ok();
       }},
      {"--triggers", "engine.triggers", "on|off", "let triggers make runs", "on", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(value, read_switch(text));
         to.triggers = value;
         return ok();
       }},
      {"--plan-at", "plan.at", "HH:MM",
       "from this time of day on the next day's runs are planned too", "22:00", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(value, read_time_of_day(text));
         to.plan_at = value;
         return ok();
       }},
      {"--plan-timezone", "plan.timezone", "ZONE", "whose days the plan is made by",
       "the host's time zone", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(value, zone::load(text));
         to.plan_zone = value;
         return ok();
       }},
      {"--load-ahead", "plan.load_ahead", "DURATION",
       "planned runs become live so long before their slot, 10s to 1h", "2m", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(value, parse_duration(text));
         if (value < std::chrono::seconds{10} || value > std::chrono::hours{1})
           return bad("`" + text + "` is not between 10s and 1h", {});
         to.load_ahead = value;
         return ok();
       }},
      {"--durability", "store.durability", "sync|os",
       "sync: acknowledged means on disk; os: with the kernel", "sync", false,
       [](auto& to, const auto& text) -> result<void> {
         if (text != "sync" && text != "os")
           return bad("`" + text + "` is no durability", "write sync or os");
         to.sync = text == "sync";
         return ok();
       }},
      {"--moved", "store.moved", "on|off",
       "take a data folder that was copied or moved here; the other is never started again", "off",
       false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(value, read_switch(text));
         to.moved = value;
         return ok();
       }},
      age_setting("--keep-history", "retention.history",
                  "runs, slots and backfills go so long after their end; may be repeated", "180d",
                  &retention_settings::history),
      age_setting("--keep-logs", "retention.logs",
                  "logs go so long after the end of their run; may be repeated", "30d",
                  &retention_settings::logs),
      {"--keep-log-bytes", "retention.log_bytes", "[PROJECT=]BYTES",
       "of all logs of a project's ended runs, the oldest go; 0: no limit; may be repeated", "0",
       true,
       [](auto& to, const auto& text) -> result<void> {
         return read_by_project(text, to.retention.log_bytes, [](const std::string& number) {
           return read_number(number, 0, 1ULL << 50U);
         });
       }},
      age_setting("--keep-workspaces", "retention.workspaces",
                  "workspaces go so long after a run's success; may be repeated", "7d",
                  &retention_settings::workspaces),
      age_setting("--keep-failed-workspaces", "retention.failed_workspaces",
                  "workspaces go so long after any other end; may be repeated", "30d",
                  &retention_settings::failed_workspaces),
      {"--disk-reserve", "store.disk_reserve_bytes", "BYTES",
       "free space of the disk below which nothing new is taken or started; 0: off", "134217728",
       false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(number, read_number(text, 0, 1ULL << 50U));
         to.disk_reserve_bytes = number;
         return ok();
       }},
      {"--log-level", "log.level", "LEVEL", "debug, info, warn or error", "info", false,
       [](auto& to, const auto& text) -> result<void> {
         static constexpr std::string_view levels[] = {"debug", "info", "warn", "error"};
         if (std::find(std::begin(levels), std::end(levels), text) == std::end(levels))
           return bad("`" + text + "` is no level", "write debug, info, warn or error");
         to.log_level = text;
         return ok();
       }},
      {"--task-log-limit", "log.task_limit_bytes", "BYTES",
       "of an attempt's log, 4194304 or more; above it the middle is cut out", "268435456", false,
       [](auto& to, const auto& text) -> result<void> {
         BOOST_OUTCOME_TRY(number, read_number(text, 4ULL << 20U, 1ULL << 50U));
         to.log_limit_bytes = number;
         return ok();
       }},
  };
  return all;
}

std::string variable_of(const setting& of) {
  auto name = "PINION__" + of.key;
  if (const auto dot = name.find('.'); dot != std::string::npos)
    name.replace(dot, 1, "__");
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

/// Collects the words of one setting, from the strongest source that gives any.
struct given_value {
  std::vector<std::string> words;
  setting_source from = setting_source::built_in;
  std::string place;
};

using given_values = std::map<std::string, given_value>;

result<void> read_file(const std::string& path, given_values& into) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown))
    return bad("--config " + path + " is a folder", "name a YAML file");
  const auto unreadable =
      bad("--config " + path + " cannot be read", "check the path and its permissions");
  YAML::Node root;
  try {
    root = YAML::LoadFile(path);
  } catch (const YAML::BadFile&) {
    return unreadable;
  } catch (const std::ios_base::failure&) {
    return unreadable;
  } catch (const YAML::Exception& why) {
    return bad(path + ':' + std::to_string(why.mark.line + 1) + ':' +
                   std::to_string(why.mark.column + 1) + ": " + why.msg,
               {});
  }
  if (root.IsNull())
    return ok();
  if (!root.IsMap())
    return bad(path + ":1:1: the file is not a map of sections", "write engine: {slots: 4}");
  std::set<std::string> seen; // The reader passes on a key as often as it stands there.
  for (const auto& section : root) {
    const auto name = section.first.as<std::string>("");
    const auto line = std::to_string(section.first.Mark().line + 1);
    if (!section.second.IsMap())
      return bad(path + ':' + line + ":1: section `" + name + "` is not a map", {});
    if (!seen.insert(name).second)
      return bad(path + ':' + line + ":1: section `" + name + "` is there twice", "merge the two");
    for (const auto& entry : section.second) {
      const auto key = name + '.' + entry.first.as<std::string>("");
      const auto place = path + ':' + std::to_string(entry.first.Mark().line + 1) + ':' +
                         std::to_string(entry.first.Mark().column + 1);
      const auto known = std::any_of(settings().begin(), settings().end(),
                                     [&](const auto& each) { return each.key == key; });
      if (!known)
        return bad(place + ": unknown setting `" + key + "`", "`pinion config show` lists them");
      if (!seen.insert(key).second)
        return bad(place + ": `" + key + "` is given twice", "leave one of them");
      given_value value{{}, setting_source::file, place};
      if (entry.second.IsSequence())
        for (const auto& item : entry.second)
          value.words.push_back(item.as<std::string>(""));
      else
        value.words.push_back(entry.second.as<std::string>(""));
      into[key] = std::move(value);
    }
  }
  return ok();
}

result<void> read_environment(const std::map<std::string, std::string>& environment,
                              given_values& into) {
  for (const auto& [name, text] : environment) {
    if (!name.starts_with("PINION__"))
      continue;
    const auto known =
        std::find_if(settings().begin(), settings().end(),
                     [&name = name](const auto& each) { return variable_of(each) == name; });
    if (known == settings().end())
      return bad("unknown setting in the environment: " + name, "`pinion config show` lists them");
    given_value value{{}, setting_source::environment, name};
    // As in PATH, several folders are separated by colons.
    std::size_t from = 0;
    while (known->repeats && text.find(':', from) != std::string::npos) {
      const auto to = text.find(':', from);
      value.words.push_back(text.substr(from, to - from));
      from = to + 1;
    }
    value.words.push_back(text.substr(from));
    into[known->key] = std::move(value);
  }
  return ok();
}

result<void> read_flags(const std::vector<std::string>& words, given_values& into,
                        std::string& config) {
  given_values flags;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto name = words[i];
    std::optional<std::string> text;
    if (const auto equals = name.find('='); name.starts_with("--") && equals != std::string::npos) {
      text = name.substr(equals + 1);
      name.erase(equals);
    }
    const auto known = std::find_if(settings().begin(), settings().end(),
                                    [&](const auto& each) { return each.flag == name; });
    if (known == settings().end() && name != "--config")
      return bad("unknown option `" + words[i] + "`", "`pinion --help` lists them");
    if (!text && i + 1 >= words.size())
      return bad(name + " needs a value", {});
    if (!text)
      text = words[++i];
    if (name == "--config") {
      config = *text;
      continue;
    }
    auto& value = flags[known->key];
    if (!value.words.empty() && !known->repeats)
      return bad(name + " is given twice", {});
    value.words.push_back(*text);
    value.from = setting_source::flag;
    value.place = name;
  }
  for (auto& [key, value] : flags)
    into[key] = std::move(value);
  return ok();
}

} // namespace

result<program_options> read_options(const program_arguments& given) {
  given_values flags;
  std::string config;
  BOOST_OUTCOME_TRY(read_flags(given.words, flags, config));
  given_values all;
  if (!config.empty()) {
    BOOST_OUTCOME_TRY(read_file(config, all));
  }
  BOOST_OUTCOME_TRY(read_environment(given.environment, all));
  for (auto& [key, value] : flags)
    all[key] = std::move(value);
  program_options out;
  out.slots = 2 * std::max(given.processors, 1U);
  if (const auto local = zone::load(given.host_zone))
    out.plan_zone = local.value();
  const auto state = given.environment.find("XDG_STATE_HOME");
  const auto home = given.environment.find("HOME");
  if (state != given.environment.end() && !state->second.empty())
    out.data = state->second + "/pinion";
  else if (given.root)
    out.data = "/var/lib/pinion";
  else if (home != given.environment.end())
    out.data = home->second + "/.local/state/pinion";
  for (const auto& each : settings()) {
    const auto found = all.find(each.key);
    shown_setting shown{each.key, {}, setting_source::built_in};
    if (found != all.end()) {
      shown.from = found->second.from;
      for (const auto& word : found->second.words) {
        if (auto set = each.set(out, word); !set)
          return problem{errc::invalid, found->second.place + ": " + set.error().message,
                         set.error().suggestion};
        shown.value += (shown.value.empty() ? "" : ":") + word;
      }
    }
    out.shown.push_back(std::move(shown));
  }
  if (out.data.empty())
    return bad("there is no default data folder without HOME", "give --data DIR");
  const auto fill = [&](std::string_view key, const std::string& value) {
    for (auto& each : out.shown)
      if (each.key == key && each.from == setting_source::built_in)
        each.value = value;
  };
  for (const auto& each : settings())
    fill(each.key, each.standard);
  fill("engine.data", out.data);
  fill("engine.slots", std::to_string(out.slots));
  fill("plan.timezone", out.plan_zone.name());
  return out;
}

std::vector<setting_row> setting_rows() {
  std::vector<setting_row> rows;
  for (const auto& each : settings())
    rows.push_back({each.key, each.flag, each.argument, variable_of(each), each.help, each.standard,
                    each.repeats});
  return rows;
}

const std::vector<program_verb>& program_verbs() {
  static const std::vector<program_verb> verbs{
      {"standalone [OPTION]...", "engine and one local worker in one process"},
      {"config show [OPTION]...", "the effective settings and where each came from"},
      {"version", "version of the program"},
      {"help", "this text"},
  };
  return verbs;
}

std::string program_help() {
  std::string out = "pinion: a workflow scheduler for data and ML pipelines\n\n";
  const auto line = [&](std::string left, const std::string& help) {
    left.resize(std::max<std::size_t>(left.size() + 1, 28), ' ');
    out += "  " + left + help + '\n';
  };
  for (const auto& each : program_verbs())
    line("pinion " + each.usage, each.summary);
  out += "\nOptions:\n";
  for (const auto& each : settings())
    line(each.flag + ' ' + each.argument,
         each.help + (each.standard.empty() ? "" : " (default " + each.standard + ')'));
  line("--config FILE",
       "YAML with the same settings in sections, as `pinion config show` prints them");
  return out + "\nEach setting can also be given as PINION__SECTION__KEY, for example\n"
               "PINION__ENGINE__SLOTS=4. Steer a running engine with pinionctl.\n";
}

} // namespace pinion
