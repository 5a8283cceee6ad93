#pragma once

#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pinion {

/// How far the list of a database's files was on disk when an engine opened or closed it. RocksDB
/// takes a MANIFEST that ends in the middle of a record for one that a crash cut off, and goes on
/// without the rest: right for what was being appended, but what was there at the opening can only
/// have been lost since, and with it whole families of rows.
///
/// ON DISK the file MARK in the database's folder, one line, replaced as a whole and synced:
///
///     <name of the MANIFEST> <bytes> <"open" or "closed"> sum <16 hex digits>\n
///
/// `sum` as in COMMIT. A store of an older Pinion has none.
struct store_mark {
  std::string manifest;
  std::uint64_t bytes = 0; ///< At least so many of it are on disk.
  bool closed = false;     ///< Nothing was committed since; all rows are in tables.
};

/// Nothing: there is none. Fails with `errc::corrupt` if it cannot be read as one.
result<std::optional<store_mark>> read_mark(const std::filesystem::path& database);

/// Fails with `errc::storage_failure`; the old one may then still be there.
result<void> write_mark(const std::filesystem::path& database, const store_mark& mark);

/// Fails with `errc::corrupt`, naming the file, if `database` has files of RocksDB but no CURRENT,
/// or if its MANIFEST is not whole as far as the mark says. Fails with `errc::os_failure` if the
/// folder cannot be read. Returns whether there is a database.
result<bool> check_manifest(const std::filesystem::path& database);

} // namespace pinion
