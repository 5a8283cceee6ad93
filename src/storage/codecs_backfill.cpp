#include "pinion/storage/codecs.hpp"
#include "storage/row_form.hpp"

namespace pinion::codecs {
namespace {

constexpr std::size_t counts_as_count = 3;
constexpr std::size_t task_mode_count = 3;
constexpr std::size_t backfill_state_count = 5;
constexpr std::size_t item_state_count = 6;
constexpr std::size_t reprocess_count = 3;

template <class Archive, class Record>
void edge_fields(Archive& row, Record& r) {
  row.code(r.outcome, counts_as_count);
  row.text(r.message);
  row.json(r.outputs);
  row.times(r.at);
}

template <class Archive, class Record>
void switch_fields(Archive& row, Record& r) {
  row.code(r.mode, task_mode_count);
  row.text(r.by);
  row.text(r.reason);
  row.times(r.at);
}

void time_of_day(row_writer& row, duration since_midnight) {
  row.signed_number(since_midnight.count());
}
void time_of_day(row_parser& row, duration& since_midnight) {
  since_midnight = duration{row.signed_number()};
}

template <class Archive, class Record>
void backfill_fields(Archive& row, Record& r) {
  row.text(r.workflow);
  row.text(r.trigger);
  row.code(r.state, backfill_state_count);
  row.flags(r.descending, r.stop_on_failure, r.isolated, r.pinned, r.downstream, r.leave_rest);
  row.code(r.reprocess, reprocess_count);
  row.number(r.parallel);
  row.number(r.total);
  row.list(r.tasks, [](Archive& each, auto& task) { each.text(task); });
  time_of_day(row, r.hours.begin);
  time_of_day(row, r.hours.end);
  row.list(r.params, [](Archive& each, auto& param) {
    each.text(param.first);
    each.json(param.second);
  });
  row.text(r.created_by);
  row.text(r.reason);
  row.times(r.created_at, r.ended_at);
}

template <class Archive, class Record>
void item_fields(Archive& row, Record& r) {
  row.text(r.workflow);
  row.text(r.trigger);
  row.times(r.slot);
  row.code(r.state, item_state_count);
  row.number(r.run.value);
  row.text(r.message);
}

constexpr row_form edge_form{"edge", 1, [](auto& row, auto& r) { edge_fields(row, r); }};
constexpr row_form switch_form{"task switch", 1, [](auto& row, auto& r) { switch_fields(row, r); }};
constexpr row_form backfill_form{"backfill", 1,
                                 [](auto& row, auto& r) { backfill_fields(row, r); }};
constexpr row_form item_form{"backfill slot", 1, [](auto& row, auto& r) { item_fields(row, r); }};

} // namespace

std::string encode(const edge_record& record) { return encode_row(record, edge_form); }
std::string encode(const task_switch& record) { return encode_row(record, switch_form); }
std::string encode(const backfill_record& record) { return encode_row(record, backfill_form); }
std::string encode(const backfill_item& record) { return encode_row(record, item_form); }

result<edge_record> decode_edge(const keys::edge_key& key, std::string_view value) {
  edge_record record;
  record.run = key.run;
  record.task = key.task;
  record.need = key.need;
  return decode_row(edge_form, value, std::move(record));
}

result<task_switch> decode_task_switch(const keys::task_key& key, std::string_view value) {
  task_switch record;
  record.workflow = key.workflow;
  record.task = key.task;
  return decode_row(switch_form, value, std::move(record));
}

result<backfill_record> decode_backfill(std::uint64_t key, std::string_view value) {
  backfill_record record;
  record.id = key;
  return decode_row(backfill_form, value, std::move(record));
}

result<backfill_item> decode_backfill_item(const keys::backfill_item_key& key,
                                           std::string_view value) {
  backfill_item record;
  record.backfill = key.backfill;
  record.position = key.position;
  return decode_row(item_form, value, std::move(record));
}

} // namespace pinion::codecs
