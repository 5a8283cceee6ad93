#include "pinion/storage/rows.hpp"

#include "pinion/model/mutation.hpp"
#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"

namespace pinion {
namespace {

keys::slot_key natural_key(const run_record& run) {
  return {run.lane, run.workflow, run.trigger, run.slot};
}

keys::slot_key key_of(const slot_record& slot) {
  return {slot.lane, slot.workflow, slot.trigger, slot.slot};
}

keys::permit_key key_of(const permit_record& permit) {
  return {permit.project, permit.pool, permit.holder, permit.attempt};
}

std::string in_workflow(const run_record& run) {
  return keys::newest_first(keys::runs_by_workflow(run.lane, run.workflow), run.id);
}

std::string in_trigger(const run_record& run) {
  return keys::newest_first(keys::runs_by_trigger(run.lane, run.workflow, run.trigger), run.id);
}

std::string with_instance(const run_record& run, instance_state state) {
  return keys::newest_first(keys::runs_by_instance_state(run.lane, state), run.id);
}

/// The rows that depend on the state of a run.
void enter_state(kv_batch& batch, const run_record& run) {
  const auto state = run.state;
  batch.put(family::index,
            keys::newest_first(keys::runs_by_workflow(run.lane, run.workflow, state), run.id), {});
  if (!PINION_MUTATION("forget_state_index"))
    batch.put(family::index, keys::newest_first(keys::runs_by_state(run.lane, state), run.id), {});
  batch.add(family::index, keys::counter({run.lane, run.workflow, state}), 1);
}

void leave_state(kv_batch& batch, const run_record& run) {
  const auto state = run.state;
  batch.erase(family::index,
              keys::newest_first(keys::runs_by_workflow(run.lane, run.workflow, state), run.id));
  batch.erase(family::index, keys::newest_first(keys::runs_by_state(run.lane, state), run.id));
  if (!PINION_MUTATION("forget_counter"))
    batch.add(family::index, keys::counter({run.lane, run.workflow, state}), -1);
}

void update_live(kv_batch& batch, const run_record& now, const run_record* before) {
  const bool was = before != nullptr && !is_terminal(before->state);
  const bool is = !is_terminal(now.state);
  if (is && !was && !PINION_MUTATION("forget_live_index"))
    batch.put(family::live, keys::run(now.id), {});
  if (was && !is && !PINION_MUTATION("keep_live_index"))
    batch.erase(family::live, keys::run(now.id));
}

/// One row a run and state that it has instances in, whatever their number.
void update_instance_states(kv_batch& batch, const run_record& now, const run_record* before) {
  for (std::size_t i = 0; i < instance_state_count; ++i) {
    const bool was = before != nullptr && before->counts[i] != 0;
    const bool is = now.counts[i] != 0;
    if (is && !was)
      batch.put(family::index, with_instance(now, static_cast<instance_state>(i)), {});
    if (was && !is)
      batch.erase(family::index, with_instance(now, static_cast<instance_state>(i)));
  }
}

keys::backfill_item_key key_of(const backfill_item& item) { return {item.backfill, item.position}; }

std::string open_row(const backfill_item& item) {
  return keys::open_item({item.workflow, item.trigger, item.slot, key_of(item)});
}

bool is_open(backfill_item_state state) noexcept {
  return state == backfill_item_state::pending || state == backfill_item_state::running;
}

bool is_listed(slot_outcome outcome) noexcept {
  return outcome != slot_outcome::planned && outcome != slot_outcome::fired;
}

} // namespace

void put_run(kv_batch& batch, const run_record& now, const run_record* before) {
  batch.put(family::runs, keys::run(now.id), codecs::encode(now));
  if (before == nullptr) {
    if (!PINION_MUTATION("forget_natural_key"))
      batch.put(family::slots, keys::natural(natural_key(now)), codecs::encode_run_id(now.id));
    batch.put(family::index, in_workflow(now), {});
    batch.put(family::index, in_trigger(now), {});
  }
  if (before == nullptr || before->state != now.state) {
    if (before != nullptr)
      leave_state(batch, *before);
    enter_state(batch, now);
    update_live(batch, now, before);
  }
  update_instance_states(batch, now, before);
}

void erase_run(kv_batch& batch, const run_record& before, std::span<const edge_record> settled) {
  for (const auto& edge : settled)
    erase_edge(batch, edge);
  batch.erase(family::runs, keys::run(before.id));
  batch.erase(family::slots, keys::natural(natural_key(before)));
  batch.erase(family::index, in_workflow(before));
  batch.erase(family::index, in_trigger(before));
  leave_state(batch, before);
  if (!is_terminal(before.state))
    batch.erase(family::live, keys::run(before.id));
  for (std::size_t i = 0; i < instance_state_count; ++i)
    if (before.counts[i] != 0)
      batch.erase(family::index, with_instance(before, static_cast<instance_state>(i)));
}

void put_instance(kv_batch& batch, const instance_record& now) {
  batch.put(family::instances, keys::instance(now.key), codecs::encode(now));
}

void erase_instance(kv_batch& batch, const instance_key& key) {
  batch.erase(family::instances, keys::instance(key));
}

void put_attempt(kv_batch& batch, const attempt_record& now) {
  batch.put(family::attempts, keys::attempt({now.instance, now.number}), codecs::encode(now));
}

void put_output(kv_batch& batch, const output_record& now) {
  if (PINION_MUTATION("lose_outputs"))
    return;
  batch.put(family::outputs, keys::instance(now.instance), codecs::encode(now));
}

void erase_output(kv_batch& batch, const instance_key& key) {
  batch.erase(family::outputs, keys::instance(key));
}

void put_permit(kv_batch& batch, const permit_record& now) {
  batch.put(family::permits, keys::permit(key_of(now)), codecs::encode(now));
}

void erase_permit(kv_batch& batch, const permit_record& before) {
  batch.erase(family::permits, keys::permit(key_of(before)));
}

void put_slot(kv_batch& batch, const slot_record& now, const slot_record* before) {
  const auto key = key_of(now);
  batch.put(family::slots, keys::slot(key), codecs::encode(now));
  if (before != nullptr && before->outcome == now.outcome)
    return;
  // Also of a slot that was not planned when its decider looked: its row may have come meanwhile.
  const bool by_clock = !now.trigger.starts_with('@');
  if (now.outcome != slot_outcome::planned &&
      (before != nullptr ? before->outcome == slot_outcome::planned : by_clock))
    batch.erase(family::slots, keys::plan(key));
  if (before != nullptr && is_listed(before->outcome))
    batch.erase(family::index, keys::slot_outcome(key, before->outcome));
  if (now.outcome == slot_outcome::planned && !PINION_MUTATION("forget_plan_row"))
    batch.put(family::slots, keys::plan(key), {});
  if (is_listed(now.outcome))
    batch.put(family::index, keys::slot_outcome(key, now.outcome), {});
}

void erase_slot(kv_batch& batch, const slot_record& before) {
  const auto key = key_of(before);
  batch.erase(family::slots, keys::slot(key));
  if (before.outcome == slot_outcome::planned)
    batch.erase(family::slots, keys::plan(key));
  if (is_listed(before.outcome))
    batch.erase(family::index, keys::slot_outcome(key, before.outcome));
}

void put_edge(kv_batch& batch, const edge_record& now) {
  batch.put(family::slots, keys::edge({now.run, now.task, now.need}), codecs::encode(now));
}

void erase_edge(kv_batch& batch, const edge_record& before) {
  batch.erase(family::slots, keys::edge({before.run, before.task, before.need}));
}

void put_task_switch(kv_batch& batch, const task_switch& now) {
  auto key = keys::task_switch({now.workflow, now.task});
  if (now.mode == task_mode::normal)
    batch.erase(family::definitions, std::move(key));
  else
    batch.put(family::definitions, std::move(key), codecs::encode(now));
}

void put_backfill(kv_batch& batch, const backfill_record& now, const backfill_record* before) {
  batch.put(family::slots, keys::backfill(now.id), codecs::encode(now));
  if (before == nullptr)
    batch.put(family::index, keys::backfill_by_workflow(now.workflow, now.id), {});
}

void erase_backfill(kv_batch& batch, const backfill_record& before) {
  batch.erase(family::slots, keys::backfill(before.id));
  batch.erase(family::index, keys::backfill_by_workflow(before.workflow, before.id));
}

void put_backfill_item(kv_batch& batch, const backfill_item& now, const backfill_item* before) {
  const auto key = key_of(now);
  batch.put(family::slots, keys::backfill_item(key), codecs::encode(now));
  if (before != nullptr && before->state == now.state)
    return;
  if (before != nullptr) {
    batch.erase(family::index, keys::item_by_state(key, before->state));
    batch.add(family::index, keys::item_counter(now.backfill, before->state), -1);
  }
  batch.put(family::index, keys::item_by_state(key, now.state), {});
  batch.add(family::index, keys::item_counter(now.backfill, now.state), 1);
  const bool was = before != nullptr && is_open(before->state);
  if (is_open(now.state) && !was)
    batch.put(family::index, open_row(now), {});
  if (was && !is_open(now.state))
    batch.erase(family::index, open_row(now));
}

void erase_backfill_item(kv_batch& batch, const backfill_item& before) {
  const auto key = key_of(before);
  batch.erase(family::slots, keys::backfill_item(key));
  batch.erase(family::index, keys::item_by_state(key, before.state));
  batch.add(family::index, keys::item_counter(before.backfill, before.state), -1);
  if (is_open(before.state))
    batch.erase(family::index, open_row(before));
}

void put_trigger(kv_batch& batch, const trigger_record& now) {
  batch.put(family::definitions, keys::trigger({now.workflow, now.trigger}), codecs::encode(now));
}

void put_cursor(kv_batch& batch, std::string_view workflow, std::string_view trigger,
                instant upto) {
  batch.put(family::definitions, keys::cursor({std::string{workflow}, std::string{trigger}}),
            codecs::encode_counter(to_us(upto)));
}

void put_rule_from(kv_batch& batch, std::string_view workflow, instant from) {
  if (from == never)
    batch.erase(family::definitions, keys::rule_from(workflow));
  else
    batch.put(family::definitions, keys::rule_from(workflow), codecs::encode_counter(to_us(from)));
}

void put_workflow(kv_batch& batch, const workflow_record& now) {
  batch.put(family::definitions, keys::workflow(now.id), codecs::encode(now));
}

void put_version(kv_batch& batch, const version_record& now) {
  batch.put(family::definitions, keys::version({now.workflow, now.version}), codecs::encode(now));
}

void put_project(kv_batch& batch, std::string_view project, std::string_view settings_json) {
  batch.put(family::definitions, keys::project(project), codecs::encode_project(settings_json));
}

void put_request_key(kv_batch& batch, std::string_view workflow, std::string_view key, run_id run) {
  if (PINION_MUTATION("forget_request_key"))
    return;
  batch.put(family::slots, keys::request({std::string{workflow}, std::string{key}}),
            codecs::encode_run_id(run));
}

void put_audit(kv_batch& batch, const audit_record& now) {
  batch.put(family::audit, keys::audit(now.sequence), codecs::encode(now));
}

void number_audit(kv_batch& batch, std::uint64_t& next) {
  const auto unnumbered = keys::audit(0);
  for (auto& write : batch.writes)
    if (write.in == family::audit && write.key == unnumbered)
      write.key = keys::audit(next++);
}

} // namespace pinion
