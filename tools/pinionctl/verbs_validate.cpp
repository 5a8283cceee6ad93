#include "definition_files.hpp"
#include "pinion/definitions/preview.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <chrono>
#include <filesystem>

namespace pinion::ctl {

json to_details(const std::vector<diagnostic>& list) {
  json details = json::array();
  for (const auto& one : list)
    details.push_back(json::parse(to_json(one)));
  return details;
}

load_result load_paths(const std::vector<std::string>& paths, const std::string& environment) {
  load_options options;
  options.roots = paths;
  options.environment = environment;
  return load_set(options);
}

bool is_path(const std::string& word) {
  std::error_code ignored;
  return std::filesystem::exists(word, ignored);
}

namespace {

instant wall_now() {
  return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
}

json workflows_of(const load_result& loaded, std::size_t count) {
  json items = json::array();
  for (const auto& one : loaded.workflows) {
    json triggers = json::array();
    for (const auto& trigger : preview(one.definition, wall_now(), count)) {
      json times = json::array();
      for (const auto& time : trigger.times)
        times.push_back({{"slot", time.slot}, {"utc", time.utc}});
      triggers.push_back({{"trigger", trigger.trigger},
                          {"schedule", trigger.text},
                          {"enabled", trigger.enabled},
                          {"next", std::move(times)}});
    }
    items.push_back({{"id", one.definition.id()},
                     {"file", one.file},
                     {"line", one.line},
                     {"tasks", one.definition.tasks.size()},
                     {"triggers", std::move(triggers)}});
  }
  return items;
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
        out.line("    " + text_of(time, "slot"));
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
  const auto workflows = workflows_of(loaded, count);
  auto& out = now.out;
  if (out.for_people()) {
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
