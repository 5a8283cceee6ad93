#include "actors/backfill_plan.hpp"

#include "pinion/definitions/params.hpp"
#include "pinion/timing/instant_text.hpp"
#include "pinion/timing/near_names.hpp"

#include <algorithm>

namespace pinion {

namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr duration tick{1};
constexpr std::uint32_t most_parallel = 1'000;

problem too_many_slots() {
  return {errc::limit,
          "the backfill has more than " + std::to_string(max_backfill_slots) + " slots",
          "take a shorter range, and the rest in a second backfill"};
}

template <class Names>
std::string nearest_or(const std::string& written, const Names& names, std::string otherwise) {
  const auto near = nearest_name(written, names);
  return near.empty() ? otherwise : "did you mean " + near + "?";
}

result<found_trigger> find_trigger(const backfill_request& ask, const known_definitions& all) {
  const auto found = all.directory().trigger(ask.workflow, ask.trigger);
  if (found)
    return found;
  std::vector<std::string> names;
  if (found.workflow == nullptr) {
    for (const auto& [id, _] : all.all())
      names.push_back(id);
    return problem{errc::not_found, "there is no workflow " + ask.workflow + ", or it is retired",
                   nearest_or(ask.workflow, names, "`pinionctl get workflows` lists them")};
  }
  std::string listed;
  for (const auto& each : found.workflow->triggers) {
    names.push_back(each.id);
    listed += (listed.empty() ? "" : ", ") + each.id;
  }
  if (listed.empty())
    return problem{errc::not_found, ask.workflow + " has no triggers, and so no slots", {}};
  if (ask.trigger.empty())
    return problem{errc::invalid, ask.workflow + " has several triggers",
                   "name one of them: " + listed};
  return problem{errc::not_found, ask.workflow + " has no trigger " + ask.trigger,
                 nearest_or(ask.trigger, names, "it has " + listed)};
}

result<void> check_values(const backfill_request& ask) {
  if (ask.parallel == 0 || ask.parallel > most_parallel)
    return problem{errc::invalid,
                   "parallel is " + std::to_string(ask.parallel) + ", it must be from 1 to " +
                       std::to_string(most_parallel),
                   {}};
  const auto& at = ask.hours;
  if (at.begin < duration{0} || at.begin >= hours{24} || at.end < duration{0} || at.end > hours{24})
    return problem{errc::invalid, "the hours are no two times of a day",
                   "write them as 22:00-06:00"};
  if (ask.isolated && ask.downstream)
    return problem{errc::refused,
                   "an isolated backfill satisfies nobody outside, so it has no downstream",
                   "leave out one of --isolated and --downstream"};
  return ok();
}

result<void> check_tasks(const backfill_request& ask, const workflow_definition& of) {
  std::vector<std::string> names;
  for (const auto& task : of.tasks)
    names.push_back(task.name);
  for (const auto& task : ask.tasks)
    if (std::find(names.begin(), names.end(), task) == names.end())
      return problem{errc::not_found, of.id() + " has no task " + task,
                     nearest_or(task, names, "`pinionctl describe " + of.id() + "` lists them")};
  return ok();
}

/// A run waits for an earlier one of its own workflow: then the earlier must be started first.
const task_definition* task_bound_to_earlier(const workflow_definition& of) {
  const auto id = of.id();
  const auto found = std::find_if(of.tasks.begin(), of.tasks.end(), [&](const auto& task) {
    return task.depends_on_previous != previous_need::none ||
           std::any_of(task.outside_needs.begin(), task.outside_needs.end(),
                       [&](const auto& need) { return need.workflow == id; });
  });
  return found == of.tasks.end() ? nullptr : &*found;
}

result<void> check_order(const backfill_request& ask, const backfill_plan& plan,
                         const known_definitions& all) {
  if (!ask.descending)
    return ok();
  for (const auto& source : plan.sources) {
    const auto* of = all.directory().definition(source.workflow);
    const auto* task = of == nullptr ? nullptr : task_bound_to_earlier(*of);
    if (task != nullptr)
      return problem{errc::refused,
                     "newest first is not possible: " + source.workflow + '.' + task->name +
                         " depends on earlier slots of its own workflow",
                     "use --order asc"};
  }
  return ok();
}

result<std::vector<instant>> chosen_slots(const backfill_request& ask, const slot_rule& rule,
                                          const backfill_plan::source& of) {
  auto slots = ask.slots;
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  if (slots.size() > max_backfill_slots)
    return too_many_slots();
  for (const auto slot : slots)
    if (!is_slot(rule, slot)) {
      const auto next = next_slot(rule, slot);
      return problem{errc::invalid,
                     print_local(slot, of.in) + " is no slot of " + of.workflow + '/' + of.trigger,
                     next ? "the next one is " + print_local(next->at, of.in) : std::string{}};
    }
  return slots;
}

result<std::vector<instant>> slots_of_range(const backfill_request& ask, const slot_rule& rule,
                                            const backfill_plan::source& of) {
  auto from = ask.from;
  auto to = ask.to;
  if (from > to)
    return problem{errc::invalid,
                   "the range ends (" + print_local(to, of.in) + ") before it begins (" +
                       print_local(from, of.in) + ')',
                   {}};
  const auto first_day = day_of(from, of.in);
  const auto last_day = day_of(to, of.in);
  if (ask.by_biz_date) {
    // The slot's own date is the day after its business date.
    from = begin_of(first_day + days{1}, of.in);
    to = begin_of(last_day + days{2}, of.in) - tick;
  }
  std::vector<instant> slots;
  for (const auto& each : slots_between(rule, from, to + tick, max_backfill_slots + 1)) {
    const auto date = biz_date(each.at, of.in);
    if (!ask.by_biz_date || (first_day <= date && date <= last_day))
      slots.push_back(each.at);
  }
  if (slots.size() > max_backfill_slots)
    return too_many_slots();
  if (slots.empty())
    return problem{errc::invalid,
                   of.workflow + '/' + of.trigger + " has no slot from " +
                       print_local(from, of.in) + " to " + print_local(to, of.in),
                   "`pinionctl preview " + of.workflow + "` lists its slots"};
  return slots;
}

result<void> check_past(const std::vector<instant>& slots, const backfill_plan::source& of,
                        instant now) {
  const auto first = std::upper_bound(slots.begin(), slots.end(), now);
  if (first == slots.end())
    return ok();
  return problem{errc::refused,
                 std::to_string(slots.end() - first) + " of the slots are still to come, from " +
                     print_local(*first, of.in) + " on",
                 "end the range before it: the clock makes them; or use --isolated"};
}

} // namespace

std::string backfill_name(std::uint64_t id) { return 'b' + std::to_string(id); }

json_text params_object(const std::vector<std::pair<std::string, json_text>>& params) {
  json_text out = "{";
  for (const auto& [name, value] : params)
    out += (out.size() > 1 ? ",\"" : "\"") + name + "\":" + value;
  return out + '}';
}

opening opening_at(const quiet_hours& hours, instant now, zone in) noexcept {
  if (hours.begin == hours.end)
    return {instant::min(), instant::max()};
  const auto today = day_of(now, in);
  const auto next_day = hours.end < hours.begin ? days{1} : days{0};
  // Yesterday's may still be open; a few more, since a change of the clocks can swallow some.
  for (auto day = today - days{1}; day <= today + days{7}; day += days{1}) {
    const civil_time midnight{day.time_since_epoch()};
    const opening found{resolve(midnight + hours.begin, in),
                        resolve(midnight + next_day + hours.end, in)};
    if (found.begin < found.end && now < found.end)
      return found;
  }
  return {now, instant::max()};
}

result<backfill_plan> plan_backfill(const backfill_request& ask, const known_definitions& all,
                                    instant now) {
  BOOST_OUTCOME_TRY(check_values(ask));
  BOOST_OUTCOME_TRY(found, find_trigger(ask, all));
  const auto& workflow = *found.workflow;
  BOOST_OUTCOME_TRY(check_tasks(ask, workflow));
  BOOST_OUTCOME_TRY(params, resolve_params(workflow, found.trigger->id, params_object(ask.params)));
  static_cast<void>(params); // Each run gets its own; here only whether they can be.
  BOOST_OUTCOME_TRY(in, zone::load(workflow.timezone));
  const auto known = all.directory().find(ask.workflow, found.trigger->id);
  if (!known)
    return problem{errc::refused,
                   ask.workflow + '/' + found.trigger->id +
                       " follows a trigger that does not exist, and so has no slots",
                   {}};
  backfill_plan plan;
  plan.sources.push_back({ask.workflow, found.trigger->id, in});
  const auto& own = plan.sources.front();
  BOOST_OUTCOME_TRY(slots, ask.slots.empty() ? slots_of_range(ask, *known->slots, own)
                                             : chosen_slots(ask, *known->slots, own));
  if (!ask.isolated) {
    BOOST_OUTCOME_TRY(check_past(slots, own, now));
  }
  if (ask.descending)
    std::reverse(slots.begin(), slots.end());
  for (const auto slot : slots)
    plan.slots.push_back({0, slot});
  if (ask.downstream) {
    BOOST_OUTCOME_TRY(add_downstream(plan, all, ask.descending, now));
  }
  BOOST_OUTCOME_TRY(check_order(ask, plan, all));
  return plan;
}

} // namespace pinion
