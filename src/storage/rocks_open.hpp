#pragma once

#include "pinion/storage/kv.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "storage/commit_mirror.hpp"

#include <array>
#include <memory>
#include <rocksdb/db.h>
#include <string>

namespace pinion {

/// An open database with one handle a family. For its reads: safe from any thread.
struct rocks_database {
  rocks_database() = default;
  rocks_database(const rocks_database&) = delete;
  rocks_database& operator=(const rocks_database&) = delete;
  ~rocks_database();

  rocksdb::ColumnFamilyHandle* of(family in) const noexcept {
    return handles[static_cast<std::size_t>(in)];
  }

  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* default_handle = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, family_count> handles{};
  std::uint64_t commits = 0; ///< As found at the opening.
  std::string notice;        ///< See rocks_kv::notice.
};

/// RocksDB's word for what went wrong, once and for all: `doing` is a verb phrase for the sentence.
problem to_problem(const rocksdb::Status& status, const std::string& doing);

/// Opens or creates, and checks format and commit counter. Fails as rocks_kv::open does.
result<std::unique_ptr<rocks_database>> open_database(const rocks_options& options,
                                                      const commit_mirror& mirror);

} // namespace pinion
