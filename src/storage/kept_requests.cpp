#include "pinion/storage/kept_requests.hpp"

#include "pinion/storage/rows.hpp"
#include "storage/byte_order.hpp"
#include "storage/row_form.hpp"
#include "storage/row_scan.hpp"

namespace pinion {
namespace {

constexpr std::size_t stage_count = 3;
constexpr std::size_t time_bytes = 8;

template <class Archive, class Record>
void request_fields(Archive& row, Record& r) {
  row.text(r.fingerprint);
  row.times(r.at);
  row.code(r.come, stage_count);
  row.text(r.verb);
  row.text(r.object);
  row.number(r.status);
  row.text(r.body);
}

constexpr row_form request_form{"kept request", 1,
                                [](auto& row, auto& r) { request_fields(row, r); }};

std::string name_and_key(const std::string& who, const std::string& key) {
  return who + '\0' + key;
}

std::string key_of(const std::string& who, const std::string& key) {
  return std::string{kept_request_rows} + name_and_key(who, key);
}

std::string age_key_of(const kept_request& of) {
  std::string key{kept_request_ages};
  append_big<time_bytes>(key, static_cast<std::uint64_t>(to_us(of.at)));
  return key + name_and_key(of.who, of.key);
}

/// Splits `who:name key`; false if there is no name.
bool split(std::string_view text, std::string& who, std::string& key) {
  const auto end = text.find('\0');
  if (end == std::string_view::npos)
    return false;
  who = text.substr(0, end);
  key = text.substr(end + 1);
  return true;
}

problem damaged_key() {
  return {errc::corrupt, "the store holds a damaged key of a kept request", {}};
}

} // namespace

void put_kept_request(kv_batch& batch, const kept_request& now) {
  batch.put(family::meta, key_of(now.who, now.key), encode_row(now, request_form));
  batch.put(family::meta, age_key_of(now), little_u64(now.body.size()));
}

void erase_kept_request(kv_batch& batch, const kept_request& before) {
  batch.erase(family::meta, key_of(before.who, before.key));
  batch.erase(family::meta, age_key_of(before));
}

result<kept_request> decode_kept_request(std::string_view key, std::string_view value) {
  kept_request record;
  if (!key.starts_with(kept_request_rows) ||
      !split(key.substr(kept_request_rows.size()), record.who, record.key))
    return damaged_key();
  return decode_row(request_form, value, std::move(record));
}

result<kept_request_age> decode_kept_request_age(std::string_view key, std::string_view value) {
  kept_request_age record;
  if (!key.starts_with(kept_request_ages) || key.size() < kept_request_ages.size() + time_bytes ||
      value.size() != time_bytes)
    return damaged_key();
  key.remove_prefix(kept_request_ages.size());
  record.at = from_us(static_cast<std::int64_t>(read_big(key.substr(0, time_bytes))));
  if (!split(key.substr(time_bytes), record.who, record.key))
    return damaged_key();
  record.bytes = read_little(value);
  return record;
}

result<std::optional<kept_request>> find_kept_request(const kv_reader& rows, const std::string& who,
                                                      const std::string& key) {
  const auto at = key_of(who, key);
  return read_one<kept_request>(rows, family::meta, at, [&](std::string_view value) {
    return decode_kept_request(at, value);
  });
}

result<std::vector<kept_request_age>> kept_requests_by_age(const kv_reader& rows) {
  return read_prefix<kept_request_age>(rows, family::meta, std::string{kept_request_ages},
                                       decode_kept_request_age);
}

void put_audit(kv_batch& batch, const audit_record& now, const kept_request* request) {
  put_audit(batch, now);
  if (request == nullptr)
    return;
  auto mark = *request;
  mark.verb = now.verb;
  mark.object = now.object;
  put_kept_request(batch, mark);
}

} // namespace pinion
