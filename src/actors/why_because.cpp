#include "actors/why_because.hpp"

#include "actors/why_text.hpp"
#include "pinion/model/deadline.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {

namespace {

/// Shorter waits are nobody's question.
constexpr duration worth_telling{std::chrono::seconds{1}};
/// A run that fires later than this is late.
constexpr duration late_after{std::chrono::minutes{1}};
/// Failed attempts that one answer lists.
constexpr std::size_t max_attempts = 5;

zone zone_of_run(const run_core& run) {
  const auto in = zone::load(run.definition().timezone);
  return in ? in.value() : zone{};
}

/// A wait of which both ends are known and that somebody felt.
void add_delay(std::vector<explanation>& out, const std::string& ref, const std::string& what,
               instant begin, instant end) {
  if (begin == never || end == never || end - begin < worth_telling)
    return;
  out.push_back({"delay", ref, what + ' ' + rounded(end - begin), begin, end - begin});
}

/// The instance of the task that ended last, one that ran before one that did not; or null.
const instance_record* last_ended(const run_core& run, std::uint32_t task) {
  const instance_record* last = nullptr;
  for (const auto& at : run.instances_of(task)) {
    if (!is_terminal(at.state))
      continue;
    const bool ran = at.started_at != never;
    const bool others_ran = last != nullptr && last->started_at != never;
    if (last == nullptr || (ran && !others_ran) ||
        (ran == others_ran && at.ended_at > last->ended_at))
      last = &at;
  }
  return last;
}

/// The same of the task and its fallbacks: of those that ran.
const instance_record* last_of(const run_core& run, std::uint32_t task) {
  const auto* last = last_ended(run, task);
  for (auto next = run.definition().tasks[task].fallback; next;
       next = run.definition().tasks[*next].fallback)
    if (const auto* at = last_ended(run, *next); at != nullptr && at->started_at != never)
      last = at;
  return last;
}

/// Of all that the task needs in its run, what ended last.
const instance_record* last_need(const run_core& run, std::uint32_t task) {
  const instance_record* last = nullptr;
  for (const auto need : run.definition().tasks[task].needs)
    if (const auto* at = last_of(run, need);
        at != nullptr && (last == nullptr || at->ended_at > last->ended_at))
      last = at;
  return last;
}

/// Of all before the end tasks, what ended last.
const instance_record* last_before_end(const run_core& run) {
  const instance_record* last = nullptr;
  for (std::uint32_t task = 0; task < run.definition().tasks.size(); ++task)
    if (!run.belongs_to_end(task))
      if (const auto* at = last_ended(run, task);
          at != nullptr && (last == nullptr || at->ended_at > last->ended_at))
        last = at;
  return last;
}

/// What the task's turn came behind.
const instance_record* last_before(const run_core& run, std::uint32_t task) {
  const auto* last = last_need(run, task);
  return last == nullptr && run.definition().tasks[task].is_end_task() ? last_before_end(run)
                                                                       : last;
}

/// Of its needs on other runs, the one that was settled last.
const edge_record* last_edge(const run_core& run, std::uint32_t task) {
  const edge_record* last = nullptr;
  for (const auto& edge : run.edges())
    if (edge.task == task)
      if (const auto* settled = run.settled_edge(edge.task, edge.need);
          settled != nullptr && (last == nullptr || settled->at > last->at))
        last = settled;
  return last;
}

std::string edge_name(const run_core& run, const edge_record& settled) {
  for (const auto& edge : run.edges())
    if (edge.task == settled.task && edge.need == settled.need) {
      auto name = edge.workflow + '/' + edge.trigger;
      if (edge.slots.size() == 1)
        name += '@' + print_local(edge.slots.front(), zone_of_run(run));
      return edge.upstream_task.empty() ? name : name + ", task " + edge.upstream_task;
    }
  return {};
}

/// What let the instance begin, or kept it from it.
void add_release(const run_core& run, const instance_record& at, std::vector<explanation>& out) {
  const auto& task = run.definition().tasks[at.key.task];
  if (task.fallback_of) {
    if (const auto* primary = last_ended(run, *task.fallback_of))
      out.push_back({"fallback", ref_of(run, *primary),
                     "stands in for " + run.definition().tasks[*task.fallback_of].name +
                         ", which ended " + std::string{to_string(primary->state)},
                     primary->ended_at});
    return;
  }
  if (const auto outcome = run.outcome(); task.is_end_task() && outcome) {
    const auto* last = last_before_end(run);
    out.push_back({"end", to_string(run.run().id),
                   "all other tasks of the run had ended, and its outcome was " +
                       std::string{to_string(*outcome)},
                   last == nullptr ? never : last->ended_at});
  }
  const auto* need = last_need(run, at.key.task);
  const auto* edge = last_edge(run, at.key.task);
  if (edge != nullptr && (need == nullptr || edge->at >= need->ended_at))
    out.push_back({"upstream", edge_name(run, *edge),
                   "the last thing it needed was " + edge_name(run, *edge), edge->at});
  else if (need != nullptr)
    out.push_back({"upstream", ref_of(run, *need),
                   "the last thing it needed was " + ref_of(run, *need) + ", which ended " +
                       std::string{to_string(need->state)},
                   need->ended_at});
  else if (at.waiting_at != never && !task.is_end_task())
    out.push_back({"run", to_string(run.run().id), "it needs nothing: its run had begun",
                   run.run().admitted_at});
}

void add_attempts(const run_core& run, const instance_record& at, const store_reader& store,
                  std::vector<explanation>& out) {
  if (at.attempt < 2)
    return;
  const auto attempts = store.attempts_of(at.key);
  if (!attempts)
    return;
  const auto& all = attempts.value();
  const auto first = all.size() > max_attempts ? all.size() - max_attempts : 0;
  for (auto i = first; i < all.size(); ++i)
    if (all[i].state == attempt_state::ended && all[i].number < at.attempt)
      out.push_back({"retry", ref_of(run, at) + '#' + std::to_string(all[i].number),
                     "attempt " + std::to_string(all[i].number) + " ended " +
                         std::string{to_string(all[i].outcome)} + " (" +
                         phrase_with(all[i].why, all[i].message) + "), so it was tried again",
                     all[i].ended_at});
}

void add_deadline(const run_core& run, const instance_record& at, instant expected_end,
                  std::vector<explanation>& out) {
  const auto& task = run.definition().tasks[at.key.task];
  if (!task.deadline)
    return;
  const auto deadline = deadline_of(run.definition(), task, run.run().slot);
  const bool over = is_terminal(at.state);
  const auto end = over ? at.ended_at : expected_end;
  auto text = "its deadline is " + print_local(deadline, zone_of_run(run));
  duration late{-1};
  if (end == never) {
    text += "; when it ends is not known";
  } else if (end <= deadline) {
    text += over ? "; it ended in time" : "; it is expected to end in time";
  } else {
    late = end - deadline;
    text += (over ? "; it ended " : "; it is expected to end ") + rounded(late) + " too late";
  }
  out.push_back({"deadline", ref_of(run, at), text, deadline, late});
}

explanation origin_of(const run_core& run) {
  const auto& at = run.run();
  const auto ref = at.workflow + '/' + at.trigger;
  const auto slot = print_local(at.slot, zone_of_run(run));
  if (at.has_parent)
    return {"call", to_string(at.parent.run), "called by a task of " + to_string(at.parent.run),
            at.created_at};
  if (at.backfill != 0)
    return {"backfill", "b" + std::to_string(at.backfill),
            "backfill b" + std::to_string(at.backfill) + " made it, for the slot " + slot,
            at.created_at};
  if (at.trigger.starts_with('@'))
    return {"person", at.requested_by,
            "triggered by hand by " +
                (at.requested_by.empty() ? std::string{"somebody"} : at.requested_by) +
                (at.request_key.empty() ? "" : ", with the key " + at.request_key),
            at.created_at};
  if (!at.requested_by.empty())
    return {"person", at.requested_by,
            at.requested_by + " made the run of the slot " + slot + " of " + ref +
                ", which had been left out",
            at.created_at};
  return {"trigger", ref, "the slot " + slot + " of " + ref + " was due", at.slot};
}

void add_lateness(const run_core& run, std::vector<explanation>& out) {
  const auto& at = run.run();
  const bool by_clock =
      !at.trigger.starts_with('@') && at.requested_by.empty() && at.backfill == 0 && !at.has_parent;
  if (!by_clock || at.fired_at == never || at.fired_at - at.slot <= late_after)
    return;
  out.push_back({"late", at.workflow + '/' + at.trigger,
                 "fired " + rounded(at.fired_at - at.slot) +
                     " after its time: nobody was there to fire it (the engine was down, or the "
                     "clock jumped), and the misfire policy made up for it",
                 at.fired_at, at.fired_at - at.slot});
}

} // namespace

std::vector<explanation> past_of(const run_core& run, const instance_record& at,
                                 const store_reader& store, instant expected_end) {
  std::vector<explanation> out;
  const auto ref = ref_of(run, at);
  const bool released = at.pre_ready_at != never || is_terminal(at.state);
  if (released)
    add_release(run, at, out);
  add_attempts(run, at, store, out);
  const auto began = at.first_ready_at == never ? at.pre_ready_at : at.first_ready_at;
  add_delay(out, ref, "waited for what it needs for", at.waiting_at, began);
  add_delay(out, ref, "waited for permits and a worker's slot for", at.pre_ready_at, at.ready_at);
  add_delay(out, ref, "its process took so long to start:", at.ready_at, at.started_at);
  add_deadline(run, at, expected_end, out);
  return out;
}

std::vector<explanation> past_of(const run_core& run) {
  const auto& at = run.run();
  std::vector<explanation> out{origin_of(run)};
  add_lateness(run, out);
  const auto ref = to_string(at.id);
  add_delay(out, ref, "waited for its turn, or for other runs, for", at.fired_at, at.admitted_at);
  add_delay(out, ref, "waited for permits or other runs before its first attempt for",
            at.admitted_at, at.started_at);
  if (at.incarnation > 0)
    out.push_back({"rerun", ref,
                   "opened again by a rerun, " + std::to_string(at.incarnation) + " times so far",
                   never});
  return out;
}

std::vector<std::uint32_t> path_that_was(const run_core& run) {
  const instance_record* last = nullptr;
  for (std::uint32_t task = 0; task < run.definition().tasks.size(); ++task)
    if (const auto* at = last_of(run, task); at != nullptr && at->started_at != never &&
                                             (last == nullptr || at->ended_at >= last->ended_at))
      last = at;
  std::vector<std::uint32_t> path;
  while (last != nullptr && path.size() < run.definition().tasks.size()) {
    path.push_back(last->key.task);
    last = last_before(run, last->key.task);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

} // namespace pinion
