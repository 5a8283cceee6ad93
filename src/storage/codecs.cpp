#include "pinion/storage/codecs.hpp"

#include "storage/byte_order.hpp"
#include "storage/row_bytes.hpp"

namespace pinion::codecs {
namespace {

// The format of each record's row. A change of a `fields` function needs a larger number here, a
// branch that still reads the old form, and a golden row of the new form in the tests.
constexpr std::uint8_t row_format = 1;

/// How many reasons a byte can name: newer ones are appended without a new format, and a reason
/// never drives logic.
constexpr std::size_t any_reason = 256;
constexpr std::size_t attempt_state_count = 4;
constexpr std::size_t slot_outcome_count = 6;

// Each field once, in the order of the row. `Record` is const when `Archive` writes.

template <class Archive, class Key>
void place(Archive& row, Key& key) {
  row.number(key.run.value);
  row.number(key.task);
  row.number(key.element);
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
  row.flags(r.ignore_overlap, r.admitted, r.cancel_requested, r.cancel_failed, r.has_parent);
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
  row.flags(r.warned, r.has_outputs, r.placeholder);
  row.times(r.triggered_at, r.waiting_at, r.pre_ready_at, r.first_ready_at, r.ready_at,
            r.started_at, r.body_ended_at, r.ended_at, r.retry_at);
  row.text(r.element_key);
  row.json(r.element_value);
  row.number(r.called.value);
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
  row.flags(r.exited, r.log_cut);
  row.signed_number(r.exit_code);
  row.signed_number(r.signal);
  row.times(r.ready_at, r.started_at, r.ended_at);
  row.number(r.log_bytes);
  row.json(r.rendered);
  row.list(r.permits, [](Archive& each, auto& need) {
    each.text(need.pool);
    each.number(need.permits);
  });
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

template <class Record, class Fields>
std::string encode_row(const Record& record, Fields fields) {
  row_writer row{row_format};
  fields(row, record);
  return row.take();
}

problem damaged(const char* kind, std::string_view value) {
  return {errc::corrupt,
          std::string{"the store holds a damaged "} + kind + " row of " +
              std::to_string(value.size()) + " bytes",
          {}};
}

/// Fills `record`, whose key fields are set already.
template <class Record, class Fields>
result<Record> decode_row(const char* kind, std::string_view value, Record record, Fields fields) {
  if (value.empty())
    return damaged(kind, value);
  const auto format = static_cast<std::uint8_t>(value.front());
  if (format > row_format)
    return problem{errc::newer_format,
                   std::string{"the store holds a "} + kind + " row of format " +
                       std::to_string(format) + ", this program knows " +
                       std::to_string(row_format),
                   "use the newer Pinion that wrote it"};
  row_parser row{value.substr(1)};
  fields(row, record);
  if (format != row_format || !row.done())
    return damaged(kind, value);
  return record;
}

constexpr auto all_run = [](auto& row, auto& r) { run_fields(row, r); };
constexpr auto all_instance = [](auto& row, auto& r) { instance_fields(row, r); };
constexpr auto all_attempt = [](auto& row, auto& r) { attempt_fields(row, r); };
constexpr auto all_permit = [](auto& row, auto& r) { permit_fields(row, r); };
constexpr auto all_output = [](auto& row, auto& r) { output_fields(row, r); };
constexpr auto all_slot = [](auto& row, auto& r) {
  slot_fields(row, r);
  lateness(row, r);
};
constexpr auto all_trigger = [](auto& row, auto& r) { trigger_fields(row, r); };
constexpr auto all_workflow = [](auto& row, auto& r) { workflow_fields(row, r); };
constexpr auto all_version = [](auto& row, auto& r) { version_fields(row, r); };
constexpr auto all_audit = [](auto& row, auto& r) { audit_fields(row, r); };
constexpr auto only_json = [](auto& row, auto& text) { row.json(text); };
constexpr auto only_run = [](auto& row, auto& id) { row.number(id.value); };

} // namespace

std::string encode(const run_record& record) { return encode_row(record, all_run); }
std::string encode(const instance_record& record) { return encode_row(record, all_instance); }
std::string encode(const attempt_record& record) { return encode_row(record, all_attempt); }
std::string encode(const permit_record& record) { return encode_row(record, all_permit); }
std::string encode(const output_record& record) { return encode_row(record, all_output); }
std::string encode(const slot_record& record) { return encode_row(record, all_slot); }
std::string encode(const trigger_record& record) { return encode_row(record, all_trigger); }
std::string encode(const workflow_record& record) { return encode_row(record, all_workflow); }
std::string encode(const version_record& record) { return encode_row(record, all_version); }
std::string encode(const audit_record& record) { return encode_row(record, all_audit); }
std::string encode_project(std::string_view settings_json) {
  return encode_row(settings_json, only_json);
}
std::string encode_run_id(run_id id) { return encode_row(id, only_run); }

result<run_record> decode_run(run_id key, std::string_view value) {
  run_record record;
  record.id = key;
  return decode_row("run", value, std::move(record), all_run);
}

result<instance_record> decode_instance(const instance_key& key, std::string_view value) {
  instance_record record;
  record.key = key;
  return decode_row("instance", value, std::move(record), all_instance);
}

result<attempt_record> decode_attempt(const keys::attempt_key& key, std::string_view value) {
  attempt_record record;
  record.instance = key.instance;
  record.number = key.number;
  return decode_row("attempt", value, std::move(record), all_attempt);
}

result<permit_record> decode_permit(const keys::permit_key& key, std::string_view value) {
  permit_record record;
  record.project = key.project;
  record.pool = key.pool;
  record.holder = key.holder;
  record.attempt = key.attempt;
  return decode_row("permit", value, std::move(record), all_permit);
}

result<output_record> decode_output(const instance_key& key, std::string_view value) {
  output_record record;
  record.instance = key;
  return decode_row("output", value, std::move(record), all_output);
}

result<slot_record> decode_slot(const keys::slot_key& key, std::string_view value) {
  slot_record record;
  record.lane = key.lane;
  record.workflow = key.workflow;
  record.trigger = key.trigger;
  record.slot = key.slot;
  return decode_row("slot", value, std::move(record), all_slot);
}

result<trigger_record> decode_trigger(const keys::trigger_key& key, std::string_view value) {
  trigger_record record;
  record.workflow = key.workflow;
  record.trigger = key.trigger;
  return decode_row("trigger", value, std::move(record), all_trigger);
}

result<workflow_record> decode_workflow(std::string_view key, std::string_view value) {
  workflow_record record;
  record.id = key;
  return decode_row("workflow", value, std::move(record), all_workflow);
}

result<version_record> decode_version(const keys::version_key& key, std::string_view value) {
  version_record record;
  record.workflow = key.workflow;
  record.version = key.version;
  return decode_row("version", value, std::move(record), all_version);
}

result<audit_record> decode_audit(std::uint64_t key, std::string_view value) {
  audit_record record;
  record.sequence = key;
  return decode_row("audit", value, std::move(record), all_audit);
}

result<json_text> decode_project(std::string_view value) {
  return decode_row("project", value, json_text{}, only_json);
}

result<run_id> decode_run_id(std::string_view value) {
  return decode_row("run number", value, run_id{}, only_run);
}

std::string encode_counter(std::int64_t count) {
  return little_u64(static_cast<std::uint64_t>(count));
}

result<std::int64_t> decode_counter(std::string_view value) {
  if (value.size() != 8)
    return damaged("counter", value);
  return static_cast<std::int64_t>(read_little(value));
}

} // namespace pinion::codecs
