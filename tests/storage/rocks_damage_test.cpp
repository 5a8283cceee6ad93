#include "pinion/storage/rocks_kv.hpp"

#include "pinion/storage/backup.hpp"
#include "pinion/storage/codecs.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/keys.hpp"
#include "storage/byte_order.hpp"
#include "storage/checked_line.hpp"
#include "storage/commit_mirror.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/temporary_folder.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

/// The program that commits until it is killed, and what it says was acknowledged.
class crash_writer {
public:
  explicit crash_writer(const fs::path& folder) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    acknowledged_ = ends[0];
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    std::string program = PINION_CRASH_WRITER;
    std::string argument = folder.string();
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    const int failed =
        ::posix_spawn(&child_, program.c_str(), &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    REQUIRE(failed == 0);
  }
  crash_writer(const crash_writer&) = delete;
  crash_writer& operator=(const crash_writer&) = delete;
  ~crash_writer() { ::close(acknowledged_); }

  /// The next acknowledged number; 0 once the program is gone and all is read.
  std::uint64_t next() const {
    std::uint64_t number = 0;
    return ::read(acknowledged_, &number, sizeof number) == sizeof number ? number : 0;
  }
  /// Kills it in the middle of its work, and returns the last number it acknowledged.
  std::uint64_t kill_after(std::uint64_t commits) {
    std::uint64_t last = 0;
    while (last < commits) {
      last = next();
      REQUIRE(last != 0);
    }
    REQUIRE(::kill(child_, SIGKILL) == 0);
    REQUIRE(::waitpid(child_, nullptr, 0) == child_);
    while (const auto more = next())
      last = more;
    return last;
  }

private:
  pid_t child_ = -1;
  int acknowledged_ = -1;
};

/// The sum that the program counts, one a commit.
std::int64_t sum_of(const kv_reader& kv) {
  const auto row = kv.get(family::index, "sum");
  return codecs::decode_counter(row.value().value()).value();
}

/// A store with `commits` rows of 100 bytes in its log, as a killed process leaves it: the files
/// are copied while the store is open.
void leave_log(const fs::path& folder, int commits) {
  test::temporary_folder original;
  const auto kv = rocks_kv::open(test::options_in(original.path())).value();
  for (int i = 0; i < commits; ++i)
    REQUIRE(test::commit(*kv, test::put(family::runs, std::to_string(i), std::string(100, 'x'))));
  fs::copy(original.path(), folder, fs::copy_options::recursive);
}

/// The log that has the rows: the largest.
fs::path log_in(const fs::path& folder) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator{folder / "store"})
    if (entry.path().extension() == ".log" &&
        (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  return largest;
}

void flip_byte(const fs::path& file, std::uintmax_t offset) {
  std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
  bytes.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(bytes.get() ^ 0x10);
  bytes.seekp(static_cast<std::streamoff>(offset));
  bytes.put(byte);
}

void zero_bytes(const fs::path& file, std::uintmax_t offset, std::size_t bytes) {
  std::fstream all{file, std::ios::in | std::ios::out | std::ios::binary};
  all.seekp(static_cast<std::streamoff>(offset));
  all << std::string(bytes, '\0');
}

/// The logs, oldest first.
std::vector<fs::path> logs_in(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator{folder / "store"})
    if (entry.path().extension() == ".log")
      found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

fs::path manifest_in(const fs::path& folder) {
  std::string name;
  std::ifstream{folder / "store" / "CURRENT"} >> name;
  return folder / "store" / name;
}

/// A store with 26 commits in two logs, as a process leaves it that is killed while the memtables
/// are flushed: their rows are in the older log, the newest in the other. 25 rows in audit, the
/// last 5 of them in the newer log.
void leave_two_logs(const fs::path& folder) {
  test::temporary_folder original;
  const auto kv = rocks_kv::open(test::options_in(original.path())).value();
  const auto add_row = [&](int number) {
    REQUIRE(test::commit(*kv, test::put(family::audit, std::to_string(number), "row")));
  };
  for (int i = 0; i < 20; ++i)
    add_row(i);
  kv_batch large; // More than a memtable may have: the next commit begins a log.
  for (int i = 0; i < 34; ++i)
    large.put(family::runs, std::to_string(i), std::string(std::size_t{1} << 20U, 'x'));
  REQUIRE(test::commit(*kv, std::move(large)));
  fs::copy(original.path(), folder, fs::copy_options::recursive);
  const auto older = logs_in(folder).back().filename();
  for (int i = 20; i < 25; ++i)
    add_row(i);
  const auto newer = logs_in(original.path()).back();
  REQUIRE(newer.filename() != older);
  fs::copy(newer, folder / "store");
  fs::copy(original.path() / "COMMIT", folder / "COMMIT", fs::copy_options::overwrite_existing);
}

/// The mirror as another boot of the machine has left it.
void write_mirror(const fs::path& folder, int commits, const char* how) {
  std::array<char, 97> text{};
  std::snprintf(text.data(), text.size(),
                "commits %020d %s boot 00000000-0000-0000-0000-000000000000", commits, how);
  std::ofstream{folder / "COMMIT"} << with_sum(text.data());
}

/// While it lives this process cannot write to any file: each write fails, as on a full disk.
class no_writes {
public:
  no_writes() {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  no_writes(const no_writes&) = delete;
  no_writes& operator=(const no_writes&) = delete;
  ~no_writes() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

errc failure_of(const fs::path& folder) {
  const auto opened = rocks_kv::open(test::options_in(folder));
  return opened ? errc::none : opened.error().code;
}

} // namespace

TEST_CASE("what was acknowledged before a kill -9 is there afterwards", "[rocks_damage]") {
  test::temporary_folder folder;
  std::uint64_t total = 0;
  for (int round = 0; round < 5; ++round) {
    const auto last = crash_writer{folder.path()}.kill_after(total + 200);
    const auto kv = rocks_kv::open(test::options_in(folder.path())).value();
    total = static_cast<std::uint64_t>(sum_of(*kv));
    CHECK(total >= last);
    kv_batch one_more; // The sum goes on as the numbers do.
    one_more.add(family::index, "sum", 1);
    CHECK(test::commit(*kv, std::move(one_more)).value() == ++total);
  }
}

TEST_CASE("a log that lost acknowledged commits at its end is refused", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 20);
  const auto log = log_in(folder.path() / "d");
  fs::resize_file(log, fs::file_size(log) - 20);
  const auto opened = rocks_kv::open(test::options_in(folder.path() / "d"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().message,
             Catch::Contains("ends at commit 19") && Catch::Contains("commit 20 was acknowledged"));
  CHECK_THAT(opened.error().suggestion, Catch::Contains("remove") && Catch::Contains("COMMIT"));
}

TEST_CASE("the documented way out goes on without the lost commits", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 20);
  const auto log = log_in(folder.path() / "d");
  fs::resize_file(log, fs::file_size(log) - 20);
  fs::remove(folder.path() / "d" / "COMMIT");
  const auto kv = rocks_kv::open(test::options_in(folder.path() / "d")).value();
  CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == 19);
  CHECK(test::commit(*kv, test::put(family::runs, "next", {})).value() == 20);
}

TEST_CASE("who goes on without the lost commits takes no epoch that was taken in them",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  const auto epoch_row = std::string{keys::epoch};
  {
    const auto kv = rocks_kv::open(test::options_in(at)).value();
    REQUIRE(test::commit(*kv, test::put(family::meta, epoch_row, little_u64(7))));
  }
  CHECK(current_epoch(*rocks_kv::open(test::options_in(at)).value()).value() == 7);
  fs::remove(at / "COMMIT");
  for (int start = 0; start < 2; ++start) {
    const auto kv = rocks_kv::open(test::options_in(at)).value();
    CHECK(current_epoch(*kv).value() == 7 + restored_epochs);
  }
}

TEST_CASE("a torn write that nobody was told of does not stop the store", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 20);
  std::ofstream{log_in(folder.path() / "d"), std::ios::app | std::ios::binary}
      << std::string(300, '\x5a');
  const auto kv = rocks_kv::open(test::options_in(folder.path() / "d")).value();
  CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == 20);
}

TEST_CASE("a last write that was torn in its middle is refused with the length to cut it to",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  std::uintmax_t before = 0;
  {
    test::temporary_folder original;
    const auto kv = rocks_kv::open(test::options_in(original.path())).value();
    for (int i = 0; i < 5; ++i)
      REQUIRE(test::commit(*kv, test::put(family::runs, std::to_string(i), "row")));
    before = fs::file_size(log_in(original.path()));
    REQUIRE(test::commit(*kv, test::put(family::runs, "6", std::string(100'000, 'x'))));
    fs::copy(original.path(), at, fs::copy_options::recursive);
  }
  write_mirror(at, 5, "sync");
  SECTION("at its beginning") { zero_bytes(log_in(at), before + 100, 4'096); }
  SECTION("behind its first block") { zero_bytes(log_in(at), 32768 + 100, 4'096); }
  SECTION("at its end") { zero_bytes(log_in(at), fs::file_size(log_in(at)) - 100, 100); }
  const auto opened = rocks_kv::open(test::options_in(at));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CAPTURE(opened.error().suggestion);
  const std::string cut = "truncate -s ";
  const auto place = opened.error().suggestion.find(cut);
  REQUIRE(place != std::string::npos);
  CHECK_THAT(opened.error().suggestion, Catch::Contains(log_in(at).string()));
  fs::resize_file(log_in(at), std::stoull(opened.error().suggestion.substr(place + cut.size())));
  const auto kv = rocks_kv::open(test::options_in(at)).value();
  CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == 5);
}

TEST_CASE("nobody is told to cut off commits that are whole", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_log(at, 20);
  SECTION("behind the damage") { flip_byte(log_in(at), fs::file_size(log_in(at)) / 2); }
  SECTION("just behind it") { flip_byte(log_in(at), fs::file_size(log_in(at)) - 200); }
  const auto opened = rocks_kv::open(test::options_in(at));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().suggestion, !Catch::Contains("truncate"));
}

TEST_CASE("cutting off what was acknowledged is noticed", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_log(at, 20);
  flip_byte(log_in(at), fs::file_size(log_in(at)) - 50);
  CHECK(failure_of(at) == errc::corrupt);
  fs::resize_file(log_in(at), fs::file_size(log_in(at)) - 100);
  CHECK_THAT(rocks_kv::open(test::options_in(at)).error().message,
             Catch::Contains("commit 20 was acknowledged"));
}

TEST_CASE("a flipped byte anywhere in the log never loses a commit silently", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 20);
  const auto size = fs::file_size(log_in(folder.path() / "d"));
  int refused = 0;
  for (std::uintmax_t offset = 3; offset < size; offset += size / 40) {
    const auto copy = folder.path() / "copy";
    fs::remove_all(copy);
    fs::copy(folder.path() / "d", copy, fs::copy_options::recursive);
    flip_byte(log_in(copy), offset);
    const auto opened = rocks_kv::open(test::options_in(copy));
    CAPTURE(offset);
    if (opened)
      CHECK(test::rows_between(*opened.value(), family::runs, {}, {}).size() == 20);
    else
      CHECK(opened.error().code == errc::corrupt);
    refused += opened ? 0 : 1;
  }
  CHECK(refused > 30);
}

TEST_CASE("a log that is gone or empty is noticed", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 20);
  SECTION("removed") { fs::remove(log_in(folder.path() / "d")); }
  SECTION("emptied") { fs::resize_file(log_in(folder.path() / "d"), 0); }
  CHECK(failure_of(folder.path() / "d") == errc::corrupt);
}

TEST_CASE("a log is not overlooked because a later one is whole", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_two_logs(at);
  const auto older = *std::prev(logs_in(at).end(), 2);
  const auto newer = logs_in(at).back();
  const auto size = fs::file_size(older);
  std::uint64_t first_lost = 21;
  SECTION("cut in its last commit") { fs::resize_file(older, size - 20); }
  SECTION("cut in the middle of others") {
    fs::resize_file(older, 500);
    first_lost = 0;
  }
  SECTION("empty") {
    fs::resize_file(older, 0);
    first_lost = 1;
  }
  SECTION("removed") {
    fs::remove(older);
    first_lost = 1;
  }
  SECTION("with a zeroed block") {
    zero_bytes(older, 32768 * 3, 32768);
    first_lost = 0; // RocksDB itself notices what is left of the commit.
  }
  const auto opened = rocks_kv::open(test::options_in(at));
  REQUIRE_FALSE(opened);
  CAPTURE(opened.error().message);
  CHECK(opened.error().code == errc::corrupt);
  if (first_lost != 0) {
    CHECK_THAT(opened.error().message,
               Catch::Contains("missing: " + std::to_string(first_lost) + " to 21"));
    CHECK_THAT(opened.error().message, Catch::Contains(newer.filename().string()));
  }
}

TEST_CASE("two logs that are whole are both replayed", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_two_logs(at);
  SECTION("as they are") {}
  SECTION("with a torn write that nobody was told of") {
    std::ofstream{logs_in(at).back(), std::ios::app | std::ios::binary} << std::string(300, '\x5a');
  }
  const auto kv = rocks_kv::open(test::options_in(at)).value();
  CHECK(test::rows_between(*kv, family::audit, {}, {}).size() == 25);
  CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == 34);
}

TEST_CASE("a block of zeros in the log is no end of it", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_log(at, 1'000);
  REQUIRE(fs::file_size(log_in(at)) > 32768 * 3);
  zero_bytes(log_in(at), 32768, 32768);
  CHECK(failure_of(at) == errc::corrupt);
}

TEST_CASE("no byte of a closed store's list can be lost silently", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto whole = folder.path() / "whole";
  {
    const auto kv = rocks_kv::open(test::options_in(whole)).value();
    for (const auto in : {family::audit, family::runs, family::slots})
      REQUIRE(test::commit(*kv, test::put(in, "a", "1")));
    REQUIRE(kv->close());
  }
  const auto size = fs::file_size(manifest_in(whole));
  const auto damaged = [&](const std::function<void(const fs::path&)>& damage) {
    const auto copy = folder.path() / "copy";
    fs::remove_all(copy);
    fs::copy(whole, copy, fs::copy_options::recursive);
    damage(manifest_in(copy));
    const auto opened = rocks_kv::open(test::options_in(copy));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::corrupt);
    CHECK_THAT(opened.error().message, Catch::Contains(manifest_in(copy).filename().string()));
  };
  for (std::uintmax_t at = 0; at < size; ++at) {
    CAPTURE(at);
    damaged([&](const fs::path& file) { flip_byte(file, at); });
    damaged([&](const fs::path& file) { fs::resize_file(file, at); });
  }
}

TEST_CASE("a start that is refused takes nothing that could mend the store", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_two_logs(at);
  fs::path damaged;
  SECTION("the newest log") { damaged = logs_in(at).back(); }
  SECTION("the log before it") { damaged = *std::prev(logs_in(at).end(), 2); }
  SECTION("the list of files") { damaged = manifest_in(at); }
  const auto kept = folder.path() / "kept";
  fs::copy(damaged, kept);
  fs::resize_file(damaged, fs::file_size(damaged) - 20);
  CHECK(failure_of(at) == errc::corrupt);
  fs::copy(kept, damaged, fs::copy_options::overwrite_existing);
  const auto kv = rocks_kv::open(test::options_in(at)).value();
  CHECK(test::rows_between(*kv, family::audit, {}, {}).size() == 25);
  CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == 34);
}

TEST_CASE("a list whose end a crash cut off never costs a row", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto whole = folder.path() / "whole";
  const auto kept = folder.path() / "kept";
  {
    const auto kv = rocks_kv::open(test::options_in(whole)).value();
    for (const auto in : {family::audit, family::runs, family::slots})
      REQUIRE(test::commit(*kv, test::put(in, "a", "1")));
    fs::copy(whole, kept, fs::copy_options::recursive);
    REQUIRE(kv->close());
  }
  // As if it had been killed in the middle of the last flush.
  fs::copy(kept / "store" / "MARK", whole / "store", fs::copy_options::overwrite_existing);
  const auto complete = [&](const rocks_kv& kv) {
    for (const auto in : {family::audit, family::runs, family::slots})
      CHECK(test::rows_between(kv, in, {}, {}).size() == 1);
  };
  const auto opened_at = fs::file_size(manifest_in(kept));
  REQUIRE(manifest_in(kept).filename() == manifest_in(whole).filename());
  REQUIRE(opened_at < fs::file_size(manifest_in(whole)));
  for (auto at = opened_at; at < fs::file_size(manifest_in(whole)); at += 5) {
    CAPTURE(at);
    const auto copy = folder.path() / "copy";
    fs::remove_all(copy);
    fs::copy(whole, copy, fs::copy_options::recursive);
    fs::resize_file(manifest_in(copy), at);
    // The log was removed because the list was whole: the commits are in no file that it names.
    CHECK(failure_of(copy) == errc::corrupt);
    // Before that the log is still there.
    fs::remove_all(copy);
    fs::copy(kept, copy, fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator{whole / "store"})
      if (entry.path().extension() == ".sst")
        fs::copy(entry.path(), copy / "store", fs::copy_options::skip_existing);
    fs::copy(manifest_in(whole), manifest_in(copy), fs::copy_options::overwrite_existing);
    fs::resize_file(manifest_in(copy), at);
    complete(*rocks_kv::open(test::options_in(copy)).value());
  }
}

TEST_CASE("a database that is gone is noticed, and none is begun in its place", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 3);
  SECTION("the whole of it") { fs::remove_all(folder.path() / "d" / "store"); }
  SECTION("the file that names the rest") { fs::remove(folder.path() / "d" / "store" / "CURRENT"); }
  CHECK(failure_of(folder.path() / "d") == errc::corrupt);
  CHECK_FALSE(fs::exists(folder.path() / "d" / "store" / "CURRENT"));
}

TEST_CASE("no database is begun where tables have lost the file that names them",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  {
    const auto kv = rocks_kv::open(test::options_in(at)).value();
    REQUIRE(test::commit(*kv, test::put(family::runs, "a", "1")));
  }
  const auto manifest = manifest_in(at).filename().string();
  const auto current = at / "store" / "CURRENT";
  fs::remove(current);
  SECTION("with the mirror") {}
  SECTION("without the mirror") { fs::remove(at / "COMMIT"); }
  const auto opened = rocks_kv::open(test::options_in(at));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().message, Catch::Contains(current.string()));
  CHECK_THAT(opened.error().suggestion, Catch::StartsWith("put the line " + manifest));
  CHECK_THAT(opened.error().suggestion, !Catch::Contains("COMMIT"));
  CHECK_FALSE(fs::exists(current));
  std::ofstream{current} << manifest << '\n';
  const auto kv = rocks_kv::open(test::options_in(at)).value();
  CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == 1);
}

TEST_CASE("a database whose making was cut off is made", "[rocks_damage]") {
  test::temporary_folder folder;
  fs::create_directory(folder.path() / "store");
  std::ofstream{folder.path() / "store" / "MANIFEST-000001"} << "half";
  CHECK(rocks_kv::open(test::options_in(folder.path())));
}

TEST_CASE("a store that may not be entered is not one that is gone", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 3);
  const auto store = folder.path() / "d" / "store";
  const auto nobody = uid_t{65534};
  const bool root = ::geteuid() == 0;
  fs::permissions(folder.path(), fs::perms{0755});
  fs::permissions(folder.path() / "d", fs::perms{0755});
  fs::permissions(folder.path() / "d" / "COMMIT", fs::perms{0666});
  fs::permissions(store, root ? fs::perms::owner_all : fs::perms::none);
  REQUIRE((!root || ::seteuid(nobody) == 0));
  const auto opened = rocks_kv::open(test::options_in(folder.path() / "d"));
  REQUIRE((!root || ::seteuid(0) == 0));
  fs::permissions(store, fs::perms::owner_all);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::os_failure);
  CHECK_THAT(opened.error().message,
             Catch::Contains(store.string()) && Catch::Contains("Permission denied"));
}

TEST_CASE("an older database in the place of the newer is refused", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "old", 3);
  leave_log(folder.path() / "new", 5);
  fs::remove_all(folder.path() / "new" / "store");
  fs::copy(folder.path() / "old" / "store", folder.path() / "new" / "store",
           fs::copy_options::recursive);
  CHECK(failure_of(folder.path() / "new") == errc::corrupt);
}

TEST_CASE("a mirror that is damaged is refused and named", "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 3);
  flip_byte(folder.path() / "d" / "COMMIT", 27);
  const auto opened = rocks_kv::open(test::options_in(folder.path() / "d"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().message, Catch::Contains("COMMIT is damaged"));
}

TEST_CASE("a mirror whose making was cut off is none", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto file = folder.path() / "COMMIT";
  auto mirror = commit_mirror::open(file, durability::sync).value();
  const auto made = [&] {
    const no_writes meanwhile;
    return mirror.start(0);
  }();
  REQUIRE_FALSE(made);
  CHECK(made.error().code == errc::storage_failure);
  const auto again = commit_mirror::open(file, durability::sync);
  REQUIRE(again);
  CHECK_FALSE(again.value().found());
}

TEST_CASE("a machine that stops under durability os costs the last commits, reported",
          "[rocks_damage]") {
  test::temporary_folder folder;
  leave_log(folder.path() / "d", 5);
  const auto log = log_in(folder.path() / "d");
  fs::resize_file(log, fs::file_size(log) - 20);
  write_mirror(folder.path() / "d", 5, "sync");
  CHECK(failure_of(folder.path() / "d") == errc::corrupt);
  write_mirror(folder.path() / "d", 5, "os  ");
  const auto kv = rocks_kv::open(test::options_in(folder.path() / "d"));
  REQUIRE(kv);
  CHECK_THAT(kv.value()->notice(), Catch::Contains("the last 1 commits are lost"));
}

TEST_CASE("what a machine took with it under durability os is reported if it took the mirror, too",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_log(at, 5);
  write_mirror(at, 3, "os  ");
  SECTION("it had not been closed") {
    const auto kv = rocks_kv::open(test::options_in(at)).value();
    CHECK_THAT(kv->notice(), Catch::Contains("commits of its last moments may be lost"));
  }
  SECTION("it had been closed: all was on disk") {
    fs::remove(at / "COMMIT");
    REQUIRE(rocks_kv::open(test::options_in(at)).value()->close());
    write_mirror(at, 5, "os  ");
    CHECK(rocks_kv::open(test::options_in(at)).value()->notice().empty());
  }
}

TEST_CASE("what is behind a gap that a machine left under durability os is not taken",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_two_logs(at);
  const auto older = *std::prev(logs_in(at).end(), 2);
  fs::resize_file(older, fs::file_size(older) - 20);
  write_mirror(at, 26, "os  ");
  for (int start = 0; start < 2; ++start) {
    const auto kv = rocks_kv::open(test::options_in(at)).value();
    if (start == 0)
      CHECK_THAT(kv->notice(), Catch::Contains("the last 6 commits are lost"));
    CHECK(test::rows_between(*kv, family::audit, {}, {}).size() == 20);
    CHECK(test::rows_between(*kv, family::runs, {}, {}).empty());
  }
}

TEST_CASE("no number is given twice after a machine took commits with it under durability os",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_log(at, 5);
  SECTION("the mirror tells of more than is there") {
    fs::resize_file(log_in(at), fs::file_size(log_in(at)) - 20);
    write_mirror(at, 5, "os  ");
  }
  SECTION("nothing is there") {
    fs::resize_file(log_in(at), 0);
    write_mirror(at, 5, "os  ");
  }
  SECTION("the mirror is older than what is there") { write_mirror(at, 3, "os  "); }
  SECTION("the mirror is as it was made") { write_mirror(at, 0, "os  "); }
  for (int start = 0; start < 2; ++start) {
    const auto kv = rocks_kv::open(test::options_in(at)).value();
    CHECK(kv->notice().empty() == (start == 1));
    CHECK(current_epoch(*kv).value() == restored_epochs);
    CHECK(kv->get(family::meta, runs_given).value() == little_u64(restored_runs));
  }
}

TEST_CASE("a store whose mirror has no commit yet is looked at, too", "[rocks_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_two_logs(at);
  const auto older = *std::prev(logs_in(at).end(), 2);
  fs::resize_file(older, fs::file_size(older) - 20);
  // Synced when it was made, not since: the machine took all its later numbers with it.
  write_mirror(at, 0, "sync");
  const auto opened = rocks_kv::open(test::options_in(at));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::corrupt);
  CHECK_THAT(opened.error().message, Catch::Contains("missing: 21 to 21"));
}

TEST_CASE("a flipped byte in a flushed table is refused, never read as something else",
          "[rocks_damage]") {
  test::temporary_folder folder;
  const auto options = test::options_in(folder.path());
  {
    const auto kv = rocks_kv::open(options).value();
    REQUIRE(test::commit(*kv, test::put(family::runs, "a", std::string(500, 'x'))));
  }
  for (const auto& entry : fs::directory_iterator{options.database})
    if (entry.path().extension() == ".sst")
      flip_byte(entry.path(), 10);
  const auto opened = rocks_kv::open(options);
  if (opened) {
    const auto row = opened.value()->get(family::runs, "a");
    REQUIRE_FALSE(row);
    CHECK(row.error().code == errc::corrupt);
  } else {
    CHECK(opened.error().code == errc::corrupt);
  }
}
