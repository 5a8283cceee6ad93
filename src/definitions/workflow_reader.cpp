#include "definitions/workflow_reader.hpp"

#include "definitions/alarm_reader.hpp"
#include "definitions/dialects.hpp"
#include "definitions/graph.hpp"
#include "definitions/key_rules.hpp"
#include "definitions/param_reader.hpp"
#include "definitions/text_place.hpp"
#include "definitions/trigger_reader.hpp"
#include "pinion/definitions/limits.hpp"
#include "pinion/definitions/template_check.hpp"

#include <algorithm>
#include <set>

namespace pinion::definitions {

namespace {

/// A workflow while it is read. What needs other keys first is kept as nodes.
struct workflow_draft {
  workflow_definition made;
  const workflow_context* context;
  const node* name = nullptr;
  const node* params = nullptr;
  const node* triggers = nullptr;
  const node* defaults = nullptr;
  const node* tasks = nullptr;
  const node* flow = nullptr;
  std::optional<time_dialect> dialect;
  nlohmann::json vars = nlohmann::json::object();
  std::vector<task_links> links;
  end_links ends;
  read_triggers_result read_triggers; ///< Its triggers have gone into `made`.
};

template <auto Member>
void keep(const reporter&, const node& at, workflow_draft& into) {
  into.*Member = &at;
}

template <auto Member>
void text_into(const reporter& report, const node& at, workflow_draft& into) {
  if (auto value = read_text(report, at))
    into.made.*Member = *std::move(value);
}

template <auto Alarms, auto Tasks>
void end_rules_into(const reporter& report, const node& at, workflow_draft& into) {
  auto rules = read_end_rules(report, at, *into.context->settings);
  into.made.alarms.*Alarms = std::move(rules.alarms);
  into.ends.*Tasks = std::move(rules.tasks);
}

void read_workflow_name(const reporter& report, const node& at, workflow_draft& into) {
  into.name = &at;
  if (at.is_scalar() && at.text.find('.') != std::string::npos)
    return report.error(at, shown(at.text) + " is no legal name",
                        "the project comes from pinion.yaml or the folder: write the workflow's "
                        "name alone");
  if (auto value = read_name(report, at))
    into.made.name = *std::move(value);
}

void read_timezone(const reporter& report, const node& at, workflow_draft& into) {
  const auto name = read_text(report, at);
  if (!name)
    return;
  if (const auto known = zone::load(*name); !known)
    report.error(at, known.error().message, known.error().suggestion);
  else
    into.made.timezone = *name;
}

void read_data_interval(const reporter& report, const node& at, workflow_draft& into) {
  const auto text = read_text(report, at);
  if (!text)
    return;
  const auto rule = parse_interval_rule(*text);
  if (!rule)
    return report.error(at, rule.error().message, rule.error().suggestion);
  into.made.data_interval = rule.value();
  into.made.data_interval_given = true;
}

constexpr key_rule<workflow_draft> workflow_rules[] = {
    {"workflow", read_workflow_name},
    {"description", text_into<&workflow_definition::description>},
    {"owner", text_into<&workflow_definition::owner>},
    {"labels",
     [](const reporter& report, const node& at, workflow_draft& into) {
       read_text_map(report, at, is_name, "a label", into.made.labels);
     }},
    {"timezone", read_timezone},
    {"params", keep<&workflow_draft::params>},
    {"vars", [](const reporter& report, const node& at,
                workflow_draft& into) { into.vars = read_vars(report, at); }},
    {"triggers", keep<&workflow_draft::triggers>},
    {"overlap",
     [](const reporter& report, const node& at, workflow_draft& into) {
       if (const auto value = read_overlap(report, at))
         into.made.overlap = *value;
     }},
    {"max_active_runs",
     [](const reporter& report, const node& at, workflow_draft& into) {
       if (const auto value = read_integer(report, at, 1, definition_limits::active_runs))
         into.made.max_active_runs = static_cast<std::uint32_t>(*value);
     }},
    {"max_active_tasks",
     [](const reporter& report, const node& at, workflow_draft& into) {
       if (const auto value = read_integer(report, at, 1, definition_limits::active_tasks))
         into.made.max_active_tasks = static_cast<std::uint32_t>(*value);
     }},
    {"timeout",
     [](const reporter& report, const node& at, workflow_draft& into) {
       if (const auto value = read_duration(report, at, some_duration()))
         into.made.timeout = *value;
     }},
    {"failure",
     [](const reporter& report, const node& at, workflow_draft& into) {
       static const std::vector<std::string_view> words{"continue", "finish_running", "cancel"};
       if (const auto word = read_word(report, at, words))
         into.made.failure = static_cast<failure_strategy>(*word);
     }},
    {"data_interval", read_data_interval},
    {"edits",
     [](const reporter& report, const node& at, workflow_draft& into) {
       static const std::vector<std::string_view> words{"immediate", "next_day"};
       if (const auto word = read_word(report, at, words))
         into.made.edits = static_cast<edit_mode>(*word);
     }},
    {"dialect",
     [](const reporter& report, const node& at, workflow_draft& into) {
       // In the order of `time_dialect`.
       static const std::vector<std::string_view> words{"airflow", "dolphinscheduler", "dataworks"};
       if (const auto word = read_word(report, at, words))
         into.dialect = static_cast<time_dialect>(*word);
     }},
    {"on_failure", end_rules_into<&alarm_rules::on_failure, &end_links::on_failure>},
    {"on_success", end_rules_into<&alarm_rules::on_success, &end_links::on_success>},
    {"on_fallback",
     [](const reporter& report, const node& at, workflow_draft& into) {
       into.made.alarms.on_fallback = read_alarms(report, at, *into.context->settings);
     }},
    {"defaults", keep<&workflow_draft::defaults>},
    {"tasks", keep<&workflow_draft::tasks>},
    {"flow", keep<&workflow_draft::flow>},
};

/// A task that says nothing: pinion.yaml's defaults, then the workflow's.
task_draft unsaid_task(const reporter& report, const workflow_draft& draft) {
  const auto& context = *draft.context;
  task_draft unsaid;
  if (context.above != nullptr)
    unsaid.task = context.above->defaults;
  if (unsaid.task.cwd.empty())
    unsaid.task.cwd = context.folder;
  unsaid.folder = &context.folder;
  unsaid.project = &context.project;
  unsaid.settings = context.settings;
  if (context.above != nullptr)
    unsaid.profiles = context.above->profiles.get();
  if (draft.defaults != nullptr)
    read_defaults(report, *draft.defaults, unsaid);
  return unsaid;
}

void read_tasks(const reporter& report, const node& root, workflow_draft& draft) {
  if (draft.tasks == nullptr)
    return report.error(root, "the workflow has no `tasks`");
  const auto& tasks = *draft.tasks;
  if (tasks.is_null() || (tasks.is_map() && tasks.pairs() == 0))
    return report.error(tasks, "the workflow has no tasks");
  if (!tasks.is_map())
    return report_kind(report, tasks, "a map from names to tasks");
  if (tasks.pairs() > definition_limits::tasks)
    return report.error(tasks, "the workflow has " + std::to_string(tasks.pairs()) +
                                   " tasks; 100,000 are allowed");
  const auto unsaid = unsaid_task(report, draft);
  draft.made.tasks.reserve(tasks.pairs());
  draft.links.reserve(tasks.pairs());
  for (std::size_t i = 0; i < tasks.pairs(); ++i) {
    if (!tasks.key(i).is_scalar())
      continue;
    auto task = unsaid;
    read_task(report, tasks.key(i), tasks.value(i), task);
    draft.made.tasks.push_back(std::move(task.task));
    draft.links.push_back(std::move(task.links));
  }
}

/// The place of a problem in the text of a task's field: in the task, in the workflow's
/// `defaults:`, or, if it comes from pinion.yaml, at the task's name.
std::size_t place_of(const reporter& report, const workflow_draft& draft, const task_links& links,
                     const text_problem& found) {
  const auto* at = find_field(*links.body, found.field);
  if (at == nullptr && draft.defaults != nullptr)
    at = find_field(*draft.defaults, found.field);
  if (at == nullptr)
    return links.offset;
  // A text that was translated has other offsets than the file.
  return at->is_scalar() && !draft.dialect ? offset_in_file(report.file, *at, found.offset)
                                           : at->offset;
}

/// The texts of a task that may hold expressions, with the fields that they come from.
template <class Visit>
void each_text(task_definition& task, Visit visit) {
  visit("run", task.run);
  for (std::size_t i = 0; i < task.argv.size(); ++i)
    visit("run[" + std::to_string(i) + ']', task.argv[i]);
  visit("script", task.script);
  for (std::size_t i = 0; i < task.args.size(); ++i)
    visit("args[" + std::to_string(i) + ']', task.args[i]);
  visit("stdin", task.stdin_text);
  for (auto& [name, value] : task.env)
    visit("env." + name, value);
  for (auto& [name, value] : task.call_params)
    visit("params." + name, value);
  visit("when", task.when);
  for (std::size_t i = 0; i < task.checks.size(); ++i)
    visit("checks[" + std::to_string(i) + "].command", task.checks[i].command);
}

/// From here on all texts are ours.
void translate_texts(const reporter& report, workflow_draft& draft) {
  std::vector<std::string> params;
  for (const auto& param : draft.made.params)
    params.push_back(param.name);
  std::set<std::pair<std::size_t, std::string>> told;
  for (std::size_t i = 0; i < draft.made.tasks.size(); ++i) {
    auto& task = draft.made.tasks[i];
    if (!task.expressions)
      continue;
    each_text(task, [&](const std::string& field, std::string& text) {
      auto ours = translate(*draft.dialect, text, params);
      if (ours) {
        text = std::move(ours.value());
        return;
      }
      auto found = std::move(ours.error());
      found.field = field;
      const auto* at = find_field(*draft.links[i].body, field);
      const auto offset = at != nullptr && at->is_scalar()
                              ? offset_in_file(report.file, *at, found.offset)
                              : draft.links[i].offset;
      if (told.emplace(offset, found.what.message).second)
        report.error(offset, found.what.message, found.what.suggestion);
    });
  }
}

void check_expressions(const reporter& report, const workflow_draft& draft) {
  const template_checker checker{draft.made, *draft.context->settings};
  std::set<std::pair<std::size_t, std::string>> told; // Defaults are the same text in every task.
  for (std::uint32_t i = 0; i < draft.made.tasks.size(); ++i) {
    const auto& links = draft.links[i];
    if (!links.body->is_map())
      continue;
    for (const auto& found : checker.check(i)) {
      const auto offset = place_of(report, draft, links, found);
      if (told.emplace(offset, found.what.message).second)
        report.error(offset, found.what.message, found.what.suggestion);
    }
  }
}

void settle_vars(workflow_draft& draft) {
  const auto* above = draft.context->above;
  auto vars = above != nullptr ? above->vars : nlohmann::json::object();
  vars.update(draft.vars);
  if (above != nullptr)
    vars.update(above->environment_vars);
  draft.made.vars = vars.dump();
}

void read_triggers_into(const reporter& report, workflow_draft& draft) {
  const auto* above = draft.context->above;
  auto& read = draft.read_triggers;
  read = read_triggers(report, *draft.triggers, draft.made,
                       {above != nullptr ? &above->calendars : nullptr, draft.context->now});
  draft.made.triggers = std::move(read.triggers);
  // `previous` said out loud means nothing else where all triggers have it anyway.
  const auto has_it = [](const trigger_definition& trigger) {
    return !trigger.after && default_interval(trigger.slots) == interval_rule{};
  };
  if (draft.made.data_interval == interval_rule{} &&
      std::all_of(draft.made.triggers.begin(), draft.made.triggers.end(), has_it))
    draft.made.data_interval_given = false;
}

std::vector<outside_reference> references_of(const reporter& report, const workflow_draft& draft) {
  std::vector<outside_reference> out;
  const auto place = [&](std::uint32_t offset) { return report.file.place_of(offset); };
  const auto& triggers = draft.read_triggers;
  for (std::uint32_t i = 0; i < draft.made.triggers.size(); ++i)
    if (draft.made.triggers[i].after)
      out.push_back({std::nullopt, i, place(triggers.after_offsets[i]),
                     place(triggers.after_offsets[i]), place(triggers.followed_offsets[i])});
  for (std::uint32_t i = 0; i < draft.links.size(); ++i)
    for (std::uint32_t k = 0; k < draft.links[i].outside_needs.size(); ++k) {
      const auto& at = draft.links[i].outside_needs[k];
      out.push_back({i, k, place(at.whole), place(at.upstream), place(at.trigger)});
    }
  return out;
}

void read_parts(const reporter& report, const node& root, workflow_draft& draft) {
  if (draft.name == nullptr)
    report.error(root, "the document has no `workflow` with the workflow's name",
                 "begin it with `workflow: name`");
  settle_vars(draft);
  if (draft.params != nullptr)
    draft.made.params = read_params(report, *draft.params);
  if (draft.triggers != nullptr)
    read_triggers_into(report, draft);
  read_tasks(report, root, draft);
  if (draft.made.tasks.empty())
    return;
  if (draft.dialect)
    translate_texts(report, draft);
  const auto errors = report.sink.error_count();
  link_tasks(report, {draft.flow, draft.ends}, draft.links, draft.made.tasks);
  // Names of ancestors mean nothing in a broken graph.
  if (report.sink.error_count() == errors)
    check_expressions(report, draft);
}

} // namespace

read_workflow_result read_workflow(const reporter& report, const yaml_document& document,
                                   const workflow_context& context) {
  workflow_draft draft;
  draft.context = &context;
  draft.made.project = context.project;
  if (context.above != nullptr)
    draft.made.timezone = context.above->timezone;
  if (read_keys<workflow_draft>(report, document.root, workflow_rules, "a workflow", draft))
    read_parts(report, document.root, draft);
  read_workflow_result out;
  out.at = report.file.place_of(document.offset);
  out.name_at = draft.name != nullptr ? report.file.place_of(draft.name->offset) : out.at;
  for (std::uint32_t i = 0; i < draft.links.size(); ++i)
    if (const auto& call = draft.links[i].call)
      out.calls.push_back({i, report.file.place_of(call->offset)});
  out.references = references_of(report, draft);
  out.calendars = std::move(draft.read_triggers.calendars);
  out.definition = std::move(draft.made);
  return out;
}

std::vector<std::string_view> workflow_keys() { return keys_of<workflow_draft>(workflow_rules); }

} // namespace pinion::definitions
