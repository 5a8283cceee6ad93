#include "simulation/observer.hpp"

#include "pinion/storage/codecs.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

using std::chrono::seconds;

/// Whoever is told of a switch has heard of it so soon.
constexpr seconds heard_within{30};
/// What is gathered for one commit, and the commit before it, on a slow disk.
constexpr seconds commit_within{10};

std::string name_of(const instance_key& key) { return to_string(process_key{key, {}}); }

bool is_gate(const bound_edge& edge) {
  return edge.previous() || edge.need == bound_edge::after_gate;
}

counts_as class_of(const edge_record& settled) {
  switch (settled.outcome) {
  case edge_record::counts_as::success:
    return counts_as::success;
  case edge_record::counts_as::skipped:
    return counts_as::skipped;
  case edge_record::counts_as::failed:
    return counts_as::failed;
  }
  return counts_as::pending;
}

/// It begins without having been begun before: with permits, or at once if it has no process.
bool begins(const instance_record& is, const instance_record* was, bool has_process) {
  const auto from = was == nullptr ? instance_state::pre_trigger : was->state;
  if (is.state == from || is_terminal(from) || is_active(from))
    return false;
  return has_process ? is.state == instance_state::ready : is.state == instance_state::success;
}

} // namespace

// An instance begins: its upstreams in the run and its needs on other runs let it.
void observer::check_join(const instance_key& key) {
  if (operated_.contains(key.run))
    return;
  const auto run = store_.run(key.run);
  const auto rows = store_.instances_of(key.run);
  const auto settled = store_.edges_of(key.run);
  if (!run || !run.value() || !rows || !settled)
    return;
  const auto* definition = definition_of(*run.value());
  if (definition == nullptr)
    return;
  const auto instances = by_task(rows.value());
  const auto& task = definition->tasks[key.task];
  check_shape(key, *run.value(), *definition, instances);
  if (task.fallback_of) {
    // The end of its primary is what starts it.
    if (const auto primary = instances.find(*task.fallback_of); primary != instances.end())
      for (const auto& row : primary->second)
        if (row.state == instance_state::failed)
          return;
    log_.violation("[4] fallback " + name_of(key) + " runs, and its primary has not failed");
    return;
  }
  tally counted;
  for (const auto upstream : task.needs)
    for (const auto as : classes_of(*definition, upstream, instances))
      counted.add(as);
  const auto slot =
      store_.slot({"main", run.value()->workflow, run.value()->trigger, run.value()->slot});
  const auto edges = slot && slot.value() ? slot.value()->edges : std::vector<bound_edge>{};
  for (const auto& edge : edges) {
    if (edge.task != key.task)
      continue;
    const auto how =
        std::find_if(settled.value().begin(), settled.value().end(), [&](const auto& each) {
          return each.task == edge.task && each.need == edge.need;
        });
    const auto as = how == settled.value().end() ? counts_as::pending : class_of(*how);
    if (!is_gate(edge))
      counted.add(as);
    else if (as != counts_as::success)
      log_.violation("[4] " + name_of(key) + " runs before its gate on " + edge.workflow + '/' +
                     edge.trigger + " opens");
  }
  const auto may = task.join_condition.empty() ? may_run(task.join, counted) : std::optional{true};
  if (counted.total > 0 && may && !*may)
    log_.violation("[4] " + name_of(key) + " runs before its join rule holds");
}

// A fan-out has no more elements under way than it may have.
void observer::check_parallel(const instance_record& is, const task_definition& task) {
  if (!task.for_each || task.for_each->max_parallel == 0 || !is_active(is.state))
    return;
  const auto rows = store_.instances_of(is.key.run);
  if (!rows)
    return;
  const auto active = std::count_if(rows.value().begin(), rows.value().end(), [&](const auto& row) {
    return row.key.task == is.key.task && is_active(row.state);
  });
  if (active > task.for_each->max_parallel)
    log_.violation("[4] " + std::to_string(active) + " elements of " + name_of(is.key) +
                   " are under way, " + std::to_string(task.for_each->max_parallel) +
                   " are allowed");
}

void observer::note_switch(const kv_write& write) {
  const auto key = keys::decode_task_switch(write.key);
  if (!key)
    return;
  auto& at = switches_[{key.value().workflow, key.value().task}];
  at = {task_mode::normal, clock_.steady_now()};
  if (const auto rows = store_.task_switches_of(key.value().workflow))
    for (const auto& row : rows.value())
      if (row.task == key.value().task)
        at.first = row.mode;
}

void observer::check_mode(const instance_record& is, const instance_record* was) {
  const auto run = store_.run(is.key.run);
  const auto* definition = run && run.value() ? definition_of(*run.value()) : nullptr;
  if (definition == nullptr || is.key.task >= definition->tasks.size() ||
      operated_.contains(is.key.run))
    return;
  const auto& task = definition->tasks[is.key.task];
  const bool called = task.type == task_type::workflow;
  const bool empty = ends_at_once(task.type);
  if (begins(is, was, true) && is.mode == task_mode::dry)
    log_.violation("[4] " + name_of(is.key) + " is dry and gets a process");
  const bool starts = begins(is, was, true) || begins(is, was, false);
  if (begins(is, was, true) && held_since_ && clock_.steady_now() - *held_since_ > heard_within)
    log_.violation("[4] " + name_of(is.key) + " begins, and the engine is on hold");
  check_parallel(is, task);
  if (starts)
    check_strategy(is, was, *definition);
  // One that is frozen in the commit in which it begins had begun before, also if it was thawed in
  // that commit.
  const auto asked = switch_asked_.find({run.value()->workflow, task.name});
  const bool to_and_fro =
      asked != switch_asked_.end() && asked->second.before > clock_.steady_now() - commit_within;
  if (starts && is.mode == task_mode::frozen && (was == nullptr || was->mode == is.mode) &&
      !to_and_fro)
    log_.violation("[4] " + name_of(is.key) + " is frozen and begins");
  if (begins(is, was, false) && !called && !empty && is.mode != task_mode::dry)
    log_.violation("[4] " + name_of(is.key) + " succeeds without a process");
  if (begins(is, was, false) && !called)
    check_join(is.key);
  // What is switched as a whole is so in every run that had the time to hear of it.
  const auto at = switches_.find({run.value()->workflow, task.name});
  if (!starts || at == switches_.end() || at->second.first == task_mode::normal ||
      is.mode != task_mode::normal || is.attempt > 1 || run.value()->backfill != 0 ||
      moded_.contains(is.key.run) || clock_.steady_now() - at->second.second < heard_within)
    return;
  // What has begun cannot be made dry any more: it looks again.
  if (at->second.first == task_mode::dry && was != nullptr && was->attempt > 0)
    return;
  if (asked != switch_asked_.end() && clock_.steady_now() - asked->second.last < heard_within)
    return;
  log_.violation("[4] " + name_of(is.key) + " begins, and its task has been switched");
}

} // namespace pinion::sim
