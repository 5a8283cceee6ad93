#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>
#include <string>
#include <vector>

namespace pinion {

/// Notes in the log, and nowhere else, the number of the first commit of the group; the row
/// meta/commits has that of the last. ON DISK 15 bytes: "commits" | first (u64 LE).
void put_first(rocksdb::WriteBatch& group, std::uint64_t first);

/// The commits that no log has, though later ones do.
struct commit_gap {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::string before; ///< Name of the log that goes on after them.
};

/// Which commits the logs of a database have. RocksDB replays what it can read: it steps over a
/// zeroed block, takes a log that ends early for one that a crash cut off, and knows no log that is
/// gone. That nothing of it was lost shows only in the numbers, which must rise without a gap from
/// what the tables have. As all families are flushed at once (`atomic_flush`), one number stands
/// for the tables of all.
class commit_chain final : public rocksdb::WalFilter {
public:
  /// Replays nothing: the database opened with it has what its tables have.
  commit_chain() = default;
  /// Replays up to that commit and stops at the first after it.
  explicit commit_chain(std::uint64_t last) : replayed_{last} {}

  const char* Name() const override { return "pinion.commit_chain"; }
  void ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& logs,
                                const std::map<std::string, std::uint32_t>& families) override;
  WalProcessingOption LogRecordFound(unsigned long long number, const std::string& file,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* changed,
                                     bool* is_changed) override;

  /// The last commit that is there without a gap, if the tables have those up to `flushed`.
  std::uint64_t last_after(std::uint64_t flushed) const;
  std::optional<commit_gap> gap_after(std::uint64_t flushed) const;

private:
  /// Commits that follow one another in a log.
  struct range {
    std::uint64_t first; ///< 0: an older Pinion did not say.
    std::uint64_t last;
    std::string file;
  };
  void add(const range& found);

  std::optional<std::uint64_t> replayed_;
  std::uint32_t meta_ = 0; ///< RocksDB's number of the family.
  std::vector<range> ranges_;
};

} // namespace pinion
