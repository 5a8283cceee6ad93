#include "api/plan.hpp"

#include <algorithm>
#include <numeric>

namespace pinion {
namespace {

using minutes = std::chrono::minutes;

constexpr std::size_t page_size = 1000;
/// More slots of one trigger than a day has seconds.
constexpr std::size_t most_slots = 700'000;
constexpr std::size_t runs_of_profile = 5;
/// A run with more instances than this tells nothing about the usual load.
constexpr std::uint64_t largest_sample = 20'000;
constexpr std::size_t longest_profile = 2 * 24 * 60;

result<std::vector<plan_entry>> stored_slots(const store_view& view, const trigger_record& of,
                                             instant from, instant to) {
  std::vector<plan_entry> found;
  slot_filter filter;
  filter.workflow = of.workflow;
  filter.trigger = of.trigger;
  filter.from = from;
  filter.to = to;
  for (page_request ask{page_size, {}};;) {
    BOOST_OUTCOME_TRY(part, view.rows.list_slots(filter, ask));
    for (const auto& slot : part.items)
      found.push_back({slot.slot, slot.outcome, false, slot.dry, slot.version, slot.run});
    if (part.next.empty())
      break;
    ask.cursor = std::move(part.next);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

/// Spreads [begin, end), seconds from the slot's minute, over the minutes that it touches.
void occupy(std::vector<double>& by_minute, double begin, double end, double weight) {
  const auto limit = static_cast<double>(longest_profile) * 60;
  begin = std::clamp(begin, 0.0, limit);
  end = std::clamp(end, begin, limit);
  while (begin < end) {
    const auto minute = static_cast<std::size_t>(begin / 60);
    const auto until = std::min(end, static_cast<double>(minute + 1) * 60);
    if (by_minute.size() <= minute)
      by_minute.resize(minute + 1);
    by_minute[minute] += weight * (until - begin) / 60;
    begin = until;
  }
}

double seconds_from(instant base, instant at) {
  return std::chrono::duration<double>(at - base).count();
}

result<void> add_run(const store_view& view, const run_record& run, double weight,
                     load_profile& into) {
  BOOST_OUTCOME_TRY(definition, view.definition_of(run));
  BOOST_OUTCOME_TRY(instances, view.rows.instances_of(run.id));
  for (const auto& each : instances) {
    if (each.attempt == 0 || each.started_at == never || each.ended_at == never ||
        each.key.task >= definition->tasks.size())
      continue;
    const auto begin = seconds_from(run.fired_at, each.started_at);
    const auto end = seconds_from(run.fired_at, each.ended_at);
    occupy(into.slots, begin, end, weight);
    for (const auto& need : definition->tasks[each.key.task].pools)
      occupy(into.pools[definition->project + '.' + need.pool], begin, end, weight * need.permits);
  }
  return ok();
}

/// Where a workflow's plan stands while it is added up.
struct counted_workflow {
  std::string id;
  load_profile profile;
  std::map<std::uint32_t, std::uint64_t> tasks; ///< By version.
};

result<counted_workflow> counted(const store_view& view, const std::string& id) {
  BOOST_OUTCOME_TRY(profile, profile_of(view, id));
  return counted_workflow{id, std::move(profile), {}};
}

result<std::uint64_t> tasks_of(const store_view& view, counted_workflow& of,
                               std::uint32_t version) {
  if (const auto known = of.tasks.find(version); known != of.tasks.end())
    return known->second;
  BOOST_OUTCOME_TRY(definition, view.definition(of.id, version));
  return of.tasks.emplace(version, definition->tasks.size()).first->second;
}

void add_load(const load_profile& profile, std::size_t first, std::vector<plan_minute>& plan) {
  for (std::size_t i = 0; i < profile.slots.size() && first + i < plan.size(); ++i)
    plan[first + i].busy_slots += profile.slots[i];
  for (const auto& [pool, busy] : profile.pools)
    for (std::size_t i = 0; i < busy.size() && first + i < plan.size(); ++i)
      if (busy[i] > 0)
        plan[first + i].busy_pools[pool] += busy[i];
}

result<void> add_trigger(const store_view& view, const std::vector<plan_entry>& entries,
                         instant from, counted_workflow& of, std::vector<plan_minute>& plan) {
  for (const auto& entry : entries) {
    const auto at = static_cast<std::size_t>((entry.slot - from) / minutes{1});
    if (at >= plan.size())
      continue;
    ++plan[at].states[entry.state()];
    if (!entry.runs())
      continue;
    BOOST_OUTCOME_TRY(tasks, tasks_of(view, of, entry.version));
    ++plan[at].runs;
    plan[at].instances += tasks;
    if (!entry.dry)
      add_load(of.profile, at, plan);
  }
  return ok();
}

} // namespace

result<std::vector<planned_trigger>> planned_triggers(const store_view& view,
                                                      const std::string& workflow) {
  BOOST_OUTCOME_TRY(rows,
                    workflow.empty() ? view.rows.triggers() : view.rows.triggers_of(workflow));
  std::vector<planned_trigger> found;
  std::optional<workflow_record> of;
  for (auto& row : rows) {
    if (!of || of->id != row.workflow) {
      BOOST_OUTCOME_TRY(record, view.rows.workflow(row.workflow));
      if (!record)
        continue;
      of = std::move(record);
    }
    const bool stopped = row.paused || row.retired || of->paused || of->retired;
    found.push_back({std::move(row), stopped});
  }
  return found;
}

result<std::vector<plan_entry>> plan_of(const store_view& view, const store_directory& others,
                                        const planned_trigger& trigger, instant from, instant to) {
  BOOST_OUTCOME_TRY(entries, stored_slots(view, trigger.record, from, to));
  const auto after = std::max(from, view.now() + duration{1});
  const auto found =
      trigger.clock_stopped || after >= to
          ? found_trigger{}
          : others.definitions().trigger(trigger.record.workflow, trigger.record.trigger);
  const auto* rule =
      found && found.trigger->enabled ? others.rule_of(*found.workflow, *found.trigger) : nullptr;
  if (rule == nullptr)
    return entries;
  BOOST_OUTCOME_TRY(record, view.rows.workflow(trigger.record.workflow));
  const auto stored = entries.size();
  for (const auto& slot : slots_between(*rule, after, to, most_slots)) {
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(stored);
    const auto known =
        std::lower_bound(entries.begin(), end, slot.at,
                         [](const plan_entry& entry, instant at) { return entry.slot < at; });
    if (known == end || known->slot != slot.at)
      entries.push_back(
          {slot.at, slot_outcome::planned, true, slot.dry, record ? record->version : 0, {}});
  }
  std::inplace_merge(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(stored),
                     entries.end(), [](const auto& a, const auto& b) { return a.slot < b.slot; });
  return entries;
}

result<load_profile> profile_of(const store_view& view, const std::string& workflow) {
  run_filter filter;
  filter.workflow = workflow;
  filter.state = run_state::success;
  BOOST_OUTCOME_TRY(part, view.rows.list_runs(filter, {runs_of_profile, {}}));
  auto& runs = part.items;
  std::erase_if(runs, [](const run_record& run) {
    const auto count = std::accumulate(run.counts.begin(), run.counts.end(), std::uint64_t{0});
    return run.dry || run.fired_at == never || count > largest_sample;
  });
  load_profile profile;
  for (const auto& run : runs) {
    BOOST_OUTCOME_TRYV(add_run(view, run, 1.0 / static_cast<double>(runs.size()), profile));
  }
  return profile;
}

result<std::vector<plan_minute>> plan_by_minute(const store_view& view, const std::string& workflow,
                                                instant from, instant to) {
  std::vector<plan_minute> plan(
      static_cast<std::size_t>((to - from + minutes{1} - duration{1}) / minutes{1}));
  const store_directory others{view};
  BOOST_OUTCOME_TRY(triggers, planned_triggers(view, workflow));
  std::optional<counted_workflow> of;
  for (const auto& trigger : triggers) {
    BOOST_OUTCOME_TRY(entries, plan_of(view, others, trigger, from, to));
    if (entries.empty())
      continue;
    if (!of || of->id != trigger.record.workflow) {
      BOOST_OUTCOME_TRY(next, counted(view, trigger.record.workflow));
      of = std::move(next);
    }
    BOOST_OUTCOME_TRYV(add_trigger(view, entries, from, *of, plan));
  }
  return plan;
}

} // namespace pinion
