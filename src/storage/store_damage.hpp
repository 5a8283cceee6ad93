#pragma once

#include "pinion/timing/problem.hpp"

#include <cstdarg>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <rocksdb/env.h>
#include <string>
#include <system_error>
#include <vector>

namespace pinion {

/// Passes RocksDB's log on and remembers the lines about damage: which log file it found torn or
/// flipped it tells nowhere else.
class damage_log final : public rocksdb::Logger {
public:
  /// `to` may be null.
  explicit damage_log(std::shared_ptr<rocksdb::Logger> to);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, std::va_list arguments) override;

  /// Those of the last few lines.
  std::vector<std::string> damages() const;

private:
  std::shared_ptr<rocksdb::Logger> to_;
  mutable std::mutex mutex_;
  std::deque<std::string> damages_;
};

/// The names of the files in `folder`.
std::vector<std::string> files_in(const std::filesystem::path& folder, std::error_code& error);

/// A file that only a database has.
bool is_part_of_store(const std::string& name);

/// What CURRENT says, if it is whole: a name and a line feed. Else empty.
std::string named_manifest(const std::filesystem::path& folder);

/// Says that `file` of the database in `folder` is damaged, or missing, and the mend for a file of
/// its kind.
problem damage_of(const std::filesystem::path& folder, const std::string& file,
                  const std::string& sentence);

/// Adds to `why` which file of the database in `folder` it is about, and the mend for a file of its
/// kind. What is no damage stays as it is.
problem name_damage(problem why, const std::filesystem::path& folder,
                    const std::vector<std::string>& damages);

} // namespace pinion
