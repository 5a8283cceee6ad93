#pragma once

#include "pinion/model/backfill.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/keys.hpp"

#include <string>
#include <string_view>

/// The values of the store's rows. ON DISK: the first byte is the record's format, then the fields
/// in the order of the `fields` functions of codecs.cpp. What stands in the key is not repeated in
/// the value. Numbers are LEB128 varints (signed ones zigzag), texts a varint length and the bytes;
/// JSON texts are 0 for `{}`, else length + 1 and the bytes; flags share one byte; the times of a
/// record are a varint mask of those that have come, then for each of these the zigzag difference
/// in microseconds from the one before. A need's slots are the zigzag difference of the first from
/// the slot of its row, then the differences of their distances: a regular list costs a byte a
/// slot.
///
/// Every decoder fails with `errc::newer_format` when the format byte is larger than this program
/// knows, and with `errc::corrupt` when the bytes are not a whole record: it never reads past the
/// end, and never ignores bytes at the end.
namespace pinion::codecs {

std::string encode(const run_record& record);
std::string encode(const instance_record& record);
std::string encode(const attempt_record& record);
std::string encode(const permit_record& record);
std::string encode(const output_record& record);
std::string encode(const slot_record& record);
std::string encode(const trigger_record& record);
std::string encode(const workflow_record& record);
std::string encode(const version_record& record);
std::string encode(const audit_record& record);
std::string encode(const edge_record& record);
std::string encode(const task_switch& record);
std::string encode(const backfill_record& record);
std::string encode(const backfill_item& record);
/// The row of a project is the JSON text of its settings, as its owner composed it.
std::string encode_project(std::string_view settings_json);
/// The row of an index that names a run: natural keys and request keys.
std::string encode_run_id(run_id id);

result<run_record> decode_run(run_id key, std::string_view value);
result<instance_record> decode_instance(const instance_key& key, std::string_view value);
result<attempt_record> decode_attempt(const keys::attempt_key& key, std::string_view value);
result<permit_record> decode_permit(const keys::permit_key& key, std::string_view value);
result<output_record> decode_output(const instance_key& key, std::string_view value);
result<slot_record> decode_slot(const keys::slot_key& key, std::string_view value);
result<trigger_record> decode_trigger(const keys::trigger_key& key, std::string_view value);
result<workflow_record> decode_workflow(std::string_view key, std::string_view value);
result<version_record> decode_version(const keys::version_key& key, std::string_view value);
result<audit_record> decode_audit(std::uint64_t key, std::string_view value);
result<edge_record> decode_edge(const keys::edge_key& key, std::string_view value);
result<task_switch> decode_task_switch(const keys::task_key& key, std::string_view value);
result<backfill_record> decode_backfill(std::uint64_t key, std::string_view value);
result<backfill_item> decode_backfill_item(const keys::backfill_item_key& key,
                                           std::string_view value);
result<json_text> decode_project(std::string_view value);
result<run_id> decode_run_id(std::string_view value);

/// Counters (`kv_write::kind::add`): i64, little-endian, 8 bytes.
std::string encode_counter(std::int64_t count);
result<std::int64_t> decode_counter(std::string_view value);

} // namespace pinion::codecs
