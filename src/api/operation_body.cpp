#include "api/operation_body.hpp"

#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/store_directory.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/evaluator.hpp"

#include <algorithm>
#include <array>

namespace pinion {
namespace {

using verb = run_operation::verb;

struct verb_name {
  std::string_view name;
  run_operation::verb what;
};
constexpr std::array verbs{verb_name{"cancel", verb::cancel}, verb_name{"fail", verb::fail},
                           verb_name{"skip", verb::skip},     verb_name{"succeed", verb::succeed},
                           verb_name{"rerun", verb::rerun},   verb_name{"freeze", verb::freeze},
                           verb_name{"thaw", verb::thaw},     verb_name{"dryrun", verb::dryrun},
                           verb_name{"bump", verb::bump},     verb_name{"unblock", verb::unblock},
                           verb_name{"move", verb::repool},   verb_name{"note", verb::note}};

struct scope_name {
  std::string_view name;
  rerun_scope scope;
};
constexpr std::array scopes{
    scope_name{"only", rerun_scope::only}, scope_name{"downstream", rerun_scope::downstream},
    scope_name{"downstream_all", rerun_scope::downstream},
    scope_name{"upstream", rerun_scope::upstream}, scope_name{"failed", rerun_scope::failed}};

constexpr std::uint32_t most_permits = 1'000'000;

/// Without a scope: an instance with its downstream; of a run, what failed. Of a run `only` and
/// `downstream` mean all of its tasks.
result<rerun_scope> scope_of(const json& body, bool whole_run) {
  BOOST_OUTCOME_TRY(text, body_text(body, "scope"));
  if (text.empty())
    return whole_run ? rerun_scope::failed : rerun_scope::downstream;
  for (const auto& [name, scope] : scopes)
    if (name == text) {
      if (whole_run && scope == rerun_scope::upstream)
        return problem{errc::invalid, "'upstream' needs an instance, as r123/task"};
      return scope;
    }
  return problem{errc::invalid,
                 "'scope' is only, downstream, downstream_all, upstream or failed, not '" + text +
                     "'"};
}

/// With `version: latest`, where the run is of another one: the present definition, and what it
/// needs of other runs.
result<void> read_version(const store_view& view, const json& body, const found_instances& found,
                          run_operation& into) {
  BOOST_OUTCOME_TRY(version, body_text(body, "version"));
  if (!version.empty() && version != "pinned" && version != "latest")
    return problem{errc::invalid, "'version' is pinned or latest, not '" + version + "'"};
  if (version != "latest")
    return ok();
  const auto& run = found.run;
  BOOST_OUTCOME_TRY(record, find_workflow(view, run.workflow));
  if (record.version == run.version)
    return ok();
  BOOST_OUTCOME_TRY(definition, view.definition(record.id, record.version));
  const store_directory stored{view};
  BOOST_OUTCOME_TRY(edges,
                    bind_needs(*definition,
                               {run.trigger, run.slot, {run.interval_start, run.interval_end}},
                               stored.definitions()));
  into.definition = std::move(definition);
  into.version = record.version;
  into.edges = std::move(edges);
  return ok();
}

result<std::uint8_t> priority_of(const json& body) {
  const auto found = body.find("priority");
  if (found == body.end() || found->is_null() || *found == "first")
    return first_priority;
  if (found->is_number_integer() && *found >= 1 && *found <= 9)
    return found->get<std::uint8_t>();
  return problem{errc::invalid, "'priority' is 1 to 9, or first"};
}

/// `{"models": 2}`: pools that the project has.
result<std::vector<pool_need>> pools_of_body(const store_view& view, const json& body,
                                             const std::string& project) {
  const auto found = body.find("pools");
  if (found == body.end() || !found->is_object())
    return problem{errc::invalid, "'pools' must be an object, as {\"models\": 1}", "{} means none"};
  project_settings settings;
  BOOST_OUTCOME_TRY(row, view.rows.project(project));
  if (row) {
    BOOST_OUTCOME_TRY(read, settings_from_canonical_json(*row));
    settings = std::move(read);
  }
  std::vector<pool_need> needs;
  for (const auto& [name, permits] : found->items()) {
    const auto pool = settings.pools.find(name);
    if (pool == settings.pools.end())
      return problem{errc::not_found, "The project '" + project + "' has no pool '" + name + "'",
                     "'pinionctl get pools' lists them"};
    if (!permits.is_number_integer() || permits < 1 || permits > most_permits)
      return problem{errc::invalid,
                     "'pools': the permits of '" + name + "' are a number from 1 on"};
    needs.push_back({name, permits.get<std::uint32_t>()});
  }
  std::sort(needs.begin(), needs.end(),
            [](const pool_need& a, const pool_need& b) { return a.pool < b.pool; });
  return needs;
}

/// Tasks of the run by name, tasks of other workflows as project.workflow.task (project.workflow:
/// the whole of it).
result<void> read_upstream(const store_view& view, const json& body, const found_instances& found,
                           run_operation& into) {
  if (into.targets.empty())
    return problem{errc::invalid, "Name the instance that shall no longer wait",
                   "For example: " + to_string(found.run.id) + '/' +
                       found.definition->tasks.front().name};
  const auto list = body.find("upstream");
  if (list == body.end() || list->is_null())
    return ok();
  if (!list->is_array())
    return problem{errc::invalid, "'upstream' must be a list of names"};
  const auto task = into.targets.front().task;
  BOOST_OUTCOME_TRY(slot, view.rows.slot({found.run.lane, found.run.workflow, found.run.trigger,
                                          found.run.slot}));
  for (const auto& one : *list) {
    const auto name = one.is_string() ? one.get<std::string>() : std::string{};
    into.dropped.push_back(name);
    if (name.find('.') == std::string::npos) {
      BOOST_OUTCOME_TRY(position, find_task(*found.definition, name));
      into.upstream.push_back(position);
      continue;
    }
    bool known = false;
    for (const auto& edge : slot ? slot->edges : std::vector<bound_edge>{}) {
      const auto of = edge.workflow + (edge.upstream_task.empty() ? "" : '.' + edge.upstream_task);
      if (edge.task != task || of != name)
        continue;
      into.needs.push_back(edge.need);
      known = true;
    }
    if (!known)
      return problem{errc::not_found,
                     "'" + found.definition->tasks[task].name + "' does not need '" + name + "'",
                     "'pinionctl describe " + to_string(found.run.id) + "' lists its needs"};
  }
  return ok();
}

/// `move` of a run to the latest version.
result<void> read_move(const store_view& view, const json& body, const found_instances& found,
                       run_operation& into) {
  if (!into.targets.empty())
    return problem{errc::invalid, "A run moves to another version as a whole",
                   "Write " + to_string(found.run.id) + ", or give 'pools'"};
  BOOST_OUTCOME_TRY(version, body_text(body, "version"));
  if (version != "latest")
    return problem{errc::invalid, "'move' takes 'pools', or 'version': 'latest'"};
  BOOST_OUTCOME_TRYV(read_version(view, body, found, into));
  if (!into.definition)
    return problem{errc::refused, to_string(found.run.id) + " is of the latest version already"};
  into.what = verb::move;
  return ok();
}

result<void> read_details(const store_view& view, const json& body, const found_instances& found,
                          run_operation& into) {
  switch (into.what) {
  case verb::bump: {
    BOOST_OUTCOME_TRY(priority, priority_of(body));
    into.priority = priority;
    return ok();
  }
  case verb::repool: {
    if (!body.contains("pools"))
      return read_move(view, body, found, into);
    BOOST_OUTCOME_TRY(pools, pools_of_body(view, body, found.definition->project));
    into.pools = std::move(pools);
    return ok();
  }
  case verb::unblock:
    return read_upstream(view, body, found, into);
  case verb::note: {
    if (!into.targets.empty())
      return problem{errc::invalid, "A note stands on a run, not on an instance",
                     "Write " + to_string(found.run.id)};
    BOOST_OUTCOME_TRY(text, body_text(body, "text"));
    if (text.size() > max_note_bytes)
      return problem{errc::limit, "A note has at most 4,096 bytes"};
    into.note = std::move(text);
    return ok();
  }
  default:
    return ok();
  }
}

} // namespace

result<run_operation::verb> operation_verb_of(const json& body) {
  BOOST_OUTCOME_TRY(text, body_text(body, "operation"));
  std::string known;
  for (const auto& [name, what] : verbs) {
    if (name == text)
      return what;
    known += (known.empty() ? "" : name == verbs.back().name ? " or " : ", ") + std::string{name};
  }
  return problem{errc::invalid, "'operation' is " + known + ", not '" + text + "'"};
}

result<asked_operation> operation_of(const store_view& view, const json& body,
                                     const std::string& who) {
  BOOST_OUTCOME_TRY(what, operation_verb_of(body));
  BOOST_OUTCOME_TRY(text, body_text(body, "ref"));
  BOOST_OUTCOME_TRY(ref, parse_reference(text));
  if (ref.attempt)
    return problem{errc::invalid, "'" + text + "' names an attempt",
                   "Name the instance, without '#'"};
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(dry_run, body_flag(body, "dry_run"));
  BOOST_OUTCOME_TRY(at_once, body_flag(body, "now"));
  BOOST_OUTCOME_TRY(scope_text, body_text(body, "scope"));
  run_operation operation;
  operation.what = what;
  operation.now = at_once;
  for (const auto& one : found.instances)
    operation.targets.push_back(one.key);
  BOOST_OUTCOME_TRY(scope, scope_of(body, operation.targets.empty()));
  operation.scope = scope;
  operation.message = "by " + who + (reason.empty() ? "" : ": " + reason);
  BOOST_OUTCOME_TRYV(read_details(view, body, found, operation));
  if (what == verb::rerun) {
    BOOST_OUTCOME_TRYV(read_version(view, body, found, operation));
  }
  return asked_operation{std::move(found.run),
                         std::move(found.definition),
                         std::move(operation),
                         std::move(reason),
                         dry_run,
                         scope_text == "downstream_all"};
}

result<run_core> restored(const store_view& view, const run_record& run,
                          const definition_cache::definition_ptr& definition,
                          std::vector<instance_record> instances) {
  if (instances.empty()) {
    BOOST_OUTCOME_TRY(own, view.rows.instances_of(run.id));
    instances = std::move(own);
  }
  BOOST_OUTCOME_TRY(attempts, view.rows.newest_attempts_of(run.id));
  BOOST_OUTCOME_TRY(outputs, view.rows.outputs_of(run.id));
  BOOST_OUTCOME_TRY(settled, view.rows.edges_of(run.id));
  BOOST_OUTCOME_TRY(slot, view.rows.slot({run.lane, run.workflow, run.trigger, run.slot}));
  return run_core::restore(
      definition, run, std::move(instances), std::move(attempts), std::move(outputs),
      slot ? std::move(slot->edges) : std::vector<bound_edge>{}, std::move(settled));
}

result<rehearsal> rehearse(const store_view& view, const run_record& run,
                           const definition_cache::definition_ptr& definition,
                           const run_operation& operation) {
  BOOST_OUTCOME_TRY(row, view.rows.project(definition->project));
  std::map<std::string, std::uint32_t> pools;
  if (row) {
    BOOST_OUTCOME_TRY(settings, settings_from_canonical_json(*row));
    pools = std::move(settings.pools);
  }
  BOOST_OUTCOME_TRY(core, restored(view, run, definition, {}));
  auto step = core.step(operation, view.now(), expression_evaluator{std::move(pools)});
  if (step.refused)
    return *step.refused;
  return rehearsal{std::move(core), std::move(step)};
}

json changes_of(const rehearsal& of) {
  json items = json::array();
  for (const auto& key : of.step.instances)
    if (const auto* changed = of.core.find(key))
      items.push_back({{"id", objects::instance_ref(of.core.definition(), *changed)},
                       {"state", to_string(changed->state)},
                       {"reason", to_string(changed->why)}});
  return items;
}

} // namespace pinion
