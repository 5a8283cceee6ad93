#include "simulation/observer.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

std::string name_of(const instance_key& key) { return to_string(process_key{key, {}}); }

/// How one upstream counts, from rows alone.
enum class counts_as : std::uint8_t { pending, success, skipped, failed, upstream_failed };

counts_as class_of(const task_definition& task, const instance_record& at) {
  switch (at.state) {
  case instance_state::success:
    return counts_as::success;
  case instance_state::skipped:
    return counts_as::skipped;
  case instance_state::upstream_failed:
    return counts_as::upstream_failed;
  case instance_state::failed:
    return task.ignore_failure ? counts_as::success : counts_as::failed;
  case instance_state::cancelled:
    return counts_as::failed;
  default:
    return counts_as::pending;
  }
}

struct tally {
  std::uint32_t total = 0, success = 0, skipped = 0, failed = 0, upstream_failed = 0;
  void add(counts_as what) {
    ++total;
    success += what == counts_as::success;
    skipped += what == counts_as::skipped;
    failed += what == counts_as::failed;
    upstream_failed += what == counts_as::upstream_failed;
  }
  std::uint32_t done() const { return success + skipped + failed + upstream_failed; }
};

/// May a body run with these upstreams? Nothing: the simulation does not judge that rule.
std::optional<bool> may_run(join_rule rule, const tally& of) {
  const bool all_done = of.done() == of.total;
  switch (rule) {
  case join_rule::all_success:
    return of.success == of.total;
  case join_rule::all_failed:
    return of.failed + of.upstream_failed == of.total;
  case join_rule::all_done:
    return all_done;
  case join_rule::one_success:
    return of.success > 0;
  case join_rule::one_failed:
    return of.failed + of.upstream_failed > 0;
  case join_rule::one_done:
    return of.success + of.failed > 0;
  case join_rule::none_failed:
    return all_done && of.failed + of.upstream_failed == 0;
  case join_rule::none_failed_min_one_success:
    return all_done && of.failed + of.upstream_failed == 0 && of.success > 0;
  case join_rule::none_skipped:
    return all_done && of.skipped == 0;
  case join_rule::all_skipped:
    return of.skipped == of.total;
  case join_rule::always:
    return true;
  default:
    return std::nullopt;
  }
}

} // namespace

const workflow_definition* observer::definition_of(const run_record& run) const {
  for (const auto& each : scenario_.workflows)
    if (each.id() == run.workflow)
      return &each;
  return nullptr;
}

void observer::check_join(const instance_key& key) {
  if (operated_.contains(key.run))
    return;
  const auto run = store_.run(key.run);
  const auto rows = store_.instances_of(key.run);
  if (!run || !run.value() || !rows)
    return;
  const auto* definition = definition_of(*run.value());
  if (definition == nullptr)
    return;
  std::map<std::uint32_t, std::vector<const instance_record*>> by_task;
  for (const auto& row : rows.value())
    by_task[row.key.task].push_back(&row);
  const auto& task = definition->tasks[key.task];
  if (task.fallback_of) {
    // The end of its primary is what starts it.
    for (const auto* row : by_task[*task.fallback_of])
      if (row->state == instance_state::failed)
        return;
    log_.violation("[4] fallback " + name_of(key) + " runs, and its primary has not failed");
    return;
  }
  tally counted;
  for (auto upstream : task.needs) {
    // The chain of fallbacks counts as its last member that ran; one that ignores its failure
    // covers the chain.
    bool ignored = false;
    while (definition->tasks[upstream].fallback &&
           std::any_of(by_task[upstream].begin(), by_task[upstream].end(),
                       [](const auto* row) { return row->state == instance_state::failed; })) {
      ignored = ignored || definition->tasks[upstream].ignore_failure;
      upstream = *definition->tasks[upstream].fallback;
    }
    if (by_task[upstream].empty())
      counted.add(counts_as::pending);
    for (const auto* row : by_task[upstream]) {
      const auto as = class_of(definition->tasks[upstream], *row);
      counted.add(ignored && as == counts_as::failed ? counts_as::success : as);
    }
  }
  const auto may = may_run(task.join, counted);
  if (counted.total > 0 && may && !*may)
    log_.violation("[4] " + name_of(key) + " runs before its join rule holds");
}

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
}

void observer::check_run_end(const run_record& run) {
  const auto rows = store_.instances_of(run.id);
  const auto* definition = definition_of(run);
  if (!rows || definition == nullptr)
    return log_.violation(to_string(run.id) + " cannot be read");
  if (!is_terminal(run.state))
    log_.violation("[6] " + to_string(run.id) + " has not ended");
  bool failed = false;
  bool simple = !run.cancel_requested;
  std::set<std::uint32_t> tasks;
  for (const auto& row : rows.value()) {
    tasks.insert(row.key.task);
    if (!is_terminal(row.state))
      log_.violation("[6] " + name_of(row.key) + " has not ended, its run has");
    const auto& task = definition->tasks[row.key.task];
    simple = simple && !task.fallback && !task.fallback_of && !task.ignore_failure;
    failed = failed || row.state == instance_state::failed ||
             row.state == instance_state::upstream_failed;
  }
  if (tasks.size() != definition->tasks.size() && !run.cancel_requested)
    log_.violation("[6] " + to_string(run.id) + " has tasks that never came to anything");
  if (simple && failed != (run.state == run_state::failed))
    log_.violation(to_string(run.id) + " is " + std::string{to_string(run.state)} +
                   ", its instances say otherwise");
}

// What the rows say of an attempt is what its process did.
void observer::check_attempts_end(const run_record& run) {
  const auto rows = store_.instances_of(run.id);
  if (!rows)
    return;
  for (const auto& row : rows.value()) {
    const auto attempts = store_.attempts_of(row.key);
    if (!attempts)
      continue;
    for (const auto& attempt : attempts.value()) {
      const process_key key{row.key, {attempt.epoch, attempt.number, 0}};
      const auto seen = processes_.find(key);
      if (attempt.state != attempt_state::ended)
        log_.violation("[6] an attempt of " + name_of(row.key) + " has not ended");
      if (seen == processes_.end() || !seen->second.end)
        continue;
      const auto& end = *seen->second.end;
      if (attempt.exited && (end.kind != end_kind::exited || end.exit_code != attempt.exit_code))
        log_.violation("the row of " + to_string(key) + " says another exit code than the process");
      if (attempt.outcome == instance_state::success && !operated_.contains(run.id) &&
          (end.kind != end_kind::exited || end.exit_code != 0))
        log_.violation("the row of " + to_string(key) + " says success, the process does not");
    }
  }
}

void observer::check_slots_end(const workflow_definition& of, const trigger_definition& trigger) {
  const auto record = store_.trigger(of.id(), trigger.id);
  if (!record || !record.value())
    return log_.violation("trigger " + of.id() + '/' + trigger.id + " has no row");
  // A slot of this very moment may still be on its way.
  const auto until = clock_.wall_now() - std::chrono::seconds{5};
  for (auto slot = next_slot(trigger.slots, record.value()->since); slot && slot->at < until;
       slot = next_slot(trigger.slots, slot->at)) {
    const keys::slot_key key{"main", of.id(), trigger.id, slot->at};
    const auto row = store_.slot(key);
    const auto where = of.id() + '/' + trigger.id + '@' + std::to_string(to_us(slot->at));
    if (!row || !row.value() || row.value()->outcome == slot_outcome::planned)
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
