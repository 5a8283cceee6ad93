#include "definition_files.hpp"
#include "input_file.hpp"
#include "local_process.hpp"
#include "pinion/api/router.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/trial_run.hpp"
#include "pinion/timing/instant_text.hpp"
#include "pinion/timing/near_names.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace pinion::ctl {
namespace {

/// What is to be tested, and with which settings.
struct subject {
  std::shared_ptr<const workflow_definition> definition;
  project_settings settings;
};

/// Of a file or folder: the one workflow in it that has such a task.
subject from_files(const std::string& path, const std::string& task,
                   const std::string& environment) {
  auto loaded = load_paths({path}, environment);
  if (!loaded.ok()) {
    auto wrong = fail_with(exit_code::failed,
                           {errc::invalid, "The definitions have errors: nothing was run"});
    wrong.error["details"] = to_details(loaded.errors);
    throw wrong;
  }
  subject found;
  for (auto& one : loaded.workflows) {
    const auto& tasks = one.definition.tasks;
    if (std::none_of(tasks.begin(), tasks.end(),
                     [&](const auto& each) { return each.name == task; }))
      continue;
    if (found.definition)
      throw usage_failure("Several workflows in '" + path + "' have a task '" + task + "'",
                          "Apply them, and name the workflow");
    found.definition = std::make_shared<const workflow_definition>(std::move(one.definition));
  }
  if (!found.definition)
    throw fail_with(exit_code::not_found,
                    {errc::not_found, "No workflow in '" + path + "' has a task '" + task + "'"});
  for (auto& settings : loaded.projects)
    if (settings.project == found.definition->project)
      found.settings = std::move(settings);
  return found;
}

subject from_engine(client& engine, const std::string& workflow) {
  const auto shown = engine.get("/api/v1/describe", {{"ref", workflow}});
  subject found;
  found.definition = std::make_shared<const workflow_definition>(
      value_or_fail(from_canonical_json(dump(shown.value("definition", json::object())))));
  try {
    found.settings = value_or_fail(settings_from_canonical_json(
        dump(engine.get("/api/v1/projects/" + percent_encode(found.definition->project)))));
  } catch (const failure& none) {
    if (none.code != exit_code::not_found)
      throw;
  }
  return found;
}

std::map<std::string, json_text> inputs_of(const arguments& args) {
  std::map<std::string, json_text> inputs;
  if (!args.has("inputs"))
    return inputs;
  const auto path = args.text("inputs");
  const auto given = document_in(path);
  for (const auto& [task, values] : given.items()) {
    if (!values.is_object())
      throw usage_failure("'" + path + "': the outputs of '" + task + "' must be a map");
    inputs[task] = dump(values);
  }
  return inputs;
}

std::uint32_t position_of(const workflow_definition& of, const std::string& task) {
  std::vector<std::string> names;
  for (std::uint32_t at = 0; at < of.tasks.size(); ++at) {
    if (of.tasks[at].name == task)
      return at;
    names.push_back(of.tasks[at].name);
  }
  const auto near = nearest_name(task, names);
  throw fail_with(exit_code::not_found,
                  {errc::not_found, "'" + of.id() + "' has no task '" + task + "'",
                   near.empty() ? std::string{} : "Did you mean '" + near + "'?"});
}

/// The only instance, of a fan-out the element of --index, else its first.
instance_key chosen(const run_core& run, std::uint32_t task, const std::string& index) {
  const auto& elements = run.instances_of(task);
  for (const auto& at : elements)
    if (index.empty() || (at.key.element != no_element && at.element_key == index))
      return at.key;
  throw fail_with(exit_code::not_found,
                  {errc::not_found, "The task has no element '" + index + "'",
                   elements.front().placeholder ? "Its list cannot be made without --inputs"
                                                : "Of long lists only the first 20 are made"});
}

run_record record_of(const subject& of, const arguments& args) {
  auto slot = wall_now();
  if (args.has("slot"))
    slot = value_or_fail(
        parse_instant(args.text("slot"), value_or_fail(zone::load(of.definition->timezone))));
  return value_or_fail(trial_record(*of.definition, slot, dump(params_of(args))));
}

struct verdict {
  std::string state;
  std::string message;
  json exit_code;
  double seconds = 0;
};

verdict verdict_of(const local_end& end, const task_definition& task) {
  verdict made{"failed", {}, end.exited ? json(end.exit_code) : json(), end.seconds};
  if (end.timed_out)
    made.message = "its attempt timeout is over";
  else if (end.signal != 0)
    made.message = "killed by signal " + std::to_string(end.signal);
  else if (end.exit_code == 0)
    made.state = "success";
  else if (end.exit_code == task.skip_exit)
    made.state = "skipped";
  else
    made.message = "exit code " + std::to_string(end.exit_code);
  return made;
}

/// The body, then the checks that follow its success.
verdict run_all(local_process& process, const render_input& input, json& outputs) {
  const auto& task = input.run.definition().tasks[input.key.task];
  verdict made{"success", {}, nullptr, 0};
  if (task.type != task_type::check) {
    made = verdict_of(process.run(value_or_fail(render_task(input))), task);
    if (made.state != "success")
      return made;
    auto written = process.outputs();
    if (!written) {
      made.state = "failed";
      made.message = "outputs: " + written.error().message;
      return made;
    }
    outputs = std::move(written.value());
  }
  for (std::uint32_t check = 0; check < task.checks.size(); ++check) {
    const auto end = process.run(value_or_fail(render_check(input, check)));
    made.seconds += end.seconds;
    if ((end.exited && end.exit_code == 0) || task.checks[check].weak)
      continue;
    made.state = "failed";
    made.message = "the check " + task.checks[check].name + " failed";
    return made;
  }
  return made;
}

} // namespace

exit_code run_test(session& now) {
  const auto& args = now.args;
  const auto& name = args.words.back();
  const auto of = is_path(args.words.front())
                      ? from_files(args.words.front(), name, args.text("env"))
                      : from_engine(now.engine, args.words.front());
  const auto task = position_of(*of.definition, name);
  const auto type = of.definition->tasks[task].type;
  if (type == task_type::empty || type == task_type::workflow)
    throw usage_failure("'" + name + "' has no process that could be run alone");
  const auto run = value_or_fail(
      trial_run(of.definition, record_of(of, args), inputs_of(args), of.settings.pools));
  const auto secrets = read_secrets(of.settings.secrets);
  const render_input input{run, chosen(run, task, args.text("index")), 1, of.settings, secrets};
  auto& out = now.out;
  const bool document = out.chosen() == format::as_json || out.chosen() == format::yaml;
  local_process process{document};
  json outputs = json::object();
  const auto ended = run_all(process, input, outputs);
  if (document)
    out.document({{"workflow", of.definition->id()},
                  {"task", name},
                  {"state", ended.state},
                  {"message", ended.message},
                  {"exit_code", ended.exit_code},
                  {"duration_s", ended.seconds},
                  {"outputs", outputs}});
  if (!outputs.empty())
    out.note("outputs: " + escaped(dump(outputs)));
  out.note(name + ": " + ended.state + (ended.message.empty() ? "" : ", " + ended.message) +
           " after " + duration_text(ended.seconds) + "; nothing was recorded");
  return ended.state == "failed" ? exit_code::failed : exit_code::done;
}

} // namespace pinion::ctl
