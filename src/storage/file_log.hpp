#pragma once

#include <filesystem>
#include <rocksdb/env.h>

namespace pinion {

/// Appends to a file what RocksDB has to say. What cannot be written is left out: RocksDB's own
/// logger asserts on the line after one that failed, as on a full disk.
class file_log final : public rocksdb::Logger {
public:
  /// A file that is large already is renamed first, to its name and ".old".
  explicit file_log(const std::filesystem::path& file);
  ~file_log() override;

  using rocksdb::Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override;

private:
  int descriptor_;
};

} // namespace pinion
