#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/route_groups.hpp"
#include "pinion/definitions/preview.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/timing/instant_text.hpp"

namespace pinion::routes {
namespace {

using labels = std::vector<std::pair<std::string, std::string>>;

/// Does a workflow pass the filters that its definition answers?
bool passes(const workflow_definition& definition, const http_request& request,
            const labels& wanted) {
  const auto is = [&](const char* name, const std::string& value) {
    const auto asked = query_text(request, name);
    return asked.empty() || asked == value;
  };
  const auto has = [&](const auto& label) {
    return std::find(definition.labels.begin(), definition.labels.end(), label) !=
           definition.labels.end();
  };
  return is("project", definition.project) && is("workflow", definition.id()) &&
         is("owner", definition.owner) && std::all_of(wanted.begin(), wanted.end(), has);
}

/// Calls `visit(record, definition)` for every workflow that passes the request's filters and is
/// not retired, unless retired ones are asked for by name.
template <class Visit>
result<void> each_workflow(const store_view& view, const http_request& request, Visit visit) {
  BOOST_OUTCOME_TRY(wanted, query_labels(request));
  BOOST_OUTCOME_TRY(all, view.rows.workflows());
  const bool named = !query_text(request, "workflow").empty();
  for (const auto& record : all) {
    if (record.retired && !named)
      continue;
    if (record.retired) {
      BOOST_OUTCOME_TRY(deleted, find_deleted_workflow(view.kv(), record.id));
      if (deleted)
        continue;
    }
    BOOST_OUTCOME_TRY(definition, view.definition(record.id, record.version));
    if (!passes(*definition, request, wanted))
      continue;
    BOOST_OUTCOME_TRYV(visit(record, *definition));
  }
  return ok();
}

result<json> list_workflows(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"project", "workflow", "owner", "labels", "state", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const auto wanted_state = query_text(request, "state");
  if (!wanted_state.empty() && wanted_state != "paused" && wanted_state != "active")
    return problem{errc::invalid,
                   "The state of a workflow is 'paused' or 'active', not '" + wanted_state + "'"};
  const store_view view{state};
  const store_directory others{view};
  std::vector<std::pair<std::string, json>> found;
  const auto visit = [&](const workflow_record& record,
                         const workflow_definition& definition) -> result<void> {
    if (!wanted_state.empty() && record.paused != (wanted_state == "paused"))
      return ok();
    BOOST_OUTCOME_TRY(triggers, view.rows.triggers_of(record.id));
    found.emplace_back(record.id,
                       objects::workflow(record, definition, triggers, others, view.now()));
    return ok();
  };
  BOOST_OUTCOME_TRYV(each_workflow(view, request, visit));
  return page_by_name(ask, std::move(found));
}

result<json> get_workflow(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  const store_view view{state};
  BOOST_OUTCOME_TRY(record, find_workflow(view, request.params.at("workflow")));
  BOOST_OUTCOME_TRY(definition, view.definition(record.id, record.version));
  BOOST_OUTCOME_TRY(triggers, view.rows.triggers_of(record.id));
  return objects::workflow(record, *definition, triggers, store_directory{view}, view.now());
}

/// Of one workflow newest first; of all, the current ones.
result<json> list_versions(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"project", "workflow", "owner", "labels", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  if (const auto workflow = query_text(request, "workflow"); !workflow.empty()) {
    BOOST_OUTCOME_TRY(present, find_workflow(view, workflow));
    return filled_page(
        ask, [&](const page_request& part) { return view.rows.list_versions(workflow, part); },
        [&](const version_record& record) {
          return result<json>{objects::version(record, present.version)};
        });
  }
  std::vector<std::pair<std::string, json>> found;
  const auto visit = [&](const workflow_record& record,
                         const workflow_definition&) -> result<void> {
    BOOST_OUTCOME_TRY(row, view.rows.version(record.id, record.version));
    if (row)
      found.emplace_back(record.id, objects::version(*row, record.version));
    return ok();
  };
  BOOST_OUTCOME_TRYV(each_workflow(view, request, visit));
  return page_by_name(ask, std::move(found));
}

result<json> list_triggers(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"project", "workflow", "owner", "labels", "state", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const auto wanted_state = query_text(request, "state");
  const store_view view{state};
  const store_directory others{view};
  std::vector<std::pair<std::string, json>> found;
  const auto visit = [&](const workflow_record& record,
                         const workflow_definition& definition) -> result<void> {
    BOOST_OUTCOME_TRY(rows, view.rows.triggers_of(record.id));
    for (const auto& trigger : definition.triggers) {
      const auto row = std::find_if(rows.begin(), rows.end(), [&](const trigger_record& candidate) {
        return candidate.trigger == trigger.id;
      });
      auto shown = objects::trigger(definition, trigger, row == rows.end() ? nullptr : &*row,
                                    others, view.now());
      const bool paused = shown["paused"].get<bool>() || record.paused;
      if (wanted_state.empty() || paused == (wanted_state == "paused"))
        found.emplace_back(record.id + '/' + trigger.id, std::move(shown));
    }
    return ok();
  };
  BOOST_OUTCOME_TRYV(each_workflow(view, request, visit));
  return page_by_name(ask, std::move(found));
}

result<json> list_vars(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"project", "workflow", "owner", "labels", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  std::vector<std::pair<std::string, json>> found;
  const auto visit = [&](const workflow_record& record,
                         const workflow_definition& definition) -> result<void> {
    const auto vars = from_stored(definition.vars);
    if (vars.is_object())
      for (const auto& [name, value] : vars.items())
        found.emplace_back(record.id + '/' + name, json{{"id", record.id + '/' + name},
                                                        {"workflow", record.id},
                                                        {"name", name},
                                                        {"value", value}});
    return ok();
  };
  BOOST_OUTCOME_TRYV(each_workflow(view, request, visit));
  return page_by_name(ask, std::move(found));
}

result<json> preview_workflow(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"workflow", "trigger", "from", "count"}));
  BOOST_OUTCOME_TRY(count, query_number(request, "count", 1, 10'000, 5));
  const store_view view{state};
  BOOST_OUTCOME_TRY(definition, current_definition(view, query_text(request, "workflow")));
  BOOST_OUTCOME_TRY(range, query_times(request, view.now(), objects::zone_of(*definition)));
  const auto after = range.from == instant{} ? view.now() : range.from;
  const auto wanted = query_text(request, "trigger");
  const store_directory others{view};
  json items = json::array();
  for (const auto& trigger : preview(*definition, after, count, &others.definitions())) {
    if (!wanted.empty() && trigger.trigger != wanted)
      continue;
    for (const auto& time : trigger.times) {
      items.push_back({{"slot", time.slot}, {"utc", time.utc}, {"trigger", trigger.trigger}});
      if (time.dry)
        items.back()["dry"] = true;
    }
  }
  return objects::list(std::move(items), {});
}

} // namespace

void add_definitions(std::vector<route>& table, const api_ptr& state) {
  table.push_back(
      {"GET", "/api/v1/workflows", "Lists workflows by name.", answering(state, list_workflows)});
  table.push_back({"GET", "/api/v1/workflows/{workflow}", "Shows one workflow.",
                   answering(state, get_workflow)});
  table.push_back({"GET", "/api/v1/versions", "Lists the versions of a workflow, newest first.",
                   answering(state, list_versions)});
  table.push_back({"GET", "/api/v1/triggers", "Lists triggers with their next slots.",
                   answering(state, list_triggers)});
  table.push_back(
      {"GET", "/api/v1/vars", "Lists the variables of workflows.", answering(state, list_vars)});
  table.push_back({"GET", "/api/v1/preview", "The next fire times of an applied workflow.",
                   answering(state, preview_workflow)});
}

} // namespace pinion::routes
