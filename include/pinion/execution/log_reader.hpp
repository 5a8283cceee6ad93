#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion {

/// A piece of a log: `bytes` as the task wrote them (any bytes, also half a line).
struct log_chunk {
  /// Where `bytes` begins; larger than what was asked for when that lies in the cut.
  std::uint64_t offset = 0;
  std::string bytes;
  /// Where to read on.
  std::uint64_t next_offset = 0;
  /// Size of the log at this moment, the cut included. At the end: `next_offset == size`; following
  /// is calling `read(next_offset)` again when the size may have grown.
  std::uint64_t size = 0;
  /// Bytes that were cut out immediately before `offset`; 0: none.
  std::uint64_t cut_bytes = 0;
};

/// One mark of time: what lies before `offset` was written by `at`, to about 100 ms.
struct log_time {
  std::uint64_t offset = 0;
  instant at{};
};

/// Reads the log of one attempt, while it grows or after. Every call looks at the files anew, so
/// a reader may be kept or made for each call. For one thread at a time.
class log_reader {
public:
  /// Most bytes one chunk has.
  static constexpr std::size_t max_chunk_bytes = 1U << 20U;

  /// Opens the log, below `data_dir` only and through no link. Fails with `errc::not_found` when
  /// the attempt has no log (it never started, or retention removed it).
  static result<log_reader> open(const std::string& data_dir, const instance_key& instance,
                                 std::uint32_t attempt);

  log_reader(log_reader&&) noexcept;
  log_reader& operator=(log_reader&&) noexcept;
  ~log_reader();

  /// Reads from `offset` at most `max_bytes` (clamped to 1..max_chunk_bytes). An offset inside the
  /// cut moves to its end; past the end of the log gives an empty chunk at the end.
  result<log_chunk> read(std::uint64_t offset, std::size_t max_bytes = max_chunk_bytes) const;

  /// Where the last `lines` lines begin (a last line without newline counts). Looks back at most
  /// `max_back_bytes`, never into the cut.
  result<std::uint64_t> tail_offset(std::uint64_t lines,
                                    std::uint64_t max_back_bytes = 64ULL << 20U) const;

  /// Where the output written after `since` begins, by the index: at or up to about 100 ms before.
  result<std::uint64_t> offset_since(instant since) const;

  /// When the byte at `offset` was written, interpolated in the index; bounded by the marks around
  /// it.
  result<instant> time_of(std::uint64_t offset) const;

  /// When the bytes at each of `offsets` (ascending) were written: one look at the index.
  result<std::vector<instant>> times_of(const std::vector<std::uint64_t>& offsets) const;

  /// Bytes of the log (logical, the cut included), and of the cut.
  result<std::uint64_t> size() const;
  result<std::uint64_t> cut_bytes() const;

private:
  struct files;
  explicit log_reader(std::unique_ptr<files> opened) noexcept;
  std::unique_ptr<files> files_;
};

} // namespace pinion
