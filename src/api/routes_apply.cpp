#include "api/fire_changes.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"

namespace pinion::routes {
namespace {

json details_of(const std::vector<diagnostic>& list) {
  json details = json::array();
  for (const auto& one : list)
    details.push_back(from_stored(to_json(one)));
  return details;
}

/// 400 with every error of the set, none of which was taken.
http_reply refused_set(const load_result& loaded) {
  const auto count = loaded.errors.size();
  json error{{"code", to_string(errc::invalid)},
             {"message", std::to_string(count) + (count == 1 ? " error" : " errors") +
                             " in the definitions: nothing was applied"},
             {"suggestion", ""},
             {"details", details_of(loaded.errors)}};
  return json_reply(json{{"error", std::move(error)}}, 400);
}

result<std::vector<source_text>> posted_files(const json& body) {
  const auto files = body.find("files");
  if (files == body.end() || !files->is_array())
    return problem{errc::invalid, "'files' must be a list of {path, text}"};
  std::vector<source_text> sources;
  for (const auto& file : *files) {
    if (!file.is_object())
      return problem{errc::invalid, "'files' must be a list of {path, text}"};
    BOOST_OUTCOME_TRY(path, body_text(file, "path"));
    BOOST_OUTCOME_TRY(text, body_text(file, "text"));
    if (path.empty())
      return problem{errc::invalid, "A file of 'files' has no path"};
    sources.push_back({std::move(path), std::move(text)});
  }
  return sources;
}

/// Reads posted texts with what the engine knows already.
load_result load_posted(api_state& state, const std::vector<source_text>& sources) {
  const store_view view{state};
  const store_directory stored{view};
  load_options options;
  options.environment = state.handles.environment;
  options.now = view.now();
  options.definition_elsewhere = [&](std::string_view id) {
    return stored.definitions().definition(id);
  };
  options.exists_elsewhere = [&](const std::string& id) {
    const auto row = view.rows.workflow(id);
    return row && row.value() && !row.value()->retired;
  };
  options.settings_elsewhere = [&](const std::string& project) -> std::optional<project_settings> {
    const auto row = view.rows.project(project);
    if (!row || !row.value())
      return std::nullopt;
    auto settings = settings_from_canonical_json(*row.value());
    if (!settings)
      return std::nullopt;
    return std::move(settings.value());
  };
  return load_texts(sources, options);
}

result<apply_request> request_of(const json& body, load_result& loaded) {
  apply_request request;
  BOOST_OUTCOME_TRY(prune, body_flag(body, "prune"));
  BOOST_OUTCOME_TRY(dry_run, body_flag(body, "dry_run"));
  request.prune = prune;
  request.dry_run = dry_run;
  request.projects = std::move(loaded.projects);
  for (auto& one : loaded.workflows) {
    // What came over the API belongs to the API, wherever the file lay on the client's side.
    one.definition.source_file.clear();
    request.workflows.push_back(std::move(one.definition));
  }
  return request;
}

void apply(const api_ptr& state, const http_request& request, const reply_function& reply) {
  const auto body = body_object(request, {"files", "prune", "dry_run", "reason"});
  if (!body)
    return reply(error_reply(body.error()));
  const auto reason = body_text(body.value(), "reason");
  if (!reason)
    return reply(error_reply(reason.error()));
  const auto sources = posted_files(body.value());
  if (!sources)
    return reply(error_reply(sources.error()));
  auto loaded = load_posted(*state, sources.value());
  if (!loaded.ok())
    return reply(refused_set(loaded));
  const auto times = fire_changes(store_view{*state}, loaded.workflows);
  auto asked = request_of(body.value(), loaded);
  if (!asked)
    return reply(error_reply(asked.error()));
  state->engine().apply(std::move(asked.value()), {request.user, reason.value()},
                        answer_with<apply_answer>(
                            state, reply,
                            [warnings = details_of(loaded.warnings),
                             times](api_state&, const apply_answer& answer) -> result<json> {
                              auto shown = objects::changes(answer);
                              for (auto& item : shown["items"]) {
                                const auto found = times.find(item["workflow"].get<std::string>());
                                item["fire_times"] =
                                    found == times.end() ? json::array() : found->second;
                              }
                              shown["warnings"] = warnings;
                              return shown;
                            }));
}

} // namespace

void add_apply(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"POST", "/api/v1/apply",
                   "Takes a set of definition files as a whole, or refuses it with every error.",
                   [state](const http_request& request, const reply_function& reply) {
                     apply(state, request, reply);
                   }});
}

} // namespace pinion::routes
