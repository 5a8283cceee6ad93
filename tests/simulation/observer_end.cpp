#include "simulation/observer.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

std::string name_of(const instance_key& key) { return to_string(process_key{key, {}}); }

} // namespace

void observer::check_end(const machine& left) {
  for (const auto& [key, _] : left.processes())
    log_.violation("[3] the launcher still knows " + to_string(key));
  if (const auto permits = store_.permits(); !permits || !permits.value().empty())
    log_.violation("[9] permits are left");
  const auto highest = store_.highest_run();
  std::map<std::string, run_id> keys;
  for (std::uint64_t number = 1; highest && number <= highest.value().value; ++number) {
    const auto run = store_.run({number});
    if (!run || !run.value())
      continue; // A number that was given to a run that never became durable.
    check_run_end(*run.value());
    check_attempts_end(*run.value());
    if (const auto& key = run.value()->request_key; !key.empty()) {
      if (!keys.emplace(key, run.value()->id).second)
        log_.violation("[2] key " + key + " made two runs");
    }
  }
  for (const auto& [key, run] : keys_)
    if (!keys.contains(key))
      log_.violation("[5] " + to_string(run) + " of key " + key + " was answered and is gone");
  for (const auto& workflow : scenario_.workflows)
    for (const auto& trigger : workflow.triggers)
      check_slots_end(workflow, trigger);
  check_backfills_end();
  check_store();
  if (first_applied_)
    misfires_.judge(scenario_, store_, *first_applied_, log_);
}

void observer::check_run_end(const run_record& run) {
  const auto rows = store_.instances_of(run.id);
  const auto* definition = definition_of(run);
  if (!rows || definition == nullptr)
    return log_.violation(to_string(run.id) + " cannot be read");
  if (!is_terminal(run.state))
    log_.violation("[6] " + to_string(run.id) + " has not ended");
  std::set<std::uint32_t> tasks;
  for (const auto& row : rows.value()) {
    tasks.insert(row.key.task);
    if (!is_terminal(row.state))
      log_.violation("[6] " + name_of(row.key) + " has not ended, its run has");
  }
  if (tasks.size() != definition->tasks.size() && !run.cancel_requested)
    log_.violation("[6] " + to_string(run.id) + " has tasks that never came to anything");
  check_outcome(run, *definition, by_task(rows.value()));
}

// What the rows say of an attempt is what its process did.
void observer::check_attempts_end(const run_record& run) {
  const auto rows = store_.instances_of(run.id);
  const auto* definition = definition_of(run);
  if (!rows || definition == nullptr)
    return;
  for (const auto& row : rows.value()) {
    const auto attempts = store_.attempts_of(row.key);
    if (!attempts)
      continue;
    check_retries(row, attempts.value(), definition->tasks[row.key.task]);
    if (const auto outputs = store_.output(row.key);
        row.state != instance_state::success && (!outputs || outputs.value()))
      log_.violation(name_of(row.key) + " is " + std::string{to_string(row.state)} +
                     " and has outputs");
    for (const auto& attempt : attempts.value()) {
      // Of several looks the last one.
      const process_key key{row.key,
                            {attempt.epoch, attempt.number, fence::step_of(attempt.looks, 0)}};
      const auto seen = processes_.find(key);
      if (attempt.state != attempt_state::ended)
        log_.violation("[6] an attempt of " + name_of(row.key) + " has not ended");
      if (seen == processes_.end() || !seen->second.end)
        continue;
      const auto& end = *seen->second.end;
      if (attempt.exited && (end.kind != end_kind::exited || end.exit_code != attempt.exit_code))
        log_.violation("the row of " + to_string(key) + " says another exit code than the process");
      // Made dry between two looks, it succeeds whatever the last look said.
      if (attempt.outcome == instance_state::success && attempt.why != reason::dry_run &&
          !operated_.contains(run.id) && (end.kind != end_kind::exited || end.exit_code != 0))
        log_.violation("the row of " + to_string(key) + " says success, the process does not");
      if (attempt.outcome == instance_state::success)
        check_success(row, attempt, definition->tasks[row.key.task]);
    }
  }
}

// What succeeded by itself has passed its strong checks, and its outputs are there.
void observer::check_success(const instance_record& is, const attempt_record& attempt,
                             const task_definition& task) {
  if (operated_.contains(is.key.run) || is.why == reason::dry_run)
    return;
  for (std::uint32_t step = 1; step <= task.checks.size(); ++step) {
    const auto seen = processes_.find(
        {is.key, {attempt.epoch, attempt.number, fence::step_of(attempt.looks, step)}});
    const bool passed = seen != processes_.end() && seen->second.end &&
                        seen->second.end->kind == end_kind::exited &&
                        seen->second.end->exit_code == 0;
    if (!task.checks[step - 1].weak && !passed)
      log_.violation("[4] " + name_of(is.key) + " succeeds, and check " + std::to_string(step) +
                     " has not passed");
  }
  const auto body =
      processes_.find({is.key, {attempt.epoch, attempt.number, fence::step_of(attempt.looks, 0)}});
  if (body == processes_.end() || !body->second.end || body->second.end->outputs_json == "{}")
    return;
  const auto row = store_.output(is.key);
  if (!row || !row.value() || row.value()->values != body->second.end->outputs_json)
    log_.violation("the outputs of " + name_of(is.key) + " are not those of its process");
}

void observer::check_retries(const instance_record& is, const std::vector<attempt_record>& attempts,
                             const task_definition& task) {
  if (operated_.contains(is.key.run))
    return;
  std::uint32_t failed = 0;
  for (const auto& attempt : attempts) {
    const auto seen = processes_.find(
        {is.key, {attempt.epoch, attempt.number, fence::step_of(attempt.looks, 0)}});
    if (seen == processes_.end() || !seen->second.end || attempt.outcome != instance_state::failed)
      continue;
    const auto& end = *seen->second.end;
    const bool by_itself = (end.kind == end_kind::exited && end.exit_code != 0) ||
                           end.kind == end_kind::signaled || end.kind == end_kind::timed_out;
    failed += by_itself ? 1U : 0U;
  }
  if (failed > task.retry.max + 1)
    log_.violation(name_of(is.key) + " has failed " + std::to_string(failed) + " times, " +
                   std::to_string(task.retry.max) + " retries are allowed");
}

void observer::check_slots_end(const workflow_definition& of, const trigger_definition& trigger) {
  const auto* rule = rule_of(scenario_.workflows, of.id(), trigger.id);
  const auto* edited = edited_ ? rule_of(scenario_.edited, of.id(), trigger.id) : rule;
  // After an edit of the rule it owes the slots of both, each in its time.
  if (!trigger.enabled || rule == nullptr || edited == nullptr || !(*rule == *edited))
    return;
  const auto record = store_.trigger(of.id(), trigger.id);
  if (!record || !record.value())
    return log_.violation("trigger " + of.id() + '/' + trigger.id + " has no row");
  // A slot of this very moment may still be on its way.
  const auto until = clock_.wall_now() - std::chrono::seconds{5} - trigger.jitter;
  const auto given_up = slots_of_backfills(of.id(), trigger.id);
  // What was owed before the first apply is a backfill's, which people may have cancelled.
  const auto since = std::max(record.value()->since, first_applied_.value_or(never));
  for (auto slot = next_slot(*rule, since); slot && slot->at < until;
       slot = next_slot(*rule, slot->at)) {
    const keys::slot_key key{"main", of.id(), trigger.id, slot->at};
    const auto row = store_.slot(key);
    const auto where = of.id() + '/' + trigger.id + '@' + std::to_string(to_us(slot->at));
    const bool decided = row && row.value() && row.value()->outcome != slot_outcome::planned;
    if (!decided && !given_up.contains(slot->at))
      log_.violation("[1] slot " + where + " was never decided");
    const auto made = store_.run_by_key(key);
    const bool ran = row && row.value() && row.value()->run != run_id{};
    if (!made || made.value().has_value() != ran || (ran && *made.value() != row.value()->run))
      log_.violation("[2] slot " + where + " and its run do not belong together");
    if (log_.failed())
      return;
  }
}

} // namespace pinion::sim
