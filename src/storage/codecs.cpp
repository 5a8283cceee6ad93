#include "pinion/storage/codecs.hpp"

#include "storage/byte_order.hpp"
#include "storage/row_form.hpp"

namespace pinion::codecs {
namespace {

constexpr std::size_t attempt_state_count = 5;
constexpr std::size_t slot_outcome_count = 6;
constexpr std::size_t task_mode_count = 3;
constexpr std::size_t need_state_count = 2;
constexpr std::size_t missing_policy_count = 4;

// Each field once, in the order of the row. `Record` is const when `Archive` writes.

template <class Archive, class Key>
void place(Archive& row, Key& key) {
  row.number(key.run.value);
  row.number(key.task);
  row.number(key.element);
}

template <class Archive, class Needs>
void permits(Archive& row, Needs& needs) {
  row.list(needs, [](Archive& each, auto& need) {
    each.text(need.pool);
    each.number(need.permits);
  });
}

template <class Archive, class Record>
void run_fields(Archive& row, Record& r) {
  row.text(r.lane);
  row.text(r.workflow);
  row.number(r.version);
  row.text(r.trigger);
  row.code(r.state, run_state_count);
  row.code(r.why, any_reason);
  row.text(r.message);
  row.json(r.params);
  row.number(r.priority);
  // From format 2 on: a run as most are spends nothing on what they are not.
  bool special = r.backfill != 0 || !r.modes.empty();
  if (row.format() < 2)
    row.flags(r.ignore_overlap, r.admitted, r.cancel_requested, r.cancel_failed, r.has_parent);
  else
    row.flags(r.ignore_overlap, r.admitted, r.cancel_requested, r.cancel_failed, r.has_parent,
              r.dry, r.isolated, special);
  row.times(r.slot, r.interval_start, r.interval_end, r.created_at, r.fired_at, r.admitted_at,
            r.started_at, r.ended_at, r.last_at);
  if (r.has_parent)
    place(row, r.parent);
  row.text(r.requested_by);
  row.text(r.request_key);
  row.text(r.note);
  for (auto& count : r.counts)
    row.number(count);
  row.number(r.incarnation);
  if (!special)
    return;
  row.number(r.backfill);
  row.list(r.modes, [](Archive& each, auto& task) {
    each.number(task.first);
    each.code(task.second, task_mode_count);
  });
}

template <class Archive, class Record>
void instance_fields(Archive& row, Record& r) {
  row.code(r.state, instance_state_count);
  row.code(r.why, any_reason);
  row.text(r.message);
  row.number(r.attempt);
  row.number(r.epoch);
  row.number(r.retries_used);
  row.number(r.losses);
  row.number(r.step);
  row.number(r.priority);
  row.code(r.stop_as, instance_state_count);
  row.code(r.stop_reason, any_reason);
  bool switched = r.mode != task_mode::normal;
  bool looked = r.look > 0 || r.poll_since != never; // From format 3 on.
  if (row.format() < 2)
    row.flags(r.warned, r.has_outputs, r.placeholder);
  else if (row.format() < 3)
    row.flags(r.warned, r.has_outputs, r.placeholder, switched);
  else if (row.format() < 4)
    row.flags(r.warned, r.has_outputs, r.placeholder, switched, looked);
  else
    row.flags(r.warned, r.has_outputs, r.placeholder, switched, looked, r.repooled);
  if (switched)
    row.code(r.mode, task_mode_count);
  if (r.repooled)
    permits(row, r.pools);
  row.times(r.triggered_at, r.waiting_at, r.pre_ready_at, r.first_ready_at, r.ready_at,
            r.started_at, r.body_ended_at, r.ended_at, r.retry_at);
  row.text(r.element_key);
  row.json(r.element_value);
  row.number(r.called.value);
  if (!looked)
    return;
  row.number(r.look);
  row.times(r.poll_since);
}

template <class Archive, class Record>
void attempt_fields(Archive& row, Record& r) {
  row.number(r.epoch);
  row.code(r.state, attempt_state_count);
  row.text(r.worker);
  row.text(r.boot_id);
  row.code(r.outcome, instance_state_count);
  row.code(r.why, any_reason);
  row.text(r.message);
  row.signed_number(r.pid);
  bool looked = r.looks > 0;
  if (row.format() < 2)
    row.flags(r.exited, r.log_cut);
  else
    row.flags(r.exited, r.log_cut, looked);
  row.signed_number(r.exit_code);
  row.signed_number(r.signal);
  row.times(r.ready_at, r.started_at, r.ended_at);
  row.number(r.log_bytes);
  row.json(r.rendered);
  permits(row, r.permits);
  if (looked)
    row.number(r.looks);
  if (row.format() < 3)
    return;
  row.number(r.version);
  row.json(r.outputs);
}

template <class Archive, class Record>
void permit_fields(Archive& row, Record& r) {
  row.number(r.permits);
  row.times(r.since);
}

template <class Archive, class Record>
void output_fields(Archive& row, Record& r) {
  row.json(r.values);
}

template <class Archive, class Record>
void slot_fields(Archive& row, Record& r) {
  row.code(r.outcome, slot_outcome_count);
  row.code(r.why, any_reason);
  row.number(r.version);
  row.number(r.run.value);
  row.times(r.decided_at);
}

/// The lateness stands behind the other fields of a slot; a duration has its own form.
void lateness(row_writer& row, const slot_record& r) { row.signed_number(r.lateness.count()); }
void lateness(row_parser& row, slot_record& r) { r.lateness = duration{row.signed_number()}; }

/// Which of the three kinds of number `need` is, and what is left of it.
template <class Archive, class Edge>
void need_fields(Archive& row, Edge& e, bool previous, bool gate) {
  std::uint32_t number = previous ? e.need - bound_edge::first_previous : e.need;
  if (!gate)
    row.number(number);
  if constexpr (!std::is_const_v<Edge>)
    e.need = gate ? bound_edge::after_gate : number + (previous ? bound_edge::first_previous : 0);
}

/// `before`: the edge in front of this one, or null. Neighbours often wait for the same trigger.
template <class Archive, class Edge>
void edge_fields(Archive& row, Edge& e, const bound_edge* before, instant slot) {
  row.number(e.task);
  bool previous = e.previous();
  bool gate = e.need == bound_edge::after_gate;
  bool whole_run = e.upstream_task.empty();
  bool same = before != nullptr && before->workflow == e.workflow && before->trigger == e.trigger;
  row.flags(previous, gate, e.list, whole_run, same);
  need_fields(row, e, previous, gate);
  if (!same) {
    row.text(e.workflow);
    row.text(e.trigger);
  } else if constexpr (!std::is_const_v<Edge>) {
    e.workflow = before == nullptr ? std::string{} : before->workflow;
    e.trigger = before == nullptr ? std::string{} : before->trigger;
  }
  if (!whole_run)
    row.text(e.upstream_task);
  row.code(e.state, need_state_count);
  row.code(e.missing, missing_policy_count);
  row.series(e.slots, slot);
}

/// What planning decides of a slot, from format 2 on.
template <class Archive, class Record>
void planned_fields(Archive& row, Record& r) {
  bool bound = !r.edges.empty();
  row.flags(r.dry, bound);
  if (!bound)
    return;
  const bound_edge* before = nullptr;
  row.list(r.edges, [&](Archive& each, auto& edge) {
    edge_fields(each, edge, before, r.slot);
    before = &edge;
  });
}

template <class Archive, class Record>
void trigger_fields(Archive& row, Record& r) {
  row.flags(r.paused, r.retired);
  row.times(r.since, r.cursor, r.paused_at);
  row.text(r.paused_by);
  row.text(r.paused_reason);
}

template <class Archive, class Record>
void workflow_fields(Archive& row, Record& r) {
  row.number(r.version);
  row.text(r.hash);
  row.text(r.source);
  row.flags(r.paused, r.retired);
  row.times(r.paused_at, r.updated_at);
  row.text(r.paused_by);
  row.text(r.paused_reason);
}

template <class Archive, class Record>
void version_fields(Archive& row, Record& r) {
  row.text(r.hash);
  row.times(r.created_at);
  row.text(r.created_by);
  row.json(r.definition);
}

template <class Archive, class Record>
void audit_fields(Archive& row, Record& r) {
  row.times(r.at);
  row.text(r.who);
  row.text(r.verb);
  row.text(r.object);
  row.text(r.reason);
  row.json(r.details);
}

constexpr row_form run_form{"run", 2, [](auto& row, auto& r) { run_fields(row, r); }};
constexpr row_form instance_form{"instance", 4,
                                 [](auto& row, auto& r) { instance_fields(row, r); }};
constexpr row_form attempt_form{"attempt", 3, [](auto& row, auto& r) { attempt_fields(row, r); }};
constexpr row_form permit_form{"permit", 1, [](auto& row, auto& r) { permit_fields(row, r); }};
constexpr row_form output_form{"output", 1, [](auto& row, auto& r) { output_fields(row, r); }};
constexpr row_form slot_form{"slot", 2, [](auto& row, auto& r) {
                               slot_fields(row, r);
                               lateness(row, r);
                               if (row.format() >= 2)
                                 planned_fields(row, r);
                             }};
constexpr row_form trigger_form{"trigger", 1, [](auto& row, auto& r) { trigger_fields(row, r); }};
constexpr row_form workflow_form{"workflow", 1,
                                 [](auto& row, auto& r) { workflow_fields(row, r); }};
constexpr row_form version_form{"version", 1, [](auto& row, auto& r) { version_fields(row, r); }};
constexpr row_form audit_form{"audit", 1, [](auto& row, auto& r) { audit_fields(row, r); }};
constexpr row_form project_form{"project", 1, [](auto& row, auto& text) { row.json(text); }};
constexpr row_form run_id_form{"run number", 1, [](auto& row, auto& id) { row.number(id.value); }};

} // namespace

std::string encode(const run_record& record) { return encode_row(record, run_form); }
std::string encode(const instance_record& record) { return encode_row(record, instance_form); }
std::string encode(const attempt_record& record) { return encode_row(record, attempt_form); }
std::string encode(const permit_record& record) { return encode_row(record, permit_form); }
std::string encode(const output_record& record) { return encode_row(record, output_form); }
std::string encode(const slot_record& record) { return encode_row(record, slot_form); }
std::string encode(const trigger_record& record) { return encode_row(record, trigger_form); }
std::string encode(const workflow_record& record) { return encode_row(record, workflow_form); }
std::string encode(const version_record& record) { return encode_row(record, version_form); }
std::string encode(const audit_record& record) { return encode_row(record, audit_form); }
std::string encode_project(std::string_view settings_json) {
  return encode_row(settings_json, project_form);
}
std::string encode_run_id(run_id id) { return encode_row(id, run_id_form); }

result<run_record> decode_run(run_id key, std::string_view value) {
  run_record record;
  record.id = key;
  return decode_row(run_form, value, std::move(record));
}

result<instance_record> decode_instance(const instance_key& key, std::string_view value) {
  instance_record record;
  record.key = key;
  return decode_row(instance_form, value, std::move(record));
}

result<attempt_record> decode_attempt(const keys::attempt_key& key, std::string_view value) {
  attempt_record record;
  record.instance = key.instance;
  record.number = key.number;
  return decode_row(attempt_form, value, std::move(record));
}

result<permit_record> decode_permit(const keys::permit_key& key, std::string_view value) {
  permit_record record;
  record.project = key.project;
  record.pool = key.pool;
  record.holder = key.holder;
  record.attempt = key.attempt;
  return decode_row(permit_form, value, std::move(record));
}

result<output_record> decode_output(const instance_key& key, std::string_view value) {
  output_record record;
  record.instance = key;
  return decode_row(output_form, value, std::move(record));
}

result<slot_record> decode_slot(const keys::slot_key& key, std::string_view value) {
  slot_record record;
  record.lane = key.lane;
  record.workflow = key.workflow;
  record.trigger = key.trigger;
  record.slot = key.slot;
  return decode_row(slot_form, value, std::move(record));
}

result<trigger_record> decode_trigger(const keys::trigger_key& key, std::string_view value) {
  trigger_record record;
  record.workflow = key.workflow;
  record.trigger = key.trigger;
  return decode_row(trigger_form, value, std::move(record));
}

result<workflow_record> decode_workflow(std::string_view key, std::string_view value) {
  workflow_record record;
  record.id = key;
  return decode_row(workflow_form, value, std::move(record));
}

result<version_record> decode_version(const keys::version_key& key, std::string_view value) {
  version_record record;
  record.workflow = key.workflow;
  record.version = key.version;
  return decode_row(version_form, value, std::move(record));
}

result<audit_record> decode_audit(std::uint64_t key, std::string_view value) {
  audit_record record;
  record.sequence = key;
  return decode_row(audit_form, value, std::move(record));
}

result<json_text> decode_project(std::string_view value) {
  return decode_row(project_form, value, json_text{});
}

result<run_id> decode_run_id(std::string_view value) {
  return decode_row(run_id_form, value, run_id{});
}

std::string encode_counter(std::int64_t count) {
  return little_u64(static_cast<std::uint64_t>(count));
}

result<std::int64_t> decode_counter(std::string_view value) {
  if (value.size() != 8)
    return damaged_row("counter", value);
  return static_cast<std::int64_t>(read_little(value));
}

} // namespace pinion::codecs
