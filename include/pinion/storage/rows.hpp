#pragma once

#include "pinion/model/backfill.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/kv.hpp"

#include <cstdint>
#include <span>
#include <string_view>

/// Writers of rows: each appends to a batch everything that one change of one record needs, its
/// indexes and counters included, so that no caller can forget one. Where a function takes
/// `before`, that is the row as it stands in the store (null: there is none); a wrong `before`
/// leaves stale index rows behind. Pure.
namespace pinion {

/// Writes the run, its natural key, its place in all lists, the counters by state, and its `live`
/// row, which exists while the run is not terminal. The identity of a run (id, lane, workflow,
/// trigger, slot) never changes between `before` and `now`.
void put_run(kv_batch& batch, const run_record& now, const run_record* before);
/// Removes the run and all its index rows, and those of `settled` edges; not its instances,
/// attempts and outputs: for planned runs that an edit makes void. Numbers of runs are given by
/// `store_reader::highest_run`, so the newest run may only be erased in a batch that creates a
/// newer one, or if nobody has seen its number.
void erase_run(kv_batch& batch, const run_record& before,
               std::span<const edge_record> settled = {});

/// One put: lists find instances through `run_record::counts`, which the same batch must carry.
void put_instance(kv_batch& batch, const instance_record& now);
void erase_instance(kv_batch& batch, const instance_key& key);

void put_attempt(kv_batch& batch, const attempt_record& now);
void put_output(kv_batch& batch, const output_record& now);
void erase_output(kv_batch& batch, const instance_key& key);

void put_permit(kv_batch& batch, const permit_record& now);
void erase_permit(kv_batch& batch, const permit_record& before);

/// Writes the slot; while it is planned also its row in the plan, once it is late, missed, skipped
/// or paused also its row in the list of that outcome.
void put_slot(kv_batch& batch, const slot_record& now, const slot_record* before);
void erase_slot(kv_batch& batch, const slot_record& before);

/// A settled edge of a run; erased when a rerun opens it again.
void put_edge(kv_batch& batch, const edge_record& now);
void erase_edge(kv_batch& batch, const edge_record& before);

/// Writes the switch of a task, or removes its row when it is `normal` again.
void put_task_switch(kv_batch& batch, const task_switch& now);

void put_backfill(kv_batch& batch, const backfill_record& now, const backfill_record* before);
/// Removes the backfill and its place in the list; not its slots.
void erase_backfill(kv_batch& batch, const backfill_record& before);
/// Writes the slot of a backfill, its place in the lists by state, their counters, and, while it is
/// pending or running, its row among what is to be done. The key, workflow, trigger and slot never
/// change between `before` and `now`.
void put_backfill_item(kv_batch& batch, const backfill_item& now, const backfill_item* before);

/// Removes the slot of a backfill and all that `put_backfill_item` wrote beside it.
void erase_backfill_item(kv_batch& batch, const backfill_item& before);

void put_trigger(kv_batch& batch, const trigger_record& now);
/// Moves a trigger's cursor forward, in a row of its own: whoever writes the trigger at the same
/// time loses nothing. What is read is the later one of both.
void put_cursor(kv_batch& batch, std::string_view workflow, std::string_view trigger, instant upto);
/// From when on the slots of a workflow's present version count: what is planned before it belongs
/// to the version of then. `never`: from the beginning; the row goes.
void put_rule_from(kv_batch& batch, std::string_view workflow, instant from);
void put_workflow(kv_batch& batch, const workflow_record& now);
void put_version(kv_batch& batch, const version_record& now);
/// `settings_json`: project_settings as its owner writes it.
void put_project(kv_batch& batch, std::string_view project, std::string_view settings_json);

/// Remembers which run a caller's idempotency key made.
void put_request_key(kv_batch& batch, std::string_view workflow, std::string_view key, run_id run);

/// Appends the record under its sequence; with sequence 0 it is numbered later by `number_audit`.
void put_audit(kv_batch& batch, const audit_record& now);
/// Gives each audit row of the batch that has no sequence yet the next one, and advances `next`
/// past it. Called by the only writer just before it commits, so that there are no gaps.
void number_audit(kv_batch& batch, std::uint64_t& next);

} // namespace pinion
