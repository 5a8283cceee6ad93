#include "pinion/storage/format_steps.hpp"

#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/stopped_store.hpp"
#include "storage/byte_order.hpp"
#include "storage/doubling_step.hpp"
#include "storage/sound_store.hpp"
#include "storage/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <sys/wait.h>

using namespace pinion;
using test::doubling;
namespace fs = std::filesystem;

namespace {

std::string number(int n) {
  return {static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)};
}

/// A store of format 1 with 25 outputs and 7 permits.
std::shared_ptr<surviving_disk> old_disk() {
  memory_kv kv;
  kv_batch batch;
  for (int n = 0; n < 25; ++n)
    batch.put(family::outputs, "o" + number(n), number(n));
  for (int n = 0; n < 7; ++n)
    batch.put(family::permits, "p" + number(n), number(n));
  REQUIRE(test::commit(kv, std::move(batch)));
  return kv.disk();
}

/// Two formats newer than that.
format_steps two_steps() { return {doubling(family::outputs, 4), doubling(family::permits, 3)}; }

void check_new(const kv_reader& rows) {
  for (int n = 0; n < 25; ++n)
    CHECK(rows.get(family::outputs, "o" + number(n)).value() == number(n) + number(n));
  for (int n = 0; n < 7; ++n)
    CHECK(rows.get(family::permits, "p" + number(n)).value() == number(n) + number(n));
  CHECK(rows.get(family::meta, keys::format).value() == little_u64(3));
  CHECK_FALSE(rows.get(family::meta, format_step_row).value());
}

} // namespace

TEST_CASE("the format that is written is that of the last step", "[format_steps]") {
  CHECK(newest_format(known_format_steps()) == rocks_kv::format);
}

TEST_CASE("an older store is brought to the newest format step by step", "[format_steps]") {
  memory_kv kv{old_disk()};
  const auto done = upgrade_store(kv, two_steps());
  REQUIRE(done);
  CHECK(done.value().from == 1);
  CHECK(done.value().to == 3);
  CHECK(done.value().batches == 1 + 7 + 1 + 3);
  check_new(kv);
  // There is nothing left to do.
  CHECK(upgrade_store(kv, two_steps()).value().batches == 0);
  check_new(kv);
}

TEST_CASE("a step that is cut off at any commit is gone on with, and rewrites nothing twice",
          "[format_steps]") {
  for (std::size_t commit = 1; commit <= 12; ++commit) {
    CAPTURE(commit);
    const auto disk = old_disk();
    {
      memory_kv kv{disk};
      kv.fail_commit(commit);
      REQUIRE_FALSE(upgrade_store(kv, two_steps()));
    }
    {
      memory_kv kv{disk}; // And once more, right behind.
      kv.fail_commit(2);
      static_cast<void>(upgrade_store(kv, two_steps()));
    }
    memory_kv kv{disk};
    REQUIRE(upgrade_store(kv, two_steps()));
    check_new(kv);
  }
}

TEST_CASE("a store in the middle of a step names the format that it leads to", "[format_steps]") {
  const auto disk = old_disk();
  memory_kv broken{disk};
  broken.fail_commit(3);
  REQUIRE_FALSE(upgrade_store(broken, two_steps()));
  memory_kv kv{disk};
  CHECK(kv.get(family::meta, keys::format).value() == little_u64(2));
  // The program of before does not go on with what it knows nothing of.
  const auto old = upgrade_store(kv, {});
  REQUIRE_FALSE(old);
  CHECK(old.error().code == errc::corrupt);
}

TEST_CASE("a step that does not get on is an error and no endless loop", "[format_steps]") {
  memory_kv kv{old_disk()};
  const format_step stuck{
      [](const kv_reader&, const std::string&, kv_batch&) -> result<std::optional<std::string>> {
        return std::optional<std::string>{"here"};
      }};
  const auto done = upgrade_store(kv, {stuck});
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::corrupt);
}

namespace {

/// Opens the store in a process of its own that is killed before the batch `nth` of its step (0:
/// never). Returns whether it was killed.
bool open_apart(const data_folder& at, int nth) {
  const auto command = std::string{PINION_CRASH_WRITER} + ' ' + at.path().string() + " upgrade " +
                       std::to_string(nth);
  const auto status = std::system(command.c_str());
  REQUIRE((status == 0 || WEXITSTATUS(status) == 128 + SIGKILL));
  return status != 0;
}

} // namespace

TEST_CASE("a process that is killed in the middle of an upgrade leaves a store that goes on",
          "[format_steps]") {
  test::temporary_folder folder;
  const auto path = folder.path() / "kept";
  fs::copy(fs::path{PINION_KEPT_STORES} / "format-1", path, fs::copy_options::recursive);
  fs::permissions(path, fs::perms::owner_all);
  const auto at = data_folder::open(path).value();
  const auto before = [&] {
    const auto kv = rocks_kv::open({at.database(), at.mirror(), durability::sync}).value();
    kv_batch more;
    for (int n = 0; n < 25; ++n)
      more.put(family::outputs, "test" + number(n), number(n));
    REQUIRE(test::commit(*kv, std::move(more)));
    return test::everything(*kv);
  }();
  for (const int nth : {1, 2, 2, 3})
    CHECK(open_apart(at, nth));
  // The program that knows only the format of before refuses it, and nobody reads it half way.
  const auto old = rocks_kv::open({at.database(), at.mirror(), durability::sync});
  REQUIRE_FALSE(old);
  CHECK(old.error().code == errc::newer_format);
  CHECK_FALSE(open_apart(at, 0));
  const auto kv =
      rocks_kv::open({at.database(), at.mirror(), durability::sync, {doubling(family::outputs, 4)}})
          .value();
  CHECK(kv->notice().empty());
  auto expected = before;
  for (auto& [_, value] : expected[static_cast<std::size_t>(family::outputs)])
    value += value;
  auto after = test::everything(*kv);
  // Its own rows, of format and commits, are what has changed besides.
  after[0].clear();
  expected[0].clear();
  CHECK(after == expected);
}

TEST_CASE("an upgrade is told to whoever opened the store", "[format_steps]") {
  test::temporary_folder folder;
  const auto options = test::options_in(folder.path());
  REQUIRE(rocks_kv::open(options));
  auto newer = options;
  newer.steps = {doubling(family::outputs, 4)};
  {
    const auto kv = rocks_kv::open(newer).value();
    CHECK(kv->notice() ==
          "the store was brought from format 1 to 2: an older Pinion cannot open it "
          "any more");
  }
  CHECK(rocks_kv::open(newer).value()->notice().empty());
}
