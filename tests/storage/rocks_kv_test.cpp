#include "pinion/storage/rocks_kv.hpp"

#include "pinion/storage/keys.hpp"
#include "pinion/storage/memory_kv.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <rapidcheck.h>
#include <rocksdb/db.h>

using namespace pinion;

namespace {

std::string key_name(int number) { return std::string(1, static_cast<char>('a' + number)); }

/// A batch of puts, erasures and additions over few keys. Keys that count are only added to.
kv_batch any_batch() {
  kv_batch batch;
  const auto count = *rc::gen::inRange(0, 8);
  for (int i = 0; i < count; ++i) {
    const auto in = static_cast<family>(*rc::gen::inRange(1, static_cast<int>(family_count)));
    const auto key = key_name(*rc::gen::inRange(0, 6));
    switch (*rc::gen::inRange(0, 4)) {
    case 0:
      batch.erase(in, key);
      break;
    case 1:
      batch.add(in, "count " + key, *rc::gen::inRange(-5, 5));
      break;
    case 2:
      batch.erase(in, "count " + key);
      break;
    default:
      batch.put(in, key, *rc::gen::arbitrary<std::string>());
      break;
    }
  }
  return batch;
}

/// Erases every row that `any_batch` can make: one store serves all cases, for opening one is slow.
kv_batch empty_everything() {
  kv_batch batch;
  for (std::size_t i = 1; i < family_count; ++i)
    for (int key = 0; key < 6; ++key) {
      batch.erase(static_cast<family>(i), key_name(key));
      batch.erase(static_cast<family>(i), "count " + key_name(key));
    }
  return batch;
}

/// Both answer the same to every read.
void assert_same(const kv_reader& a, const kv_reader& b) {
  RC_ASSERT(test::everything(a) == test::everything(b));
  const auto from = key_name(*rc::gen::inRange(0, 6));
  const auto to = *rc::gen::element(std::string{}, key_name(*rc::gen::inRange(0, 6)));
  for (const auto in : {family::runs, family::index}) {
    RC_ASSERT(test::rows_between(a, in, from, to) == test::rows_between(b, in, from, to));
    RC_ASSERT(test::rows_back(a, in, from, to) == test::rows_back(b, in, from, to));
    RC_ASSERT(a.get(in, from).value() == b.get(in, from).value());
  }
}

} // namespace

TEST_CASE("the store on disk and the one in memory answer alike", "[rocks_kv]") {
  test::temporary_folder folder;
  memory_kv memory;
  auto rocks = rocks_kv::open(test::options_in(folder.path())).value();
  CHECK(rc::check([&] {
    REQUIRE(test::commit(*rocks, empty_everything()));
    REQUIRE(test::commit(memory, empty_everything()));
    const auto rounds = *rc::gen::inRange(1, 5);
    for (int i = 0; i < rounds; ++i) {
      const auto batch = any_batch();
      const auto before_rocks = rocks->snapshot();
      const auto before_memory = memory.snapshot();
      RC_ASSERT(test::commit(*rocks, batch).value() == test::commit(memory, batch).value());
      assert_same(*before_rocks, *before_memory);
      assert_same(*rocks, memory);
    }
  }));
  REQUIRE(rocks->close());
  rocks.reset(); // Its lock with it.
  rocks = rocks_kv::open(test::options_in(folder.path())).value();
  CHECK(test::everything(*rocks) == test::everything(memory));
}

TEST_CASE("commits from many batches are numbered and answered in order", "[rocks_kv]") {
  test::temporary_folder folder;
  auto kv = rocks_kv::open(test::options_in(folder.path())).value();
  std::vector<std::uint64_t> answered; // Of the committer alone, until the kv is closed.
  for (int i = 0; i < 1000; ++i)
    kv->commit(test::put(family::runs, std::to_string(i), "x"),
               [&](result<std::uint64_t> number) { answered.push_back(number.value()); });
  REQUIRE(kv->close());
  REQUIRE(answered.size() == 1000);
  for (std::size_t i = 0; i < answered.size(); ++i)
    REQUIRE(answered[i] == i + 1);
}

TEST_CASE("what was acknowledged is there after reopening, and numbers go on", "[rocks_kv]") {
  test::temporary_folder folder;
  const auto how = GENERATE(durability::sync, durability::os);
  auto options = test::options_in(folder.path());
  options.how = how;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    auto kv = rocks_kv::open(options).value();
    CHECK(kv->notice().empty());
    CHECK(test::rows_between(*kv, family::runs, {}, {}).size() == round - 1);
    CHECK(test::commit(*kv, test::put(family::runs, std::to_string(round), "x")).value() == round);
  }
}

TEST_CASE("a closed store refuses commits", "[rocks_kv]") {
  test::temporary_folder folder;
  auto kv = rocks_kv::open(test::options_in(folder.path())).value();
  REQUIRE(kv->close());
  REQUIRE(kv->close());
  const auto refused = test::commit(*kv, test::put(family::runs, "a", "1"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unavailable);
}

TEST_CASE("a store that is open cannot be opened again", "[rocks_kv]") {
  test::temporary_folder folder;
  const auto first = rocks_kv::open(test::options_in(folder.path())).value();
  const auto second = rocks_kv::open(test::options_in(folder.path()));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::in_use);
}

TEST_CASE("a store of a newer format is refused", "[rocks_kv]") {
  test::temporary_folder folder;
  {
    const auto kv = rocks_kv::open(test::options_in(folder.path())).value();
    REQUIRE(test::commit(*kv, test::put(family::meta, std::string{keys::format},
                                        std::string("\2\0\0\0\0\0\0\0", 8))));
  }
  const auto reopened = rocks_kv::open(test::options_in(folder.path()));
  REQUIRE_FALSE(reopened);
  CHECK(reopened.error().code == errc::newer_format);
}

TEST_CASE("another program's database is refused and left as it is", "[rocks_kv]") {
  test::temporary_folder folder;
  const auto options = test::options_in(folder.path());
  rocksdb::Options theirs;
  theirs.create_if_missing = true;
  {
    rocksdb::DB* raw = nullptr;
    REQUIRE(rocksdb::DB::Open(theirs, options.database.string(), &raw).ok());
    const std::unique_ptr<rocksdb::DB> db{raw};
    REQUIRE(db->Put({}, "a", "b").ok());
  }
  const auto opened = rocks_kv::open(options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == errc::refused);
  std::vector<std::string> names;
  REQUIRE(rocksdb::DB::ListColumnFamilies(theirs, options.database.string(), &names).ok());
  CHECK(names == std::vector<std::string>{"default"});
}

TEST_CASE("a snapshot on disk does not see later commits", "[rocks_kv]") {
  test::temporary_folder folder;
  const auto kv = rocks_kv::open(test::options_in(folder.path())).value();
  REQUIRE(test::commit(*kv, test::put(family::runs, "a", "1")));
  const auto before = kv->snapshot();
  REQUIRE(test::commit(*kv, test::put(family::runs, "a", "2")));
  CHECK(before->get(family::runs, "a").value() == "1");
  CHECK(kv->get(family::runs, "a").value() == "2");
}
