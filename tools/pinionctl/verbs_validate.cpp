#include "definition_files.hpp"
#include "pinion/definitions/definition_diff.hpp"
#include "pinion/definitions/definition_directory.hpp"
#include "pinion/definitions/preview.hpp"
#include "pinion/timing/instant_text.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace pinion::ctl {

json to_details(const std::vector<diagnostic>& list) {
  json details = json::array();
  for (const auto& one : list)
    details.push_back(json::parse(to_json(one)));
  return details;
}

instant wall_now() {
  return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
}

load_result load_paths(const std::vector<std::string>& paths, const std::string& environment) {
  load_options options;
  options.roots = paths;
  options.environment = environment;
  options.now = wall_now();
  auto loaded = load_set(options);
  // A wrong folder must not look like a good one.
  if (loaded.ok() && loaded.workflows.empty())
    loaded.errors.push_back({paths.empty() ? std::string{} : paths.front(), 1, 1,
                             "there is no workflow here", "name a folder or files with workflows"});
  return loaded;
}

json to_item(const fire_time& time) {
  json item{{"slot", time.slot}, {"utc", time.utc}};
  if (time.dry)
    item["dry"] = true;
  return item;
}

bool is_path(const std::string& word) {
  std::error_code ignored;
  return std::filesystem::exists(word, ignored);
}

namespace {

/// What a task waits for in the next run of a trigger: one item for each need on other runs.
json needs_of(const workflow_definition& of, const std::string& trigger, instant slot,
              const definition_directory& all) {
  json items = json::array();
  const auto known = all.find(of.id(), trigger);
  if (!known)
    return items;
  const auto in = value_or_fail(zone::load(of.timezone));
  const auto covers = interval_of(*known->slots, slot, known->interval, known->in);
  const auto edges = bind_needs(of, {trigger, slot, covers}, all);
  if (!edges)
    return items;
  for (const auto& edge : edges.value()) {
    json slots = json::array();
    for (const auto& one : edge.slots)
      slots.push_back(print_local(one, in));
    auto upstream = edge.workflow + '/' + edge.trigger;
    if (!edge.upstream_task.empty())
      upstream += '.' + edge.upstream_task;
    const bool of_run = edge.need == bound_edge::after_gate;
    items.push_back({{"task", of.tasks[edge.task].name},
                     {"upstream", std::move(upstream)},
                     {"kind", of_run            ? "after"
                              : edge.previous() ? "previous"
                                                : "need"},
                     {"slots", std::move(slots)}});
  }
  return items;
}

json triggers_of(const workflow_definition& of, const definition_directory& all,
                 std::size_t count) {
  json triggers = json::array();
  for (const auto& trigger : preview(of, wall_now(), std::max<std::size_t>(count, 1), &all)) {
    json times = json::array();
    for (const auto& time : trigger.times)
      if (times.size() < count)
        times.push_back(to_item(time));
    triggers.push_back(
        {{"trigger", trigger.trigger},
         {"schedule", trigger.text},
         {"enabled", trigger.enabled},
         {"next", std::move(times)},
         {"needs", trigger.times.empty()
                       ? json::array()
                       : needs_of(of, trigger.trigger, trigger.times.front().at, all)}});
  }
  return triggers;
}

json workflows_of(const load_result& loaded, std::size_t count, bool expand) {
  json items = json::array();
  std::vector<const workflow_definition*> set;
  for (const auto& one : loaded.workflows)
    set.push_back(&one.definition);
  const definition_directory all{set};
  for (const auto& one : loaded.workflows) {
    auto triggers = triggers_of(one.definition, all, count);
    items.push_back({{"id", one.definition.id()},
                     {"file", one.file},
                     {"line", one.line},
                     {"tasks", one.definition.tasks.size()},
                     {"triggers", std::move(triggers)}});
    if (expand)
      items.back()["definition"] = json::parse(readable_form(one.definition));
  }
  return items;
}

/// The slots of a window are many: the first, the last and their number.
std::string slots_text(const json& slots) {
  if (slots.empty())
    return "no slot";
  const auto first = slots.front().get<std::string>();
  if (slots.size() == 1)
    return first;
  return first + " to " + slots.back().get<std::string>() + ", " + std::to_string(slots.size()) +
         " slots";
}

void print_needs(console& out, const json& needs) {
  constexpr std::size_t most = 20;
  if (!needs.empty())
    out.line("    the next run waits for:");
  for (std::size_t i = 0; i < std::min(needs.size(), most); ++i)
    out.line("      " + text_of(needs[i], "task") + ": " + text_of(needs[i], "upstream") + " @ " +
             slots_text(needs[i]["slots"]));
  if (needs.size() > most)
    out.line("      and " + std::to_string(needs.size() - most) + " more, see -o json");
}

/// What templates, profiles and defaults make of the files, one document a workflow.
void print_expanded(console& out, const json& workflows) {
  for (const auto& workflow : workflows) {
    out.line("--- # " + text_of(workflow, "id") + ", " +
             escaped(text_of(workflow, "file") + ':' + text_of(workflow, "line")));
    out.raw(to_yaml(workflow["definition"]));
  }
}

void print_for_people(console& out, const load_result& loaded, const json& workflows) {
  for (const auto* list : {&loaded.errors, &loaded.warnings})
    for (const auto& one : *list)
      out.line(escaped(to_text(one)));
  for (const auto& workflow : workflows) {
    out.line(out.bold(text_of(workflow, "id")) + ": " + text_of(workflow, "tasks") + " tasks, " +
             std::to_string(workflow["triggers"].size()) + " triggers");
    for (const auto& trigger : workflow["triggers"]) {
      out.line("  " + text_of(trigger, "trigger") + " (" + escaped(text_of(trigger, "schedule")) +
               ")" + (trigger["enabled"].get<bool>() ? "" : ", disabled") + ", next:");
      for (const auto& time : trigger["next"])
        out.line("    " + text_of(time, "slot") + (time.contains("dry") ? " (dry run)" : ""));
      print_needs(out, trigger["needs"]);
    }
  }
  const auto errors = loaded.errors.size();
  const auto files =
      std::to_string(loaded.files.size()) + (loaded.files.size() == 1 ? " file" : " files");
  out.line(errors == 0
               ? files + ", no errors"
               : files + ", " + std::to_string(errors) + (errors == 1 ? " error" : " errors"));
}

} // namespace

exit_code run_validate(session& now) {
  const auto count = now.args.number("count", 0, 1000).value_or(3);
  const auto loaded = load_paths(now.args.words, now.args.text("env"));
  const bool expand = now.args.has("expand");
  const auto workflows = workflows_of(loaded, count, expand);
  auto& out = now.out;
  if (out.for_people() && expand && loaded.ok()) {
    print_expanded(out, workflows);
  } else if (out.for_people()) {
    print_for_people(out, loaded, workflows);
  } else if (out.chosen() == format::name) {
    for (const auto& workflow : workflows)
      out.line(text_of(workflow, "id"));
  } else {
    out.document({{"ok", loaded.ok()},
                  {"errors", to_details(loaded.errors)},
                  {"warnings", to_details(loaded.warnings)},
                  {"workflows", workflows}});
  }
  return loaded.ok() ? exit_code::done : exit_code::failed;
}

} // namespace pinion::ctl
