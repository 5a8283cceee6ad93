#include "actors/workflow.hpp"

#include "actors/run.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

run_actor workflow_state_data::restore_run(const run_record& record, std::uint32_t incarnation,
                                           bool failing) {
  const store_reader store{*seed.context->ports.kv};
  const auto fail = [&](const std::string& why) {
    if (is_terminal(record.state)) {
      spdlog::error("a run that has ended cannot be read: run={} {}", to_string(record.id), why);
      return run_actor{};
    }
    seed.context->ports.fatal("run " + to_string(record.id) + " cannot be restored: " + why);
    return run_actor{};
  };
  auto definition = version(record.version);
  if (!definition)
    return fail("version " + std::to_string(record.version) + " of " + id() + " is missing");
  auto instances = store.instances_of(record.id);
  auto attempts = store.newest_attempts_of(record.id);
  auto outputs = store.outputs_of(record.id);
  auto slot = store.slot({record.lane, record.workflow, record.trigger, record.slot});
  auto settled = store.edges_of(record.id);
  if (!instances || !attempts || !outputs || !slot || !settled)
    return fail("its rows cannot be read");
  auto edges = slot.value() ? std::move(slot.value()->edges) : std::vector<bound_edge>{};
  auto core = run_core::restore(definition, record, std::move(instances).value(),
                                std::move(attempts).value(), std::move(outputs).value(),
                                std::move(edges), std::move(settled).value());
  if (!core)
    return fail(core.error().message);
  run_seed made;
  made.context = seed.context;
  made.workflow = caf::actor_cast<workflow_actor>(self);
  made.core = std::make_shared<run_core>(std::move(core).value());
  if (const auto at = runs.find(record.id); at != runs.end())
    at->second.candidate.wants = made.core->wants_place();
  made.stored = record;
  made.incarnation = incarnation;
  made.failing = failing;
  return self->spawn<caf::linked>(run, std::move(made));
}

overlap_policy workflow_state_data::overlap_of(const run_record& record) {
  const auto definition = version(record.version);
  const auto& of = definition ? *definition : *seed.definition;
  if (record.trigger == "@manual")
    return of.overlap;
  // Whoever asks for a slot, or calls, means it.
  if (record.trigger.starts_with('@') || !record.requested_by.empty() || record.backfill != 0)
    return overlap_policy::queue;
  const auto trigger = std::find_if(of.triggers.begin(), of.triggers.end(),
                                    [&](const auto& each) { return each.id == record.trigger; });
  return trigger == of.triggers.end() ? of.overlap : trigger->overlap.value_or(of.overlap);
}

void workflow_state_data::enter_live(const run_record& record) {
  auto& at = runs[record.id];
  at.candidate = {record.id,       record.trigger, overlap_of(record), record.ignore_overlap,
                  record.admitted, record.admitted};
  at.slot = record.slot;
  at.version = record.version;
  at.fired = true;
}

void workflow_state_data::ended(run_id run) {
  seed.context->ending.remove(run);
  if (const auto found = runs.find(run); found != runs.end()) {
    if (found->second.actor)
      visited[run] = caf::actor_cast<caf::weak_actor_ptr>(found->second.actor);
    runs.erase(found);
  }
  if (!PINION_MUTATION("admit_nobody_after_an_end"))
    admit_next();
}

void workflow_state_data::reopened(run_id run) {
  if (const auto live_one = runs.find(run); live_one != runs.end()) {
    // It goes on, with another version perhaps.
    const auto row = store_reader{*seed.context->ports.kv}.run(run);
    if (row && row.value())
      live_one->second.version = row.value()->version;
    return;
  }
  const auto seen = visited.find(run);
  const auto strong =
      seen == visited.end() ? nullptr : caf::actor_cast<caf::strong_actor_ptr>(seen->second);
  if (!strong)
    return;
  const auto row = store_reader{*seed.context->ports.kv}.run(run);
  if (!row || !row.value())
    return;
  if (is_terminal(row.value()->state))
    return; // It was moved only.
  enter_live(*row.value());
  runs[run].actor = caf::actor_cast<run_actor>(strong);
  visited.erase(seen);
}

void workflow_state_data::admit_next() {
  const auto all = live();
  for (const auto run : admitted_next(all, seed.definition->max_active_runs)) {
    runs[run].candidate.admitted = true;
    if (runs[run].actor)
      self->send(runs[run].actor, msg::admit_run{});
  }
}

caf::result<run_actor> workflow_state_data::find(run_id run) {
  const auto live_one = runs.find(run);
  if (live_one != runs.end() && live_one->second.actor)
    return live_one->second.actor;
  if (const auto seen = visited.find(run); seen != visited.end())
    if (const auto strong = caf::actor_cast<caf::strong_actor_ptr>(seen->second))
      return caf::actor_cast<run_actor>(strong);
  auto promise = self->make_response_promise<run_actor>();
  const auto [waiting, first] = finding.try_emplace(run);
  waiting->second.push_back(promise);
  // One restoring at a time: two actors of one run would make each other stale.
  if (first && live_one == runs.end() && !sealed.contains(run))
    read_back(run);
  return promise;
}

void workflow_state_data::read_back(run_id run) {
  self->request(seed.context->journal, caf::infinite, msg::replace_writer{run.value})
      .then([this, run](std::uint32_t incarnation) {
        const auto row = store_reader{*seed.context->ports.kv}.run(run);
        if (!row || !row.value()) {
          found(run, problem{errc::not_found, to_string(run) + " does not exist", {}});
          return;
        }
        if (!is_terminal(row.value()->state)) {
          // It was opened again, and its actor crashed before it could tell.
          enter_live(*row.value());
          replace_run(run);
          return;
        }
        if (finding[run].empty()) {
          finding.erase(run);
          return;
        }
        auto actor = restore_run(*row.value(), incarnation);
        if (actor) {
          visited[run] = caf::actor_cast<caf::weak_actor_ptr>(actor);
          found(run, actor);
        } else {
          found(run, problem{errc::corrupt, to_string(run) + " cannot be restored", {}});
        }
      });
}

bool workflow_state_data::seal(run_id run) {
  return !runs.contains(run) && !is_visited(run) && !finding.contains(run) &&
         sealed.insert(run).second;
}

void workflow_state_data::unseal(run_id run) {
  if (sealed.erase(run) != 0 && finding.contains(run))
    read_back(run);
}

bool workflow_state_data::is_visited(run_id run) const {
  const auto seen = visited.find(run);
  return seen != visited.end() && caf::actor_cast<caf::strong_actor_ptr>(seen->second) != nullptr;
}

void workflow_state_data::found(run_id run, const result<run_actor>& actor) {
  const auto waiting = finding.find(run);
  if (waiting == finding.end())
    return;
  auto all = std::move(waiting->second);
  finding.erase(waiting);
  for (auto& promise : all)
    if (actor)
      promise.deliver(actor.value());
    else
      promise.deliver(to_error(actor.error()));
}

void workflow_state_data::run_down(const caf::actor_addr& who, const caf::error& why) {
  const bool crashed = why != caf::exit_reason::user_shutdown;
  for (auto& [run, at] : runs) {
    if (at.actor.address() != who || !crashed)
      continue;
    ++at.crashes;
    spdlog::error("the actor of a run crashed: run={} times={} why={}", to_string(run), at.crashes,
                  caf::to_string(why));
    if (!at.fired) {
      const auto gone = run;
      std::erase_if(loaded, [&](const auto& each) { return each.second == gone; });
      runs.erase(gone);
    } else if (at.crashes > max_restarts + 1) {
      seed.context->ports.fatal("the actor of run " + to_string(run) +
                                " keeps crashing: " + caf::to_string(why));
    } else {
      replace_run(run);
    }
    return;
  }
  const auto seen = std::find_if(visited.begin(), visited.end(),
                                 [&](const auto& each) { return each.second->id() == who.id(); });
  if (seen == visited.end())
    return; // Unloaded, or another actor has its place.
  const auto run = seen->first;
  visited.erase(seen);
  if (!crashed || why == caf::exit_reason::unreachable)
    return; // Nobody looks at it any more.
  spdlog::error("the actor of a run that had ended crashed: run={} why={}", to_string(run),
                caf::to_string(why));
  // What opens it again may be on its way to the disk.
  if (finding.try_emplace(run).second)
    read_back(run);
}

// The actors of their runs went down with the former WORKFLOW while the last batch was under way.
void workflow_state_data::tell_ends_of_the_former() {
  for (const auto run : seed.context->ending.take(id())) {
    const auto row = store_reader{*seed.context->ports.kv}.run(run);
    if (!row) {
      seed.context->ports.fatal("a run cannot be read: " + row.error().message);
      return;
    }
    if (!row.value() || !is_terminal(row.value()->state))
      continue; // Opened again: it is among the live ones.
    tell_again(*row.value());
    self->send(seed.context->engine, msg::run_is_over{*row.value()});
  }
}

void workflow_state_data::replace_run(run_id run) {
  runs[run].actor = nullptr;
  self->request(seed.context->journal, caf::infinite, msg::replace_writer{run.value})
      .then([this, run](std::uint32_t incarnation) {
        const auto row = store_reader{*seed.context->ports.kv}.run(run);
        const auto at = runs.find(run);
        if (at == runs.end()) {
          // Its end was told after all.
          if (finding.contains(run))
            read_back(run);
          return;
        }
        if (!row || !row.value()) {
          relaunch(run);
          return;
        }
        const auto& record = *row.value();
        const keys::slot_key key{"main", id(), record.trigger, record.slot};
        tell_again(record);
        // Whoever waits for the first batch: it is durable.
        relaunched.erase(key);
        tell_launched(key, run);
        cancel_runs(std::exchange(at->second.cancels, {}));
        if (is_terminal(record.state)) {
          // It crashed before it could tell.
          found(run, problem{errc::unavailable, to_string(run) + " has just ended", "ask again"});
          ended(run);
          self->send(seed.context->engine, msg::run_is_over{record});
          return;
        }
        at->second.actor = restore_run(record, incarnation, at->second.crashes > max_restarts);
        found(run, at->second.actor);
        if (at->second.candidate.admitted && !record.admitted)
          self->send(at->second.actor, msg::admit_run{});
        admit_next();
      });
}

// What its actor had to tell once its last batch was durable, and did not: whoever is told twice
// takes no notice.
void workflow_state_data::tell_again(const run_record& record) {
  const auto instances = store_reader{*seed.context->ports.kv}.instances_of(record.id);
  if (!instances) {
    seed.context->ports.fatal("the instances of a run cannot be read: " +
                              instances.error().message);
    return;
  }
  for (const auto& each : instances.value()) {
    // What asks for permits keeps its place in the queue.
    if (!is_active(each.state) && each.state != instance_state::pre_ready)
      self->send(seed.context->dispatcher, msg::withdraw{each.key});
    if (is_terminal(each.state) || each.state == instance_state::retry_wait)
      self->send(seed.context->worker, msg::forget_processes{each.key});
  }
  self->send(seed.context->alerts, msg::alarms_of_run{record.id});
  if (is_terminal(record.state))
    self->send(seed.context->directory, msg::forget_edges{record.id});
  tell_slot({"main", id(), record.trigger, record.slot});
}

// Its first batch never became durable: nothing of it exists. What the clock owes is decided anew;
// who asked is told, and asks again.
void workflow_state_data::relaunch(run_id run) {
  const auto at = runs.find(run);
  const auto trigger = at->second.candidate.trigger;
  const auto slot = at->second.slot;
  const bool by_clock = at->second.by_clock;
  const auto key = key_of_slot(trigger, slot);
  runs.erase(at);
  found(run, problem{errc::not_found, to_string(run) + " does not exist", {}});
  const auto crashes = ++relaunched[key];
  const bool again = crashes <= max_restarts;
  if (again)
    tell_launched(key,
                  problem{errc::unavailable, "the run crashed before it was written", "try again"});
  else
    tell_launched(
        key, problem{errc::internal,
                     "the run crashed " + std::to_string(crashes) + " times before it was written",
                     "the engine's log says why"});
  if (!again)
    relaunched.erase(key);
  if (!triggers.contains(trigger)) {
    end_writing(trigger, slot);
    return;
  }
  const auto row = slot_row(trigger, slot);
  if (!by_clock) {
    const auto* of = trigger_named(trigger);
    const bool due =
        of != nullptr && row && row->outcome == slot_outcome::planned && clock_fires() &&
        slot + jitter_of(of->jitter, id() + '/' + trigger, slot) <= seed.context->now();
    if (due) // Its time came meanwhile, and was passed over.
      decide(trigger, slot, row);
    return;
  }
  if (again) {
    decide_begun(trigger, slot, row);
    return;
  }
  slot_record now;
  now.workflow = id();
  now.trigger = trigger;
  now.slot = slot;
  now.version = seed.record.version;
  now.outcome = slot_outcome::missed;
  now.why = reason::actor_crashed;
  now.decided_at = seed.context->now();
  settle(now, row ? &*row : nullptr);
}

} // namespace pinion
