#include "api/run_query.hpp"

#include "api/objects.hpp"

namespace pinion {

result<std::optional<reason>> query_reason(const http_request& request) {
  const auto text = query_text(request, "reason");
  if (text.empty())
    return std::optional<reason>{};
  if (const auto found = reason_from(text))
    return found;
  return problem{errc::invalid, "'" + text + "' is no reason"};
}

zone asked_zone(const store_view& view, const std::string& workflow) {
  const auto definition = workflow.empty() ? result<definition_cache::definition_ptr>{nullptr}
                                           : current_definition(view, workflow);
  return definition && definition.value() ? objects::zone_of(*definition.value()) : zone{};
}

result<reference> attempts_asked(const http_request& request) {
  const auto text = query_text(request, query_text(request, "ref").empty() ? "run" : "ref");
  if (text.empty())
    return problem{errc::invalid, "Name a run or an instance, as r123 or r123/task"};
  return parse_reference(text);
}

result<run_filter> run_filter_of(const store_view& view, const http_request& request) {
  run_filter filter;
  filter.project = query_text(request, "project");
  filter.workflow = query_text(request, "workflow");
  filter.trigger = query_text(request, "trigger");
  if (!filter.workflow.empty()) {
    BOOST_OUTCOME_TRYV(find_workflow(view, filter.workflow));
  }
  if (!filter.trigger.empty() && filter.workflow.empty())
    return problem{errc::invalid, "'trigger' needs 'workflow'"};
  if (const auto text = query_text(request, "state"); !text.empty()) {
    filter.state = run_state_from(text);
    if (!filter.state)
      return problem{errc::invalid, "'" + text + "' is no state of a run",
                     "planned, queued, running, success, failed, cancelled or skipped"};
  }
  BOOST_OUTCOME_TRY(range, query_times(request, view.now(), asked_zone(view, filter.workflow)));
  filter.since = range.from;
  if (range.to != instant{})
    filter.until = range.to + duration{1}; // Both ends included.
  return filter;
}

bool is_of(const run_record& run, const run_filter& filter) {
  const auto project = run.workflow.substr(0, run.workflow.find('.'));
  return run.lane == filter.lane && (filter.project.empty() || filter.project == project) &&
         (filter.workflow.empty() || filter.workflow == run.workflow) &&
         (filter.trigger.empty() || filter.trigger == run.trigger) &&
         (filter.since == never || run.slot >= filter.since) &&
         (filter.until == never || run.slot < filter.until);
}

} // namespace pinion
