#include "pinion/storage/memory_kv.hpp"

#include "storage/kv_helpers.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

namespace {

std::size_t runs_in(const kv_reader& kv) {
  return test::rows_between(kv, family::runs, {}, {}).size();
}

} // namespace

TEST_CASE("a queued commit is neither visible nor answered before its release", "[memory_kv]") {
  memory_kv kv{std::make_shared<surviving_disk>(), memory_kv::mode::queued};
  std::vector<std::uint64_t> answered;
  const auto note = [&](result<std::uint64_t> number) { answered.push_back(number.value()); };
  kv.commit(test::put(family::runs, "a", "1"), note);
  kv.commit(test::put(family::runs, "b", "2"), note);
  CHECK(kv.pending() == 2);
  CHECK(runs_in(kv) == 0);
  CHECK(kv.release_next());
  CHECK(runs_in(kv) == 1);
  CHECK(answered == std::vector<std::uint64_t>{1});
  kv.release_all();
  CHECK(answered == std::vector<std::uint64_t>{1, 2});
  CHECK_FALSE(kv.release_next());
}

TEST_CASE("a crash keeps what is durable and answers nobody", "[memory_kv]") {
  const auto disk = std::make_shared<surviving_disk>();
  bool answered = false;
  {
    memory_kv kv{disk, memory_kv::mode::queued};
    const auto note = [&](const result<std::uint64_t>&) { answered = true; };
    kv.commit(test::put(family::runs, "a", "1"), note);
    kv.commit(test::put(family::runs, "b", "2"), note);
    kv.crash(1);
    CHECK(kv.crashed());
    kv.commit(test::put(family::runs, "c", "3"), note);
    CHECK(kv.pending() == 0);
  }
  CHECK_FALSE(answered);
  memory_kv next{disk};
  CHECK(test::rows_between(next, family::runs, {}, {}) == std::vector<test::row>{{"a", "1"}});
  CHECK(test::commit(next, test::put(family::runs, "d", "4")).value() == 2);
}

TEST_CASE("the commit that is chosen fails, and all after it", "[memory_kv]") {
  memory_kv kv;
  kv.fail_commit(2);
  CHECK(test::commit(kv, test::put(family::runs, "a", "1")));
  for (int i = 0; i < 2; ++i) {
    const auto refused = test::commit(kv, test::put(family::runs, "b", "2"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::storage_failure);
  }
  CHECK(runs_in(kv) == 1);
}

TEST_CASE("a snapshot in memory does not see later commits", "[memory_kv]") {
  memory_kv kv;
  REQUIRE(test::commit(kv, test::put(family::runs, "a", "1")));
  const auto before = kv.snapshot();
  REQUIRE(test::commit(kv, test::put(family::runs, "a", "2")));
  CHECK(before->get(family::runs, "a").value() == "1");
  CHECK(kv.get(family::runs, "a").value() == "2");
}

TEST_CASE("a callback may commit again", "[memory_kv]") {
  memory_kv kv;
  std::vector<std::uint64_t> answered;
  kv.commit(test::put(family::runs, "a", "1"), [&](result<std::uint64_t> first) {
    answered.push_back(first.value());
    kv.commit(test::put(family::runs, "b", "2"),
              [&](result<std::uint64_t> second) { answered.push_back(second.value()); });
  });
  CHECK(answered == std::vector<std::uint64_t>{1, 2});
}
