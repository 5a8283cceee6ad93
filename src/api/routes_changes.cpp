#include "api/lookup.hpp"
#include "api/new_run.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/timing/instant_text.hpp"

#include <utility>

namespace pinion::routes {
namespace {

using change_handler = result<void> (*)(const api_ptr&, const http_request&, const reply_function&);

/// A handler whose own checks may fail before the engine is asked.
http_handler changing(const api_ptr& state, change_handler change) {
  return [state, change](const http_request& request, const reply_function& reply) {
    if (const auto asked = change(state, request, reply); !asked)
      reply(error_reply(asked.error()));
  };
}

engine_client::reply<operation_answer> report(const api_ptr& state, const reply_function& reply) {
  return answer_with<operation_answer>(
      state, reply, [](api_state&, const operation_answer& answer) -> result<json> {
        return json{{"affected", answer.affected}};
      });
}

/// The parameters as the engine takes them: an object, values of any type.
result<json_text> params_of(const json& body) {
  const auto found = body.find("params");
  if (found == body.end() || found->is_null())
    return json_text{"{}"};
  if (!found->is_object())
    return problem{errc::invalid, "'params' must be an object"};
  return to_text(*found);
}

result<trigger_request> trigger_of(api_state& state, const json& body) {
  trigger_request asked;
  BOOST_OUTCOME_TRY(workflow, body_text(body, "workflow"));
  BOOST_OUTCOME_TRY(ref, parse_reference(workflow));
  if (ref.names_run() || !ref.trigger.empty() || ref.version)
    return problem{errc::invalid, "'" + workflow + "' is no workflow",
                   ref.trigger.empty() || ref.names_run()
                       ? "Write project.workflow"
                       : "A trigger makes runs for its slots: give 'slot' too"};
  const store_view view{state};
  BOOST_OUTCOME_TRY(definition, current_definition(view, ref.workflow));
  BOOST_OUTCOME_TRY(params, params_of(body));
  BOOST_OUTCOME_TRY(key, body_text(body, "key"));
  BOOST_OUTCOME_TRY(ignore_overlap, body_flag(body, "ignore_overlap"));
  BOOST_OUTCOME_TRY(date, body_text(body, "biz_date"));
  if (!date.empty()) {
    BOOST_OUTCOME_TRY(day, parse_day(date));
    asked.biz_date = begin_of(day, objects::zone_of(*definition));
  }
  asked.workflow = ref.workflow;
  asked.params = std::move(params);
  asked.key = std::move(key);
  asked.ignore_overlap = ignore_overlap;
  return asked;
}

/// The run of a slot that its trigger left out: nothing of a run by hand goes with it.
result<void> trigger_slot(const api_ptr& state, const json& body, const http_request& request,
                          const reply_function& reply) {
  for (const auto* name : {"params", "key", "biz_date", "ignore_overlap"})
    if (const auto found = body.find(name); found != body.end() && !found->is_null() &&
                                            !found->empty() && *found != json("") &&
                                            *found != false)
      return problem{errc::invalid, "'" + std::string{name} + "' does not go with 'slot'",
                     "A slot has the parameters of its trigger"};
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(target, body_text(body, "workflow"));
  BOOST_OUTCOME_TRY(text, body_text(body, "slot"));
  BOOST_OUTCOME_TRY(found, find_trigger(store_view{*state}, target));
  BOOST_OUTCOME_TRY(slot, parse_instant(text, objects::zone_of(*found.definition)));
  state->engine().make_slot({found.definition->id(), found.trigger, slot},
                            caller_of(request, reason), new_run(state, reply));
  return ok();
}

result<void> trigger(const api_ptr& state, const http_request& request,
                     const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"workflow", "slot", "params", "key", "biz_date",
                                                "ignore_overlap", "reason"}));
  BOOST_OUTCOME_TRY(slot, body_text(body, "slot"));
  if (!slot.empty())
    return trigger_slot(state, body, request, reply);
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(asked, trigger_of(*state, body));
  state->engine().trigger(std::move(asked), caller_of(request, reason), new_run(state, reply));
  return ok();
}

/// "p.w", "p.w/trigger" or "all"; fails if there is no such thing.
result<pause_target> target_of(api_state& state, const json& body) {
  BOOST_OUTCOME_TRY(text, body_text(body, "target"));
  if (text == "all")
    return pause_target{};
  BOOST_OUTCOME_TRY(ref, parse_reference(text));
  if (ref.names_run() || ref.version)
    return problem{errc::invalid, "'" + text + "' is neither a workflow nor a trigger"};
  BOOST_OUTCOME_TRY(definition, current_definition(store_view{state}, ref.workflow));
  const auto is_meant = [&](const auto& one) { return one.id == ref.trigger; };
  const auto& all = definition->triggers;
  if (!ref.trigger.empty() && std::find_if(all.begin(), all.end(), is_meant) == all.end())
    return problem{errc::not_found, "'" + ref.workflow + "' has no trigger '" + ref.trigger + "'"};
  return pause_target{ref.workflow, ref.trigger};
}

result<void> pause(const api_ptr& state, const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"target", "reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(target, target_of(*state, body));
  state->engine().pause(std::move(target), caller_of(request, reason), report(state, reply));
  return ok();
}

result<catch_up> catch_up_of(const json& body) {
  BOOST_OUTCOME_TRY(text, body_text(body, "catch_up"));
  if (text.empty() || text == "none")
    return catch_up::none;
  if (text == "last")
    return catch_up::last;
  if (text == "all")
    return catch_up::all;
  return problem{errc::invalid, "'catch_up' is none, last or all, not '" + text + "'"};
}

result<void> resume(const api_ptr& state, const http_request& request,
                    const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"target", "catch_up", "reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(owed, catch_up_of(body));
  BOOST_OUTCOME_TRY(target, target_of(*state, body));
  auto by = owed == catch_up::none ? caller_of(request, reason) : caller_in_parts(request, reason);
  state->engine().resume(std::move(target), owed, std::move(by), report(state, reply));
  return ok();
}

result<void> hold(const api_ptr& state, const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  state->engine().hold(caller_of(request, reason), report(state, reply));
  return ok();
}

result<void> unhold(const api_ptr& state, const http_request& request,
                    const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  state->engine().unhold(caller_of(request, reason), report(state, reply));
  return ok();
}

result<void> shutdown(const api_ptr& state, const http_request& request,
                      const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"tasks", "reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(tasks, body_text(body, "tasks"));
  if (!tasks.empty() && tasks != "leave" && tasks != "stop")
    return problem{errc::invalid, "'tasks' is leave or stop, not '" + tasks + "'"};
  state->engine().shutdown(tasks == "stop", caller_of(request, reason), report(state, reply));
  return ok();
}

} // namespace

void add_changes(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"POST", "/api/v1/trigger",
                   "Makes a run of a workflow by hand; with `slot` that of a trigger's slot.",
                   changing(state, trigger)});
  table.push_back({"POST", "/api/v1/pause", "Pauses a trigger, a workflow or everything.",
                   changing(state, pause)});
  table.push_back({"POST", "/api/v1/resume", "Ends a pause.", changing(state, resume)});
  table.push_back(
      {"POST", "/api/v1/hold", "Lets the engine start nothing new.", changing(state, hold)});
  table.push_back({"POST", "/api/v1/unhold", "Ends a hold.", changing(state, unhold)});
  table.push_back(
      {"POST", "/api/v1/shutdown", "Ends the engine in order.", changing(state, shutdown)});
}

} // namespace pinion::routes
