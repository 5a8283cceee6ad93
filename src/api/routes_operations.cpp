#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/evaluator.hpp"

namespace pinion::routes {
namespace {

struct verb_name {
  std::string_view name;
  run_operation::verb verb;
};
constexpr std::array verbs{verb_name{"cancel", run_operation::verb::cancel},
                           verb_name{"fail", run_operation::verb::fail},
                           verb_name{"skip", run_operation::verb::skip},
                           verb_name{"succeed", run_operation::verb::succeed},
                           verb_name{"rerun", run_operation::verb::rerun},
                           verb_name{"freeze", run_operation::verb::freeze},
                           verb_name{"thaw", run_operation::verb::thaw},
                           verb_name{"dryrun", run_operation::verb::dryrun}};

struct scope_name {
  std::string_view name;
  rerun_scope scope;
};
constexpr std::array scopes{
    scope_name{"only", rerun_scope::only}, scope_name{"downstream", rerun_scope::downstream},
    scope_name{"upstream", rerun_scope::upstream}, scope_name{"failed", rerun_scope::failed}};

/// What a request asks for, looked up.
struct asked_operation {
  run_record run;
  definition_cache::definition_ptr definition;
  run_operation operation;
  std::string reason;
  bool dry_run = false;
};

result<run_operation::verb> verb_of(const json& body) {
  BOOST_OUTCOME_TRY(text, body_text(body, "operation"));
  for (const auto& [name, verb] : verbs)
    if (name == text)
      return verb;
  return problem{
      errc::invalid,
      "'operation' is cancel, fail, skip, succeed, rerun, freeze, thaw or dryrun, not '" + text +
          "'"};
}

/// What a task becomes for all its instances to come; nothing for verbs that only runs know.
std::optional<task_mode> mode_of(run_operation::verb verb) {
  switch (verb) {
  case run_operation::verb::freeze:
    return task_mode::frozen;
  case run_operation::verb::thaw:
    return task_mode::normal;
  case run_operation::verb::dryrun:
    return task_mode::dry;
  default:
    return std::nullopt;
  }
}

/// Without a scope: an instance with its downstream; of a run, what failed.
result<rerun_scope> scope_of(const json& body, bool whole_run) {
  BOOST_OUTCOME_TRY(text, body_text(body, "scope"));
  if (text.empty())
    return whole_run ? rerun_scope::failed : rerun_scope::downstream;
  for (const auto& [name, scope] : scopes)
    if (name == text) {
      if (whole_run && scope != rerun_scope::failed)
        return problem{errc::invalid, "'" + text + "' needs an instance, as r123/task"};
      return scope;
    }
  return problem{errc::invalid,
                 "'scope' is only, downstream, upstream or failed, not '" + text + "'"};
}

result<void> check_version(const json& body) {
  BOOST_OUTCOME_TRY(version, body_text(body, "version"));
  if (version.empty() || version == "pinned")
    return ok();
  return problem{errc::invalid, "'version' can only be 'pinned', not '" + version + "'",
                 "The version of its definition stays the run's"};
}

result<asked_operation> operation_of(const store_view& view, const json& body,
                                     const std::string& who) {
  BOOST_OUTCOME_TRY(verb, verb_of(body));
  BOOST_OUTCOME_TRY(text, body_text(body, "ref"));
  BOOST_OUTCOME_TRY(ref, parse_reference(text));
  if (ref.attempt)
    return problem{errc::invalid, "'" + text + "' names an attempt",
                   "Name the instance, without '#'"};
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(dry_run, body_flag(body, "dry_run"));
  BOOST_OUTCOME_TRY(now, body_flag(body, "now"));
  BOOST_OUTCOME_TRYV(check_version(body));
  run_operation operation;
  operation.now = now;
  operation.what = verb;
  for (const auto& one : found.instances)
    operation.targets.push_back(one.key);
  BOOST_OUTCOME_TRY(scope, scope_of(body, operation.targets.empty()));
  operation.scope = scope;
  operation.message = "by " + who + (reason.empty() ? "" : ": " + reason);
  return asked_operation{std::move(found.run), std::move(found.definition), std::move(operation),
                         std::move(reason), dry_run};
}

/// What the operation would change: the run's own step, on a copy of its rows.
result<json> rehearse(const store_view& view, const asked_operation& asked) {
  const auto id = asked.run.id;
  BOOST_OUTCOME_TRY(instances, view.rows.instances_of(id));
  BOOST_OUTCOME_TRY(attempts, view.rows.newest_attempts_of(id));
  BOOST_OUTCOME_TRY(outputs, view.rows.outputs_of(id));
  BOOST_OUTCOME_TRY(row, view.rows.project(asked.definition->project));
  std::map<std::string, std::uint32_t> pools;
  if (row) {
    BOOST_OUTCOME_TRY(settings, settings_from_canonical_json(*row));
    pools = std::move(settings.pools);
  }
  BOOST_OUTCOME_TRY(settled, view.rows.edges_of(id));
  BOOST_OUTCOME_TRY(slot, view.rows.slot({asked.run.lane, asked.run.workflow, asked.run.trigger,
                                          asked.run.slot}));
  BOOST_OUTCOME_TRY(core,
                    run_core::restore(asked.definition, asked.run, std::move(instances),
                                      std::move(attempts), std::move(outputs),
                                      slot ? std::move(slot->edges) : std::vector<bound_edge>{},
                                      std::move(settled)));
  const auto step = core.step(asked.operation, view.now(), expression_evaluator{std::move(pools)});
  if (step.refused)
    return *step.refused;
  json items = json::array();
  for (const auto& key : step.instances)
    if (const auto* changed = core.find(key))
      items.push_back({{"id", objects::instance_ref(*asked.definition, *changed)},
                       {"state", to_string(changed->state)},
                       {"reason", to_string(changed->why)}});
  const auto count = items.size();
  return json{
      {"run", to_string(id)}, {"dry_run", true}, {"affected", count}, {"items", std::move(items)}};
}

/// Freezes, thaws or dry-runs a task of a workflow, whatever runs there are.
result<void> switch_task(const api_ptr& state, const task_reference& ref, const json& body,
                         const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(verb, verb_of(body));
  const auto mode = mode_of(verb);
  const auto name = ref.workflow + '.' + ref.task;
  if (!mode)
    return problem{errc::invalid, "'" + name + "' is a task: it can be frozen, thawed or dry-run",
                   "For one run of it: r123/" + ref.task};
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(definition, current_definition(store_view{*state}, ref.workflow));
  BOOST_OUTCOME_TRYV(find_task(*definition, ref.task));
  state->engine().switch_task(
      {ref.workflow, ref.task, *mode}, {request.user, reason},
      answer_with<operation_answer>(
          state, reply,
          [name, mode = *mode](api_state&, const operation_answer& answer) -> result<json> {
            return json{{"task", name}, {"mode", to_string(mode)}, {"affected", answer.affected}};
          }));
  return ok();
}

result<void> operate(const api_ptr& state, const http_request& request,
                     const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"operation", "ref", "scope", "version", "now",
                                                "dry_run", "reason"}));
  BOOST_OUTCOME_TRY(ref, body_text(body, "ref"));
  if (const auto task = parse_task_reference(ref))
    return switch_task(state, *task, body, request, reply);
  const store_view view{*state};
  BOOST_OUTCOME_TRY(asked, operation_of(view, body, request.user));
  if (asked.dry_run) {
    reply(to_reply(rehearse(view, asked)));
    return ok();
  }
  const auto run = asked.run.id;
  state->engine().operate(
      run, std::move(asked.operation), {request.user, asked.reason},
      answer_with<operation_answer>(
          state, reply, [run](api_state&, const operation_answer& answer) -> result<json> {
            return json{{"run", to_string(run)}, {"affected", answer.affected}};
          }));
  return ok();
}

} // namespace

void add_operations(std::vector<route>& table, const api_ptr& state) {
  table.push_back(
      {"POST", "/api/v1/operations",
       "Cancels, fails, skips, succeeds, reruns, freezes, thaws or dry-runs a run, instances "
       "of it, or (the last three) a task.",
       [state](const http_request& request, const reply_function& reply) {
         if (const auto asked = operate(state, request, reply); !asked)
           reply(error_reply(asked.error()));
       }});
}

} // namespace pinion::routes
