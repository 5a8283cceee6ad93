#include "pinion/timing/duration_text.hpp"
#include "pinion/timing/instant_text.hpp"
#include "simulation/scenario.hpp"

namespace pinion::sim {

namespace {

std::string text_of(const outside_need& need) {
  static constexpr const char* slots[] = {"nearest", "same_slot", "same_day", "previous", "back"};
  static constexpr const char* windows[] = {"", "data", "slot_day", "hour", "day", "week", "month"};
  static constexpr const char* missing[] = {"wait", "satisfied", "fail", "skip"};
  auto out = need.workflow + '/' + need.trigger + '.' + need.task;
  out += need.window == need_window::none
             ? std::string{" slot "} + slots[static_cast<std::size_t>(need.slot)]
             : std::string{" window "} + windows[static_cast<std::size_t>(need.window)];
  out += " back " + std::to_string(need.back) + " last " + std::to_string(need.last);
  out += need.state == need_state::done ? " done" : "";
  return out + " missing " + missing[static_cast<std::size_t>(need.missing)];
}

std::string text_of(const trigger_definition& trigger, instant from) {
  auto out = trigger.id;
  if (trigger.after)
    return out + " after " + trigger.after->workflow + '/' + trigger.after->trigger;
  const auto first = next_slot(trigger.slots, from);
  out += first ? ", first slot " + print_utc(first->at) : ", no slot";
  for (auto slot = first; slot && out.size() < 120;) {
    slot = next_slot(trigger.slots, slot->at);
    if (slot)
      out += ' ' + print_utc(slot->at);
  }
  if (trigger.misfire)
    out += ", misfire " + std::to_string(static_cast<int>(trigger.misfire->policy)) + " max " +
           std::to_string(trigger.misfire->max) + " within " +
           std::to_string(trigger.misfire->within / std::chrono::seconds{1}) + 's';
  if (trigger.jitter > duration{0})
    out += ", jitter " + std::to_string(trigger.jitter / std::chrono::milliseconds{1}) + "ms";
  out += trigger.catchup ? ", catchup" : "";
  return out + (trigger.enabled ? "" : ", off");
}

} // namespace

std::vector<std::string> describe(const scenario& what) {
  static constexpr const char* types[] = {"shell",    "python", "empty", "check",
                                          "workflow", "switch", "java"};
  std::vector<std::string> out{"begins " + print_utc(what.begins) + ", slots " +
                               std::to_string(what.slots) +
                               (what.remote ? ", the worker is a node of its own" : "")};
  for (const auto& [pool, permits] : what.settings.pools)
    out.push_back("pool " + pool + ": " + std::to_string(permits));
  for (const auto& workflow : what.workflows) {
    out.push_back("workflow " + workflow.id() + ", overlap " +
                  std::to_string(static_cast<int>(workflow.overlap)) + ", max_active_runs " +
                  std::to_string(workflow.max_active_runs) + ", failure " +
                  std::to_string(static_cast<int>(workflow.failure)) + ", zone " +
                  workflow.timezone);
    for (const auto& task : workflow.tasks) {
      auto line = "  " + task.name + ": " + types[static_cast<std::size_t>(task.type)] + ", join " +
                  std::to_string(static_cast<int>(task.join)) + ", needs";
      for (const auto upstream : task.needs)
        line += ' ' + workflow.tasks[upstream].name;
      if (task.fallback)
        line += ", fallback " + workflow.tasks[*task.fallback].name;
      for (const auto& need : task.pools)
        line += ", pool " + need.pool + '=' + std::to_string(need.permits);
      if (task.for_each)
        line += ", for each of " + task.for_each->of;
      if (!task.when.empty())
        line += ", when " + task.when;
      line += ", retries " + std::to_string(task.retry.max);
      if (task.poll)
        line += ", polls every " + print_duration(task.poll->every) + " for " +
                print_duration(task.poll->timeout);
      line += task.setup ? ", setup" : "";
      line += task.teardown ? ", teardown" : "";
      line += task.on_run_failure ? ", at the end of a failure" : "";
      line += task.on_run_success ? ", at the end of a success" : "";
      line += task.join_condition.empty() ? "" : ", if " + task.join_condition;
      if (task.choice)
        line += ", chooses by " + task.choice->on;
      line += task.ignore_failure ? ", ignore_failure" : "";
      line += task.depends_on_previous == previous_need::none
                  ? ""
                  : ", previous " + std::to_string(static_cast<int>(task.depends_on_previous));
      for (const auto& need : task.outside_needs)
        line += ", needs " + text_of(need);
      out.push_back(std::move(line));
    }
    for (const auto& trigger : workflow.triggers)
      out.push_back("  trigger " + text_of(trigger, what.begins));
  }
  return out;
}

} // namespace pinion::sim
