#include "simulation/naive_run.hpp"
#include "simulation/observer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace pinion::sim {

namespace {

std::string name_of(const instance_key& key) { return to_string(process_key{key, {}}); }

/// As a join sees it: a failure that is ignored is as good.
bool has_succeeded(const workflow_definition& of, const task_rows& rows, std::uint32_t task) {
  const auto found = rows.find(task);
  return found != rows.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const auto& row) {
           return row.state == instance_state::success ||
                  (row.state == instance_state::failed && of.tasks[task].ignore_failure);
         });
}

/// It may begin before all that it needs has ended, so also before a switch has chosen.
bool may_begin_early(const task_definition& task) {
  return !task.join_condition.empty() || task.join == join_rule::always ||
         task.join == join_rule::one_success || task.join == join_rule::one_failed ||
         task.join == join_rule::one_done;
}

bool has_ended(const task_rows& rows, std::uint32_t task) {
  const auto found = rows.find(task);
  return found != rows.end() && std::all_of(found->second.begin(), found->second.end(),
                                            [](const auto& row) { return is_terminal(row.state); });
}

bool is_meant(const task_definition& end, run_state outcome) {
  return (outcome == run_state::failed && end.on_run_failure) ||
         (outcome == run_state::success && end.on_run_success);
}

} // namespace

// An instance begins, and its join holds: what else must be so.
void observer::check_shape(const instance_key& key, const run_record& run,
                           const workflow_definition& of, const task_rows& rows) {
  const auto head = head_of(of, key.task);
  if (of.tasks[head].is_end_task())
    check_begin_at_end(key, run, of, rows);
  if (of.tasks[key.task].fallback_of)
    return;
  for (std::uint32_t other = 0; other < of.tasks.size(); ++other) {
    if (waits_for_setup(of, key.task, other) && !has_succeeded(of, rows, other))
      log_.violation("[4] " + name_of(key) + " runs, and its setup " + of.tasks[other].name +
                     " has not succeeded");
    if (of.tasks[key.task].teardown && !of.tasks[other].fallback_of &&
        tasks_before(of, key.task).contains(other) && !has_ended(rows, other))
      log_.violation("[4] teardown " + name_of(key) + " runs, and " + of.tasks[other].name +
                     " before it has not ended");
  }
  const auto& setups = of.tasks[key.task].teardown_of;
  if (!setups.empty() && std::none_of(setups.begin(), setups.end(), [&](std::uint32_t setup) {
        return has_succeeded(of, rows, setup);
      }))
    log_.violation("[4] teardown " + name_of(key) + " runs, and nothing was set up");
  if (const auto& text = of.tasks[key.task].join_condition;
      !text.empty() && !may_hold(of, text, rows))
    log_.violation("[4] " + name_of(key) + " runs before its condition holds");
  for (const auto need : of.tasks[key.task].needs)
    check_choice(key, run, of, rows, need);
}

void observer::check_begin_at_end(const instance_key& key, const run_record& run,
                                  const workflow_definition& of, const task_rows& rows) {
  const auto outcome = outcome_of(of, rows, run.cancel_failed);
  if (!outcome)
    log_.violation("[4] end task " + name_of(key) + " runs before the others have ended");
  else if (!is_meant(of.tasks[head_of(of, key.task)], *outcome))
    log_.violation("[4] end task " + name_of(key) + " runs, and the run is " +
                   std::string{to_string(*outcome)});
}

/// What a switch goes by, from what its upstream has written; nothing if that is not known.
std::optional<std::string> observer::value_of(const run_record& run, const workflow_definition& of,
                                              std::uint32_t task) const {
  const auto& on = of.tasks[task].choice->on;
  if (on.front() == '\'')
    return on.substr(1, on.size() - 2);
  const auto begin = on.find("inputs.");
  if (begin == std::string::npos)
    return std::nullopt;
  const auto name = on.substr(begin + 7, on.find('.', begin + 7) - begin - 7);
  for (std::uint32_t other = 0; other < of.tasks.size(); ++other) {
    if (of.tasks[other].name != name)
      continue;
    if (of.tasks[other].fallback)
      return std::nullopt;
    const auto row = store_.output({run.id, other, no_element});
    if (!row)
      return std::nullopt;
    const auto values =
        nlohmann::json::parse(row.value() ? row.value()->values : "{}", nullptr, false);
    return values.value("n", 0) > 3 ? "true" : "false";
  }
  return std::nullopt;
}

void observer::check_choice(const instance_key& key, const run_record& run,
                            const workflow_definition& of, const task_rows& rows,
                            std::uint32_t need) {
  const auto found = rows.find(need);
  if (of.tasks[need].type != task_type::choice || found == rows.end() ||
      found->second.front().why != reason::chosen || may_begin_early(of.tasks[key.task]) ||
      may_begin_early(of.tasks[need])) // What it chose by may have come later.
    return;
  const auto value = value_of(run, of, need);
  if (value && !goes_on(of, need, *value, key.task))
    log_.violation("[4] " + name_of(key) + " runs, and " + of.tasks[need].name +
                   " chose others by " + *value);
}

// Once a failure stands that nothing covers, nothing begins any more, if the workflow says so.
void observer::check_strategy(const instance_record& is, const instance_record* was,
                              const workflow_definition& of) {
  const auto head = head_of(of, is.key.task);
  const bool first = is.attempt == 1 && (was == nullptr || was->attempt == 0) && is.look <= 1;
  if (of.failure != failure_strategy::go_on && failed_.contains(is.key.run) && first &&
      !of.tasks[head].teardown && !of.tasks[head].is_end_task())
    log_.violation("[4] " + name_of(is.key) + " begins, and its run has failed");
}

void observer::note_failure(const run_record& run, const workflow_definition& of,
                            const task_rows& rows) {
  if (has_failed(of, rows))
    failed_.insert(run.id);
  else
    failed_.erase(run.id);
}

// The run is what its tasks say, and its end tasks are what the run says.
void observer::check_outcome(const run_record& run, const workflow_definition& of,
                             const task_rows& rows) {
  const auto outcome = outcome_of(of, rows, run.cancel_failed);
  if (outcome && *outcome != run.state)
    log_.violation(to_string(run.id) + " is " + std::string{to_string(run.state)} +
                   ", its instances say " + std::string{to_string(*outcome)});
  if (!outcome || operated_.contains(run.id) || run.cancel_requested)
    return;
  for (const auto& [task, all] : rows) {
    // People may have cancelled it alone.
    if (!of.tasks[task].is_end_task() || all.front().state == instance_state::cancelled)
      continue;
    const bool passed_over = all.front().why == reason::end_not_needed;
    if (is_meant(of.tasks[task], *outcome) == passed_over && !moded_.contains(run.id))
      log_.violation("[6] end task " + name_of(all.front().key) + " is " +
                     std::string{to_string(all.front().state)} + " (" +
                     std::string{to_string(all.front().why)} + "), and its run " +
                     std::string{to_string(*outcome)});
  }
}

} // namespace pinion::sim
