#pragma once

#include <cstdint>
#include <filesystem>

namespace pinion {

/// How many bytes of a file in RocksDB's log format (the MANIFEST is one) are whole records, from
/// its beginning; all of them, if it is sound. The format, of RocksDB's wiki ("Write Ahead Log File
/// Format"): blocks of 32 KiB with records of
///
///     masked CRC-32C of type and payload (u32 LE) | length (u16 LE) | type (u8) | payload
///
/// where less than a header's 7 bytes at the end of a block are zero. Types are 1 to 4; those of
/// reused logs (5 to 8) are not written with our options. 0 if the file cannot be read.
std::uintmax_t whole_bytes(const std::filesystem::path& file);

/// Whether a whole record that begins something, and does not go on with it, lies anywhere behind
/// `offset`: then what is damaged before it was not the last write. False if the file cannot be
/// read.
bool begins_behind(const std::filesystem::path& file, std::uintmax_t offset);

} // namespace pinion
