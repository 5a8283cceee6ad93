#pragma once

#include "execution/os.hpp"
#include "pinion/execution/launcher.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace pinion {

/// What the journal knows of one key.
struct journal_entry {
  instant claimed_at{};
  /// Where its files are (`wire::start::slot`).
  std::uint32_t slot = 0;
  /// 0: claimed, its start was not recorded.
  std::int64_t pid = 0;
  /// Of the process, in ticks after the boot (`process_stat::start_ticks`).
  std::uint64_t start_ticks = 0;
  instant started_at{};
  bool ended = false;
  process_end end;
};

/// The launcher's memory of what it must not do twice and must not forget.
///
/// ON DISK, `DIR/launcher.journal`: the 8 bytes "PNLJRN\0\1" (the last one is the version), then
/// records: u32 length of the body, u32 CRC-32 of the body, body; a body is a u8 type and its
/// fields
/// (`wire.hpp`):
///
///     1 launcher   text boot identity, text cgroup folder ("" without), u64 highest epoch seen
///     2 epoch      u64 highest epoch seen
///     3 claimed    key, i64 us, u32 slot
///     4 started    key, i64 pid, u64 start ticks, i64 us
///     5 exited     key, end (protocol.hpp)
///     6 forgotten  key
///
/// A record is written by one append before the deed it announces. Nothing is synced: a crash of
/// the launcher or engine loses no byte that was written, and a crash of the machine ends all that
/// the journal protects from running twice. Reading stops at the first record that is cut short or
/// fails its checksum.
class launch_journal {
public:
  /// What a former launcher left, as far as it can be read.
  struct history {
    std::string boot_id; ///< `boot_identity`.
    std::string cgroup;
    std::uint64_t epoch = 0;
    std::map<process_key, journal_entry> entries;
  };

  /// Reads the journal of `data_dir`; an absent or empty one is an empty history. Fails with
  /// `errc::newer_format`, `errc::corrupt` (not a journal) or `errc::os_failure`.
  static result<history> read(const std::string& data_dir);

  /// Opens the journal for writing and rewrites it as `from`, with this boot and cgroup folder.
  static result<launch_journal> open(const std::string& data_dir, history from);

  // Each records one fact. They fail with `errc::os_failure` or `errc::unavailable` if the record
  // could not be written whole; the file then reads as before.

  /// What is about to be: without the record it is not so.
  result<void> claim(const process_key& key, instant at, std::uint32_t slot);
  result<void> raise_epoch(std::uint64_t epoch);

  /// What is so with or without the record: it is known in any case, and the journal is `behind`
  /// until it can be written anew, which each later record and `catch_up` try.
  result<void> start(const process_key& key, std::int64_t pid, std::uint64_t start_ticks,
                     instant at);
  result<void> end(const process_key& key, const process_end& end);
  result<void> forget(const process_key& key);

  bool behind() const noexcept { return behind_; }
  result<void> catch_up() { return behind_ ? rewrite() : ok(); }

  /// All that is claimed and not forgotten, and the highest epoch.
  const history& known() const noexcept { return known_; }

private:
  launch_journal() = default;
  result<void> append(const std::string& body);
  result<void> note(const std::string& body);
  result<void> rewrite();

  std::string data_dir_;
  unique_fd file_;
  std::uint64_t size_ = 0;
  std::uint64_t rewrite_above_ = 0;
  /// Part of a record stands at the end of the file and could not be taken back.
  bool torn_ = false;
  /// The file lacks something that is known.
  bool behind_ = false;
  history known_;
};

} // namespace pinion
