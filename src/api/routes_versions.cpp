#include "api/fire_changes.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/posted_files.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/version_condition.hpp"
#include "pinion/definitions/definition_diff.hpp"

namespace pinion::routes {
namespace {

/// A version that people name: "p.w:v7", or "p.w" for the present one.
struct named_version {
  workflow_record workflow;
  version_record version;

  std::string id() const { return workflow.id + ":v" + std::to_string(version.version); }
};

result<named_version> find_version(const store_view& view, const std::string& text) {
  BOOST_OUTCOME_TRY(ref, parse_reference(text));
  if (ref.names_run() || !ref.trigger.empty())
    return problem{errc::invalid, "'" + text + "' is no version of a workflow",
                   "Write project.workflow:v7"};
  BOOST_OUTCOME_TRY(workflow, find_workflow(view, ref.workflow));
  const auto number = ref.version.value_or(workflow.version);
  BOOST_OUTCOME_TRY(row, view.rows.version(workflow.id, number));
  if (!row)
    return problem{errc::not_found,
                   "'" + workflow.id + "' has no version v" + std::to_string(number),
                   "Its versions: pinionctl get versions " + workflow.id};
  return named_version{std::move(workflow), std::move(*row)};
}

result<json> version_object(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  const store_view view{state};
  BOOST_OUTCOME_TRY(found, find_version(view, request.params.at("version")));
  BOOST_OUTCOME_TRY(definition, view.definition(found.workflow.id, found.version.version));
  auto shown = objects::version(found.version, found.workflow.version);
  shown["definition"] = from_stored(readable_form(*definition));
  return shown;
}

/// The tag of the present version is its name: what it says only changes with it.
void get_version(const api_ptr& state, const http_request& request, const reply_function& reply) {
  const auto shown = version_object(*state, request);
  auto made = to_reply(shown);
  if (shown && shown.value()["current"] == true)
    made.headers["ETag"] = '"' + shown.value()["id"].get<std::string>() + '"';
  reply(std::move(made));
}

json changes_of(const workflow_definition& before, const workflow_definition& after) {
  json list = json::array();
  for (auto& one : definition_changes(before, after)) {
    const auto value = [](const json_text& text) {
      return text.empty() ? json() : from_stored(text);
    };
    list.push_back({{"path", one.path},
                    {"change", one.before.empty()  ? "added"
                               : one.after.empty() ? "removed"
                                                   : "changed"},
                    {"from", value(one.before)},
                    {"to", value(one.after)}});
  }
  return list;
}

/// What one workflow is compared with another as.
json compared(const std::string& workflow, const json& from, const json& to, json changes) {
  return {{"workflow", workflow},
          {"from", from},
          {"to", to},
          {"same", changes.empty() && !from.is_null()},
          {"changes", std::move(changes)}};
}

result<json> diff_versions(const store_view& view, const std::string& from, const std::string& to) {
  BOOST_OUTCOME_TRY(old, find_version(view, from));
  BOOST_OUTCOME_TRY(fresh, find_version(view, to.empty() ? old.workflow.id : to));
  BOOST_OUTCOME_TRY(before, view.definition(old.workflow.id, old.version.version));
  BOOST_OUTCOME_TRY(after, view.definition(fresh.workflow.id, fresh.version.version));
  return objects::list(
      json::array({compared(old.workflow.id, old.id(), fresh.id(), changes_of(*before, *after))}),
      {});
}

/// The workflows of files against the versions that the engine has; `from` picks one of them.
result<json> diff_files(const store_view& view, const std::string& from,
                        const std::vector<loaded_workflow>& loaded) {
  std::optional<named_version> named;
  if (!from.empty()) {
    BOOST_OUTCOME_TRY(found, find_version(view, from));
    named = std::move(found);
  }
  json items = json::array();
  for (const auto& one : loaded) {
    const auto id = one.definition.id();
    if (named && named->workflow.id != id)
      continue;
    BOOST_OUTCOME_TRY(row, view.rows.workflow(id));
    if (!row) {
      items.push_back(compared(id, nullptr, nullptr, json::array()));
      continue;
    }
    BOOST_OUTCOME_TRY(old, named ? result<named_version>{*named} : find_version(view, id));
    BOOST_OUTCOME_TRY(before, view.definition(id, old.version.version));
    items.push_back(compared(id, old.id(), nullptr, changes_of(*before, one.definition)));
  }
  if (named && items.empty())
    return problem{errc::not_found, "The files do not define '" + named->workflow.id + "'"};
  return objects::list(std::move(items), {});
}

void diff(const api_ptr& state, const http_request& request, const reply_function& reply) {
  const auto refuse = [&](const problem& why) { reply(error_reply(why)); };
  const auto body = body_object(request, {"from", "to", "files"});
  if (!body)
    return refuse(body.error());
  const auto from = body_text(body.value(), "from");
  const auto to = body_text(body.value(), "to");
  if (!from || !to)
    return refuse(from ? to.error() : from.error());
  const store_view view{*state};
  if (!body.value().contains("files"))
    return reply(to_reply(diff_versions(view, from.value(), to.value())));
  if (!to.value().empty())
    return refuse({errc::invalid, "'to' does not go with 'files'"});
  const auto sources = posted_files(body.value());
  if (!sources)
    return refuse(sources.error());
  const auto loaded = load_posted(*state, sources.value());
  if (!loaded.ok())
    return reply(refused_set(loaded, "nothing was compared"));
  reply(to_reply(diff_files(view, from.value(), loaded.workflows)));
}

/// An older version becomes the newest: applied anew, as if its text had been posted.
result<void> restore(const api_ptr& state, const http_request& request,
                     const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"version", "dry_run", "reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(dry_run, body_flag(body, "dry_run"));
  BOOST_OUTCOME_TRY(text, body_text(body, "version"));
  const store_view view{*state};
  BOOST_OUTCOME_TRY(found, find_version(view, text));
  BOOST_OUTCOME_TRY(definition, view.definition(found.workflow.id, found.version.version));
  apply_request asked;
  BOOST_OUTCOME_TRY(condition, condition_of(request));
  asked.condition = std::move(condition);
  asked.dry_run = dry_run;
  asked.workflows.push_back(*definition);
  asked.workflows.back().source_file.clear();
  auto times = fire_changes(view, {{asked.workflows.back(), {}, 1}});
  state->engine().apply(std::move(asked), caller_of(request, reason),
                        applied(state, reply, std::move(times), json::array()));
  return ok();
}

} // namespace

void add_versions(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/versions/{version}",
                   "Shows one version of a workflow with its definition.",
                   [state](const http_request& request, const reply_function& reply) {
                     get_version(state, request, reply);
                   }});
  table.push_back({"POST", "/api/v1/diff",
                   "Compares two versions of workflows, or files with what the engine has.",
                   [state](const http_request& request, const reply_function& reply) {
                     diff(state, request, reply);
                   }});
  table.push_back({"POST", "/api/v1/restore", "Makes an older version of a workflow the newest.",
                   [state](const http_request& request, const reply_function& reply) {
                     if (const auto asked = restore(state, request, reply); !asked)
                       reply(error_reply(asked.error()));
                   }});
}

} // namespace pinion::routes
