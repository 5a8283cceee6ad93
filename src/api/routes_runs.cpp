#include "api/definition_filter.hpp"
#include "api/instance_lister.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/route_groups.hpp"
#include "api/run_query.hpp"

namespace pinion::routes {
namespace {

result<json> show_run(const store_view& view, const run_record& run) {
  BOOST_OUTCOME_TRY(definition, view.definition_of(run));
  return objects::run(run, objects::zone_of(*definition));
}

result<json> list_runs(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"project", "workflow", "trigger", "run", "state", "reason", "labels",
                            "owner", "since", "from", "to", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  if (const auto ref = query_text(request, "run"); !ref.empty()) {
    BOOST_OUTCOME_TRY(run, find_run(view, ref));
    BOOST_OUTCOME_TRY(shown, show_run(view, run));
    return objects::list(json::array({std::move(shown)}), {});
  }
  BOOST_OUTCOME_TRY(filter, run_filter_of(view, request));
  BOOST_OUTCOME_TRY(why, query_reason(request));
  BOOST_OUTCOME_TRY(by_definition, definition_filter::from(request));
  return filled_page(
      ask, [&](const page_request& part) { return view.rows.list_runs(filter, part); },
      [&](const run_record& run) -> result<json> {
        if (why && run.why != *why)
          return json();
        BOOST_OUTCOME_TRY(definition, view.definition_of(run));
        return by_definition.passes(*definition) ? objects::run(run, objects::zone_of(*definition))
                                                 : json();
      });
}

result<json> get_run(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  const store_view view{state};
  BOOST_OUTCOME_TRY(run, find_run(view, request.params.at("run")));
  return show_run(view, run);
}

result<json> list_instances_of(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"project", "workflow", "run", "task", "state", "reason", "labels",
                            "owner", "since", "from", "to", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  instance_query query;
  query.project = query_text(request, "project");
  query.workflow = query_text(request, "workflow");
  query.task = query_text(request, "task");
  if (!query.workflow.empty()) {
    BOOST_OUTCOME_TRYV(find_workflow(view, query.workflow));
  }
  if (const auto ref = query_text(request, "run"); !ref.empty()) {
    BOOST_OUTCOME_TRY(run, find_run(view, ref));
    query.run = run.id;
  }
  if (const auto text = query_text(request, "state"); !text.empty()) {
    query.state = instance_state_from(text);
    if (!query.state)
      return problem{errc::invalid, "'" + text + "' is no state of an instance"};
  }
  BOOST_OUTCOME_TRY(why, query_reason(request));
  query.why = why;
  BOOST_OUTCOME_TRY(by_definition, definition_filter::from(request));
  BOOST_OUTCOME_TRY(range, query_times(request, view.now(), asked_zone(view, query.workflow)));
  query.run_passes = [&](const run_record& run, const workflow_definition& definition) {
    return by_definition.passes(definition) && range.contains(run.slot);
  };
  return list_instances(view, query, ask);
}

result<json> list_attempts(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"run", "ref", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  BOOST_OUTCOME_TRY(ref, attempts_asked(request));
  const store_view view{state};
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  const auto show = [&](const attempt_record& attempt) -> result<json> {
    if (ref.attempt && attempt.number != *ref.attempt)
      return json();
    BOOST_OUTCOME_TRY(row, view.rows.instance(attempt.instance));
    instance_record instance;
    instance.key = attempt.instance;
    if (row)
      instance = std::move(*row);
    return objects::attempt(attempt, objects::instance_ref(*found.definition, instance));
  };
  if (found.instances.size() == 1)
    return filled_page(
        ask,
        [&](const page_request& part) {
          return view.rows.list_attempts(found.instances.front().key, part);
        },
        show);
  const auto of_task = [&](const attempt_record& attempt) -> result<json> {
    const bool meant =
        found.instances.empty() || attempt.instance.task == found.instances.front().key.task;
    return meant ? show(attempt) : json();
  };
  return filled_page(
      ask, [&](const page_request& part) { return view.rows.list_attempts(found.run.id, part); },
      of_task);
}

/// A long poll: answers when the run is terminal or the time is up.
void wait_for_run(const api_ptr& state, const http_request& request, const reply_function& reply) {
  const auto known = check_query(request, {"timeout_ms"});
  const auto patience = query_number(request, "timeout_ms", 0, 60'000, 30'000);
  const store_view view{*state};
  const auto run = find_run(view, request.params.at("run"));
  if (!known)
    return reply(error_reply(known.error()));
  if (!patience)
    return reply(error_reply(patience.error()));
  if (!run)
    return reply(error_reply(run.error()));
  state->engine().wait_run(
      run.value().id, std::chrono::milliseconds{patience.value()},
      answer_with<run_record>(state, reply, [](api_state& shared, const run_record& record) {
        return show_run(store_view{shared}, record);
      }));
}

} // namespace

void add_runs(std::vector<route>& table, const api_ptr& state) {
  table.push_back(
      {"GET", "/api/v1/runs", "Lists runs, newest first.", answering(state, list_runs)});
  table.push_back({"GET", "/api/v1/runs/{run}", "Shows one run.", answering(state, get_run)});
  table.push_back({"GET", "/api/v1/runs/{run}/wait",
                   "Answers once the run has ended, or after `timeout_ms` (at most 60,000).",
                   [state](const http_request& request, const reply_function& reply) {
                     wait_for_run(state, request, reply);
                   }});
  table.push_back({"GET", "/api/v1/instances", "Lists instances, runs newest first.",
                   answering(state, list_instances_of)});
  table.push_back({"GET", "/api/v1/attempts", "Lists the attempts of a run or an instance.",
                   answering(state, list_attempts)});
}

} // namespace pinion::routes
