#include "pinion/definitions/params.hpp"
#include "pinion/definitions/render.hpp"
#include "simulator/virtual_engine.hpp"

#include <algorithm>

namespace pinion::simulator {
namespace {

/// The same for all runs: there is one version of each workflow.
constexpr std::uint32_t version = 1;

problem no_secret(const std::string& name) {
  return {errc::not_found, "the secret " + name + " is not read in a simulation", {}};
}

} // namespace

row_number virtual_engine::add_row(std::uint32_t workflow, std::uint32_t trigger, instant slot) {
  simulated_run row;
  row.workflow = workflow;
  row.trigger = trigger;
  row.slot = slot;
  row.fired_at = now_;
  result_.runs.push_back(row);
  live_.emplace_back();
  classes_at_.push_back(0);
  too_many_ = too_many_ || result_.runs.size() > options_.max_instances;
  return static_cast<row_number>(result_.runs.size() - 1);
}

void virtual_engine::await_slot(std::uint32_t trigger, instant after) {
  const auto& of = triggers_[trigger];
  if (!of.fires)
    return;
  const auto next = next_slot(*of.known.slots, after);
  if (next && next->at < options_.to)
    events_.push({next->at, timed_event::kind::slot_comes, of.turn, {{}, trigger, 0}, 0});
}

// All slots of an instant get their numbers before one of them fires.
void virtual_engine::slot_comes(std::uint32_t trigger) {
  auto& of = triggers_[trigger];
  const auto place = static_cast<std::uint32_t>(of.slots.size());
  const auto row = add_row(of.workflow, of.number, now_);
  const auto ruled = slot_at(*of.known.slots, now_);
  result_.runs[row].dry = ruled && ruled->dry;
  of.slots.push_back({now_, row});
  const auto fires = now_ + jitter_of(of.definition->jitter, of.name, now_);
  events_.push({fires, timed_event::kind::slot_fires, of.turn, {{}, trigger, place}, 0});
  await_slot(trigger, now_);
}

void virtual_engine::slot_fires(std::uint32_t trigger, std::uint32_t place) {
  auto& of = triggers_[trigger];
  const auto row = of.slots[place].row;
  auto& workflow = workflows_[of.workflow];
  result_.runs[row].fired_at = now_;
  if (!of.params) {
    result_.assumptions.insert(of.name + ": its slots cannot run: " + of.params.error().message);
    return leave_out(trigger, row, slot_outcome::missed, reason::render_failed);
  }
  run_record record;
  record.trigger = of.definition->id;
  record.slot = result_.runs[row].slot;
  const auto interval = interval_of(*of.known.slots, record.slot, of.known.interval, of.known.in);
  record.interval_start = interval.start;
  record.interval_end = interval.end;
  record.params = of.params.value();
  record.priority = of.definition->priority;
  record.dry = result_.runs[row].dry;
  const auto overlap = of.definition->overlap.value_or(workflow.definition->overlap);
  auto started = launch(workflow, std::move(record), row, overlap);
  if (!started) {
    result_.assumptions.insert(of.name + ": a slot cannot run: " + started.error().message);
    return leave_out(trigger, row, slot_outcome::missed, reason::render_failed);
  }
  if (started.value() == admission_verdict::skip)
    leave_out(trigger, row, slot_outcome::skipped_overlap, reason::overlap_skipped);
  else if (started.value() == admission_verdict::miss)
    leave_out(trigger, row, slot_outcome::missed, reason::queue_full);
}

void virtual_engine::leave_out(std::uint32_t trigger, row_number row, slot_outcome outcome,
                               reason why) {
  result_.runs[row].outcome = outcome;
  result_.runs[row].why = why;
  tell_slot(trigger, result_.runs[row].slot);
}

result<admission_verdict> virtual_engine::launch(live_workflow& of, run_record record,
                                                 row_number row, overlap_policy overlap) {
  const auto& definition = *of.definition;
  record.id = run_id{row + 1ULL};
  record.workflow = definition.id();
  record.version = version;
  record.created_at = record.last_at = now_;
  std::vector<bound_edge> edges;
  if (of.binds) {
    BOOST_OUTCOME_TRY(
        bound,
        bind_needs(definition,
                   {record.trigger, record.slot, {record.interval_start, record.interval_end}},
                   directory_));
    edges = std::move(bound);
  }
  const auto id = record.id;
  const auto trigger = record.trigger;
  auto made = std::make_unique<live_run>(
      live_run{row, run_core{of.definition, std::move(record), edges}, {}, {}, 0});
  made->core.tell_tasks(of.needed);
  const auto decision =
      decide_admission(of.live, definition.max_active_runs,
                       {id, trigger, overlap, false, false, made->core.could_begin()});
  if (decision.verdict == admission_verdict::skip || decision.verdict == admission_verdict::miss)
    return decision.verdict;
  const bool admitted = decision.verdict == admission_verdict::start;
  auto& run = *(live_[row] = std::move(made));
  result_.runs[row].outcome = slot_outcome::fired;
  // Jitter may let a later slot fire first: the oldest run stands first all the same.
  const auto behind = std::upper_bound(of.live.begin(), of.live.end(), id,
                                       [](run_id a, const auto& b) { return a < b.run; });
  of.live.insert(behind, {id, trigger, overlap, false, admitted, run.core.could_begin()});
  apply(run, run_happening::fire{admitted});
  if (!run.core.wants_place())
    give_place_back(of, id);
  watch_edges(run, std::move(edges));
  for (const auto other : decision.cancel)
    send(message::kind::cancel, {other}, static_cast<std::uint64_t>(reason::cancelled_by_next));
  return decision.verdict;
}

namespace {
admission_candidate* candidate_of(live_workflow& of, run_id run) {
  const auto found = std::find_if(of.live.begin(), of.live.end(),
                                  [&](const auto& each) { return each.run == run; });
  return found == of.live.end() ? nullptr : &*found;
}
} // namespace

// A run that waits for others gives its place to whoever can use it.
void virtual_engine::give_place_back(live_workflow& of, run_id run) {
  if (auto* candidate = candidate_of(of, run))
    candidate->wants = candidate->admitted = false;
  admit_next(of);
}

void virtual_engine::wants(run_id run, bool on) {
  auto& of = workflow_of(*run_of(run));
  if (auto* candidate = candidate_of(of, run))
    candidate->wants = on;
  admit_next(of);
}

void virtual_engine::admit_next(live_workflow& of) {
  if (std::none_of(of.live.begin(), of.live.end(),
                   [](const auto& each) { return each.wants && !each.admitted; }))
    return;
  for (const auto run : admitted_next(of.live, of.definition->max_active_runs)) {
    candidate_of(of, run)->admitted = true;
    send(message::kind::admit, {run});
  }
}

void virtual_engine::over(run_id id) {
  auto& run = *run_of(id);
  auto& of = workflow_of(run);
  std::erase_if(of.live, [&](const auto& each) { return each.run == id; });
  note_end(run);
  if (of.needed)
    note_classes(run);
  if (run.core.run().has_parent)
    send(message::kind::call_ended, run.core.run().parent, id.value);
  live_[run.row].reset();
  admit_next(of);
}

void virtual_engine::cancel(live_run& run, reason why) {
  run_operation operation;
  operation.what = run_operation::verb::cancel;
  operation.why = why;
  operation.message = why == reason::run_cancelled ? "its caller was stopped"
                                                   : "a newer run of its trigger takes its place";
  apply(run, operation);
}

void virtual_engine::call(const instance_key& key) {
  auto& caller = *run_of(key.run);
  const auto* at = caller.core.find(key);
  if (at == nullptr || !is_active(at->state))
    return;
  auto made = at->state == instance_state::running
                  ? start_called(caller, *at)
                  : result<run_id>{problem{errc::refused, "its caller was stopped", {}}};
  if (made)
    apply(caller, run_happening::called{key, made.value()});
  else
    apply(caller, run_happening::call_refused{key, made.error().message});
}

result<run_id> virtual_engine::start_called(live_run& caller, const instance_record& at) {
  const auto& definition = caller.core.definition();
  const auto& task = definition.tasks[at.key.task];
  const bool full = task.call_workflow.find('.') != std::string::npos;
  const auto name = full ? task.call_workflow : definition.project + '.' + task.call_workflow;
  const auto found = by_id_.find(name);
  if (found == by_id_.end())
    return problem{errc::not_found, "there is no workflow " + name, {}};
  const auto settings = of_.projects.find(definition.project);
  const auto given = render_call_params(
      {caller.core, at.key, at.attempt,
       settings == of_.projects.end() ? no_settings_ : settings->second, no_secret});
  if (!given)
    result_.assumptions.insert(definition.id() + '.' + task.name +
                               ": the call is made with the defaults of its parameters (" +
                               given.error().message + ')');
  auto& of = workflows_[found->second];
  BOOST_OUTCOME_TRY(params, resolve_params(*of.definition, std::nullopt,
                                           given ? given.value() : json_text{"{}"}));
  const auto& parent = caller.core.run();
  run_record record;
  record.trigger = "@call." + to_string(parent.id) + '.' + std::to_string(at.key.task) + '.' +
                   (at.key.element == no_element ? "-" : std::to_string(at.key.element)) + '.' +
                   std::to_string(at.attempt);
  record.slot = parent.slot;
  record.interval_start = parent.interval_start;
  record.interval_end = parent.interval_end;
  record.params = std::move(params);
  record.priority = at.priority != 0       ? at.priority
                    : parent.priority != 0 ? parent.priority
                                           : task.priority;
  record.has_parent = true;
  record.parent = at.key;
  const auto row = add_row(found->second, of.calls, record.slot);
  result_.runs[row].called = true;
  BOOST_OUTCOME_TRY(launch(of, std::move(record), row, overlap_policy::queue));
  return run_id{row + 1ULL};
}

} // namespace pinion::simulator
