#pragma once

#include "pinion/storage/store_keeper.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace pinion {

/// The backups in a folder, oldest first. Fails with `errc::not_found` if it holds none, with
/// `errc::corrupt` or `errc::storage_failure` if it cannot be read.
result<std::vector<backup_record>> list_backups(const std::filesystem::path& folder);

struct restore_request {
  std::filesystem::path backups;
  std::uint32_t id = 0; ///< 0: the newest.
  /// Of the new engine; absent or empty.
  std::filesystem::path data;
  bool hold = false; ///< The engine starts nothing until it is told to.
  std::string who;   ///< For the audit record.
  instant now{};
};
struct restore_report {
  backup_record from;
  std::uint64_t commits = 0;       ///< The store's last one.
  std::uint64_t epoch = 0;         ///< After which the next start takes its own.
  std::uint32_t lost_attempts = 0; ///< That were alive when the backup was made.
};

/// Epochs that a restored store leaves out: what the engine that was backed up granted since has
/// none that the restored one will use.
inline constexpr std::uint64_t restored_epochs = 1'000;
/// Likewise for numbers of runs, by which logs and workspaces are named.
inline constexpr std::uint64_t restored_runs = 1'000'000;

/// Makes a data folder from a backup, after comparing all its checksums. What was alive in it is
/// marked as of another boot of the machine, so that the next start takes it for lost, asks nobody
/// and never starts it under its old fence. Half a restore is refused by every later start. Fails
/// with `errc::refused` if `data` is not new, `errc::not_found` for an unknown backup, and as
/// rocks_kv::open does.
result<restore_report> restore_backup(const restore_request& ask);

} // namespace pinion
