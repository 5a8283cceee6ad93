#include "pinion/storage/backup.hpp"

#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/byte_order.hpp"
#include "storage/rocks_open.hpp"
#include "storage/whole_file.hpp"

#include <charconv>
#include <future>
#include <rocksdb/env.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/stat.h>
#include <system_error>

namespace pinion {
namespace {

namespace fs = std::filesystem;

/// The row that keeps an engine on hold.
constexpr const char* held_row = "held";
/// No machine's: what was granted on it is lost.
constexpr const char* restored_boot = "restored";
constexpr std::string_view commits_label = "commits ";
/// What the commits that arrive during a backup may need, at least.
constexpr std::uintmax_t least_room = std::uintmax_t{1} << 20U;

rocksdb::BackupEngineOptions options_for(const fs::path& folder) {
  rocksdb::BackupEngineOptions o{folder.string()};
  o.share_table_files = true;
  o.share_files_with_checksum = true;
  o.sync = true;
  o.max_background_operations = 1;
  return o;
}

backup_record record_of(const rocksdb::BackupInfo& info) {
  backup_record out;
  out.id = info.backup_id;
  out.at = instant{std::chrono::seconds{info.timestamp}};
  out.bytes = info.size;
  out.files = info.number_files;
  const std::string_view words{info.app_metadata};
  if (words.starts_with(commits_label))
    std::from_chars(words.data() + commits_label.size(), words.data() + words.size(), out.commits);
  return out;
}

result<bool> holds_backups(const fs::path& folder) {
  BOOST_OUTCOME_TRY(meta, is_there(folder / "meta", errc::os_failure));
  BOOST_OUTCOME_TRY(own, is_there(folder / "private", errc::os_failure));
  return meta && own;
}

/// Its making was cut off: nothing is in it but some of the folders that RocksDB makes.
result<bool> was_begun(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it{folder, error}, end; !error && it != end;
       it.increment(error)) {
    const auto name = it->path().filename();
    if (!it->is_directory(error) || it.depth() > 0 ||
        (name != "shared" && name != "shared_checksum" && name != "private" && name != "meta"))
      return false;
  }
  if (error)
    return problem{
        errc::os_failure, "cannot look into " + folder.string() + ": " + error.message(), {}};
  return true;
}

/// Refuses a folder that holds something else, or lies in the store.
result<void> check_place(const fs::path& folder, const fs::path& database) {
  std::error_code error;
  const auto inside = fs::weakly_canonical(folder, error).string() + '/';
  const auto store = fs::weakly_canonical(database.parent_path(), error).string() + '/';
  if (inside.starts_with(store))
    return problem{errc::refused, folder.string() + " lies in the data folder itself",
                   "name a folder elsewhere, best on another disk"};
  BOOST_OUTCOME_TRY(there, is_there(folder, errc::os_failure));
  if (!there)
    return ok();
  if (!fs::is_directory(folder, error))
    return problem{errc::refused, folder.string() + " is not a folder", "name a folder"};
  BOOST_OUTCOME_TRY(used, holds_backups(folder));
  if (used)
    return ok();
  BOOST_OUTCOME_TRY(begun, was_begun(folder));
  if (!begun)
    return problem{errc::refused, folder.string() + " is not empty, and holds no backups of Pinion",
                   "name an absent or empty folder, or one with earlier backups"};
  return ok();
}

result<void> make(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return problem{
        errc::storage_failure, "cannot create " + folder.string() + ": " + error.message(), {}};
  if (::chmod(folder.c_str(), 0700) != 0)
    return problem{errc::storage_failure, folder.string() + " does not belong to this user", {}};
  return ok();
}

/// RocksDB syncs its log for a backup, and asserts that no write to it has failed before.
result<void> check_room(const fs::path& database) {
  std::error_code error;
  const auto space = fs::space(database, error);
  if (error || space.available >= least_room)
    return ok();
  return problem{errc::unavailable,
                 "the disk is full: the file system of " + database.string() + " has only " +
                     std::to_string(space.available) + " bytes left",
                 "make room on it, then ask for the backup again"};
}

result<std::uint64_t> commit_and_wait(kv_port& kv, kv_batch batch) {
  std::promise<result<std::uint64_t>> answer;
  auto answered = answer.get_future();
  kv.commit(std::move(batch),
            [&answer](result<std::uint64_t> number) { answer.set_value(std::move(number)); });
  return answered.get();
}

/// What makes the store another one than that which was backed up.
result<void> renew(kv_port& kv, const restore_request& ask, restore_report& report) {
  const store_reader store{kv};
  kv_batch batch;
  // `restored_epochs` were left out when it was opened without its mirror.
  BOOST_OUTCOME_TRY(epoch, current_epoch(kv));
  report.epoch = epoch;
  BOOST_OUTCOME_TRY(live, store.live_runs());
  for (const auto& run : live) {
    BOOST_OUTCOME_TRY(attempts, store.newest_attempts_of(run.id));
    for (auto& attempt : attempts) {
      if (attempt.state == attempt_state::ended)
        continue;
      attempt.boot_id = restored_boot;
      put_attempt(batch, attempt);
      ++report.lost_attempts;
    }
  }
  if (ask.hold)
    batch.put(family::meta, held_row, "1");
  BOOST_OUTCOME_TRY(last, store.last_audit());
  audit_record audit;
  audit.sequence = last + 1;
  audit.at = ask.now;
  audit.who = ask.who;
  audit.verb = "store restore";
  audit.object = "store";
  audit.details = "{\"backup\":" + std::to_string(report.from.id) +
                  ",\"lost_attempts\":" + std::to_string(report.lost_attempts) + "}";
  put_audit(batch, audit);
  BOOST_OUTCOME_TRY(number, commit_and_wait(kv, std::move(batch)));
  report.commits = number;
  return ok();
}

} // namespace

result<backup_record> back_up_database(const rocks_database& parts, const fs::path& folder,
                                       std::uint32_t keep) {
  BOOST_OUTCOME_TRYV(check_place(folder, parts.db->GetName()));
  // RocksDB copies tables without a look at their blocks: a damaged store would push the good
  // backups out.
  BOOST_OUTCOME_TRYV(verify_files(parts));
  BOOST_OUTCOME_TRYV(check_room(parts.db->GetName()));
  BOOST_OUTCOME_TRYV(make(folder));
  // Read before: the backup has these and perhaps more.
  const auto commits = figures_of(parts).commits;
  rocksdb::BackupEngine* raw = nullptr;
  rocksdb::Status status =
      rocksdb::BackupEngine::Open(rocksdb::Env::Default(), options_for(folder), &raw);
  if (!status.ok())
    return to_problem(status, "open the backups in " + folder.string());
  const std::unique_ptr<rocksdb::BackupEngine> engine{raw};
  rocksdb::BackupID id = 0;
  status = engine->CreateNewBackupWithMetadata(rocksdb::CreateBackupOptions{}, parts.db.get(),
                                               std::string{commits_label} + std::to_string(commits),
                                               &id);
  if (!status.ok())
    return to_problem(status, "back up into " + folder.string());
  // It shares files with earlier ones, which may be damaged: then it is as little worth as they
  // are, and none of them makes way for it.
  if (status = engine->VerifyBackup(id, true); !status.ok()) {
    auto why = to_problem(status, "read back what was backed up into " + folder.string());
    why.suggestion = "back up into another folder; of this one, restore an older backup at most";
    if (const auto gone = engine->DeleteBackup(id); !gone.ok())
      why.message += "; backup " + std::to_string(id) + " cannot be removed: " + gone.ToString();
    return why;
  }
  if (keep != 0)
    if (status = engine->PurgeOldBackups(keep); !status.ok())
      return to_problem(status, "remove old backups from " + folder.string());
  rocksdb::BackupInfo info;
  if (status = engine->GetBackupInfo(id, &info); !status.ok())
    return to_problem(status, "read the backup in " + folder.string());
  return record_of(info);
}

namespace {

result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> open_backups(const fs::path& folder) {
  BOOST_OUTCOME_TRY(used, holds_backups(folder));
  if (!used) // Opened, it would be made.
    return problem{errc::not_found, "there are no backups in " + folder.string(),
                   "name the folder that 'pinionctl store backup' was given"};
  rocksdb::BackupEngineReadOnly* raw = nullptr;
  const auto status =
      rocksdb::BackupEngineReadOnly::Open(rocksdb::Env::Default(), options_for(folder), &raw);
  if (!status.ok())
    return to_problem(status, "open the backups in " + folder.string());
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>{raw};
}

std::vector<backup_record> all_of(const rocksdb::BackupEngineReadOnly& engine) {
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  std::vector<backup_record> all;
  for (const auto& info : infos)
    all.push_back(record_of(info));
  return all;
}

} // namespace

result<std::vector<backup_record>> list_backups(const fs::path& folder) {
  BOOST_OUTCOME_TRY(engine, open_backups(folder));
  return all_of(*engine);
}

result<restore_report> restore_backup(const restore_request& ask) {
  BOOST_OUTCOME_TRYV(data_folder::check_new(ask.data));
  BOOST_OUTCOME_TRY(engine, open_backups(ask.backups));
  restore_report report;
  bool known = false;
  for (const auto& each : all_of(*engine))
    if (ask.id == 0 || each.id == ask.id) {
      report.from = each; // The last of them is the newest.
      known = true;
    }
  if (!known)
    return problem{errc::not_found,
                   ask.backups.string() + " has no backup " +
                       (ask.id == 0 ? "that is whole" : std::to_string(ask.id)),
                   "'pinionctl store backup DIR --list' shows which there are"};
  const auto doing =
      "restore backup " + std::to_string(report.from.id) + " of " + ask.backups.string();
  if (const auto status = engine->VerifyBackup(report.from.id, true); !status.ok()) {
    auto why = to_problem(status, doing);
    why.suggestion = "name an older backup: 'pinionctl store backup DIR --list' shows them";
    return why;
  }
  BOOST_OUTCOME_TRY(folder, data_folder::begin_restore(ask.data));
  const auto database = folder.database().string();
  if (const auto status = engine->RestoreDBFromBackup(report.from.id, database, database);
      !status.ok())
    return to_problem(status, doing);
  {
    BOOST_OUTCOME_TRY(kv, rocks_kv::open({folder.database(), folder.mirror(), durability::sync}));
    BOOST_OUTCOME_TRYV(renew(*kv, ask, report));
    BOOST_OUTCOME_TRYV(kv->close());
  }
  BOOST_OUTCOME_TRYV(folder.end_restore());
  return report;
}

} // namespace pinion
