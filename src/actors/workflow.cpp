#include "actors/workflow.hpp"

#include "actors/crash.hpp"
#include "actors/why_foreign.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

void workflow_state_data::start_up() {
  versions[seed.record.version] = seed.definition;
  self->set_exit_handler([this](caf::exit_msg& what) {
    if (what.source == seed.context->engine.address())
      self->quit(what.reason);
    else
      run_down(what.source, what.reason);
  });
  read_triggers();
  const auto switched = store_reader{*seed.context->ports.kv}.task_switches_of(id());
  if (!switched) {
    seed.context->ports.fatal("the switches of " + id() +
                              " cannot be read: " + switched.error().message);
    return;
  }
  for (const auto& row : switched.value())
    switches[row.task] = row.mode;
  seed.context->set_switches(id(), switches);
  if (seed.again) {
    auto live_runs = store_reader{*seed.context->ports.kv}.live_runs();
    if (!live_runs) {
      seed.context->ports.fatal("the live runs cannot be read: " + live_runs.error().message);
      return;
    }
    std::erase_if(live_runs.value(), [&](const auto& run) { return run.workflow != id(); });
    seed.live = std::move(live_runs).value();
  }
  for (const auto& record : std::exchange(seed.live, {})) {
    enter_live(record);
    if (seed.again)
      replace_run(record.id);
    else
      runs[record.id].actor = restore_run(record, 0);
  }
  if (seed.again)
    tell_ends_of_the_former();
  admit_next();
}

void workflow_state_data::read_triggers() {
  const auto before = std::exchange(triggers, {});
  const auto rows = store_reader{*seed.context->ports.kv}.triggers_of(id());
  if (!rows) {
    seed.context->ports.fatal("the triggers cannot be read: " + rows.error().message);
    return;
  }
  for (const auto& row : rows.value()) {
    auto& at = triggers[row.trigger] = row;
    // Of a trigger that goes on, this actor knows better: its last changes may be on their way.
    const auto known = before.find(row.trigger);
    if (known != before.end() && known->second.since == row.since) {
      at = known->second;
      at.retired = row.retired;
    }
    decided[row.trigger] = std::max(decided[row.trigger], at.cursor);
  }
}

std::shared_ptr<const workflow_definition> workflow_state_data::version(std::uint32_t number) {
  if (const auto known = versions.find(number); known != versions.end())
    return known->second;
  const auto row = store_reader{*seed.context->ports.kv}.version(id(), number);
  if (!row || !row.value())
    return nullptr;
  auto definition = from_canonical_json(row.value()->definition);
  if (!definition)
    return nullptr;
  return versions[number] =
             std::make_shared<const workflow_definition>(std::move(definition).value());
}

const trigger_definition* workflow_state_data::trigger_named(const std::string& wanted) const {
  const auto& all = seed.definition->triggers;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.id == wanted; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<admission_candidate> workflow_state_data::live() const {
  std::vector<admission_candidate> out;
  for (const auto& [_, run] : runs)
    if (run.fired)
      out.push_back(run.candidate);
  return out;
}

void workflow_state_data::set_version(const msg::set_version& what) {
  closed = false; // It was not deleted after all.
  seed.definition = what.definition;
  seed.record = what.record;
  versions[what.record.version] = what.definition;
  // Of the others, only those that runs are pinned to.
  std::erase_if(versions, [&](const auto& each) {
    return each.first != what.record.version &&
           std::none_of(runs.begin(), runs.end(),
                        [&](const auto& run) { return run.second.version == each.first; });
  });
  read_triggers();
  admit_next();
}

void workflow_state_data::submit(kv_batch batch, std::function<void()> done) {
  msg::submit what;
  what.batch = std::move(batch);
  self->request(seed.context->journal, caf::infinite, std::move(what))
      .then([done = std::move(done)](std::uint64_t) { done(); });
}

audit_record workflow_state_data::audit(const caller& by, std::string verb,
                                        std::string object) const {
  audit_record record;
  record.at = seed.context->now();
  record.who = by.who;
  record.verb = std::move(verb);
  record.object = std::move(object);
  record.reason = by.reason;
  return record;
}

// The rules of `admitted_next`, each that holds the run back as a cause.
std::vector<blocked_by> workflow_state_data::explain_admission(run_id run) const {
  std::vector<blocked_by> causes;
  const auto found = runs.find(run);
  if (found == runs.end())
    return causes;
  const auto& asked = found->second.candidate;
  foreign_runs others{*seed.context->ports.kv, seed.context->now()};
  std::string active;
  std::uint32_t count = 0;
  std::uint32_t before = 0;
  instant first_end = never;
  const auto row = store_reader{*seed.context->ports.kv}.run(run);
  const auto since = row && row.value() ? row.value()->fired_at : never;
  blocked_by overlap{"overlap", {}, {}, since, never};
  bool cancelled = false; // What blocks by `overlap`.
  for (const auto& [other, at] : runs) {
    if (!at.fired || other == run)
      continue;
    if (!at.candidate.admitted) {
      before += at.candidate.wants && other < run ? 1U : 0U;
      continue;
    }
    ++count;
    active += (active.empty() ? "" : ", ") + to_string(other);
    const auto end = others.end_of(other);
    if (end != never && (first_end == never || end < first_end))
      first_end = end;
    if (at.candidate.trigger == asked.trigger && asked.overlap != overlap_policy::allow) {
      overlap.ref = to_string(other);
      overlap.until = end;
      const auto blocking = store_reader{*seed.context->ports.kv}.run(other);
      cancelled = blocking && blocking.value() && blocking.value()->cancel_requested &&
                  blocking.value()->why == reason::cancelled_by_next;
    }
  }
  if (count >= std::max(seed.definition->max_active_runs, 1U))
    causes.push_back({"limit", id(),
                      "waits for its turn: max_active_runs is " +
                          std::to_string(seed.definition->max_active_runs) + ", active: " + active +
                          (before == 0 ? "" : "; " + std::to_string(before) + " wait before it"),
                      since, before == 0 ? first_end : never});
  if (!overlap.ref.empty()) {
    const bool cancels = asked.overlap == overlap_policy::cancel_running;
    overlap.message = (cancels && cancelled ? "cancels " : "waits for ") + overlap.ref +
                      ", an earlier run of the same trigger, as `overlap: " +
                      (cancels                                      ? "cancel_running"
                       : asked.overlap == overlap_policy::skip      ? "skip"
                       : asked.overlap == overlap_policy::queue_one ? "queue_one"
                                                                    : "queue") +
                      "` says";
    if (before > 0)
      overlap.until = never;
    causes.push_back(std::move(overlap));
  }
  if (causes.empty())
    causes.push_back(
        {"limit", id(), "its turn has come; the start is being written", since, never});
  return causes;
}

msg::workflow_status workflow_state_data::status() const {
  msg::workflow_status out;
  out.paused = seed.record.paused;
  for (const auto& [_, at] : runs)
    if (at.fired) {
      ++out.live;
      out.queued += at.candidate.admitted ? 0U : 1U;
    }
  return out;
}

// Whoever asks from outside comes through the ENGINE, which sends nothing any more.
msg::workflow_status workflow_state_data::close() {
  auto out = status();
  const bool writes = std::any_of(writing.begin(), writing.end(),
                                  [](const auto& each) { return !each.second.empty(); });
  out.live += static_cast<std::uint32_t>(launching.size()) + (writes ? 1U : 0U);
  if (out.live == 0) {
    unload(never);
    closed = true;
  }
  return out;
}

workflow_actor::behavior_type workflow(workflow_actor::stateful_pointer<workflow_state_data> self,
                                       workflow_seed seed) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.seed = std::move(seed);
  self->state.start_up();
  return {
      [self](const msg::set_version& what) { self->state.set_version(what); },
      [self](const msg::load_slot& what) { self->state.load(what); },
      [self](const msg::fire_slot& what) { self->state.fire(what.trigger, what.slot); },
      [self](const msg::owed_slots& what) { return self->state.pay_owed(what); },
      [self](const msg::unload_slots& what) { self->state.unload(what.from); },
      [self](const msg::make_slot& what) { return self->state.make(what); },
      [self](const msg::switch_task& what) { return self->state.switch_task(what); },
      [self](const msg::trigger_run& what) { return self->state.trigger_manually(what); },
      [self](const msg::call_run& what) { return self->state.call(what); },
      [self](const msg::pause_trigger& what) { return self->state.pause(what); },
      [self](const msg::resume_trigger& what) { return self->state.resume(what); },
      [self](const msg::run_ended& what) { self->state.ended(what.run); },
      [self](const msg::run_reopened& what) { self->state.reopened(what.run); },
      [self](const msg::run_wants& what) { self->state.wants(what); },
      [self](const msg::find_run& what) { return self->state.find(what.run); },
      [self](const msg::seal_run& what) { return self->state.seal(what.run); },
      [self](const msg::unseal_run& what) { self->state.unseal(what.run); },
      [self](const msg::workflow_query&) { return self->state.status(); },
      [self](const msg::close_workflow&) { return self->state.close(); },
      [self](const msg::admission_query& what) { return self->state.explain_admission(what.run); },
  };
}

} // namespace pinion
