#pragma once

#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// The column families of a store. ON DISK by name (`to_string`): append, never rename.
enum class family : std::uint8_t {
  meta,        ///< Format, epoch, commit counter, engine-wide flags.
  definitions, ///< Workflows, versions, projects, triggers.
  slots,       ///< The plan and what became of every slot; natural keys of runs.
  runs,
  instances,
  attempts,
  outputs,
  permits,
  live,  ///< Runs that have not ended: what recovery reads.
  index, ///< Secondary indexes and counters for lists.
  audit,
};
inline constexpr std::size_t family_count = 11;
std::string_view to_string(family f) noexcept;

/// One change of a row.
struct kv_write {
  enum class kind : std::uint8_t {
    put,
    erase,
    add, ///< The row is an i64, little-endian, absent = 0; `delta` is added to it.
  };
  kind what = kind::put;
  family in = family::meta;
  std::string key;
  std::string value;
  std::int64_t delta = 0;
};

/// Changes that become durable together or not at all, applied in order.
struct kv_batch {
  std::vector<kv_write> writes;

  void put(family in, std::string key, std::string value) {
    writes.push_back({kv_write::kind::put, in, std::move(key), std::move(value), 0});
  }
  void erase(family in, std::string key) {
    writes.push_back({kv_write::kind::erase, in, std::move(key), {}, 0});
  }
  void add(family in, std::string key, std::int64_t delta) {
    writes.push_back({kv_write::kind::add, in, std::move(key), {}, delta});
  }
  bool empty() const noexcept { return writes.empty(); }
};

/// Reads of ordered rows. Safe from any thread.
class kv_reader {
public:
  /// Called for each row in key order; returns whether to go on. Must not call back into the kv.
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;

  virtual ~kv_reader() = default;
  /// The row, or nothing. Fails with `errc::corrupt` or `errc::storage_failure`: never a wrong
  /// answer.
  virtual result<std::optional<std::string>> get(family in, std::string_view key) const = 0;
  /// Visits the rows with from <= key < to (empty `to`: to the end of the family).
  virtual result<void> scan(family in, std::string_view from, std::string_view to,
                            const visitor& visit) const = 0;
  /// The same, in falling order of keys.
  virtual result<void> scan_back(family in, std::string_view from, std::string_view to,
                                 const visitor& visit) const = 0;
};

/// The disk as the engine sees it: below the key encoding, so that a simulation runs the real
/// encoders. Reads see what has been committed.
class kv_port : public kv_reader {
public:
  /// The commit's number, from 1, without gaps over the life of the store.
  using committed = std::function<void(result<std::uint64_t>)>;

  /// A consistent view of this moment; outlives later commits.
  virtual std::unique_ptr<kv_reader> snapshot() const = 0;

  /// Makes `batch` durable, then calls `done` once, from any thread; returns at once. Commits are
  /// applied in the order of the calls. On failure nothing of the batch is visible, and the caller
  /// must end the engine: what is on disk is unknown.
  virtual void commit(kv_batch batch, committed done) = 0;
};

} // namespace pinion
