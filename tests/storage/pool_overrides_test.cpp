#include "kv_helpers.hpp"

#include <catch2/catch.hpp>
#include <pinion/storage/memory_kv.hpp>
#include <pinion/storage/pool_overrides.hpp>

using namespace pinion;
using namespace std::string_literals;

TEST_CASE("the stored form of a pool's set size does not change", "[pools]") {
  kv_batch batch;
  put_pool_override(batch, {"dw", "models", 300, "alice", "night", from_us(64)});
  REQUIRE(batch.writes.size() == 1);
  CHECK(batch.writes[0].in == family::meta);
  CHECK(batch.writes[0].key == "pool/dw/models");
  CHECK(batch.writes[0].value == "\1\xac\2\5alice\5night\1\x80\1"s);
}

TEST_CASE("set sizes of pools are read back by project and pool, until they are reset", "[pools]") {
  const auto disk = std::make_shared<surviving_disk>();
  memory_kv kv{disk};
  const auto commit = [&](kv_batch batch) {
    kv.commit(std::move(batch), [](const result<std::uint64_t>& done) { REQUIRE(done); });
  };
  kv_batch batch;
  const pool_override first{"a", "x", 0, "alice", "", from_us(1)};
  const pool_override second{"dw", "models", 7, "bob", "why", from_us(2)};
  put_pool_override(batch, second);
  put_pool_override(batch, first);
  commit(std::move(batch));
  CHECK(pool_overrides(kv).value() == std::vector{first, second});
  kv_batch reset;
  erase_pool_override(reset, "a", "x");
  commit(std::move(reset));
  CHECK(pool_overrides(kv).value() == std::vector{second});
}
