#include "actors/edge_lookup.hpp"

#include "actors/engine.hpp"
#include "actors/why_foreign.hpp"
#include "actors/why_text.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <charconv>

namespace pinion {

namespace {

bound_state ended(upstream_class outcome, json_text outputs = "{}") {
  return {outcome == upstream_class::pending ? bound_state::kind::pending
                                             : bound_state::kind::ended,
          outcome, std::move(outputs)};
}

constexpr bound_state left_out() { return {bound_state::kind::left_out, {}, "{}"}; }

} // namespace

upstream_class class_of(run_state state) noexcept {
  switch (state) {
  case run_state::success:
    return upstream_class::success;
  case run_state::skipped:
    return upstream_class::skipped;
  case run_state::failed:
  case run_state::cancelled:
    return upstream_class::failed;
  case run_state::planned:
  case run_state::queued:
  case run_state::running:
    break;
  }
  return upstream_class::pending;
}

keys::slot_key key_of(const bound_edge& edge, instant slot) {
  return {"main", edge.workflow, edge.trigger, slot};
}

edge_lookup::edge_lookup(const engine_context& context)
    : context_{context}, view_{context.ports.kv->snapshot()}, store_{*view_},
      definitions_{context.definitions()} {}

result<bound_state> edge_lookup::state_of(const bound_edge& edge, instant slot) {
  BOOST_OUTCOME_TRY(row, store_.slot(key_of(edge, slot)));
  if (!row)
    return without_row(edge, slot);
  if (row->outcome == slot_outcome::planned)
    return bound_state{};
  if (row->run == run_id{})
    return left_out();
  BOOST_OUTCOME_TRY(run, store_.run(row->run));
  return run ? of_run(edge, *run) : result<bound_state>{bound_state{}};
}

// The clock still makes it, or it never will.
result<bound_state> edge_lookup::without_row(const bound_edge& edge, instant slot) const {
  // Its row comes, and whoever waits is told; also if it has come since this view was taken.
  if (context_.deciding.contains(edge.workflow, edge.trigger, slot))
    return bound_state{};
  BOOST_OUTCOME_TRY(meanwhile, store_reader{*context_.ports.kv}.slot(key_of(edge, slot)));
  if (meanwhile)
    return bound_state{};
  if (edge.trigger.starts_with('@'))
    return of_isolated(edge, slot);
  const auto known = definitions_->directory().find(edge.workflow, edge.trigger);
  if (!known || !is_slot(*known->slots, slot))
    return left_out();
  BOOST_OUTCOME_TRY(trigger, store_.trigger(edge.workflow, edge.trigger));
  if (!trigger || trigger->retired || slot <= trigger->since)
    return left_out();
  if (slot > trigger->cursor)
    return bound_state{};
  // It has been decided, and its row has expired; or it is owed, and a backfill makes it.
  BOOST_OUTCOME_TRY(comes, is_to_be_made(edge, slot));
  return comes ? bound_state{} : left_out();
}

result<bool> edge_lookup::is_to_be_made(const bound_edge& edge, instant slot) const {
  BOOST_OUTCOME_TRY(owed, view_->get(family::meta, catch_up_key(edge.workflow, edge.trigger)));
  if (owed)
    return true;
  BOOST_OUTCOME_TRY(items, store_.open_backfill_items(edge.workflow, edge.trigger, slot));
  for (const auto& item : items) {
    BOOST_OUTCOME_TRY(backfill, store_.backfill(item.backfill));
    if (backfill && !backfill->isolated)
      return true;
  }
  return false;
}

// Its own earlier slots: those that the backfill still has to make come, no others.
result<bound_state> edge_lookup::of_isolated(const bound_edge& edge, instant slot) const {
  const auto dot = edge.trigger.find('.');
  std::uint64_t id = 0;
  if (dot != std::string::npos)
    std::from_chars(edge.trigger.data() + dot + 1, edge.trigger.data() + edge.trigger.size(), id);
  BOOST_OUTCOME_TRY(backfill, store_.backfill(id));
  if (!backfill)
    return left_out();
  BOOST_OUTCOME_TRY(items, store_.open_backfill_items(edge.workflow, backfill->trigger, slot));
  const bool comes = std::any_of(items.begin(), items.end(),
                                 [id](const backfill_item& item) { return item.backfill == id; });
  return comes ? bound_state{} : left_out();
}

result<bound_state> edge_lookup::of_run(const bound_edge& edge, const run_record& run) {
  if (edge.upstream_task.empty())
    return ended(class_of(run.state));
  BOOST_OUTCOME_TRY(core, restored(run));
  const auto task = core->task_named(edge.upstream_task);
  // Its version did not have the task.
  if (!task)
    return left_out();
  const auto outcome = core->class_of(*task);
  const bool over = outcome != upstream_class::pending;
  return ended(outcome, over ? core->outputs_of(*task) : "{}");
}

result<std::shared_ptr<const workflow_definition>> edge_lookup::version_of(const run_record& run) {
  auto& known = versions_[{run.workflow, run.version}];
  if (known)
    return known;
  BOOST_OUTCOME_TRY(version, store_.version(run.workflow, run.version));
  if (!version)
    return problem{errc::corrupt,
                   "version " + std::to_string(run.version) + " of " + run.workflow + " is missing",
                   {}};
  BOOST_OUTCOME_TRY(definition, from_canonical_json(version->definition));
  return known = std::make_shared<const workflow_definition>(std::move(definition));
}

result<const run_core*> edge_lookup::restored(const run_record& run) {
  // A window may have thousands of runs: what is read twice is read soon.
  if (read_.size() > max_read)
    read_.clear();
  auto& known = read_[run.id];
  if (known)
    return known.get();
  BOOST_OUTCOME_TRY(definition, version_of(run));
  BOOST_OUTCOME_TRY(instances, store_.instances_of(run.id));
  BOOST_OUTCOME_TRY(attempts, store_.newest_attempts_of(run.id));
  BOOST_OUTCOME_TRY(outputs, store_.outputs_of(run.id));
  BOOST_OUTCOME_TRY(core, run_core::restore(definition, run, std::move(instances),
                                            std::move(attempts), std::move(outputs)));
  known = std::make_unique<run_core>(std::move(core));
  return known.get();
}

result<std::optional<instant>> edge_lookup::run_before(const bound_edge& edge, instant slot) const {
  BOOST_OUTCOME_TRY(row, store_.slot_before(key_of(edge, slot)));
  return row ? std::optional{row->slot} : std::nullopt;
}

std::string edge_lookup::pause_of(const bound_edge& edge) const {
  const auto by = [](const std::string& who, const std::string& why) {
    return (who.empty() ? std::string{"somebody"} : who) + (why.empty() ? "" : " (" + why + ')');
  };
  if (const auto workflow = store_.workflow(edge.workflow);
      workflow && workflow.value() && workflow.value()->paused)
    return ", and " + edge.workflow + " is paused by " +
           by(workflow.value()->paused_by, workflow.value()->paused_reason);
  if (const auto trigger = store_.trigger(edge.workflow, edge.trigger);
      trigger && trigger.value() && trigger.value()->paused)
    return ", and " + edge.workflow + '/' + edge.trigger + " is paused by " +
           by(trigger.value()->paused_by, trigger.value()->paused_reason);
  const auto project = edge.workflow.substr(0, edge.workflow.find('.'));
  if (!context_.options.triggers || !context_.settings(project)->triggers_enabled)
    return ", and triggers are switched off: `trigger " + edge.workflow + '/' + edge.trigger +
           " --slot` makes it";
  return {};
}

zone edge_lookup::zone_of(const std::string& workflow) const {
  const auto found = definitions_->all().find(workflow);
  const auto in = found == definitions_->all().end() ? result<zone>{zone{}}
                                                     : zone::load(found->second->timezone);
  return in ? in.value() : zone{};
}

blocked_by edge_lookup::explain(const bound_edge& edge, instant slot) {
  const auto name_of =
      edge.workflow + '/' + edge.trigger + '@' + print_local(slot, zone_of(edge.workflow));
  blocked_by out{"upstream", name_of, {}, never, never};
  const auto task = edge.upstream_task.empty() ? std::string{} : edge.upstream_task + " of ";
  out.message = "waits for " + task + name_of;
  const auto row = store_.slot(key_of(edge, slot));
  if (!row) {
    out.message += ", which cannot be read: " + row.error().message;
    return out;
  }
  if (!row.value() || row.value()->outcome == slot_outcome::planned) {
    const auto state = state_of(edge, slot);
    const bool comes = state && state.value().what == bound_state::kind::pending;
    const auto paused = comes ? pause_of(edge) : std::string{};
    out.message += comes ? ", whose time has not come" + paused : ", which nobody has made";
    if (comes && paused.empty() && slot > context_.now())
      out.until = slot; // At the earliest.
    if (!comes)
      out.message += ": `trigger " + edge.workflow + '/' + edge.trigger + " --slot` makes it";
    return out;
  }
  const auto& at = *row.value();
  out.since = at.decided_at;
  if (at.run == run_id{}) {
    out.message += ", which was left out (" + std::string{to_string(at.outcome)} + "): `trigger " +
                   edge.workflow + '/' + edge.trigger + " --slot` makes it";
    return out;
  }
  out.ref = to_string(at.run) + (edge.upstream_task.empty() ? "" : '/' + edge.upstream_task);
  const auto run = store_.run(at.run);
  if (!run || !run.value())
    return out;
  const auto state = of_run(edge, *run.value());
  const bool over = state && state.value().what == bound_state::kind::ended;
  out.message += " (" + to_string(at.run) + ", " + std::string{to_string(run.value()->state)} + ')';
  if (!over)
    out.until = foreign_runs{*view_, context_.now()}.end_of(*run.value());
  if (over && state.value().outcome != upstream_class::success)
    out.message += ", which did not succeed: it goes on once that is rerun and does";
  return out;
}

} // namespace pinion
