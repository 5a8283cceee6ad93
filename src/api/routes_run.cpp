#include "api/lookup.hpp"
#include "api/new_run.hpp"
#include "api/posted_files.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/definitions/canonical.hpp"

#include <algorithm>

namespace pinion::routes {
namespace {

constexpr const char* default_project = "adhoc";
constexpr std::size_t longest_name = 64;
constexpr std::size_t digits_of_hash = 8;

/// `definition`, an object or YAML text, as a file of its own in the folder of `project`.
result<std::vector<source_text>> posted_definition(const json& body) {
  const auto found = body.find("definition");
  if (found == body.end() || found->is_null())
    return posted_files(body);
  if (body.contains("files"))
    return problem{errc::invalid, "Give either 'definition' or 'files'"};
  if (!found->is_object() && !found->is_string())
    return problem{errc::invalid, "'definition' must be an object, or the text of a file"};
  BOOST_OUTCOME_TRY(project, body_text(body, "project"));
  if (project.empty())
    project = default_project;
  return std::vector<source_text>{
      {'/' + project + "/definition.yaml",
       found->is_string() ? found->get<std::string>() : to_text(*found)}};
}

/// One workflow, under a name of its own: that of its content. It has no triggers, and the folder
/// of a posted object does not exist.
result<workflow_definition> unlisted(load_result& loaded, bool posted_object) {
  if (loaded.workflows.size() != 1)
    return problem{errc::invalid,
                   std::to_string(loaded.workflows.size()) + " workflows are given: one can be run",
                   "Take the others out, or 'apply' them"};
  auto made = std::move(loaded.workflows.front().definition);
  made.source_file.clear();
  made.triggers.clear();
  for (auto& task : made.tasks)
    if (posted_object && task.cwd == '/' + made.project)
      task.cwd = "/";
  const auto hash = definition_hash(made).substr(0, digits_of_hash);
  made.name = made.name.substr(0, longest_name - digits_of_hash - 1) + '-' + hash;
  return made;
}

result<json_text> params_of(const json& body) {
  const auto found = body.find("params");
  if (found == body.end() || found->is_null())
    return json_text{"{}"};
  if (!found->is_object())
    return problem{errc::invalid, "'params' must be an object"};
  return to_text(*found);
}

/// The settings of projects that the engine does not know: those that it knows stay as they are.
result<std::vector<project_settings>> unknown_projects(const store_view& view,
                                                       std::vector<project_settings> all) {
  std::vector<project_settings> unknown;
  for (auto& settings : all) {
    BOOST_OUTCOME_TRY(row, view.rows.project(settings.project));
    if (!row)
      unknown.push_back(std::move(settings));
  }
  return unknown;
}

result<void> run(const api_ptr& state, const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(
      body, body_object(request, {"definition", "project", "files", "params", "key", "reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(key, body_text(body, "key"));
  BOOST_OUTCOME_TRY(params, params_of(body));
  BOOST_OUTCOME_TRY(sources, posted_definition(body));
  auto loaded = load_posted(*state, sources);
  if (!loaded.ok()) {
    reply(refused_set(loaded, "nothing was run"));
    return ok();
  }
  apply_request made;
  made.unlisted = true;
  BOOST_OUTCOME_TRY(projects, unknown_projects(store_view{*state}, std::move(loaded.projects)));
  made.projects = std::move(projects);
  BOOST_OUTCOME_TRY(definition, unlisted(loaded, body.contains("definition")));
  trigger_request asked;
  asked.workflow = definition.id();
  asked.params = std::move(params);
  asked.key = std::move(key);
  asked.ignore_overlap = true;
  made.workflows.push_back(std::move(definition));
  // The run is what is asked for: taking its definition again changes nothing.
  state->engine().apply(
      std::move(made), {request.user, reason},
      [state, reply, asked, by = caller_of(request, reason)](const result<apply_answer>& answer) {
        if (!answer)
          return reply(error_reply(answer.error()));
        state->engine().trigger(asked, by, new_run(state, reply));
      });
  return ok();
}

} // namespace

void add_run(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"POST", "/api/v1/run",
                   "Runs a definition once, without taking it into the list of workflows.",
                   [state](const http_request& request, const reply_function& reply) {
                     if (const auto asked = run(state, request, reply); !asked)
                       reply(error_reply(asked.error()));
                   }});
}

} // namespace pinion::routes
