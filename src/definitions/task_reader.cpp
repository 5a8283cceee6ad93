#include "definitions/task_reader.hpp"

#include "definitions/alarm_reader.hpp"
#include "definitions/key_rules.hpp"
#include "definitions/policy_readers.hpp"
#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

namespace pinion::definitions {

namespace {

using task_rule = key_rule<task_draft>;

constexpr std::array<std::string_view, 7> type_words{"shell",    "python", "empty", "check",
                                                     "workflow", "switch", "java"};

constexpr unsigned bit(task_type type) { return 1U << static_cast<unsigned>(type); }
constexpr unsigned shell_only = bit(task_type::shell);
constexpr unsigned python_only = bit(task_type::python);
constexpr unsigned workflow_only = bit(task_type::workflow);
constexpr unsigned choice_only = bit(task_type::choice);
constexpr unsigned not_choice = ~choice_only;
constexpr unsigned java_only = bit(task_type::java);
constexpr unsigned body = shell_only | python_only | java_only;
constexpr unsigned process = body | bit(task_type::check);

/// The keys that not every type of task has, and the types that have them.
struct typed_key {
  std::string_view key;
  unsigned types;
};

constexpr typed_key typed_keys[] = {
    {"run", shell_only},       {"shell", shell_only | bit(task_type::check)},
    {"script", python_only},   {"args", python_only | java_only},
    {"jar", java_only},        {"jvm", java_only},
    {"python", python_only},   {"workflow", workflow_only},
    {"params", workflow_only}, {"cwd", process},
    {"env", process},          {"stdin", body},
    {"grace", process},        {"skip_exit", body},
    {"checks", process},       {"retry", process | workflow_only},
    {"poll", process},         {"on", choice_only},
    {"cases", choice_only},    {"default", choice_only},
    {"for_each", not_choice},
};

template <auto Member>
void text_into(const reporter& report, const node& at, task_draft& into) {
  if (auto value = read_text(report, at))
    into.task.*Member = *std::move(value);
}

template <auto Member>
void filled_text_into(const reporter& report, const node& at, task_draft& into) {
  if (auto value = read_filled_text(report, at))
    into.task.*Member = *std::move(value);
}

template <auto Member>
void flag_into(const reporter& report, const node& at, task_draft& into) {
  if (const auto value = read_flag(report, at))
    into.task.*Member = *value;
}

template <auto Member>
void alarms_into(const reporter& report, const node& at, task_draft& into) {
  into.task.alarms.*Member = read_alarms(report, at, *into.settings);
}

void read_run(const reporter& report, const node& at, task_draft& into) {
  read_command(report, at, into.task.run, into.task.argv);
  if (into.task.argv.size() == 1 && into.task.argv.front().find(' ') != std::string::npos)
    report.warning(at.offset,
                   "a list is a program with its arguments, without a shell: " +
                       shown(into.task.argv.front()) + " is taken for a program's name",
                   "write it as text, or each argument as an element");
}

void read_type(const reporter& report, const node& at, task_draft& into) {
  const auto advice = at.is_scalar() ? advice_for_type(at.text) : std::string_view{};
  if (const auto word = read_word(report, at, {type_words.begin(), type_words.end()}, advice))
    into.task.type = static_cast<task_type>(*word);
}

void add_outside_need(const reporter& report, const node& at, task_draft& into) {
  auto read = read_outside_need(report, at, *into.project);
  if (!read)
    return;
  auto& needs = into.task.outside_needs;
  if (std::find(needs.begin(), needs.end(), read->need) != needs.end())
    return report.error(at, "the same need stands twice", "remove one of the two");
  if (needs.size() == definition_limits::outside_needs)
    return report.error(at, "more than 1,000 needs of a task on other workflows");
  const auto same_name = [&](const outside_need& other) { return other.as == read->need.as; };
  if (!read->need.as.empty() && std::any_of(needs.begin(), needs.end(), same_name))
    report.error(read->places.as, "a second need goes by the name " + shown(read->need.as));
  needs.push_back(std::move(read->need));
  into.links.outside_needs.push_back(read->places);
}

void add_need(const reporter& report, const node& at, task_draft& into) {
  if (at.is_map())
    return add_outside_need(report, at, into);
  if (!at.is_scalar())
    return report_kind(report, at, "the name of a task or a map such as {task: dw.orders.load}");
  if (at.text.find('.') != std::string::npos)
    return report.error(at, shown(at.text) + " is no task of this workflow",
                        "write {task: " + at.text + "} for one of another workflow");
  into.links.needs.push_back({at.text, at.offset});
}

void read_needs(const reporter& report, const node& at, task_draft& into) {
  into.links.has_needs = true;
  into.links.needs_offset = at.offset;
  if (!at.is_list())
    return add_need(report, at, into);
  for (const auto& item : at.items)
    add_need(report, item, into);
}

void previous_into(const reporter& report, const node& at, task_draft& into) {
  into.links.previous_offset = at.offset;
  into.task.depends_on_previous = read_previous(report, at, into.links.previous_tasks);
}

void read_join(const reporter& report, const node& at, task_draft& into) {
  // In the order of `join_rule`.
  static const std::vector<std::string_view> words{
      "all_success",
      "all_failed",
      "all_done",
      "all_done_min_one_success",
      "all_done_setup_success",
      "one_success",
      "one_failed",
      "one_done",
      "none_failed",
      "none_failed_min_one_success",
      "none_skipped",
      "all_skipped",
      "always",
  };
  if (at.is_scalar() && at.text.find_first_of(".&|!()") != std::string::npos) {
    into.task.join_condition = at.text; // Read once its needs are known.
    into.links.join = &at;
  } else if (const auto word = read_word(report, at, words)) {
    into.task.join = static_cast<join_rule>(*word);
  }
}

void read_when(const reporter& report, const node& at, task_draft& into) {
  if (auto value = read_filled_text(report, at))
    into.task.when = *std::move(value);
}

bool is_variable(std::string_view name) noexcept {
  const bool digit = !name.empty() && name[0] >= '0' && name[0] <= '9';
  return !name.empty() && !digit && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void read_environment(const reporter& report, const node& at, task_draft& into) {
  read_text_map(report, at, is_variable, "a variable", into.task.env);
  for (std::size_t i = 0; at.is_map() && i < at.pairs(); ++i)
    if (at.key(i).text.starts_with("PINION_"))
      report.error(at.key(i), "variables named PINION_... are set by Pinion");
}

void read_cwd(const reporter& report, const node& at, task_draft& into) {
  if (const auto value = read_filled_text(report, at))
    into.task.cwd = below(*into.folder, *value);
}

void read_call(const reporter& report, const node& at, task_draft& into) {
  const auto text = read_text(report, at);
  if (!text)
    return;
  const std::string_view name = at.text;
  const auto dot = name.find('.');
  const bool legal = dot == std::string_view::npos
                         ? is_name(name)
                         : is_name(name.substr(0, dot)) && is_name(name.substr(dot + 1));
  if (!legal)
    return report.error(at, shown(name) + " is no reference to a workflow",
                        "write `workflow` or `project.workflow`");
  into.task.call_workflow = *text;
  into.links.call = name_use{name, at.offset};
}

template <auto Member>
void texts_into(const reporter& report, const node& at, task_draft& into) {
  if (auto words = read_texts(report, at, single_text::refused))
    into.task.*Member = *std::move(words);
}

void read_max_active(const reporter& report, const node& at, task_draft& into) {
  if (const auto value = read_integer(report, at, 1, definition_limits::active_tasks))
    into.task.max_active = static_cast<std::uint32_t>(*value);
}

void read_priority(const reporter& report, const node& at, task_draft& into) {
  if (const auto value = read_integer(report, at, 1, 9))
    into.task.priority = static_cast<std::uint8_t>(*value);
}

void read_skip_exit(const reporter& report, const node& at, task_draft& into) {
  if (const auto value = read_integer(report, at, 1, 255))
    into.task.skip_exit = static_cast<int>(*value);
}

void read_grace(const reporter& report, const node& at, task_draft& into) {
  if (const auto value = read_duration(report, at, any_duration()))
    into.task.grace = *value;
}

std::vector<name_use> read_names(const reporter& report, const node& at) {
  std::vector<name_use> names;
  const auto add = [&](const node& item) {
    if (item.is_scalar())
      names.push_back({item.text, item.offset});
    else
      report_kind(report, item, "the name of a task");
  };
  if (at.is_list())
    for (const auto& item : at.items)
      add(item);
  else
    add(at);
  return names;
}

choice_definition& choice_of(task_draft& draft) {
  return draft.task.choice ? *draft.task.choice : draft.task.choice.emplace();
}

void read_on(const reporter& report, const node& at, task_draft& into) {
  if (auto value = read_filled_text(report, at))
    choice_of(into).on = *std::move(value);
}

void read_cases(const reporter& report, const node& at, task_draft& into) {
  if (!at.is_map())
    return report_kind(report, at, "a map from values to tasks");
  if (at.pairs() == 0)
    return report.error(at, "the switch has no case");
  if (at.pairs() > definition_limits::cases)
    return report.error(at, "more than 1,000 cases of a switch");
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    if (!at.key(i).is_scalar()) {
      report_kind(report, at.key(i), "the text of a value");
      continue;
    }
    choice_of(into).cases.push_back({at.key(i).text, {}});
    into.links.cases.push_back(read_names(report, at.value(i)));
  }
}

void read_otherwise(const reporter& report, const node& at, task_draft& into) {
  choice_of(into);
  into.links.otherwise = read_names(report, at);
}

void read_teardown(const reporter& report, const node& at, task_draft& into) {
  into.links.teardown_offset = at.offset;
  if (at.is_scalar() && at.plain && (at.text == "true" || at.text == "false")) {
    into.task.teardown = at.text == "true";
    return;
  }
  into.task.teardown = true;
  into.links.teardown_of = read_names(report, at);
  if (at.is_list() && at.items.empty())
    report.error(at, "the teardown names no setup", "write `teardown: true` for one without");
}

void read_fallback(const reporter& report, const node& at, task_draft& into) {
  if (!at.is_scalar())
    return report_kind(report, at, "the name of a task");
  into.links.fallback = name_use{at.text, at.offset};
}

void retry_into(const reporter& report, const node& at, task_draft& into) {
  read_retry(report, at, into.task.retry);
}

void timeout_into(const reporter& report, const node& at, task_draft& into) {
  read_timeout(report, at, into.task.timeout);
}

void pools_into(const reporter& report, const node& at, task_draft& into) {
  read_pools(report, at, *into.settings, into.task.pools);
}

/// What `defaults:` may hold; each key means the same in a task.
constexpr task_rule default_rules[] = {
    {"shell", filled_text_into<&task_definition::shell>},
    {"python", filled_text_into<&task_definition::python>},
    {"cwd", read_cwd},
    {"env", read_environment},
    {"expressions", flag_into<&task_definition::expressions>},
    {"pool", pools_into},
    {"priority", read_priority},
    {"retry", retry_into},
    {"timeout", timeout_into},
    {"grace", read_grace},
    {"skip_exit", read_skip_exit},
    {"on_failure", alarms_into<&alarm_rules::on_failure>},
    {"on_success", alarms_into<&alarm_rules::on_success>},
    {"on_fallback", alarms_into<&alarm_rules::on_fallback>},
};

constexpr task_rule own_rules[] = {
    {"use", [](const reporter&, const node&, task_draft&) {}}, // Before all others: use_profiles.
    {"title", text_into<&task_definition::title>},
    {"type", read_type},
    {"run", read_run},
    {"script", filled_text_into<&task_definition::script>},
    {"args", texts_into<&task_definition::args>},
    {"jar", filled_text_into<&task_definition::jar>},
    {"jvm", texts_into<&task_definition::jvm>},
    {"max_active", read_max_active},
    {"workflow", read_call},
    {"params",
     [](const reporter& report, const node& at, task_draft& into) {
       read_text_map(report, at, is_name, "a parameter", into.task.call_params);
     }},
    {"stdin", text_into<&task_definition::stdin_text>},
    {"needs", read_needs},
    {"depends_on_previous", previous_into},
    {"deadline", [](const reporter& report, const node& at,
                    task_draft& into) { into.task.deadline = read_deadline(report, at); }},
    {"join", read_join},
    {"when", read_when},
    {"fallback", read_fallback},
    {"for_each",
     [](const reporter& report, const node& at, task_draft& into) {
       into.groups_by_pool = read_for_each(report, at, into.task.for_each);
     }},
    {"checks", [](const reporter& report, const node& at,
                  task_draft& into) { read_checks(report, at, into.task.checks); }},
    {"poll", [](const reporter& report, const node& at,
                task_draft& into) { read_poll(report, at, into.task.poll); }},
    {"on", read_on},
    {"cases", read_cases},
    {"default", read_otherwise},
    {"setup", flag_into<&task_definition::setup>},
    {"teardown", read_teardown},
    {"ignore_failure", flag_into<&task_definition::ignore_failure>},
};

constexpr auto task_rules = [] {
  std::array<task_rule, std::size(default_rules) + std::size(own_rules)> all{};
  auto at = std::copy(std::begin(own_rules), std::end(own_rules), all.begin());
  std::copy(std::begin(default_rules), std::end(default_rules), at);
  return all;
}();

/// Which key makes a task what its type says.
std::string_view needed_key(task_type type) {
  switch (type) {
  case task_type::shell:
    return "run";
  case task_type::python:
    return "script";
  case task_type::check:
    return "checks";
  case task_type::workflow:
    return "workflow";
  case task_type::choice:
    return "on";
  case task_type::java:
    return "jar";
  case task_type::empty:
    return {};
  }
  return {};
}

std::string advice_for_type(const node& task) {
  for (const auto type : {task_type::python, task_type::workflow, task_type::check,
                          task_type::choice, task_type::java})
    if (task.find(needed_key(type)) != nullptr && task.find("type") == nullptr)
      return "add `type: " + std::string{type_words[static_cast<std::size_t>(type)]} + "`";
  return {};
}

void check_type(const reporter& report, const node& name, const node& task, task_type type) {
  const std::string type_name{type_words[static_cast<std::size_t>(type)]};
  const auto advice = advice_for_type(task);
  const auto needed = needed_key(type);
  if (!needed.empty() && task.find(needed) == nullptr)
    report.error(name, "a task of type " + type_name + " needs `" + std::string{needed} + "`",
                 advice);
  if (type == task_type::choice && task.find("cases") == nullptr)
    report.error(name, "a task of type switch needs `cases`");
  for (std::size_t i = 0; i < task.pairs(); ++i)
    for (const auto& typed : typed_keys)
      if (typed.key == task.key(i).text && (typed.types & bit(type)) == 0)
        report.error(task.key(i),
                     "`" + std::string{typed.key} + "` does not belong to a task of type " +
                         type_name,
                     typed.key == "run" && type == task_type::python ? "write `script:`" : advice);
}

void use_profile(const reporter& report, const node& name, task_draft& draft) {
  if (!name.is_scalar())
    return report_kind(report, name, "the name of a profile");
  const auto* found =
      draft.profiles == nullptr ? nullptr : draft.profiles->profiles.find(name.text);
  if (found != nullptr) {
    diagnostic_sink told_before;
    const auto* folder = std::exchange(draft.folder, &draft.profiles->folder);
    read_keys<task_draft>({draft.profiles->file, told_before}, *found, default_rules, "a profile",
                          draft);
    draft.folder = folder;
    return;
  }
  std::vector<std::string_view> known;
  for (std::size_t i = 0; draft.profiles != nullptr && i < draft.profiles->profiles.pairs(); ++i)
    known.emplace_back(draft.profiles->profiles.key(i).text);
  auto advice = did_you_mean(name.text, known);
  report.error(name, "there is no profile " + shown(name.text),
               advice.empty() ? "declare it under `profiles:` in pinion.yaml" : advice);
}

/// What `use:` names, in that order: before the task's own keys, which win.
void use_profiles(const reporter& report, const node& task, task_draft& draft) {
  const auto* use = task.find("use");
  if (use == nullptr)
    return;
  if (!use->is_list())
    return use_profile(report, *use, draft);
  for (const auto& name : use->items)
    use_profile(report, name, draft);
}

void settle_groups(const reporter& report, task_draft& draft) {
  if (draft.groups_by_pool == nullptr)
    return;
  if (draft.task.pools.size() == 1)
    draft.task.for_each->groups_pool = draft.task.pools.front().pool;
  else
    report.error(*draft.groups_by_pool, "`groups: pool` needs a task of exactly one `pool`");
}

/// A teardown runs however the work ended, and what it leaves undone fails nobody: unless it says
/// so.
void settle_teardown(const reporter& report, const node& task, task_draft& draft) {
  if (!draft.task.teardown)
    return;
  if (draft.task.setup)
    report.error(*task.find("teardown"), "a task is a setup or a teardown, not both");
  if (task.find("join") == nullptr)
    draft.task.join = join_rule::all_done_setup_success;
  if (task.find("ignore_failure") == nullptr)
    draft.task.ignore_failure = true;
}

/// A code has one meaning.
void check_poll(const reporter& report, const node& body_node, const task_definition& task) {
  const auto* at = body_node.find("poll");
  if (at == nullptr || !task.poll)
    return;
  const auto& codes = task.poll->not_yet;
  const auto listed = [&](int code) {
    return std::binary_search(codes.begin(), codes.end(), code);
  };
  const bool skips = task.type != task_type::check && listed(task.skip_exit);
  if (skips)
    report.error(*at,
                 "exit code " + std::to_string(task.skip_exit) +
                     " means `not_yet` and, by `skip_exit`, skipped",
                 "give `skip_exit` another code");
  const auto& retried = task.retry.on_exit;
  if (const auto both = std::find_if(retried.begin(), retried.end(), listed); both != retried.end())
    report.error(*at, "exit code " + std::to_string(*both) +
                          " stands in `not_yet` and in `on_exit` of `retry`");
}

} // namespace

std::string below(const std::string& folder, std::string_view path) {
  const auto whole = std::filesystem::path{folder} / std::filesystem::path{path};
  auto text = whole.lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/'))
    text.pop_back();
  return text;
}

void read_defaults(const reporter& report, const node& defaults, task_draft& into) {
  read_keys<task_draft>(report, defaults, default_rules, "`defaults`", into);
}

void check_profiles(const reporter& report, const node& profiles, const task_draft& unsaid) {
  if (!profiles.is_map())
    return report_kind(report, profiles, "a map of profiles");
  for (std::size_t i = 0; i < profiles.pairs(); ++i) {
    const auto& name = profiles.key(i);
    if (!is_name(name.text))
      report.error(name, shown(name.text) + " is no legal name of a profile",
                   std::string{name_rule});
    auto scratch = unsaid;
    read_keys<task_draft>(report, profiles.value(i), default_rules, "a profile", scratch);
  }
}

void read_task(const reporter& report, const node& name, const node& task, task_draft& draft) {
  draft.task.name = name.text;
  draft.links.offset = name.offset;
  draft.links.body = &task;
  if (!is_name(name.text))
    report.error(name, shown(name.text) + " is no legal name of a task", std::string{name_rule});
  if (task.is_null())
    return report.error(name, "the task " + shown(name.text) + " is empty",
                        "write at least `run: ...` or `type: empty`");
  if (const auto keys = task_keys();
      task.is_scalar() && std::find(keys.begin(), keys.end(), name.text) != keys.end())
    return report.error(name, shown(name.text) + " stands where the name of a task is expected",
                        "indent it below the name of its task");
  use_profiles(report, task, draft);
  if (!read_keys<task_draft>(report, task, task_rules, "a task", draft))
    return;
  check_type(report, name, task, draft.task.type);
  check_poll(report, task, draft.task);
  settle_teardown(report, task, draft);
  if (draft.task.type != task_type::choice)
    draft.task.choice.reset(); // Said to belong elsewhere.
  settle_groups(report, draft);
}

const node* find_field(const node& body_node, std::string_view field) {
  const node* at = &body_node;
  if (field.starts_with("for_each.")) {
    const auto* loop = body_node.find("for_each");
    if (loop == nullptr || !loop->is_map() || loop->pairs() != 1)
      return nullptr;
    const auto* inner = loop->value(0).find(field.substr(9));
    return inner != nullptr ? inner : &loop->value(0);
  }
  if (field.starts_with("argv["))
    return find_field(body_node, "run" + std::string{field.substr(4)});
  while (at != nullptr && !field.empty()) {
    if (field.front() == '[') {
      std::size_t index = 0;
      const auto end = field.find(']');
      std::from_chars(field.data() + 1, field.data() + end, index);
      field.remove_prefix(std::min(field.size(), end + 1));
      at = at->is_list() && index < at->items.size() ? &at->items[index] : nullptr;
    } else {
      const auto stop = std::min(field.find_first_of(".["), field.size());
      auto key = field.substr(0, stop);
      field.remove_prefix(stop);
      const bool inside_check = key == "argv" && at != &body_node;
      at = at->find(inside_check ? "command" : key);
    }
    if (field.starts_with('.'))
      field.remove_prefix(1);
  }
  return at;
}

std::vector<std::string_view> task_keys() { return keys_of<task_draft>(task_rules); }
std::vector<std::string_view> default_keys() { return keys_of<task_draft>(default_rules); }

} // namespace pinion::definitions
