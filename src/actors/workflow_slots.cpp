#include "actors/workflow.hpp"

#include "pinion/model/mutation.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

namespace {

/// What was left out does not know more than what follows from the row.
slot_record left_out(const keys::slot_key& key, slot_outcome outcome, reason why, instant now) {
  slot_record out;
  out.workflow = key.workflow;
  out.trigger = key.trigger;
  out.slot = key.slot;
  out.outcome = outcome;
  out.why = why;
  out.decided_at = now;
  out.lateness = std::max(now - key.slot, duration{0});
  return out;
}

bool is_decided(const std::optional<slot_record>& row) {
  return row && row->outcome != slot_outcome::planned;
}

} // namespace

bool workflow_state_data::begin_writing(const std::string& trigger, instant slot) {
  if (!writing[trigger].insert(slot).second)
    return false;
  seed.context->deciding.add(id(), trigger, slot);
  return true;
}

void workflow_state_data::end_writing(const std::string& trigger, instant slot) {
  const auto key = key_of_slot(trigger, slot);
  if (!is_being_decided(key))
    return;
  writing[trigger].erase(slot);
  seed.context->deciding.remove(id(), trigger, slot);
  std::erase_if(payments, [&](payment& each) {
    if (each.open.erase(key) == 0 || !each.open.empty())
      return false;
    each.done();
    return true;
  });
}

void workflow_state_data::when_durable(std::set<keys::slot_key> slots, std::function<void()> done) {
  std::erase_if(slots, [&](const auto& key) { return !is_being_decided(key); });
  if (slots.empty())
    done();
  else
    payments.push_back({std::move(slots), std::move(done)});
}

bool workflow_state_data::under_way(const keys::slot_key& key) const {
  return is_being_decided(key) || launching.contains(key);
}

bool workflow_state_data::is_being_decided(const keys::slot_key& key) const {
  const auto found = writing.find(key.trigger);
  return found != writing.end() && found->second.contains(key.slot);
}

std::optional<slot_record> workflow_state_data::slot_row(const std::string& trigger,
                                                         instant slot) const {
  auto row = store_reader{*seed.context->ports.kv}.slot(key_of_slot(trigger, slot));
  if (!row) {
    seed.context->ports.fatal("a slot cannot be read: " + row.error().message);
    return std::nullopt;
  }
  return std::move(row).value();
}

void workflow_state_data::load(const msg::load_slot& what) {
  const auto key = key_of_slot(what.trigger, what.slot);
  if (closed || seed.record.retired || loaded.contains(key) || under_way(key) ||
      !triggers.contains(what.trigger))
    return;
  const auto row = slot_row(what.trigger, what.slot);
  if (is_decided(row))
    return;
  const auto plan = plan_of(what.trigger, what.slot, row);
  if (!plan)
    return;
  const auto run = seed.context->new_run();
  auto& at = runs[run];
  at.actor = spawn_run(plan.value(), record_of(plan.value(), run));
  at.slot = what.slot;
  at.version = plan.value().version;
  at.modes = plan.value().modes;
  loaded[key] = run;
}

void workflow_state_data::unload(instant from) {
  for (auto at = loaded.begin(); at != loaded.end();)
    at = at->first.slot < from ? std::next(at) : drop_loaded(at);
}

std::map<keys::slot_key, run_id>::iterator
workflow_state_data::drop_loaded(std::map<keys::slot_key, run_id>::iterator at) {
  self->send(runs[at->second].actor, msg::unload_run{});
  runs.erase(at->second);
  return loaded.erase(at);
}

void workflow_state_data::fire(const std::string& trigger, instant slot) {
  const bool again = PINION_MUTATION("double_fire_a_slot");
  const bool busy = !again && under_way(key_of_slot(trigger, slot));
  if (closed || !triggers.contains(trigger) || seed.record.retired || busy)
    return;
  const auto row = slot_row(trigger, slot);
  if (again)
    end_writing(trigger, slot);
  if (again || !is_decided(row))
    decide(trigger, slot, row);
}

void workflow_state_data::decide(const std::string& trigger, instant slot,
                                 const std::optional<slot_record>& before) {
  if (begin_writing(trigger, slot))
    decide_begun(trigger, slot, before);
}

void workflow_state_data::decide_begun(const std::string& trigger, instant slot,
                                       const std::optional<slot_record>& before) {
  auto& newest = decided[trigger];
  newest = std::max(newest, slot);
  const auto* row = before ? &*before : nullptr;
  const auto key = key_of_slot(trigger, slot);
  const auto leave_out = [&](slot_outcome outcome, reason why) {
    auto now = left_out(key, outcome, why, seed.context->now());
    now.version = seed.record.version;
    settle(now, row);
  };
  if (seed.record.paused && !PINION_MUTATION("ignore_pause"))
    return leave_out(slot_outcome::paused, reason::workflow_paused);
  if (triggers[trigger].paused)
    return leave_out(slot_outcome::paused, reason::trigger_paused);
  auto plan = plan_of(trigger, slot, before);
  if (!plan) {
    spdlog::error("a slot cannot run: trigger={}/{} {}", id(), trigger, plan.error().message);
    return leave_out(slot_outcome::missed, reason::render_failed);
  }
  const auto all = live();
  // They hold no place, but memory.
  const auto waiting = std::count_if(all.begin(), all.end(), [&](const auto& run) {
    return run.trigger == trigger && !run.wants;
  });
  if (waiting >= max_waiting)
    return leave_out(slot_outcome::missed, reason::queue_full);
  plan.value().by_clock = true;
  auto decision =
      decide_admission(all, seed.definition->max_active_runs,
                       {run_id{}, trigger, plan.value().overlap, false, false, plan.value().wants});
  if (PINION_MUTATION("ignore_overlap_and_limit"))
    decision = {};
  if (decision.verdict == admission_verdict::skip)
    return leave_out(slot_outcome::skipped_overlap, decision.why);
  if (decision.verdict == admission_verdict::miss)
    return leave_out(slot_outcome::missed, decision.why);
  launch(plan.value(), decision, {}, [this, trigger, slot](const result<run_id>& made) {
    if (made)
      settled(trigger, slot);
  });
}

// The stored cursor stays behind all that is still to be decided or being written.
void workflow_state_data::settled(const std::string& trigger, instant slot) {
  end_writing(trigger, slot);
  const auto& under_way = writing[trigger];
  const auto known = triggers.find(trigger);
  auto upto = under_way.empty() ? decided[trigger] : *under_way.begin() - duration{1};
  if (const auto rest = owing.find(trigger); rest != owing.end())
    upto = std::min(upto, rest->second);
  if (known == triggers.end() || upto <= known->second.cursor)
    return;
  known->second.cursor = upto;
  msg::submit what;
  if (PINION_MUTATION("cursor_ahead_of_what_is_decided"))
    upto += std::chrono::minutes{10};
  put_cursor(what.batch, id(), trigger, upto);
  what.bulk = true;
  self->request(seed.context->journal, caf::infinite, std::move(what)).then([](std::uint64_t) {});
}

void workflow_state_data::settle(slot_record now, const slot_record* before) {
  const auto key = key_of_slot(now.trigger, now.slot);
  if (const auto ahead = loaded.find(key); ahead != loaded.end())
    drop_loaded(ahead);
  kv_batch batch;
  put_slot(batch, now, before);
  submit(std::move(batch), [this, key] {
    tell_slot(key);
    settled(key.trigger, key.slot);
  });
}

void workflow_state_data::tell_slot(const keys::slot_key& key) {
  const bool isolated = key.trigger.starts_with('@');
  if ((isolated || seed.context->is_needed(id())) && !PINION_MUTATION("skip_slot_notification"))
    self->send(seed.context->directory, msg::slots_told{id(), key});
}

caf::result<caf::unit_t> workflow_state_data::pay_owed(const msg::owed_slots& what) {
  if (closed || !triggers.contains(what.trigger))
    return caf::unit;
  kv_batch batch;
  std::vector<keys::slot_key> left;
  for (const auto slot : what.missed) {
    const auto row = slot_row(what.trigger, slot);
    const auto key = key_of_slot(what.trigger, slot);
    if (is_decided(row) || under_way(key))
      continue;
    // What passed in a pause is paused, also while nobody looked: `resume --catch-up` may ask for
    // it.
    const bool of_pause = seed.record.paused || triggers[what.trigger].paused;
    auto now = left_out(key, of_pause ? slot_outcome::paused : slot_outcome::missed,
                        !of_pause            ? reason::misfire_policy
                        : seed.record.paused ? reason::workflow_paused
                                             : reason::trigger_paused,
                        seed.context->now());
    now.version = seed.record.version;
    if (!PINION_MUTATION("drop_missed_record"))
      put_slot(batch, now, row ? &*row : nullptr);
    if (const auto ahead = loaded.find(key); ahead != loaded.end())
      drop_loaded(ahead);
    left.push_back(key);
  }
  if (what.more)
    owing[what.trigger] = what.missed.back();
  else
    owing.erase(what.trigger);
  // Before anything else is settled: the cursor must not pass them.
  std::set<keys::slot_key> open;
  for (const auto slot : what.run) {
    fire(what.trigger, slot);
    open.insert(key_of_slot(what.trigger, slot));
  }
  if (!left.empty()) {
    spdlog::warn("slots passed unnoticed and are left out: trigger={}/{} slots={}", id(),
                 what.trigger, left.size());
    const auto last = left.back().slot;
    for (const auto& key : left) {
      begin_writing(what.trigger, key.slot);
      open.insert(key);
    }
    decided[what.trigger] = std::max(decided[what.trigger], last);
    submit(std::move(batch), [this, left, last] {
      for (const auto& key : left) {
        tell_slot(key);
        end_writing(key.trigger, key.slot);
      }
      settled(left.back().trigger, last);
    });
  }
  // The PLANNER plans nothing behind them before they are durable.
  auto promise = self->make_response_promise<caf::unit_t>();
  when_durable(std::move(open), [promise]() mutable { promise.deliver(caf::unit); });
  return promise;
}

// -- pause

// The row of the workflow is the ENGINE's to write: it has done so when it sends `record`.
caf::result<operation_answer> workflow_state_data::pause(const msg::pause_trigger& what) {
  if (what.record) {
    seed.record = *what.record;
    return operation_answer{1};
  }
  const auto known = triggers.find(what.trigger);
  if (known == triggers.end())
    return to_error({errc::not_found, id() + " has no trigger " + what.trigger, {}});
  auto& record = known->second;
  record.paused = true;
  record.paused_by = what.by.who;
  record.paused_reason = what.by.reason;
  record.paused_at = seed.context->now();
  kv_batch batch;
  put_trigger(batch, record);
  put_audit(batch, audit(what.by, "pause", id() + '/' + what.trigger), what.by.request.get());
  auto promise = self->make_response_promise<operation_answer>();
  submit(std::move(batch), [promise]() mutable { promise.deliver(operation_answer{1}); });
  return promise;
}

result<std::vector<slot_record>> workflow_state_data::paused_slots(const std::string& trigger,
                                                                   instant since) const {
  slot_filter filter;
  filter.workflow = id();
  filter.trigger = trigger;
  filter.outcome = slot_outcome::paused;
  page_request ask;
  ask.limit = 1'000;
  std::vector<slot_record> out;
  do {
    BOOST_OUTCOME_TRY(rows, store_reader{*seed.context->ports.kv}.list_slots(filter, ask));
    for (auto& row : rows.items)
      if (row.decided_at >= since && row.trigger == trigger)
        out.push_back(std::move(row));
    ask.cursor = rows.next;
  } while (!ask.cursor.empty());
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.slot < b.slot; });
  return out;
}

caf::result<operation_answer> workflow_state_data::resume(const msg::resume_trigger& what) {
  kv_batch batch;
  std::map<std::string, instant> since;
  if (what.record) {
    for (const auto& [name_of, _] : triggers)
      since[name_of] = seed.record.paused_at;
    seed.record = *what.record;
  } else {
    const auto known = triggers.find(what.trigger);
    if (known == triggers.end())
      return to_error({errc::not_found, id() + " has no trigger " + what.trigger, {}});
    since[what.trigger] = known->second.paused_at;
    known->second.paused = false;
    put_trigger(batch, known->second);
    put_audit(batch, audit(what.by, "resume", id() + '/' + what.trigger), what.by.request.get());
  }
  std::vector<keys::slot_key> owed;
  if (what.owed != catch_up::none)
    for (const auto& [name_of, from] : since) {
      const auto rows = paused_slots(name_of, from);
      if (!rows)
        return to_error(rows.error());
      const auto& all = rows.value();
      const auto first = what.owed == catch_up::last && !all.empty() ? all.end() - 1 : all.begin();
      for (auto row = first; row != all.end(); ++row)
        owed.push_back(key_of_slot(row->trigger, row->slot));
    }
  auto promise = self->make_response_promise<operation_answer>();
  submit(std::move(batch), [this, promise, owed]() mutable {
    for (const auto& key : owed) {
      const auto now = slot_row(key.trigger, key.slot);
      if (now && now->outcome == slot_outcome::paused)
        decide(key.trigger, key.slot, now);
    }
    const operation_answer answer{static_cast<std::uint32_t>(owed.size())};
    when_durable({owed.begin(), owed.end()},
                 [promise, answer]() mutable { promise.deliver(answer); });
  });
  return promise;
}

} // namespace pinion
