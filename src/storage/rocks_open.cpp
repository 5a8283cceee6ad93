#include "storage/rocks_open.hpp"

#include "pinion/storage/backup.hpp"
#include "pinion/storage/codecs.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/keys.hpp"
#include "storage/byte_order.hpp"
#include "storage/commit_chain.hpp"
#include "storage/file_log.hpp"
#include "storage/log_frames.hpp"
#include "storage/store_damage.hpp"
#include "storage/store_mark.hpp"

#include <algorithm>
#include <map>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>
#include <vector>

namespace pinion {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t memtable_bytes = std::size_t{64} << 20U;
constexpr std::size_t cache_bytes = std::size_t{64} << 20U;

/// `kv_write::kind::add`.
class add_operator final : public rocksdb::AssociativeMergeOperator {
public:
  bool Merge(const rocksdb::Slice& /*key*/, const rocksdb::Slice* existing,
             const rocksdb::Slice& delta, std::string* sum,
             rocksdb::Logger* /*log*/) const override {
    if (delta.size() != 8 || (existing != nullptr && existing->size() != 8))
      return false; // The read then fails as corrupt.
    const auto before = existing == nullptr ? 0 : read_little(existing->ToStringView());
    *sum = little_u64(before + read_little(delta.ToStringView()));
    return true;
  }
  const char* Name() const override { return "pinion.add_i64"; } // ON DISK.
};

bool has_lz4() {
  const auto have = rocksdb::GetSupportedCompressions();
  return std::find(have.begin(), have.end(), rocksdb::kLZ4Compression) != have.end();
}

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions o;
  o.create_if_missing = true;
  o.create_missing_column_families = true;
  o.paranoid_checks = true;
  // The default (point in time) silently drops everything behind one flipped byte of the log.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // All families at once: what one has in its tables, all have, see commit_chain.
  o.atomic_flush = true;
  // Both bound the replay at the next start to about 300,000 rows, a good second.
  o.db_write_buffer_size = memtable_bytes;
  o.max_total_wal_size = memtable_bytes;
  o.max_background_jobs = 2;
  o.max_open_files = 256;
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  o.stats_dump_period_sec = 0;
  return o;
}

rocksdb::ColumnFamilyOptions family_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;

  rocksdb::ColumnFamilyOptions o;
  o.write_buffer_size = memtable_bytes / 2;
  o.compression = has_lz4() ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  o.merge_operator = std::make_shared<add_operator>();
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

std::vector<rocksdb::ColumnFamilyDescriptor> our_families() {
  const auto options = family_options(); // One block cache for all.
  std::vector<rocksdb::ColumnFamilyDescriptor> all{{rocksdb::kDefaultColumnFamilyName, options}};
  for (std::size_t i = 0; i < family_count; ++i)
    all.emplace_back(std::string{to_string(static_cast<family>(i))}, options);
  return all;
}

problem newer(const fs::path& folder, std::uint64_t format, std::uint64_t newest) {
  return {errc::newer_format,
          "the store " + folder.string() + " has format " + std::to_string(format) +
              ", this program knows " + std::to_string(newest),
          "use the newer Pinion that wrote it"};
}

problem foreign(const fs::path& folder) {
  return {errc::refused, folder.string() + " holds a RocksDB database that is not Pinion's",
          "choose another data folder"};
}

/// Opens nothing but one family, for a look. Read-only: another program's files stay as they are.
template <class Look>
result<void> look_into(const fs::path& folder, const std::string& name, Look look) {
  const bool plain = name == rocksdb::kDefaultColumnFamilyName;
  std::vector<rocksdb::ColumnFamilyDescriptor> some{{rocksdb::kDefaultColumnFamilyName, {}}};
  if (!plain)
    some.emplace_back(name, family_options());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  rocksdb::DBOptions options;
  options.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;
  const auto status = rocksdb::DB::OpenForReadOnly(options, folder.string(), some, &handles, &raw);
  if (!status.ok())
    return to_problem(status, "open the store " + folder.string());
  const std::unique_ptr<rocksdb::DB> db{raw};
  result<void> outcome = look(*db, handles.back());
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  return outcome;
}

/// Decides whether an existing database with families `names` is ours to open, as one of format
/// `newest` or older.
result<void> check_owner(const fs::path& folder, const std::vector<std::string>& names,
                         std::uint64_t newest) {
  const auto ours = our_families();
  const auto has = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto known = [&](const std::string& name) {
    return std::any_of(ours.begin(), ours.end(), [&](const auto& f) { return f.name == name; });
  };
  const bool only_known = std::all_of(names.begin(), names.end(), known);
  const std::string meta{to_string(family::meta)};
  if (!has(meta)) // Ours only if it is fresh: a crash in the middle of its creation.
    return look_into(folder, rocksdb::kDefaultColumnFamilyName,
                     [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* in) -> result<void> {
                       const std::unique_ptr<rocksdb::Iterator> it{db.NewIterator({}, in)};
                       it->SeekToFirst();
                       if (it->Valid() || !only_known)
                         return foreign(folder);
                       return ok();
                     });
  if (only_known)
    return ok();
  return look_into(folder, meta,
                   [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* in) -> result<void> {
                     std::string value;
                     const auto status = db.Get({}, in, std::string{keys::format}, &value);
                     if (status.ok() && value.size() == 8 && read_little(value) > newest)
                       return newer(folder, read_little(value), newest);
                     return foreign(folder);
                   });
}

result<void> check_families(const fs::path& folder, std::uint64_t newest) {
  std::vector<std::string> names;
  const auto status = rocksdb::DB::ListColumnFamilies({}, folder.string(), &names);
  if (!status.ok())
    return name_damage(to_problem(status, "open the store " + folder.string()), folder, {});
  return check_owner(folder, names, newest);
}

/// The number in a row of meta, or nothing.
result<std::optional<std::uint64_t>> meta_number(const rocks_database& parts,
                                                 std::string_view key) {
  std::string value;
  const auto status = parts.db->Get({}, parts.of(family::meta), rocksdb::Slice{key}, &value);
  if (status.IsNotFound())
    return std::optional<std::uint64_t>{};
  if (!status.ok())
    return to_problem(status, "read the store's format");
  if (value.size() != 8)
    return problem{errc::corrupt, "the store's row meta/" + std::string{key} + " is no number", {}};
  return std::optional{read_little(value)};
}

/// Reads format and commit counter; nothing: the store is fresh and names no format yet.
result<std::optional<std::uint64_t>> read_format(rocks_database& parts, const fs::path& folder,
                                                 std::uint64_t newest) {
  BOOST_OUTCOME_TRY(commits, meta_number(parts, keys::commits));
  BOOST_OUTCOME_TRY(format, meta_number(parts, keys::format));
  parts.commits = commits.value_or(0);
  if (format && *format > newest)
    return newer(folder, *format, newest);
  if ((format && *format < first_format) || (!format && commits))
    return problem{errc::corrupt, "the store " + folder.string() + " does not name its format", {}};
  return format;
}

/// Only an engine rewrites rows: who reads a store that it has not opened yet would misread them.
result<void> check_upgraded(const rocks_database& parts, const fs::path& folder,
                            std::optional<std::uint64_t> format) {
  std::string value;
  const auto status =
      parts.db->Get({}, parts.of(family::meta), rocksdb::Slice{format_step_row}, &value);
  if (!status.ok() && !status.IsNotFound())
    return to_problem(status, "read the store's format");
  if (format.value_or(rocks_kv::format) == rocks_kv::format && status.IsNotFound())
    return ok();
  return problem{errc::refused,
                 "the store " + folder.string() + " is of an older format, or on its way from one",
                 "start the engine on it once: that brings it to format " +
                     std::to_string(rocks_kv::format)};
}

result<void> settle_format(rocks_database& parts, const fs::path& folder, std::uint64_t newest) {
  BOOST_OUTCOME_TRY(format, read_format(parts, folder, newest));
  if (format)
    return ok();
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const auto status = parts.db->Put(durable, parts.of(family::meta), rocksdb::Slice{keys::format},
                                    little_u64(newest));
  if (!status.ok())
    return to_problem(status, "write to the store " + folder.string());
  return ok();
}

/// A store without its mirror may have gone back, as after lost commits that an operator goes on
/// without, and so has one of which a machine took the end with it: what was granted in its last
/// epochs is not known here, but still to a launcher, and its last runs have logs and workspaces.
/// With numbers that were never given nothing new is mistaken for those.
result<void> leave_out_numbers(rocks_database& parts) {
  BOOST_OUTCOME_TRY(epoch, meta_number(parts, keys::epoch));
  BOOST_OUTCOME_TRY(given, meta_number(parts, runs_given));
  const std::unique_ptr<rocksdb::Iterator> last{parts.db->NewIterator({}, parts.of(family::runs))};
  last->SeekToLast();
  std::uint64_t highest = given.value_or(0);
  if (last->Valid()) {
    // Who reads the run says what is wrong with its key.
    if (const auto run = keys::decode_run(last->key().ToStringView()))
      highest = std::max(highest, run.value().value);
  } else if (!last->status().ok()) {
    return to_problem(last->status(), "read the runs");
  }
  rocksdb::WriteBatch batch;
  batch.Put(parts.of(family::meta), rocksdb::Slice{keys::epoch},
            little_u64(epoch.value_or(0) + restored_epochs));
  batch.Put(parts.of(family::meta), rocksdb::Slice{runs_given},
            little_u64(highest + restored_runs));
  rocksdb::WriteOptions durable;
  durable.sync = true;
  const auto status = parts.db->Write(durable, &batch);
  if (!status.ok())
    return to_problem(status, "write to the store");
  return ok();
}

std::string restore_or_remove(const commit_mirror& mirror) {
  return "restore a backup (pinionctl store restore DIR --data NEW), or remove " +
         mirror.file().string() + " to go on without the lost commits";
}

problem lost(const commit_mirror& mirror, std::uint64_t have, const std::string& what) {
  const auto mirrored = mirror.found()->commits;
  return {errc::corrupt,
          "acknowledged commits are missing: the store ends at commit " + std::to_string(have) +
              ", but commit " + std::to_string(mirrored) + " was acknowledged (" + what + ")",
          restore_or_remove(mirror)};
}

problem lost_between(const commit_mirror& mirror, const commit_gap& gap) {
  return {errc::corrupt,
          "acknowledged commits are missing: " + std::to_string(gap.first) + " to " +
              std::to_string(gap.last) + ", which came before those that " + gap.before +
              " has: it is damaged, or a log before it is damaged or missing",
          restore_or_remove(mirror)};
}

enum class access : std::uint8_t { read, write };

/// What is replayed from the logs is up to `replay`, unless that is null.
result<void> open_families(rocks_database& parts, const fs::path& folder, access how,
                           rocksdb::WalFilter* replay = nullptr) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  auto options = database_options();
  // For reading nothing is written, not even what happened.
  const auto log = std::make_shared<damage_log>(
      how == access::write ? std::make_shared<file_log>(folder / "LOG") : nullptr);
  options.info_log = log;
  options.wal_filter = replay;
  const auto status =
      how == access::write
          ? rocksdb::DB::Open(options, folder.string(), our_families(), &handles, &raw)
          : rocksdb::DB::OpenForReadOnly(options, folder.string(), our_families(), &handles, &raw);
  if (!status.ok())
    return name_damage(to_problem(status, "open the store " + folder.string()), folder,
                       log->damages());
  parts.db.reset(raw);
  parts.default_handle = handles.front();
  std::copy(handles.begin() + 1, handles.end(), parts.handles.begin());
  return ok();
}

bool was_closed(const fs::path& folder) {
  const auto mark = read_mark(folder);
  return mark && mark.value() && mark.value()->closed &&
         mark.value()->manifest == named_manifest(folder);
}

/// The list of the files, as far as it is on disk now.
result<store_mark> manifest_of(const rocks_database& parts) {
  std::vector<std::string> files;
  store_mark list;
  if (const auto status = parts.db->GetLiveFiles(files, &list.bytes, false); !status.ok())
    return to_problem(status, "list the store's files");
  for (const auto& file : files)
    if (file.starts_with("/MANIFEST-"))
      list.manifest = file.substr(1);
  return list;
}

/// What the machine took with it when it stopped while durability was `os`.
std::string lost_with_machine(const mirrored_commits& found, std::uint64_t have) {
  const std::string what = "the machine stopped while durability was `os`: ";
  if (found.commits > have)
    return what + "the last " + std::to_string(found.commits - have) + " commits are lost";
  // The mirror is not synced either: it may be older than what was acknowledged.
  return what + "commits of its last moments may be lost";
}

} // namespace

result<replayable> check_acknowledged(const fs::path& folder, const commit_mirror& mirror) {
  commit_chain chain;
  rocks_database tables;
  BOOST_OUTCOME_TRYV(open_families(tables, folder, access::read, &chain));
  BOOST_OUTCOME_TRY(flushed, meta_number(tables, keys::commits));
  const auto gap = chain.gap_after(flushed.value_or(0));
  const auto& found = *mirror.found();
  replayable out;
  out.commits = chain.last_after(flushed.value_or(0));
  out.all = !gap;
  if (found.how == durability::os && !found.same_boot) {
    // The system writes pages in any order: behind a gap may be later commits.
    if (gap || found.commits > out.commits || !was_closed(folder))
      out.notice = lost_with_machine(found, out.commits);
    return out;
  }
  if (gap)
    return lost_between(mirror, *gap);
  if (found.commits > out.commits)
    return lost(mirror, out.commits, "its log is damaged, or an older copy was put in its place");
  return out;
}

result<void> mark_store(const rocks_database& parts, bool closed) {
  BOOST_OUTCOME_TRY(mark, manifest_of(parts));
  mark.closed = closed;
  return write_mark(parts.db->GetName(), mark);
}

result<void> verify_files(const rocks_database& parts) {
  const fs::path folder{parts.db->GetName()};
  BOOST_OUTCOME_TRY(list, manifest_of(parts));
  if (whole_bytes(folder / list.manifest) < list.bytes)
    return damage_of(folder, list.manifest, "the list of the store's files cannot be read whole");
  if (const auto status = parts.db->VerifyChecksum(); !status.ok())
    return name_damage(to_problem(status, "read the store's files"), folder, {});
  return ok();
}

rocks_database::~rocks_database() {
  if (!db)
    return;
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  db->DestroyColumnFamilyHandle(default_handle);
}

problem to_problem(const rocksdb::Status& status, const std::string& doing) {
  const auto text = status.ToString();
  const auto sentence = "cannot " + doing + ": " + text;
  const auto says = [&](const char* words) { return text.find(words) != std::string::npos; };
  if (status.IsIOError() && (says("lock hold by current process") || says("While lock file")))
    return {errc::in_use, sentence, "stop the other process that uses it"};
  if (status.IsCorruption() || status.IsPathNotFound() || says("No such file"))
    return {errc::corrupt, sentence, "restore a backup: pinionctl store restore DIR --data NEW"};
  return {errc::storage_failure, sentence, {}};
}

result<std::unique_ptr<rocks_database>> open_database(const rocks_options& options,
                                                      const commit_mirror& mirror) {
  const auto& folder = options.database;
  const auto newest = newest_format(options.steps);
  std::error_code error;
  // For the owner alone: RocksDB makes its files readable to all.
  if (fs::create_directories(folder, error) && !error)
    fs::permissions(folder, fs::perms::owner_all, error);
  if (error)
    return problem{error == std::errc::permission_denied ? errc::os_failure : errc::storage_failure,
                   "cannot create " + folder.string() + ": " + error.message(),
                   {}};
  BOOST_OUTCOME_TRY(exists, check_manifest(folder));
  if (!exists && mirror.found() && mirror.found()->commits > 0)
    return lost(mirror, 0, "there is no store in " + folder.string());
  if (exists) {
    BOOST_OUTCOME_TRYV(check_families(folder, newest));
  }
  auto parts = std::make_unique<rocks_database>();
  std::optional<commit_chain> cut;
  // Before it is opened for writing: RocksDB then removes the files that could mend it. Also with a
  // mirror that knows of no commit: a machine that stops leaves it as it was last synced.
  if (exists && mirror.found()) {
    BOOST_OUTCOME_TRY(found, check_acknowledged(folder, mirror));
    parts->notice = found.notice;
    if (!found.all)
      cut.emplace(found.commits);
  }
  BOOST_OUTCOME_TRYV(open_families(*parts, folder, access::write, cut ? &*cut : nullptr));
  BOOST_OUTCOME_TRYV(settle_format(*parts, folder, newest));
  BOOST_OUTCOME_TRYV(mark_store(*parts, false));
  // Before the mirror is written: a crash in between must not leave a store that looks sound.
  if (!parts->notice.empty() || (!mirror.found() && parts->commits > 0)) {
    BOOST_OUTCOME_TRYV(leave_out_numbers(*parts));
  }
  return parts;
}

result<std::unique_ptr<rocks_database>> open_for_reading(const fs::path& folder) {
  BOOST_OUTCOME_TRY(exists, check_manifest(folder));
  if (!exists)
    return problem{errc::not_found, "there is no store in " + folder.string(),
                   "name the data folder of an engine"};
  BOOST_OUTCOME_TRYV(check_families(folder, rocks_kv::format));
  auto parts = std::make_unique<rocks_database>();
  BOOST_OUTCOME_TRYV(open_families(*parts, folder, access::read));
  BOOST_OUTCOME_TRY(format, read_format(*parts, folder, rocks_kv::format));
  BOOST_OUTCOME_TRYV(check_upgraded(*parts, folder, format));
  return parts;
}

store_figures figures_of(const rocks_database& parts) {
  store_figures out;
  out.format = rocks_kv::format;
  std::map<int, store_figures::level> levels;
  for (std::size_t i = 0; i < family_count; ++i) {
    const auto in = static_cast<family>(i);
    auto* const handle = parts.of(in);
    const auto number = [&](const std::string& property) {
      std::uint64_t value = 0;
      parts.db->GetIntProperty(handle, property, &value);
      return value;
    };
    using names = rocksdb::DB::Properties;
    out.kinds.push_back({std::string{to_string(in)}, number(names::kEstimateNumKeys),
                         number(names::kTotalSstFilesSize), number(names::kCurSizeAllMemTables),
                         number(names::kEstimatePendingCompactionBytes)});
    rocksdb::ColumnFamilyMetaData about;
    parts.db->GetColumnFamilyMetaData(handle, &about);
    for (const auto& level : about.levels) {
      auto& sum = levels[level.level];
      sum.level = static_cast<unsigned>(level.level);
      sum.files += level.files.size();
      sum.bytes += level.size;
    }
  }
  for (const auto& [_, level] : levels)
    if (level.files != 0)
      out.levels.push_back(level);
  std::error_code error;
  for (fs::directory_iterator it{parts.db->GetName(), error}, end; !error && it != end;
       it.increment(error)) {
    std::error_code gone; // A log may be dropped meanwhile.
    const auto bytes = it->path().extension() == ".log" ? it->file_size(gone) : 0;
    out.log_files += it->path().extension() == ".log" && !gone ? 1 : 0;
    out.log_bytes += gone ? 0 : bytes;
  }
  if (const auto commits = meta_number(parts, keys::commits); commits)
    out.commits = commits.value().value_or(0);
  return out;
}

} // namespace pinion
