#include "definitions/policy_readers.hpp"

#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <set>

namespace pinion::definitions {

namespace {

using retry_rule = key_rule<retry_policy>;
using timeout_rule = key_rule<timeout_policy>;
using check_rule = key_rule<check_definition>;
using poll_rule = key_rule<poll_policy>;

struct for_each_draft {
  fan_out* fan;
  const node* groups_by_pool;
};
using for_each_rule = key_rule<for_each_draft>;

template <auto Member, class Draft>
void duration_into(const reporter& report, const node& at, Draft& into) {
  if (const auto value = read_duration(report, at, some_duration()))
    into.*Member = *value;
}

void read_retry_max(const reporter& report, const node& at, retry_policy& into) {
  if (const auto value = read_integer(report, at, 0, definition_limits::retries))
    into.max = static_cast<std::uint32_t>(*value);
}

std::vector<int> read_exit_codes(const reporter& report, const node& at) {
  std::set<int> codes;
  if (at.is_scalar()) {
    if (const auto code = read_integer(report, at, 1, 255))
      codes.insert(static_cast<int>(*code));
  } else if (at.is_list()) {
    for (const auto& item : at.items)
      if (const auto code = read_integer(report, item, 1, 255))
        codes.insert(static_cast<int>(*code));
  } else {
    report_kind(report, at, "a list of exit codes");
  }
  return {codes.begin(), codes.end()};
}

constexpr retry_rule retry_rules[] = {
    {"max", read_retry_max},
    {"delay",
     [](const reporter& report, const node& at, retry_policy& into) {
       if (const auto value = read_duration(report, at, any_duration()))
         into.delay = *value;
     }},
    {"factor",
     [](const reporter& report, const node& at, retry_policy& into) {
       if (const auto value = read_number(report, at, 1, 100))
         into.factor = *value;
     }},
    {"max_delay",
     [](const reporter& report, const node& at, retry_policy& into) {
       if (const auto value = read_duration(report, at, any_duration()))
         into.max_delay = *value;
     }},
    {"jitter",
     [](const reporter& report, const node& at, retry_policy& into) {
       if (const auto value = read_number(report, at, 0, 1))
         into.jitter = *value;
     }},
    {"on_exit", [](const reporter& report, const node& at,
                   retry_policy& into) { into.on_exit = read_exit_codes(report, at); }},
    {"on_timeout",
     [](const reporter& report, const node& at, retry_policy& into) {
       if (const auto value = read_flag(report, at))
         into.on_timeout = *value;
     }},
};

constexpr timeout_rule timeout_rules[] = {
    {"attempt", duration_into<&timeout_policy::attempt, timeout_policy>},
    {"queue", duration_into<&timeout_policy::queue, timeout_policy>},
    {"upstream", duration_into<&timeout_policy::upstream, timeout_policy>},
    {"task", duration_into<&timeout_policy::task, timeout_policy>},
};

constexpr check_rule check_rules[] = {
    {"command", [](const reporter& report, const node& at,
                   check_definition& into) { read_command(report, at, into.command, into.argv); }},
    {"name",
     [](const reporter& report, const node& at, check_definition& into) {
       if (auto value = read_name(report, at))
         into.name = *std::move(value);
     }},
    {"weak",
     [](const reporter& report, const node& at, check_definition& into) {
       if (const auto value = read_flag(report, at))
         into.weak = *value;
     }},
    {"timeout", duration_into<&check_definition::timeout, check_definition>},
};

void read_every(const reporter& report, const node& at, poll_policy& into) {
  const duration_range allowed{definition_limits::shortest_poll, some_duration().most};
  if (const auto value = read_duration(report, at, allowed))
    into.every = *value;
}

constexpr poll_rule poll_rules[] = {
    {"every", read_every},
    {"timeout", duration_into<&poll_policy::timeout, poll_policy>},
    {"not_yet",
     [](const reporter& report, const node& at, poll_policy& into) {
       auto codes = read_exit_codes(report, at);
       if (codes.empty() && at.is_list() && at.items.empty())
         report.error(at, "`not_yet` lists no exit code", "write [1]");
       if (!codes.empty())
         into.not_yet = std::move(codes);
     }},
};

void read_elements(const reporter& report, const node& at, fan_out& into) {
  if (at.is_scalar()) {
    into.of = at.text;
    if (at.text.find_first_not_of(" \t\n") == std::string::npos)
      report.error(at, "the text is empty");
    return;
  }
  if (!at.is_list())
    return report_kind(report, at, "a list or text with an expression");
  if (at.items.size() > definition_limits::for_each_elements)
    return report.error(at, "a `for_each` of more than 10,000 elements");
  if (const auto list = read_json(report, at)) {
    into.of = list->dump();
    into.of_is_json = true;
  }
}

void read_groups(const reporter& report, const node& at, for_each_draft& into) {
  if (at.is_scalar() && at.text == "pool")
    into.groups_by_pool = &at;
  else if (const auto value = read_integer(report, at, 1, definition_limits::for_each_elements))
    into.fan->groups = static_cast<std::uint32_t>(*value);
}

constexpr for_each_rule for_each_rules[] = {
    {"of", [](const reporter& report, const node& at,
              for_each_draft& into) { read_elements(report, at, *into.fan); }},
    {"groups", read_groups},
    {"max_parallel",
     [](const reporter& report, const node& at, for_each_draft& into) {
       if (const auto value = read_integer(report, at, 1, definition_limits::for_each_elements))
         into.fan->max_parallel = static_cast<std::uint32_t>(*value);
     }},
    {"key",
     [](const reporter& report, const node& at, for_each_draft& into) {
       if (auto value = read_filled_text(report, at))
         into.fan->key = *std::move(value);
     }},
};

/// A comment right behind a plain text on its own line: often meant as a part of it.
void warn_of_comment(const reporter& report, const node& at) {
  const std::string_view text = report.file.text();
  if (!at.plain || text.substr(at.offset, at.text.size()) != at.text)
    return;
  auto behind = at.offset + at.text.size();
  const auto blanks = text.find_first_not_of(" \t", behind);
  if (blanks == std::string_view::npos || blanks == behind || text[blanks] != '#')
    return;
  report.warning(blanks, "YAML takes what follows ` #` as a comment: the command ends before it",
                 "write the command in quotes if the # belongs to it");
}

void name_checks(const reporter& report, const node& at, std::vector<check_definition>& checks) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (checks[i].name.empty())
      checks[i].name = "check" + std::to_string(i + 1);
    if (!names.insert(checks[i].name).second)
      report.error(at.items[i], "a second check of the name " + shown(checks[i].name));
  }
}

std::optional<int> two_digits(std::string_view text, int most) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(text[0]) || !digit(text[1]))
    return std::nullopt;
  const int value = (text[0] - '0') * 10 + (text[1] - '0');
  return value <= most ? std::optional{value} : std::nullopt;
}

} // namespace

void read_retry(const reporter& report, const node& at, retry_policy& into) {
  if (at.is_scalar())
    return read_retry_max(report, at, into);
  read_keys<retry_policy>(report, at, retry_rules, "a retry policy", into);
}

void read_timeout(const reporter& report, const node& at, timeout_policy& into) {
  if (at.is_scalar())
    return duration_into<&timeout_policy::attempt>(report, at, into);
  read_keys<timeout_policy>(report, at, timeout_rules, "timeouts", into);
}

void read_pools(const reporter& report, const node& at, const project_settings& settings,
                std::vector<pool_need>& into) {
  into.clear();
  const auto add = [&](const node& name, std::int64_t permits) {
    const auto known = settings.pools.find(name.text);
    if (known == settings.pools.end()) {
      std::vector<std::string_view> names;
      for (const auto& [pool, size] : settings.pools)
        names.emplace_back(pool);
      auto advice = did_you_mean(name.text, names);
      return report.error(name, "there is no pool " + shown(name.text),
                          advice.empty() ? "declare it under `pools:` in pinion.yaml" : advice);
    }
    if (permits > known->second)
      return report.error(name, "the pool " + shown(name.text) + " has " +
                                    std::to_string(known->second) + " permits, not " +
                                    std::to_string(permits));
    into.push_back({name.text, static_cast<std::uint32_t>(permits)});
  };
  if (at.is_scalar())
    add(at, 1);
  else if (!at.is_map())
    report_kind(report, at, "the name of a pool or a map from pools to permits");
  for (std::size_t i = 0; at.is_map() && i < at.pairs(); ++i)
    if (at.key(i).is_scalar())
      if (const auto permits = read_integer(report, at.value(i), 1, definition_limits::permits))
        add(at.key(i), *permits);
  std::sort(into.begin(), into.end(),
            [](const pool_need& a, const pool_need& b) { return a.pool < b.pool; });
}

void read_checks(const reporter& report, const node& at, std::vector<check_definition>& into) {
  into.clear();
  if (!at.is_list())
    return report_kind(report, at, "a list of checks");
  if (at.items.size() > definition_limits::checks)
    return report.error(at, "more than 100 checks in a task");
  for (const auto& item : at.items) {
    check_definition check;
    const bool is_map = read_keys<check_definition>(report, item, check_rules, "a check", check);
    if (is_map && item.find("command") == nullptr)
      report.error(item, "a check needs a `command`");
    into.push_back(std::move(check));
  }
  name_checks(report, at, into);
}

const node* read_for_each(const reporter& report, const node& at, std::optional<fan_out>& into) {
  if (!at.is_map() || at.pairs() != 1 || !at.key(0).is_scalar()) {
    report.error(at, "`for_each` is a map of one loop name", "as in {country: [DEU, AUT]}");
    return nullptr;
  }
  auto& fan = into.emplace();
  fan.variable = at.key(0).text;
  if (!is_identifier(fan.variable))
    report.error(at.key(0), shown(fan.variable) + " is no legal loop name",
                 "use letters, digits and _");
  const auto& what = at.value(0);
  if (!what.is_map() || (what.flow && what.pairs() == 1 && what.key(0).is_map())) {
    read_elements(report, what, fan);
    return nullptr;
  }
  for_each_draft draft{&fan, nullptr};
  read_keys<for_each_draft>(report, what, for_each_rules, "a `for_each`", draft);
  if (what.find("of") == nullptr)
    report.error(at.key(0), "a `for_each` needs a list under `of`");
  return draft.groups_by_pool;
}

void read_poll(const reporter& report, const node& at, std::optional<poll_policy>& into) {
  auto& poll = into.emplace();
  if (at.is_scalar())
    return read_every(report, at, poll);
  read_keys<poll_policy>(report, at, poll_rules, "a poll", poll);
  if (poll.timeout / poll.every > definition_limits::looks)
    report.error(at, "within its `timeout` it would look more than 10,000,000 times",
                 "look less often, or give up earlier");
}

void read_command(const reporter& report, const node& at, std::string& text,
                  std::vector<std::string>& argv) {
  text.clear();
  argv.clear();
  if (at.is_list()) {
    if (at.items.empty())
      return report.error(at, "the command is empty");
    if (auto words = read_texts(report, at, single_text::refused)) {
      if (words->front().empty())
        report.error(at.items.front(), "the command is empty");
      argv = *std::move(words);
    }
    return;
  }
  warn_of_comment(report, at);
  if (auto value = read_filled_text(report, at))
    text = *std::move(value);
}

std::optional<duration> read_deadline(const reporter& report, const node& at) {
  if (!at.is_scalar()) {
    report_kind(report, at, "a time such as \"08:00\"");
    return std::nullopt;
  }
  const std::string_view text = at.text;
  const bool seconds = text.size() == 8 && text[5] == ':';
  const bool shaped = (text.size() == 5 || seconds) && text[2] == ':';
  const auto hour = shaped ? two_digits(text.substr(0, 2), 47) : std::nullopt;
  const auto minute = shaped ? two_digits(text.substr(3, 2), 59) : std::nullopt;
  const auto second = seconds ? two_digits(text.substr(6, 2), 59) : std::optional{0};
  if (!hour || !minute || !second) {
    report.error(at, shown(text) + " is no deadline",
                 "write a time of the slot's day, \"08:00\"; hours go on to 47, of the next day");
    return std::nullopt;
  }
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

std::vector<std::string_view> retry_keys() { return keys_of<retry_policy>(retry_rules); }
std::vector<std::string_view> timeout_keys() { return keys_of<timeout_policy>(timeout_rules); }
std::vector<std::string_view> check_keys() { return keys_of<check_definition>(check_rules); }
std::vector<std::string_view> poll_keys() { return keys_of<poll_policy>(poll_rules); }
std::vector<std::string_view> for_each_keys() { return keys_of<for_each_draft>(for_each_rules); }

} // namespace pinion::definitions
