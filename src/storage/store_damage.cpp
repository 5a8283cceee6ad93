#include "storage/store_damage.hpp"

#include "storage/log_frames.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <optional>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <sstream>

namespace pinion {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t remembered_lines = 16;

constexpr const char* restore_mend =
    "restore a backup: pinionctl store restore DIR --data NEW; without one see \"A damaged store\" "
    "in docs/operations.md";

bool is_digit(char byte) noexcept { return std::isdigit(static_cast<unsigned char>(byte)) != 0; }

/// The first "000012.sst", "000012.log", "MANIFEST-000012" or "CURRENT" in `text`, or empty. A
/// table that is missing is also looked for, and then named, under the extension of other programs.
std::string file_in(const std::string& text) {
  for (const auto* extension : {".sst", ".ldb", ".log"}) {
    for (auto dot = text.find(extension); dot != std::string::npos;
         dot = text.find(extension, dot + 1)) {
      auto begin = dot;
      while (begin > 0 && is_digit(text[begin - 1]))
        --begin;
      if (dot - begin >= 6)
        return text.substr(begin, dot - begin) +
               (extension == std::string_view{".ldb"} ? ".sst" : extension);
    }
  }
  if (const auto at = text.find("MANIFEST-"); at != std::string::npos) {
    auto end = at + 9;
    while (end < text.size() && is_digit(text[end]))
      ++end;
    return text.substr(at, end - at);
  }
  return text.find("CURRENT") != std::string::npos ? "CURRENT" : "";
}

std::string content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// In order of their numbers, which have six digits or more.
std::vector<std::string> manifests_in(const fs::path& folder) {
  std::error_code error;
  auto found = files_in(folder, error);
  std::erase_if(found, [](const auto& name) { return !name.starts_with("MANIFEST-"); });
  std::sort(found.begin(), found.end(), [](const auto& one, const auto& other) {
    return std::pair{one.size(), one} < std::pair{other.size(), other};
  });
  return found;
}

/// The first table that cannot be read whole, or empty.
std::string damaged_table(const fs::path& folder) {
  std::vector<fs::path> tables;
  std::error_code error;
  for (fs::directory_iterator it{folder, error}, end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".sst")
      tables.push_back(it->path());
  std::sort(tables.begin(), tables.end());
  for (const auto& table : tables) {
    // Damaged properties are only logged, and the table is opened without them.
    const auto log = std::make_shared<damage_log>(nullptr);
    rocksdb::Options options;
    options.info_log = log;
    rocksdb::SstFileReader reader{options};
    if (!reader.Open(table.string()).ok() || !reader.VerifyChecksum().ok() ||
        !log->damages().empty())
      return table.filename().string();
  }
  return {};
}

/// The file that a failure without a name must be about: what names the others comes first.
std::string suspect(const fs::path& folder, const std::vector<std::string>& damages) {
  std::error_code error;
  const auto named = named_manifest(folder);
  if (named.empty() || (!fs::exists(folder / named, error) && !manifests_in(folder).empty()))
    return "CURRENT";
  // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot read this library's views.
  for (auto line = damages.rbegin(); line != damages.rend(); ++line)
    if (auto file = file_in(*line); !file.empty())
      return file;
  // RocksDB blames the list for a table that it cannot open.
  const auto table = damaged_table(folder);
  return table.empty() ? named : table;
}

/// How long the newest log is without a last write that is not whole; nothing: that is not what is
/// wrong with `file`.
std::optional<std::uintmax_t> length_before_tear(const std::string& file, const fs::path& folder) {
  std::error_code error;
  const auto files = files_in(folder, error);
  const auto later = [&](const std::string& other) {
    return other.ends_with(".log") && std::pair{other.size(), other} > std::pair{file.size(), file};
  };
  if (error || std::any_of(files.begin(), files.end(), later))
    return std::nullopt;
  const auto whole = whole_bytes(folder / file);
  const auto bytes = fs::file_size(folder / file, error);
  if (error || whole >= bytes || begins_behind(folder / file, whole))
    return std::nullopt;
  return whole;
}

std::string mend_of(const std::string& file, const fs::path& folder) {
  if (file.ends_with(".log"))
    // A write that was acknowledged and rots looks the same, and COMMIT may be older than it: no
    // start decides this by itself.
    if (const auto length = length_before_tear(file, folder))
      return "if the machine stopped in the middle of the last write, keep a copy and cut that "
             "off: "
             "truncate -s " +
             std::to_string(*length) + ' ' + (folder / file).string() + "; else " + restore_mend;
  const auto manifests = manifests_in(folder);
  if (file == "CURRENT" && !manifests.empty())
    return "put the line " + manifests.back() + " (with a line feed at its end) into " +
           (folder / file).string() +
           ", or restore a backup: pinionctl store restore DIR --data NEW";
  return restore_mend;
}

std::string kind_of(const std::string& file) {
  if (file.ends_with(".sst"))
    return "a table of rows";
  if (file.ends_with(".log"))
    return "the log of the newest commits";
  return file == "CURRENT" ? "the file that names the MANIFEST" : "the list of the store's files";
}

} // namespace

damage_log::damage_log(std::shared_ptr<rocksdb::Logger> to)
    : rocksdb::Logger{rocksdb::InfoLogLevel::WARN_LEVEL}, to_{std::move(to)} {}

void damage_log::Logv(rocksdb::InfoLogLevel level, const char* format, std::va_list arguments) {
  if (level < GetInfoLogLevel())
    return;
  std::array<char, 1024> text{};
  std::va_list again;
  va_copy(again, arguments);
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  const std::string line{text.data()};
  if (line.find("Corruption") != std::string::npos || line.find("dropping") != std::string::npos) {
    const std::lock_guard lock{mutex_};
    damages_.push_back(line);
    if (damages_.size() > remembered_lines)
      damages_.pop_front();
  }
  if (to_)
    to_->Logv(level, format, arguments);
}

void damage_log::Logv(const char* format, std::va_list arguments) {
  Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

std::vector<std::string> damage_log::damages() const {
  const std::lock_guard lock{mutex_};
  return {damages_.begin(), damages_.end()};
}

std::vector<std::string> files_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> found;
  for (fs::directory_iterator it{folder, error}, end; !error && it != end; it.increment(error))
    found.push_back(it->path().filename().string());
  return found;
}

bool is_part_of_store(const std::string& name) {
  // The first list is replaced before a new database is open: alone, its making was cut off.
  return (name.starts_with("MANIFEST-") && name != "MANIFEST-000001") || name.ends_with(".sst");
}

std::string named_manifest(const fs::path& folder) {
  auto text = content_of(folder / "CURRENT");
  if (!text.starts_with("MANIFEST-") || !text.ends_with('\n'))
    return {};
  text.pop_back();
  const bool digits = std::all_of(text.begin() + 9, text.end(), is_digit);
  return digits && text.size() > 9 ? text : std::string{};
}

problem damage_of(const fs::path& folder, const std::string& file, const std::string& sentence) {
  std::error_code error;
  const bool there = fs::exists(folder / file, error);
  return {errc::corrupt,
          sentence + "; " + (folder / file).string() + ", " + kind_of(file) +
              (there ? ", is damaged" : ", is missing"),
          mend_of(file, folder)};
}

problem name_damage(problem why, const fs::path& folder, const std::vector<std::string>& damages) {
  if (why.code != errc::corrupt)
    return why;
  auto file = file_in(why.message);
  // A manifest that is not there may be one that CURRENT names wrongly.
  const bool certain = file.ends_with(".sst") || file.ends_with(".log");
  if (!certain)
    file = suspect(folder, damages);
  if (file.empty())
    return why;
  return damage_of(folder, file, why.message);
}

} // namespace pinion
