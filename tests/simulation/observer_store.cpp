#include "simulation/observer.hpp"

#include <algorithm>

namespace pinion::sim {

std::vector<run_record> observer::all_runs() const {
  std::vector<run_record> out;
  const auto highest = store_.highest_run();
  for (std::uint64_t number = 1; highest && number <= highest.value().value; ++number)
    if (const auto run = store_.run({number}); run && run.value())
      out.push_back(*run.value());
  return out;
}

std::vector<run_id> observer::listed(const run_filter& filter) const {
  std::vector<run_id> out;
  page_request ask{1'000, {}};
  do {
    const auto rows = store_.list_runs(filter, ask);
    if (!rows)
      break;
    for (const auto& run : rows.value().items)
      out.push_back(run.id);
    ask.cursor = rows.value().next;
  } while (!ask.cursor.empty());
  std::sort(out.begin(), out.end());
  return out;
}

void observer::check_store() {
  const auto all = all_runs();
  std::map<run_state, std::vector<run_id>> by_state;
  std::map<std::string, std::vector<run_id>> by_workflow;
  std::map<std::string, std::array<std::int64_t, run_state_count>> counts;
  for (const auto& run : all) {
    by_state[run.state].push_back(run.id);
    by_workflow[run.workflow].push_back(run.id);
    ++counts[run.workflow][static_cast<std::size_t>(run.state)];
    const auto found = store_.run_by_key({run.lane, run.workflow, run.trigger, run.slot});
    if (!found || found.value() != run.id)
      log_.violation("[2] " + to_string(run.id) + " is not found by its natural key");
  }
  for (std::size_t state = 0; state < run_state_count; ++state) {
    run_filter filter;
    filter.state = static_cast<run_state>(state);
    if (listed(filter) != by_state[*filter.state])
      log_.violation("the list of runs that are " + std::string{to_string(*filter.state)} +
                     " is not what their rows say");
  }
  for (const auto& [workflow, runs] : by_workflow) {
    run_filter filter;
    filter.workflow = workflow;
    if (listed(filter) != runs)
      log_.violation("the list of the runs of " + workflow + " is not what their rows say");
    const auto counted = store_.counts_of("main", workflow);
    if (!counted || counted.value().by_state != counts[workflow])
      log_.violation("the runs of " + workflow + " are counted wrong");
  }
  const auto live = store_.live_runs();
  if (!live || std::any_of(live.value().begin(), live.value().end(),
                           [](const auto& run) { return is_terminal(run.state); }))
    log_.violation("a run that has ended is among those that live");
}

} // namespace pinion::sim
