#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/operation_body.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/render.hpp"
#include "pinion/definitions/trial_run.hpp"

namespace pinion::routes {
namespace {

constexpr std::size_t most_rendered = 500;

result<project_settings> settings_of(const store_view& view, const std::string& project) {
  BOOST_OUTCOME_TRY(row, view.rows.project(project));
  if (!row)
    return project_settings{};
  return settings_from_canonical_json(*row);
}

/// What is to be shown of a run that is or could be: some of its tasks or all.
struct asked_render {
  run_core run;
  std::vector<instance_key> keys;
  std::string workflow; ///< By what its tasks go where there is no run; else empty.
};

std::string name_of(const asked_render& asked, const instance_record& at) {
  const auto& definition = asked.run.definition();
  return asked.workflow.empty() ? objects::instance_ref(definition, at)
                                : asked.workflow + '.' + definition.tasks[at.key.task].name;
}

void add_keys(asked_render& to, std::uint32_t task) {
  for (const auto& at : to.run.instances_of(task))
    if (to.keys.size() < most_rendered)
      to.keys.push_back(at.key);
}

/// "p.w" or "p.w.task": a run that is not made.
result<asked_render> of_definition(const store_view& view, const std::string& text,
                                   const json_text& params) {
  const auto task = parse_task_reference(text);
  BOOST_OUTCOME_TRY(ref, parse_reference(task ? task->workflow : text));
  BOOST_OUTCOME_TRY(record, find_workflow(view, ref.workflow));
  BOOST_OUTCOME_TRY(definition, view.definition(record.id, ref.version.value_or(record.version)));
  BOOST_OUTCOME_TRY(settings, settings_of(view, definition->project));
  BOOST_OUTCOME_TRY(run, trial_record(*definition, view.now(), params));
  run.version = ref.version.value_or(record.version);
  BOOST_OUTCOME_TRY(core, trial_run(definition, std::move(run), {}, settings.pools));
  asked_render asked{std::move(core), {}, definition->id()};
  if (task) {
    BOOST_OUTCOME_TRY(position, find_task(*definition, task->task));
    add_keys(asked, position);
  } else {
    for (std::uint32_t at = 0; at < definition->tasks.size(); ++at)
      add_keys(asked, at);
  }
  return asked;
}

/// A run that is there, with its inputs as they are now.
result<asked_render> of_run(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  BOOST_OUTCOME_TRY(settings, settings_of(view, found.definition->project));
  BOOST_OUTCOME_TRY(core, restored(view, found.run, found.definition, {}));
  BOOST_OUTCOME_TRY(
      whole, restored(view, found.run, found.definition, with_elements(core, settings.pools)));
  asked_render asked{std::move(whole), {}, {}};
  if (ref.task.empty())
    for (std::uint32_t at = 0; at < found.definition->tasks.size(); ++at)
      add_keys(asked, at);
  else if (!ref.index)
    add_keys(asked, found.instances.front().key.task);
  else
    asked.keys.push_back(found.instances.front().key);
  return asked;
}

json shown(const asked_render& asked, const instance_key& key, const project_settings& settings) {
  const auto& run = asked.run;
  const auto& task = run.definition().tasks[key.task];
  const auto* at = run.find(key);
  json item{{"id", name_of(asked, *at)},
            {"task", task.name},
            {"index", key.element == no_element ? json() : json(at->element_key)},
            {"attempt", at->attempt + 1},
            {"cwd", task.cwd}};
  const render_input input{run, key, at->attempt + 1, settings, read_secrets(settings.secrets)};
  if (task.type == task_type::workflow) {
    const auto params = render_call_params(input);
    item["calls"] = task.call_workflow;
    if (params)
      item["params"] = from_stored(params.value());
    else
      item["error"] = error_object(params.error());
    return item;
  }
  if (task.type == task_type::empty)
    return item;
  auto rendered = task.type == task_type::check ? render_check(input, 0) : render_task(input);
  if (!rendered) {
    item["error"] = error_object(rendered.error());
    return item;
  }
  item.update(from_stored(rendered.value().masked));
  item["timeout_s"] =
      rendered.value().timeout == duration{0} ? json() : objects::seconds(rendered.value().timeout);
  for (const auto& need : pools_of(task, *at))
    item["pools"][need.pool] = need.permits;
  return item;
}

result<json> render(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"ref", "params"}));
  const auto text = query_text(request, "ref");
  const auto params = query_text(request, "params");
  const store_view view{state};
  const bool task = parse_task_reference(text).has_value();
  result<asked_render> asked = problem{errc::internal, ""};
  if (!task) {
    BOOST_OUTCOME_TRY(ref, parse_reference(text));
    if (ref.names_run() && !params.empty())
      return problem{errc::invalid, "A run has its parameters: 'params' goes with a workflow"};
    if (!ref.names_run() && !ref.trigger.empty())
      return problem{errc::invalid, "'" + text + "' is a trigger",
                     "Name a workflow, one of its tasks, a run or an instance"};
    asked = ref.names_run() ? of_run(view, ref)
                            : of_definition(view, text, params.empty() ? "{}" : params);
  } else {
    asked = of_definition(view, text, params.empty() ? "{}" : params);
  }
  if (!asked)
    return asked.error();
  BOOST_OUTCOME_TRY(settings, settings_of(view, asked.value().run.definition().project));
  json items = json::array();
  for (const auto& key : asked.value().keys)
    items.push_back(shown(asked.value(), key, settings));
  return objects::list(std::move(items), {});
}

/// The settings that tasks of a project are run with; of secrets only where they come from.
result<json> show_project(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  const auto& name = request.params.at("project");
  const store_view view{state};
  BOOST_OUTCOME_TRY(row, view.rows.project(name));
  if (!row)
    return problem{errc::not_found, "There is no project '" + name + "'"};
  return from_stored(*row);
}

} // namespace

void add_render(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/render",
                   "What would be run: commands and environment, secrets masked.",
                   answering(state, render)});
  table.push_back({"GET", "/api/v1/projects/{project}",
                   "The settings of a project: pools, channels, and where secrets come from.",
                   answering(state, show_project)});
}

} // namespace pinion::routes
