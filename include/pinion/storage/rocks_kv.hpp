#pragma once

#include "pinion/storage/format_steps.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/storage/store_keeper.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace pinion {

enum class durability : std::uint8_t {
  sync, ///< Acknowledged means on disk: one fdatasync a group of commits.
  os,   ///< Acknowledged means with the kernel: survives our crash, not that of the machine.
};

struct rocks_options {
  std::filesystem::path database; ///< Folder of RocksDB; made if it is absent.
  /// File of the mirrored commit counter. Outside `database`, so that an older database put in its
  /// place is noticed.
  std::filesystem::path mirror;
  durability how = durability::sync;
  /// What an older store is brought up by when it is opened.
  format_steps steps = known_format_steps();
};

/// The kv on RocksDB. A committer thread merges all commits that wait into one write batch, syncs
/// once, writes the mirror, then calls back in order, on that thread: callbacks must be short and
/// must not throw. The queue of commits is not bounded here: the caller keeps a bounded number in
/// flight (the JOURNAL gathers what comes meanwhile into its next batch).
///
/// Every group carries the number of its last commit (`meta/commits`); the mirror repeats that
/// number outside RocksDB. A store whose number is below the mirror's has lost acknowledged commits
/// (a torn or missing log, a flipped byte that looks like one, an older copy) and is refused, and
/// so is one in whose logs the numbers do not rise without a gap. A store that is refused for
/// damage is left as it is: once the right file is back, it opens.
class rocks_kv final : public kv_port, public store_keeper {
public:
  /// The format this program writes, in the row `meta/format`: the newest of
  /// `known_format_steps`.
  static constexpr std::uint64_t format = 1;

  /// Opens or creates; a store of an older format is brought to this one first, which can take a
  /// while and is gone on with after a crash (`upgrade_store`). A store that has commits but no
  /// mirror, or of which a machine may have taken the end with it (`durability::os`), may have gone
  /// back: its epoch is raised by `restored_epochs`, the next run by `restored_runs`. Fails with
  /// - `errc::in_use`: another process has the database open;
  /// - `errc::newer_format`: it was written by a newer Pinion;
  /// - `errc::refused`: the folder holds a RocksDB database that is not Pinion's;
  /// - `errc::corrupt`: RocksDB finds damage, or acknowledged commits are missing; the message
  /// names
  ///   what was found and the suggestion says how to go on without them;
  /// - `errc::storage_failure`: the disk or the file system refused.
  static result<std::unique_ptr<rocks_kv>> open(const rocks_options& options);

  /// Closes in order, as `close` does.
  ~rocks_kv() override;
  rocks_kv(const rocks_kv&) = delete;
  rocks_kv& operator=(const rocks_kv&) = delete;

  result<std::optional<std::string>> get(family in, std::string_view key) const override;
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override;
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override;
  /// Must be destroyed before the kv is closed.
  std::unique_ptr<kv_reader> snapshot() const override;
  /// From any thread. After a failure all later commits fail too; after `close` they fail with
  /// `errc::unavailable`.
  void commit(kv_batch batch, committed done) override;

  /// Carries out all waiting commits, flushes the memtables so that the next start replays no log,
  /// and ends the committer. Not from a callback. Idempotent. No reads after it; the database's
  /// lock goes with the object.
  result<void> close();

  result<store_figures> figures() const override;
  result<backup_record> back_up(const std::filesystem::path& folder, std::uint32_t keep) override;

  /// The failure that ended commits was want of room on the disk: a new open goes on, once there is
  /// some. From any thread.
  bool ran_out_of_room() const noexcept;

  /// What `open` accepted but an operator should know, a sentence; empty: nothing.
  const std::string& notice() const noexcept;

private:
  struct impl;
  explicit rocks_kv(std::unique_ptr<impl> parts) noexcept;
  std::unique_ptr<impl> impl_;
};

} // namespace pinion
