#pragma once

#include "pinion/storage/keys.hpp"
#include "pinion/storage/kv.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// Decodes one row: (key bytes, value bytes) -> result<Record>.
///
/// All rows whose key begins with `prefix`, ascending. Fails with the first row's problem.
template <class Record, class Decode>
result<std::vector<Record>> read_all(const kv_reader& rows, family in, std::string_view from,
                                     std::string_view to, Decode decode) {
  std::vector<Record> found;
  result<void> outcome = ok();
  BOOST_OUTCOME_TRYV(rows.scan(in, from, to, [&](std::string_view key, std::string_view value) {
    result<Record> one = decode(key, value);
    if (one)
      found.push_back(std::move(one).assume_value());
    else
      outcome = std::move(one).assume_error();
    return outcome.has_value();
  }));
  BOOST_OUTCOME_TRYV(outcome);
  return found;
}

template <class Record, class Decode>
result<std::vector<Record>> read_prefix(const kv_reader& rows, family in, const std::string& prefix,
                                        Decode decode) {
  return read_all<Record>(rows, in, prefix, keys::after(prefix), decode);
}

/// The row at `key`, decoded, or nothing. Decode: value bytes -> result<Record>.
template <class Record, class Decode>
result<std::optional<Record>> read_one(const kv_reader& rows, family in, std::string_view key,
                                       Decode decode) {
  BOOST_OUTCOME_TRY(value, rows.get(in, key));
  if (!value)
    return std::optional<Record>{};
  result<Record> record = decode(*value);
  if (!record)
    return std::move(record).assume_error();
  return std::optional<Record>{std::move(record).assume_value()};
}

/// The greatest key that begins with `prefix`, or nothing.
inline result<std::optional<std::string>> last_key(const kv_reader& rows, family in,
                                                   const std::string& prefix) {
  std::optional<std::string> found;
  BOOST_OUTCOME_TRYV(
      rows.scan_back(in, prefix, keys::after(prefix), [&](std::string_view key, std::string_view) {
        found.emplace(key);
        return false;
      }));
  return found;
}

/// A row that an index names and that must therefore exist.
inline problem dangling(const std::string& what) {
  return {errc::corrupt, "an index of the store names " + what + ", which does not exist", {}};
}

} // namespace pinion
