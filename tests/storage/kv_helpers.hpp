#pragma once

#include "pinion/storage/kv.hpp"
#include "pinion/storage/rocks_kv.hpp"

#include <filesystem>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace pinion::test {

inline rocks_options options_in(const std::filesystem::path& folder) {
  return {folder / "store", folder / "COMMIT", durability::sync};
}

/// Commits and waits for the answer. Not for a memory_kv in queued mode.
inline result<std::uint64_t> commit(kv_port& kv, kv_batch batch) {
  std::promise<result<std::uint64_t>> answer;
  auto answered = answer.get_future();
  kv.commit(std::move(batch),
            [&answer](result<std::uint64_t> number) { answer.set_value(std::move(number)); });
  return answered.get();
}

inline kv_batch put(family in, std::string key, std::string value) {
  kv_batch batch;
  batch.put(in, std::move(key), std::move(value));
  return batch;
}

using row = std::pair<std::string, std::string>;

inline std::vector<row> rows_between(const kv_reader& kv, family in, std::string_view from,
                                     std::string_view to) {
  std::vector<row> found;
  static_cast<void>(kv.scan(in, from, to, [&](std::string_view key, std::string_view value) {
    found.emplace_back(key, value);
    return true;
  }));
  return found;
}

inline std::vector<row> rows_back(const kv_reader& kv, family in, std::string_view from,
                                  std::string_view to) {
  std::vector<row> found;
  static_cast<void>(kv.scan_back(in, from, to, [&](std::string_view key, std::string_view value) {
    found.emplace_back(key, value);
    return true;
  }));
  return found;
}

/// All rows of all families.
inline std::vector<std::vector<row>> everything(const kv_reader& kv) {
  std::vector<std::vector<row>> all;
  for (std::size_t i = 0; i < family_count; ++i)
    all.push_back(rows_between(kv, static_cast<family>(i), {}, {}));
  return all;
}

} // namespace pinion::test
