#include "pinion/timing/instant_text.hpp"
#include "simulation/observer.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

using std::chrono::seconds;

/// What the engine, the launcher and the way between them may need on top of what is prescribed:
/// messages are slow at times, and a launcher that has died comes back.
constexpr seconds slack{90};
/// The same for what the engine does alone, over a slow disk.
constexpr seconds own_slack{25};
/// Whoever is told of a hold or a pause has heard of it so soon.
constexpr seconds heard_within{30};
/// What was decided before a commit that was slow to come.
constexpr seconds commit_lag{2};

std::string name_of(const instance_key& key) { return to_string(process_key{key, {}}); }

/// The meta row that stands while the engine is on hold.
constexpr std::string_view held_row = "held";

bool is_by_clock(const slot_record& row) { return !row.trigger.starts_with('@'); }

} // namespace

// -- how long an instance stands in a state

void observer::note_stay(const instance_record& is, const instance_record* was) {
  auto& at = stays_[is.key];
  const bool moved = was == nullptr || was->state != is.state || was->why != is.why ||
                     was->attempt != is.attempt || was->step != is.step;
  if (moved) {
    at.since = clock_.steady_now();
    at.ups = ups_;
  }
  if (was == nullptr || was->first_ready_at != is.first_ready_at)
    at.begun = clock_.steady_now();
}

void observer::check_stay(const instance_record& is, const instance_record& was,
                          const task_definition& task) {
  const auto known = stays_.find(is.key);
  if (known == stays_.end() || moded_.contains(is.key.run) || operated_.contains(is.key.run))
    return;
  const auto& at = known->second;
  // A restart begins to count anew: it knows no more than how long there was to wait.
  const auto now = clock_.steady_now();
  const auto stood = now - std::max(at.since, up_at_);
  const auto took = now - std::max(at.begun, up_at_);
  const bool has_process = task.type != task_type::workflow && task.type != task_type::empty &&
                           task.type != task_type::choice;
  if (was.state == instance_state::stopping && has_process && stood > task.grace + slack)
    log_.violation("[6] " + name_of(is.key) + " was being stopped for " +
                   std::to_string(stood / seconds{1}) + " s");
  const auto& limits = task.timeout;
  if (was.state == instance_state::pre_ready && was.why == reason::permits_pending &&
      limits.queue > duration{0} && stood > limits.queue + own_slack)
    log_.violation("[6] " + name_of(is.key) + " was in the queue for " +
                   std::to_string(stood / seconds{1}) + " s, over its timeout");
  // Frozen while it asked for permits, it counts anew from the thaw.
  const bool frozen = was.state == instance_state::waiting && !is_polling(was);
  if (is.state != was.state && limits.task > duration{0} && is.first_ready_at != never &&
      was.first_ready_at == is.first_ready_at && has_process && !frozen &&
      took > limits.task + task.grace + slack)
    log_.violation("[6] " + name_of(is.key) + " took " + std::to_string(took / seconds{1}) +
                   " s, over its timeout");
}

void observer::out_of_touch(steady_instant until) { up_at_ = std::max(up_at_, until); }

// -- what comes too early

steady_instant observer::end_of_attempt(const instance_record& of, steady_instant since) const {
  auto last = steady_instant::min();
  for (const auto& [key, each] : processes_)
    if (key.instance == of.key && key.token.attempt == of.attempt && !each.alive)
      last = std::max(last, each.over_at);
  return last == steady_instant::min() ? since : last;
}

void observer::check_retry_time(const instance_record& is, const instance_record& was,
                                const task_definition& task) {
  const auto known = stays_.find(is.key);
  if (was.state != instance_state::retry_wait || is.state != instance_state::pre_ready ||
      known == stays_.end() || known->second.ups != ups_ || clock_stepped_ ||
      moded_.contains(is.key.run) || operated_.contains(is.key.run) || was.losses > 0)
    return;
  // From the end itself: over a slow disk the row of it comes seconds later.
  const auto waited = clock_.steady_now() - end_of_attempt(was, known->second.since);
  if (waited + commit_lag < task.retry.delay)
    log_.violation("[4] " + name_of(is.key) + " is tried again after " +
                   std::to_string(waited / std::chrono::milliseconds{1}) + " ms");
}

void observer::check_firing(const slot_record& is) {
  if (is.outcome != slot_outcome::fired && is.outcome != slot_outcome::late)
    return;
  const auto run = store_.run(is.run);
  if (!is_by_clock(is) || !run || !run.value() || run.value()->backfill != 0 ||
      !run.value()->requested_by.empty())
    return;
  const auto where = is.workflow + '/' + is.trigger + '@' + print_utc(is.slot);
  if (latest_ < is.slot)
    log_.violation("[4] slot " + where + " fires before its time");
  const auto paused = paused_since_.find(is.workflow);
  if (paused != paused_since_.end() && clock_.steady_now() - paused->second > heard_within)
    log_.violation("[4] slot " + where + " fires, and its workflow is paused");
  check_places(*run.value());
}

// A slot whose policy is `skip` does not fire beside a run of its trigger that is at work, and no
// run begins beyond max_active_runs. Runs that wait for others, or that people have changed, give
// their places away and come back: they are not judged, nor is one that wants no place yet because
// all its tasks wait for others, are frozen or dry, or were over at once.
void observer::check_places(const run_record& run) {
  const auto* of = definition_of(run);
  if (of == nullptr || run.ignore_overlap || edited_)
    return;
  const auto trigger = std::find_if(of->triggers.begin(), of->triggers.end(),
                                    [&](const auto& each) { return each.id == run.trigger; });
  const bool skips = trigger != of->triggers.end() &&
                     trigger->overlap.value_or(of->overlap) == overlap_policy::skip;
  const auto rows = store_.instances_of(run.id);
  const bool wants = !is_terminal(run.state) &&
                     (run.admitted || !rows ||
                      std::any_of(rows.value().begin(), rows.value().end(), [](const auto& each) {
                        return !is_terminal(each.state) && each.why != reason::upstream_pending &&
                               each.mode == task_mode::normal;
                      }));
  std::set<run_id> at_work;
  for (const auto& [key, each] : processes_)
    if (each.alive && key.instance.run != run.id && !operated_.contains(key.instance.run) &&
        !moded_.contains(key.instance.run))
      at_work.insert(key.instance.run);
  std::uint32_t others = 0;
  for (const auto id : at_work) {
    const auto other = store_.run(id);
    if (!other || !other.value() || other.value()->workflow != run.workflow ||
        is_terminal(other.value()->state))
      continue;
    ++others;
    if (skips && wants && other.value()->trigger == run.trigger)
      log_.violation("[4] " + to_string(run.id) + " fires beside " + to_string(id) +
                     ", and its policy is to skip");
  }
  if (run.admitted && others >= of->max_active_runs)
    log_.violation("[4] " + to_string(run.id) + " begins beside " + std::to_string(others) +
                   " others of its workflow");
}

// -- holds and pauses

void observer::note_holds(const kv_batch& batch) {
  bool definitions = false;
  for (const auto& write : batch.writes) {
    definitions = definitions || write.in == family::definitions;
    if (write.in != family::meta || write.key != held_row)
      continue;
    if (write.what == kv_write::kind::put)
      held_since_ = held_since_.value_or(clock_.steady_now());
    else
      held_since_.reset();
  }
  if (!definitions)
    return;
  const auto paused = paused_workflows();
  std::erase_if(paused_since_, [&](const auto& each) { return !paused.contains(each.first); });
  for (const auto& each : paused)
    paused_since_.try_emplace(each, clock_.steady_now());
}

} // namespace pinion::sim
