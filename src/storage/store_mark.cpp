#include "storage/store_mark.hpp"

#include "storage/checked_line.hpp"
#include "storage/log_frames.hpp"
#include "storage/store_damage.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace pinion {
namespace {

namespace fs = std::filesystem;

fs::path mark_in(const fs::path& database) { return database / "MARK"; }

std::string line_of(const store_mark& mark) {
  return with_sum(mark.manifest + ' ' + std::to_string(mark.bytes) +
                  (mark.closed ? " closed" : " open"));
}

problem cannot_write(const fs::path& file) {
  return {errc::storage_failure, "cannot write " + file.string() + ": " + std::strerror(errno), {}};
}

result<void> sync_folder(const fs::path& folder) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = opened >= 0 && ::fsync(opened) == 0;
  auto outcome = synced ? result<void>{ok()} : cannot_write(folder);
  if (opened >= 0)
    ::close(opened);
  return outcome;
}

result<void> write_whole(const fs::path& file, const std::string& text) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (opened < 0)
    return cannot_write(file);
  const auto put = ::write(opened, text.data(), text.size());
  if (put >= 0 && static_cast<std::size_t>(put) != text.size())
    errno = ENOSPC; // What a short write of one line means.
  const bool written = put == static_cast<ssize_t>(text.size()) && ::fsync(opened) == 0;
  auto outcome = written ? result<void>{ok()} : cannot_write(file);
  ::close(opened);
  return outcome;
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
  const auto file = mark_in(database);
  auto fresh = file;
  fresh += ".new";
  BOOST_OUTCOME_TRYV(write_whole(fresh, line_of(mark)));
  if (::rename(fresh.c_str(), file.c_str()) != 0)
    return cannot_write(file);
  return sync_folder(database);
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
