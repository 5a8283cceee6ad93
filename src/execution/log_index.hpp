#pragma once

#include "execution/os.hpp"
#include "pinion/execution/log_reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// What is kept beside a log.
///
/// ON DISK, `<log>.idx`: the 8 bytes "PNLGIX\0\1", u64 begin and u64 end of the cut (equal: none),
/// then entries of u64 offset, i64 us: what lies before the offset was written by that time.
/// Little-endian; offsets and times ascend. A file that was written while the machine crashed is
/// used as far as that holds.
struct log_index {
  std::uint64_t cut_begin = 0;
  std::uint64_t cut_end = 0;
  std::vector<log_time> times;
};

inline constexpr std::size_t index_head_bytes = 24;
inline constexpr std::size_t index_entry_bytes = 16;
/// A full index is thinned to half, and grows half as fast from then on.
inline constexpr std::size_t most_index_entries = 32'768;

/// An index that is not one reads as empty.
log_index decode_log_index(std::string_view bytes);
std::string encode_log_index(const log_index& index);

/// Watches the log of a living task: notes when it grew, and cuts the middle out when it is too
/// long.
class log_watch {
public:
  log_watch() = default;
  /// Opens the log for appending, makes it if it is absent, with its folder (whose parents exist up
  /// to two levels). Fails with `errc::os_failure`, also if it is not a plain file.
  static result<log_watch> open(const std::string& path, std::uint64_t limit_bytes, instant now);

  int fd() const noexcept { return file_.get(); }
  bool is_open() const noexcept { return static_cast<bool>(file_); }
  /// Looks at the size; to be called each 100 ms, and at the end with `last`.
  void look(instant now, bool last = false);
  std::uint64_t size() const noexcept { return size_; }
  bool cut() const noexcept { return index_.cut_end > index_.cut_begin; }
  /// It grows so fast that the next look should come sooner.
  bool hurried() const noexcept { return hurried_; }

private:
  void note(instant now);
  void cut_middle();
  /// Makes [begin, end) the cut that readers see; false if that could not be written.
  bool record_cut(std::uint64_t begin, std::uint64_t end);
  void write_entry();
  void rewrite();

  std::string path_;
  unique_fd file_;
  unique_fd index_file_;
  std::uint64_t limit_ = 0;
  std::uint64_t size_ = 0;
  bool hurried_ = false;
  bool index_failed_ = false;
  /// The file system cannot make holes.
  bool no_holes_ = false;
  duration spacing_{0};
  log_index index_;
};

} // namespace pinion
