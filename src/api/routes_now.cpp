#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/openapi_document.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/why_slot.hpp"
#include "api/why_workflow.hpp"
#include "pinion/timing/zone.hpp"

namespace pinion::routes {
namespace {

/// Several instances of a fan-out: the first that has not ended speaks for them.
const instance_record& spokesman(const std::vector<instance_record>& instances) {
  const auto open = std::find_if(instances.begin(), instances.end(),
                                 [](const auto& one) { return !is_terminal(one.state); });
  return open == instances.end() ? instances.front() : *open;
}

/// What the store alone knows.
result<json> stored_why(const std::string& ref, const result<why_answer>& answer) {
  if (!answer)
    return answer.error();
  json shown = objects::why(answer.value());
  shown["ref"] = ref;
  return shown;
}

result<why_answer> why_of_backfill(const store_view& view, std::uint64_t id) {
  BOOST_OUTCOME_TRY(record, find_backfill(view, id));
  return why_backfill(view, record);
}

/// A slot that has no run has reasons of its own.
result<why_answer> why_of_slot(const store_view& view, const reference& ref) {
  const auto slot = find_slot(view, ref);
  if (!slot && slot.error().code == errc::not_found)
    return why_no_slot(view, ref);
  if (!slot)
    return slot.error();
  BOOST_OUTCOME_TRY(definition, current_definition(view, slot.value().workflow));
  const auto found =
      std::find_if(definition->triggers.begin(), definition->triggers.end(),
                   [&](const auto& each) { return each.id == slot.value().trigger; });
  auto answer = why_slot(slot.value(), found == definition->triggers.end() ? nullptr : &*found,
                         objects::zone_of(*definition));
  if (slot.value().outcome == slot_outcome::planned) {
    BOOST_OUTCOME_TRYV(add_pauses(view, slot.value(), answer));
  }
  return answer;
}

void why(const api_ptr& state, const http_request& request, const reply_function& reply) {
  if (const auto known = check_query(request, {"ref"}); !known)
    return reply(error_reply(known.error()));
  const auto text = query_text(request, "ref");
  if (const auto backfill = backfill_number(text))
    return reply(to_reply(stored_why(text, why_of_backfill(store_view{*state}, *backfill))));
  const auto ref = parse_reference(text);
  if (!ref)
    return reply(error_reply(ref.error()));
  if (!ref.value().names_run())
    return reply(to_reply(stored_why(text, why_workflow(store_view{*state}, ref.value()))));
  const auto found = find_instances(store_view{*state}, ref.value());
  if (!found && found.error().code == errc::not_found &&
      ref.value().selects == run_selector::slot && ref.value().task.empty())
    return reply(to_reply(stored_why(text, why_of_slot(store_view{*state}, ref.value()))));
  if (!found)
    return reply(error_reply(found.error()));
  const auto& [run, definition, instances] = found.value();
  const auto name = instances.empty() ? to_string(run.id)
                                      : objects::instance_ref(*definition, spokesman(instances));
  auto answer = answer_with<why_answer>(state, reply, [name](api_state&, const why_answer& given) {
    json shown = objects::why(given);
    shown["ref"] = name;
    return result<json>{std::move(shown)};
  });
  if (instances.empty())
    state->engine().why_run(run.id, std::move(answer));
  else
    state->engine().why_instance(spokesman(instances).key, std::move(answer));
}

/// 200 once the engine is ready, 503 with the same body before.
void health(const api_ptr& state, const http_request& request, const reply_function& reply) {
  if (const auto known = check_query(request, {}); !known)
    return reply(error_reply(known.error()));
  state->engine().health([state, reply](result<health_answer> answer) {
    state->later([reply, answer = std::move(answer)] {
      if (!answer)
        return reply(error_reply(answer.error()));
      reply(json_reply(objects::health(answer.value()), answer.value().ready ? 200 : 503));
    });
  });
}

void wheel(const api_ptr& state, const http_request& request, const reply_function& reply) {
  if (const auto known = check_query(request, {}); !known)
    return reply(error_reply(known.error()));
  state->engine().wheel(
      answer_with<wheel_answer>(state, reply, [](api_state&, const wheel_answer& answer) {
        return result<json>{objects::wheel(answer)};
      }));
}

result<json> version(api_state&, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  return json{{"version", PINION_VERSION}, {"api", "v1"}, {"tzdata", tzdata_version()}};
}

void openapi(const http_request& request, const reply_function& reply) {
  if (const auto known = check_query(request, {}); !known)
    return reply(error_reply(known.error()));
  http_reply document;
  document.body = openapi_document();
  reply(std::move(document));
}

} // namespace

void add_now(std::vector<route>& table, const api_ptr& state) {
  const auto with_state = [&](auto handle) {
    return [state, handle](const http_request& request, const reply_function& reply) {
      handle(state, request, reply);
    };
  };
  table.push_back(
      {"GET", "/api/v1/why",
       "Why a run, an instance, a slot, a workflow, a trigger or a backfill is not going on.",
       with_state(why)});
  table.push_back({"GET", "/api/v1/wheel", "The timing wheel now.", with_state(wheel)});
  table.push_back(
      {"GET", "/api/v1/health", "Is the engine ready? 503 if not.", with_state(health)});
  table.push_back({"GET", "/api/v1/version", "Versions of the engine and its time zone data.",
                   answering(state, version)});
  table.push_back({"GET", "/api/v1/openapi.json", "This API as an OpenAPI document.", openapi});
}

} // namespace pinion::routes
