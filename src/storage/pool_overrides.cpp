#include "pinion/storage/pool_overrides.hpp"

#include "storage/row_form.hpp"
#include "storage/row_scan.hpp"

namespace pinion {
namespace {

constexpr std::string_view prefix = "pool/";

template <class Archive, class Record>
void override_fields(Archive& row, Record& r) {
  row.number(r.permits);
  row.text(r.by);
  row.text(r.reason);
  row.times(r.at);
}

constexpr row_form override_form{"pool size", 1,
                                 [](auto& row, auto& r) { override_fields(row, r); }};

std::string key_of(const std::string& project, const std::string& pool) {
  return std::string{prefix} + project + '/' + pool;
}

} // namespace

void put_pool_override(kv_batch& batch, const pool_override& now) {
  batch.put(family::meta, key_of(now.project, now.pool), encode_row(now, override_form));
}

void erase_pool_override(kv_batch& batch, const std::string& project, const std::string& pool) {
  batch.erase(family::meta, key_of(project, pool));
}

result<std::vector<pool_override>> pool_overrides(const kv_reader& rows) {
  return read_prefix<pool_override>(
      rows, family::meta, std::string{prefix},
      [](std::string_view key, std::string_view value) -> result<pool_override> {
        key.remove_prefix(prefix.size());
        const auto slash = std::min(key.find('/'), key.size());
        pool_override record;
        record.project = key.substr(0, slash);
        record.pool = key.substr(std::min(slash + 1, key.size()));
        return decode_row(override_form, value, std::move(record));
      });
}

} // namespace pinion
