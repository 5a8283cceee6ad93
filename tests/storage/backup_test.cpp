#include "pinion/storage/backup.hpp"

#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/locked_out.hpp"
#include "storage/sound_store.hpp"
#include "storage/temporary_folder.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

/// An open store with the rows of a sound one.
struct live_store {
  explicit live_store(const fs::path& at)
      : folder{data_folder::open(at).value()},
        kv{rocks_kv::open({folder.database(), folder.mirror(), durability::sync}).value()} {
    kv_batch batch;
    test::sound_store{}.write_to(batch);
    REQUIRE(test::commit(*kv, std::move(batch)));
  }
  data_folder folder;
  std::unique_ptr<rocks_kv> kv;
};

/// A file system of 16 MiB, if this user may mount one. To outlive what is open on it.
class small_disk {
public:
  explicit small_disk(fs::path at) : at_{std::move(at)} {
    fs::create_directory(at_);
    mounted_ = ::mount("pinion-test", at_.c_str(), "tmpfs", 0, "size=16m") == 0;
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() {
    if (mounted_)
      ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool mounted() const noexcept { return mounted_; }
  const fs::path& path() const noexcept { return at_; }

  /// Takes all room but `left` bytes.
  void fill(std::uintmax_t left) const {
    std::ofstream{at_ / "filler"} << std::string(fs::space(at_).available - left, 'x');
    REQUIRE(fs::space(at_).available <= left);
  }
  void empty() const { fs::remove(at_ / "filler"); }

private:
  fs::path at_;
  bool mounted_ = false;
};

restore_request into(const fs::path& backups, const fs::path& data) {
  restore_request ask;
  ask.backups = backups;
  ask.data = data;
  ask.who = "ada";
  ask.now = test::day;
  return ask;
}

std::unique_ptr<rocks_kv> opened(const fs::path& data) {
  return rocks_kv::open({data / "store", data / "COMMIT", durability::sync}).value();
}

void flip_byte(const fs::path& file) {
  std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
  bytes.seekg(20);
  const auto byte = static_cast<char>(bytes.get() ^ 0x10);
  bytes.seekp(20);
  bytes.put(byte);
}

} // namespace

TEST_CASE("a restored store holds what was there, in epochs of its own", "[backup]") {
  test::temporary_folder folder;
  const auto backups = folder.path() / "b";
  live_store live{folder.path() / "d"};
  const auto made = live.kv->back_up(backups, 0).value();
  CHECK(made.id == 1);
  CHECK(made.commits == 1);
  REQUIRE(test::commit(*live.kv, test::put(family::meta, "later", "1")));

  const auto done = restore_backup(into(backups, folder.path() / "n")).value();
  CHECK(done.from.id == 1);
  CHECK(done.lost_attempts == 1);
  const auto kv = opened(folder.path() / "n");
  CHECK_FALSE(kv->get(family::meta, "later").value());
  CHECK(check_store(*kv, test::sound_readers()).value().findings.empty());
  CHECK(current_epoch(*kv).value() == 3 + restored_epochs);
  // Logs and workspaces are named by runs: what the old engine has made since is no new run's.
  CHECK(store_reader{*kv}.highest_run().value().value >= restored_runs);
}

TEST_CASE("what was alive is of no machine's boot any more, what has ended is untouched",
          "[backup]") {
  test::temporary_folder folder;
  live_store live{folder.path() / "d"};
  REQUIRE(live.kv->back_up(folder.path() / "b", 0));
  REQUIRE(restore_backup(into(folder.path() / "b", folder.path() / "n")));
  const auto kv = opened(folder.path() / "n");
  const store_reader store{*kv};
  CHECK(store.attempt({run_id{2}, 0, no_element}, 1).value()->boot_id == "restored");
  CHECK(store.attempt({run_id{1}, 0, no_element}, 1).value()->boot_id.empty());
  const auto audit = store.list_audit({}, {}).value();
  CHECK(audit.items.front().verb == "store restore");
  CHECK(audit.items.front().who == "ada");
}

TEST_CASE("a restored engine can be put on hold", "[backup]") {
  test::temporary_folder folder;
  live_store live{folder.path() / "d"};
  REQUIRE(live.kv->back_up(folder.path() / "b", 0));
  auto ask = into(folder.path() / "b", folder.path() / "n");
  ask.hold = true;
  REQUIRE(restore_backup(ask));
  CHECK(opened(folder.path() / "n")->get(family::meta, "held").value());
}

TEST_CASE("several backups are kept, each of its moment, as many as asked for", "[backup]") {
  test::temporary_folder folder;
  const auto backups = folder.path() / "b";
  live_store live{folder.path() / "d"};
  for (int i = 1; i <= 4; ++i) {
    REQUIRE(test::commit(*live.kv, test::put(family::meta, "round", std::to_string(i))));
    CHECK(live.kv->back_up(backups, 3).value().id == static_cast<std::uint32_t>(i));
  }
  const auto all = list_backups(backups).value();
  REQUIRE(all.size() == 3);
  CHECK(all.front().id == 2);
  auto ask = into(backups, folder.path() / "n");
  ask.id = 3;
  CHECK(restore_backup(ask).value().from.id == 3);
  CHECK(opened(folder.path() / "n")->get(family::meta, "round").value() == "3");
  ask.id = 1;
  ask.data = folder.path() / "m";
  const auto gone = restore_backup(ask);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == errc::not_found);
  CHECK_FALSE(fs::exists(ask.data));
}

TEST_CASE("a backup is restored into a new folder only", "[backup]") {
  test::temporary_folder folder;
  live_store live{folder.path() / "d"};
  REQUIRE(live.kv->back_up(folder.path() / "b", 0));
  SECTION("not over the engine's own") {
    const auto refused = restore_backup(into(folder.path() / "b", folder.path() / "d"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::refused);
    CHECK_THAT(refused.error().message, Catch::Contains("new data folder only"));
  }
  SECTION("not beside other files") {
    fs::create_directory(folder.path() / "n");
    std::ofstream{folder.path() / "n" / "mine"} << "x";
    CHECK(restore_backup(into(folder.path() / "b", folder.path() / "n")).error().code ==
          errc::refused);
  }
}

TEST_CASE("a backup goes into a folder of backups only", "[backup]") {
  test::temporary_folder folder;
  live_store live{folder.path() / "d"};
  SECTION("not among other files") {
    fs::create_directory(folder.path() / "x");
    std::ofstream{folder.path() / "x" / "mine"} << "x";
    CHECK(live.kv->back_up(folder.path() / "x", 0).error().code == errc::refused);
  }
  SECTION("not into the data folder") {
    CHECK(live.kv->back_up(folder.path() / "d" / "b", 0).error().code == errc::refused);
  }
  SECTION("not into a file") {
    std::ofstream{folder.path() / "f"} << "x";
    CHECK(live.kv->back_up(folder.path() / "f", 0).error().code == errc::refused);
  }
}

TEST_CASE("a folder without backups is none, and is not made one", "[backup]") {
  test::temporary_folder folder;
  CHECK(list_backups(folder.path() / "b").error().code == errc::not_found);
  CHECK_FALSE(fs::exists(folder.path() / "b"));
}

TEST_CASE("a folder of backups that cannot be looked at is not one without", "[backup]") {
  test::temporary_folder folder;
  fs::permissions(folder.path(), fs::perms{0755});
  const auto backups = folder.path() / "b";
  live_store live{folder.path() / "d"};
  REQUIRE(live.kv->back_up(backups, 0));
  const test::locked_out meanwhile{backups};
  const auto listed = list_backups(backups);
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code == errc::os_failure);
  CHECK_THAT(listed.error().message, Catch::Contains("Permission denied"));
  const auto made = live.kv->back_up(backups, 0);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::os_failure);
  CHECK_THAT(made.error().message, Catch::Contains("Permission denied"));
}

TEST_CASE("a store whose disk is full is not backed up, and lives on", "[backup]") {
  test::temporary_folder folder;
  const small_disk disk{folder.path() / "disk"};
  if (!disk.mounted()) {
    WARN("only root can mount the small disk that this needs");
    return;
  }
  const auto backups = folder.path() / "b";
  live_store live{disk.path() / "d"};
  SECTION("before a commit met it") {
    disk.fill(std::uintmax_t{512} << 10U);
    const auto refused = live.kv->back_up(backups, 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unavailable);
    CHECK_THAT(refused.error().message, Catch::Contains("the disk is full"));
    CHECK_FALSE(fs::exists(backups));
    disk.empty();
    CHECK(live.kv->back_up(backups, 0));
  }
  SECTION("after a commit failed for it") {
    disk.fill(std::uintmax_t{64} << 10U);
    const std::string row(std::size_t{1} << 20U, 'x');
    REQUIRE_FALSE(test::commit(*live.kv, test::put(family::meta, "large", row)));
    CHECK(live.kv->ran_out_of_room());
    disk.empty();
    const auto refused = live.kv->back_up(backups, 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unavailable);
    CHECK_FALSE(fs::exists(backups));
  }
}

TEST_CASE("a damaged store is not backed up, and pushes no good backup out", "[backup]") {
  test::temporary_folder folder;
  const auto backups = folder.path() / "b";
  const auto data = folder.path() / "d";
  { live_store live{data}; } // Its rows are in tables now.
  live_store live{data};
  REQUIRE(live.kv->back_up(backups, 1));
  fs::path damaged;
  SECTION("a table") {
    for (const auto& entry : fs::directory_iterator{live.folder.database()})
      if (entry.path().extension() == ".sst")
        damaged = std::max(damaged, entry.path());
  }
  SECTION("the list of files") {
    std::string name;
    std::ifstream{live.folder.database() / "CURRENT"} >> name;
    damaged = live.folder.database() / name;
  }
  flip_byte(damaged);
  for (const auto& into : {backups, folder.path() / "c"}) {
    const auto made = live.kv->back_up(into, 1);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::corrupt);
    CHECK_THAT(made.error().message, Catch::Contains(damaged.string()));
  }
  CHECK_FALSE(fs::exists(folder.path() / "c"));
  CHECK(list_backups(backups).value().front().id == 1);
}

TEST_CASE("a backup over damaged files of earlier ones is refused, and pushes none of them out",
          "[backup]") {
  test::temporary_folder folder;
  const auto backups = folder.path() / "b";
  const auto data = folder.path() / "d";
  { live_store live{data}; } // Its rows are in tables now.
  live_store live{data};
  REQUIRE(live.kv->back_up(backups, 0));
  fs::path shared;
  for (const auto& entry : fs::directory_iterator{backups / "shared_checksum"})
    shared = std::max(shared, entry.path());
  flip_byte(shared);
  REQUIRE(test::commit(*live.kv, test::put(family::meta, "round", "2")));
  const auto made = live.kv->back_up(backups, 1);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::corrupt);
  CHECK_THAT(made.error().message, Catch::Contains(backups.string()));
  CHECK_THAT(made.error().suggestion, Catch::Contains("another folder"));
  const auto left = list_backups(backups).value();
  REQUIRE(left.size() == 1);
  CHECK(left.front().id == 1);
  CHECK(live.kv->back_up(folder.path() / "c", 1));
}

TEST_CASE("a folder of backups whose making was cut off is taken", "[backup]") {
  test::temporary_folder folder;
  const auto backups = folder.path() / "b";
  live_store live{folder.path() / "d"};
  fs::create_directories(backups / "shared_checksum");
  SECTION("before the others were made") {}
  SECTION("before the last was made") { fs::create_directories(backups / "private"); }
  CHECK(live.kv->back_up(backups, 0).value().id == 1);
}

TEST_CASE("a backup with a flipped byte is refused before anything is made", "[backup]") {
  test::temporary_folder folder;
  const auto backups = folder.path() / "b";
  {
    live_store live{folder.path() / "d"};
    REQUIRE(live.kv->back_up(backups, 0));
  }
  for (const auto& entry : fs::recursive_directory_iterator{backups / "private"})
    if (entry.is_regular_file() && entry.file_size() > 30 && entry.path().extension() == ".log")
      flip_byte(entry.path());
  const auto refused = restore_backup(into(backups, folder.path() / "n"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::corrupt);
  CHECK_THAT(refused.error().suggestion, Catch::Contains("older backup"));
  CHECK_FALSE(fs::exists(folder.path() / "n"));
}

TEST_CASE("half of a restore is no store to start on, and is replaced by the next", "[backup]") {
  test::temporary_folder folder;
  live_store live{folder.path() / "d"};
  REQUIRE(live.kv->back_up(folder.path() / "b", 0));
  const auto data = folder.path() / "n";
  {
    const auto begun = data_folder::begin_restore(data).value();
    CHECK(restore_backup(into(folder.path() / "b", data)).error().code == errc::in_use);
    // As a crash would leave it.
    fs::create_directory(begun.database());
    std::ofstream{begun.database() / "CURRENT"} << "half";
    std::ofstream{begun.mirror()} << "half";
  }
  for (const auto& refused : {data_folder::open(data), data_folder::open_existing(data)}) {
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::refused);
    CHECK_THAT(refused.error().message, Catch::Contains("was cut off"));
    CHECK_THAT(refused.error().suggestion, Catch::Contains("--data " + data.string()));
  }
  REQUIRE(restore_backup(into(folder.path() / "b", data)));
  CHECK(data_folder::open(data));
  CHECK(check_store(*opened(data), test::sound_readers()).value().findings.empty());
  CHECK(restore_backup(into(folder.path() / "b", data)).error().code == errc::refused);
}

TEST_CASE("a restore that was cut off before its lock is no hindrance", "[backup]") {
  test::temporary_folder folder;
  live_store live{folder.path() / "d"};
  REQUIRE(live.kv->back_up(folder.path() / "b", 0));
  const auto data = folder.path() / "n";
  fs::create_directory(data);
  REQUIRE(::chmod(data.c_str(), 0700) == 0);
  std::ofstream{data / "LOCK"} << "";
  CHECK(restore_backup(into(folder.path() / "b", data)));
}
