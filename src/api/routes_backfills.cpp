#include "api/backfill_body.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"

#include <array>

namespace pinion::routes {
namespace {

/// The zone in which slots of a workflow are shown; UTC if it is gone.
zone zone_of_slots(const store_view& view, const std::string& workflow) {
  const auto definition = current_definition(view, workflow);
  return definition ? objects::zone_of(*definition.value()) : zone{};
}

/// The number in a path; `errc::invalid` for what is no name of a backfill.
result<std::uint64_t> asked_backfill(const http_request& request) {
  const auto& text = request.params.at("backfill");
  if (const auto id = backfill_number(text))
    return *id;
  return problem{errc::invalid, "'" + text + "' is no backfill", "Backfills are named b12"};
}

template <class State, std::size_t Count>
result<std::optional<State>> query_state(const http_request& request, const char* of) {
  const auto text = query_text(request, "state");
  if (text.empty())
    return std::optional<State>{};
  std::string names;
  for (std::size_t i = 0; i < Count; ++i) {
    const auto name = to_string(static_cast<State>(i));
    if (name == text)
      return std::optional{static_cast<State>(i)};
    names += (i == 0 ? "" : ", ") + std::string{name};
  }
  return problem{errc::invalid, "'" + text + "' is no state of a " + of, "Known: " + names};
}

result<json> list_backfills(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"project", "workflow", "state", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  BOOST_OUTCOME_TRY(wanted, (query_state<backfill_state, 5>(request, "backfill")));
  const store_view view{state};
  const auto project = query_text(request, "project");
  backfill_filter filter{query_text(request, "workflow"), wanted};
  if (!filter.workflow.empty()) {
    BOOST_OUTCOME_TRYV(find_workflow(view, filter.workflow));
  }
  return filled_page(
      ask, [&](const page_request& part) { return view.rows.list_backfills(filter, part); },
      [&](const backfill_record& record) -> result<json> {
        if (!project.empty() && !record.workflow.starts_with(project + '.'))
          return json();
        BOOST_OUTCOME_TRY(counts, view.rows.counts_of_backfill(record.id));
        return objects::backfill(record, counts);
      });
}

result<json> get_backfill(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  BOOST_OUTCOME_TRY(id, asked_backfill(request));
  const store_view view{state};
  BOOST_OUTCOME_TRY(record, find_backfill(view, id));
  BOOST_OUTCOME_TRY(counts, view.rows.counts_of_backfill(id));
  return objects::backfill(record, counts);
}

result<json> list_items(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"state", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  BOOST_OUTCOME_TRY(id, asked_backfill(request));
  BOOST_OUTCOME_TRY(wanted, (query_state<backfill_item_state, backfill_item_state_count>(
                                request, "slot of a backfill")));
  const store_view view{state};
  BOOST_OUTCOME_TRYV(find_backfill(view, id));
  return filled_page(
      ask,
      [&](const page_request& part) { return view.rows.list_backfill_items(id, wanted, part); },
      [&](const backfill_item& item) -> result<json> {
        return objects::backfill_item(item, zone_of_slots(view, item.workflow));
      });
}

/// The exact list of slots, in the order in which they would start.
engine_client::reply<backfill_preview> preview(const api_ptr& state, const reply_function& reply) {
  return answer_with<backfill_preview>(
      state, reply, [](api_state& shared, const backfill_preview& answer) -> result<json> {
        const store_view view{shared};
        json items = json::array();
        json counts = json::object();
        std::map<std::string, zone> zones;
        for (const auto& slot : answer.slots) {
          const auto known = zones.find(slot.workflow);
          const auto in =
              known != zones.end()
                  ? known->second
                  : zones.emplace(slot.workflow, zone_of_slots(view, slot.workflow)).first->second;
          items.push_back(objects::backfill_slot(slot, in));
          auto& count = counts[items.back()["action"].get<std::string>()];
          count = count.is_null() ? 1 : count.get<std::uint64_t>() + 1;
        }
        const auto total = items.size();
        return json{{"dry_run", true},
                    {"total", total},
                    {"counts", std::move(counts)},
                    {"items", std::move(items)},
                    {"next", nullptr}};
      });
}

result<void> create(const api_ptr& state, const http_request& request,
                    const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"target", "from", "to", "biz_dates", "slots",
                                                "tasks", "rest", "downstream", "parallel", "order",
                                                "hours", "reprocess", "on_failure", "version",
                                                "isolated", "params", "dry_run", "reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(dry_run, body_flag(body, "dry_run"));
  BOOST_OUTCOME_TRY(asked, backfill_of(store_view{*state}, body));
  if (dry_run) {
    state->engine().preview_backfill(std::move(asked), preview(state, reply));
    return ok();
  }
  state->engine().backfill(
      std::move(asked), caller_of(request, reason), [state, reply](result<backfill_record> answer) {
        state->later([state, reply, answer = std::move(answer)] {
          if (!answer)
            return reply(error_reply(answer.error()));
          const auto counts = store_view{*state}.rows.counts_of_backfill(answer.value().id);
          if (!counts)
            return reply(error_reply(counts.error()));
          reply(json_reply(objects::backfill(answer.value(), counts.value()), 201));
        });
      });
  return ok();
}

result<void> steer(const api_ptr& state, backfill_verb verb, const http_request& request,
                   const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"reason"}));
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(id, asked_backfill(request));
  BOOST_OUTCOME_TRYV(find_backfill(store_view{*state}, id));
  state->engine().steer_backfill(
      id, verb, caller_of(request, reason),
      answer_with<operation_answer>(
          state, reply, [id](api_state&, const operation_answer& answer) -> result<json> {
            return json{{"backfill", to_backfill_name(id)}, {"affected", answer.affected}};
          }));
  return ok();
}

} // namespace

void add_backfills(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/backfills", "Lists backfills, newest first.",
                   answering(state, list_backfills)});
  table.push_back({"GET", "/api/v1/backfills/{backfill}", "Shows one backfill.",
                   answering(state, get_backfill)});
  table.push_back({"GET", "/api/v1/backfills/{backfill}/items",
                   "Lists the slots of a backfill in the order in which they start.",
                   answering(state, list_items)});
  table.push_back({"POST", "/api/v1/backfills",
                   "Makes or reruns slots of a trigger; with `dry_run` tells which.",
                   [state](const http_request& request, const reply_function& reply) {
                     if (const auto asked = create(state, request, reply); !asked)
                       reply(error_reply(asked.error()));
                   }});
  struct steering {
    const char* word;
    const char* summary;
    backfill_verb verb;
  };
  for (const auto& [word, summary, verb] :
       {steering{"pause", "Lets a backfill start no more slots.", backfill_verb::pause},
        steering{"resume", "Lets a paused backfill go on.", backfill_verb::resume},
        steering{"cancel", "Ends a backfill; what runs of it is stopped.", backfill_verb::cancel}})
    table.push_back(
        {"POST", std::string{"/api/v1/backfills/{backfill}/"} + word, summary,
         [state, verb = verb](const http_request& request, const reply_function& reply) {
           if (const auto asked = steer(state, verb, request, reply); !asked)
             reply(error_reply(asked.error()));
         }});
}

} // namespace pinion::routes
