#include "api/definition_filter.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"

#include <array>

namespace pinion::routes {
namespace {

constexpr std::array outcomes{slot_outcome::planned, slot_outcome::fired,
                              slot_outcome::late,    slot_outcome::missed,
                              slot_outcome::paused,  slot_outcome::skipped_overlap};

result<std::optional<slot_outcome>> query_outcome(const http_request& request) {
  const auto wanted = query_text(request, "state");
  if (wanted.empty())
    return std::optional<slot_outcome>{};
  std::string names;
  for (const auto one : outcomes) {
    if (to_string(one) == wanted)
      return std::optional{one};
    names += (names.empty() ? "" : ", ") + std::string{to_string(one)};
  }
  return problem{errc::invalid, "'" + wanted + "' is no outcome of a slot", "Known: " + names};
}

/// `ref` is a workflow or a trigger; `workflow` and `trigger` say the same in two.
result<void> add_names(const store_view& view, const http_request& request, slot_filter& filter) {
  filter.workflow = query_text(request, "workflow");
  filter.trigger = query_text(request, "trigger");
  if (const auto text = query_text(request, "ref"); !text.empty()) {
    BOOST_OUTCOME_TRY(ref, parse_reference(text));
    if (ref.names_run() || ref.version)
      return problem{errc::invalid, "'" + text + "' is neither a workflow nor a trigger",
                     "Write project.workflow or project.workflow/trigger"};
    filter.workflow = ref.workflow;
    filter.trigger = ref.trigger;
  }
  if (!filter.trigger.empty() && filter.workflow.empty())
    return problem{errc::invalid, "'trigger' needs 'workflow'"};
  if (!filter.workflow.empty()) {
    BOOST_OUTCOME_TRYV(find_workflow(view, filter.workflow));
  }
  return ok();
}

/// What became of slots; those to come only on demand.
result<json> list_slots(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"ref", "project", "workflow", "trigger", "state", "reason", "labels",
                            "owner", "since", "from", "to", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(ask, asked_page(request));
  const store_view view{state};
  slot_filter filter;
  BOOST_OUTCOME_TRYV(add_names(view, request, filter));
  BOOST_OUTCOME_TRY(outcome, query_outcome(request));
  filter.outcome = outcome;
  zone in;
  if (!filter.workflow.empty()) {
    BOOST_OUTCOME_TRY(definition, current_definition(view, filter.workflow));
    in = objects::zone_of(*definition);
  }
  BOOST_OUTCOME_TRY(range, query_times(request, view.now(), in));
  filter.from = range.from;
  if (range.to != instant{})
    filter.to = range.to + duration{1}; // Both ends included.
  const auto why = query_text(request, "reason");
  const auto project = query_text(request, "project");
  BOOST_OUTCOME_TRY(by_definition, definition_filter::from(request));
  return filled_page(
      ask, [&](const page_request& part) { return view.rows.list_slots(filter, part); },
      [&](const slot_record& record) -> result<json> {
        if ((!filter.outcome && record.outcome == slot_outcome::planned) ||
            (!why.empty() && to_string(record.why) != why))
          return json();
        BOOST_OUTCOME_TRY(definition, current_definition(view, record.workflow));
        if ((!project.empty() && definition->project != project) ||
            !by_definition.passes(*definition))
          return json();
        return objects::slot(record, objects::zone_of(*definition));
      });
}

} // namespace

void add_slots(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/slots",
                   "Lists what became of slots: fired, late, missed, paused, skipped_overlap.",
                   answering(state, list_slots)});
}

} // namespace pinion::routes
