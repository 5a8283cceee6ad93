#pragma once

#include "pinion/storage/kv.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "pinion/storage/store_keeper.hpp"
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

/// Opens an existing database and changes nothing in it; the commit counter is not checked. Fails
/// with `errc::not_found` if there is none, else as rocks_kv::open does.
result<std::unique_ptr<rocks_database>> open_for_reading(const std::filesystem::path& folder);

/// What an existing database can be gone on with.
struct replayable {
  std::uint64_t commits = 0; ///< The last one that is there with all before it.
  bool all = true;           ///< No log has later ones.
  std::string notice;        ///< See rocks_kv::notice.
};

/// Compares what is in the database with its mirror, which must have been found, and changes
/// nothing. Fails with `errc::corrupt` if acknowledged commits are missing, else as
/// `open_for_reading` does.
result<replayable> check_acknowledged(const std::filesystem::path& folder,
                                      const commit_mirror& mirror);

/// Writes its mark, see store_mark. `closed`: its tables have all rows.
result<void> mark_store(const rocks_database& parts, bool closed);

/// Reads all blocks of all tables, and the list of the files, and compares their checksums. Fails
/// with `errc::corrupt`, naming the file.
result<void> verify_files(const rocks_database& parts);

/// Reads of the database as it is; must not outlive it.
std::unique_ptr<kv_reader> make_reader(const rocks_database& parts);

store_figures figures_of(const rocks_database& parts);

/// See store_keeper::back_up.
result<backup_record> back_up_database(const rocks_database& parts,
                                       const std::filesystem::path& folder, std::uint32_t keep);

} // namespace pinion
