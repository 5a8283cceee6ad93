#include "pinion/storage/epoch.hpp"

#include "pinion/storage/keys.hpp"
#include "pinion/storage/memory_kv.hpp"
#include "storage/kv_helpers.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

TEST_CASE("each start takes the next epoch", "[epoch]") {
  const auto disk = std::make_shared<surviving_disk>();
  for (std::uint64_t start = 1; start <= 3; ++start) {
    memory_kv kv{disk};
    std::uint64_t taken = 0;
    next_epoch(kv, [&](result<std::uint64_t> epoch) { taken = epoch.value(); });
    CHECK(taken == start);
    CHECK(current_epoch(kv).value() == start);
  }
}

TEST_CASE("an epoch that is not durable is not given out", "[epoch]") {
  memory_kv kv;
  kv.fail_commit(1);
  errc code = errc::none;
  next_epoch(kv, [&](result<std::uint64_t> epoch) { code = epoch.error().code; });
  CHECK(code == errc::storage_failure);
  CHECK(current_epoch(kv).value() == 0);
}

TEST_CASE("an epoch that is no number is refused", "[epoch]") {
  memory_kv kv;
  REQUIRE(test::commit(kv, test::put(family::meta, std::string{keys::epoch}, "x")));
  errc code = errc::none;
  next_epoch(kv, [&](result<std::uint64_t> epoch) { code = epoch.error().code; });
  CHECK(code == errc::corrupt);
}
