#include "storage/store_mark.hpp"

#include "storage/checked_line.hpp"
#include "storage/log_frames.hpp"
#include "storage/store_damage.hpp"
#include "storage/whole_file.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace pinion {
namespace {

namespace fs = std::filesystem;

fs::path mark_in(const fs::path& database) { return database / "MARK"; }

std::string line_of(const store_mark& mark) {
  return with_sum(mark.manifest + ' ' + std::to_string(mark.bytes) +
                  (mark.closed ? " closed" : " open"));
}

result<void> check_length(const fs::path& database, const std::string& manifest) {
  BOOST_OUTCOME_TRY(mark, read_mark(database));
  // Another one's: an opening was cut off before it could write the mark of its new list.
  if (!mark || mark->manifest != manifest)
    return ok();
  const auto whole = whole_bytes(database / manifest);
  if (whole >= mark->bytes)
    return ok();
  return damage_of(database, manifest,
                   "the list of the store's files is whole for " + std::to_string(whole) +
                       " bytes only, but was for " + std::to_string(mark->bytes));
}

} // namespace

result<std::optional<store_mark>> read_mark(const fs::path& database) {
  const auto file = mark_in(database);
  std::ifstream in{file, std::ios::binary};
  std::error_code error;
  if (!in && !fs::exists(file, error) && !error)
    return std::optional<store_mark>{};
  std::ostringstream content;
  content << in.rdbuf();
  store_mark mark;
  std::string state;
  std::istringstream{content.str()} >> mark.manifest >> mark.bytes >> state;
  mark.closed = state == "closed";
  // The line is right exactly if these values would be written as these bytes.
  if (content.str() == line_of(mark))
    return std::optional{mark};
  return problem{errc::corrupt,
                 file.string() + " is damaged: without it nobody can tell whether the list of the "
                                 "store's files is whole",
                 "remove this file, start, and check with 'pinionctl store verify'"};
}

result<void> write_mark(const fs::path& database, const store_mark& mark) {
  return write_whole(
      mark_in(database), [&](const auto&) { return line_of(mark); }, errc::storage_failure);
}

result<bool> check_manifest(const fs::path& database) {
  std::error_code error;
  const bool named = fs::exists(database / "CURRENT", error);
  const auto files = error ? std::vector<std::string>{} : files_in(database, error);
  if (error && error != std::errc::no_such_file_or_directory)
    return problem{errc::os_failure,
                   "cannot look into " + database.string() + ": " + error.message(),
                   "let the engine's user enter the folder"};
  if (!named && std::any_of(files.begin(), files.end(), is_part_of_store))
    // Opened, RocksDB would begin a new database and remove the old one's tables.
    return damage_of(database, "CURRENT",
                     "the store " + database.string() + " has files, but none that names them");
  if (!named)
    return false;
  if (const auto manifest = named_manifest(database); !manifest.empty()) {
    BOOST_OUTCOME_TRYV(check_length(database, manifest));
  }
  return true;
}

} // namespace pinion
