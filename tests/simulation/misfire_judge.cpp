#include "simulation/misfire_judge.hpp"

#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

using std::chrono::seconds;

/// What an engine has loaded when it stops or the clock is set is on its way already.
constexpr seconds loaded_ahead{200};
/// An engine looks at what is owed so soon after it could.
constexpr seconds looks_within{130};

std::int64_t slots_in(const slot_rule& of, instant from, instant to) {
  return static_cast<std::int64_t>(
      slots_between(of, from + duration{1}, to + duration{1}, 10'000).size());
}

} // namespace

void misfire_judge::engine_down(instant wall, steady_instant at) {
  down_at_ = at;
  seen_ = std::max(seen_, wall);
  up_ = false;
}

void misfire_judge::engine_up(instant wall, steady_instant at, std::set<std::string> paused) {
  if (seen_ != instant{} && wall > seen_)
    add(seen_, wall, down_at_, at, std::move(paused));
  seen_ = std::max(seen_, wall);
  up_ = true;
}

void misfire_judge::clock_steps(instant from, instant to, steady_instant at,
                                std::set<std::string> paused) {
  set_back_ = set_back_ || to < from;
  if (!up_)
    return;
  seen_ = std::max(seen_, from);
  if (to > seen_)
    add(seen_, to, at, at, std::move(paused));
  seen_ = std::max(seen_, to);
}

void misfire_judge::add(instant from, instant to, steady_instant began, steady_instant at,
                        std::set<std::string> paused) {
  // What was owed may not have been paid when the next gap began.
  if (!gaps_.empty() && began < gaps_.back().over + loaded_ahead + looks_within) {
    auto& last = gaps_.back();
    last.ends.push_back(to);
    last.over = at;
    std::erase_if(last.paused, [&](const auto& each) { return !paused.contains(each); });
    last.some_paused.merge(paused);
    return;
  }
  gaps_.push_back({from, {to}, at, paused, paused});
}

void misfire_judge::judge(const scenario& of, const store_reader& store, instant began,
                          trace& log) const {
  if (set_back_)
    return;
  for (const auto& workflow : of.workflows)
    for (const auto& trigger : workflow.triggers) {
      const auto* rule = rule_of(of.workflows, workflow.id(), trigger.id);
      if (!trigger.enabled || rule == nullptr)
        continue;
      const auto same = [&](const workflow_definition& edited) {
        const auto* after = rule_of(of.edited, edited.id(), trigger.id);
        return edited.id() != workflow.id() ||
               (after != nullptr && *after == *rule &&
                std::any_of(edited.triggers.begin(), edited.triggers.end(), [&](const auto& each) {
                  return each.id == trigger.id && each.misfire == trigger.misfire;
                }));
      };
      if (!std::all_of(of.edited.begin(), of.edited.end(), same))
        continue;
      for (const auto& each : gaps_)
        if (each.from > began)
          judge_trigger(each, workflow, trigger, *rule, store, log);
    }
}

void misfire_judge::judge_trigger(const gap& at, const workflow_definition& of,
                                  const trigger_definition& trigger, const slot_rule& rule,
                                  const store_reader& store, trace& log) const {
  const auto policy = trigger.misfire.value_or(default_misfire(rule));
  const auto allowed =
      policy.policy == misfire_choice::none
          ? std::int64_t{0}
          : (policy.policy == misfire_choice::last ? std::int64_t{1}
                                                   : static_cast<std::int64_t>(policy.max));
  const auto to = at.ends.back();
  for (const auto& slot : slots_between(rule, at.from + loaded_ahead, to, 10'000)) {
    if (log.failed())
      return;
    const auto row = store.slot({"main", of.id(), trigger.id, slot.at});
    const auto jitter = jitter_of(trigger.jitter, of.id() + '/' + trigger.id, slot.at);
    if (!row || !row.value())
      continue;
    const auto& is = *row.value();
    const bool left_out = is.outcome == slot_outcome::missed && is.why == reason::misfire_policy;
    if (slot.at + jitter > to) {
      if (left_out && slot.at + jitter > to + looks_within)
        log.violation("[1] slot " + of.id() + '/' + trigger.id + '@' + print_utc(slot.at) +
                      " was left out before its jitter was over");
      continue;
    }
    const auto run = store.run(is.run);
    // Somebody made it later.
    if (is.run != run_id{} && (!run || !run.value() || !run.value()->requested_by.empty()))
      continue;
    const auto where = of.id() + '/' + trigger.id + '@' + print_utc(slot.at) + " was " +
                       std::string{to_string(is.outcome)} + ", nobody looked from " +
                       print_utc(at.from) + " to " + print_utc(to);
    if (at.paused.contains(of.id())) {
      if (left_out)
        log.violation("[1] slot " + where + ", and its workflow was paused");
      continue;
    }
    if (is.outcome == slot_outcome::paused || at.some_paused.contains(of.id()))
      continue;
    // What its jitter still keeps was not overlooked.
    const auto due_by = [&](instant end) {
      const auto later = slots_between(rule, slot.at + duration{1}, end + duration{1}, 10'000);
      return std::count_if(later.begin(), later.end(), [&](const auto& other) {
        return other.at + jitter_of(trigger.jitter, of.id() + '/' + trigger.id, other.at) <= end;
      });
    };
    bool may_run = false;
    for (const auto end : at.ends)
      may_run = may_run || slot.at + jitter > end ||
                (due_by(end) < allowed && end - slot.at <= policy.within);
    const bool must_run = slots_in(rule, slot.at, to + looks_within) < allowed &&
                          to + looks_within - slot.at <= policy.within;
    if (must_run && left_out)
      log.violation("[1] slot " + where + ", the misfire policy lets it run");
    if (!may_run && !left_out)
      log.violation("[1] slot " + where + ", the misfire policy leaves it out");
  }
}

} // namespace pinion::sim
