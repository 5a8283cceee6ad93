#include <catch2/catch.hpp>
#include <pinion/timing/wheel.hpp>

using namespace pinion;

namespace {

std::vector<std::uint64_t> payloads(const std::vector<expired_timer>& due) {
  std::vector<std::uint64_t> out;
  for (const auto& e : due)
    out.push_back(e.payload);
  return out;
}

std::vector<expired_timer> all_due(wheel& uut, tick now) {
  std::vector<expired_timer> out;
  CHECK_FALSE(uut.advance(now, SIZE_MAX, out));
  return out;
}

} // namespace

TEST_CASE("an entry fires at its tick and not before", "[wheel]") {
  wheel uut{100};
  const auto id = uut.arm(150, 7);
  CHECK(uut.next_due() == 150);
  CHECK(all_due(uut, 149).empty());
  CHECK(all_due(uut, 150) == std::vector{expired_timer{150, id, 7}});
  CHECK(uut.size() == 0);
  CHECK(uut.next_due() == std::nullopt);
}

TEST_CASE("an entry armed in the past is due at once", "[wheel]") {
  wheel uut{100};
  uut.arm(3, 1);
  uut.arm(100, 2);
  CHECK(uut.next_due() == 100);
  CHECK(payloads(all_due(uut, 100)) == std::vector<std::uint64_t>{1, 2});
  uut.arm(100, 3);
  CHECK(payloads(all_due(uut, 100)) == std::vector<std::uint64_t>{3});
}

TEST_CASE("entries wrap at every level", "[wheel]") {
  // The first tick of each level's reach, its last, and the wheel just before the boundary.
  for (unsigned shift = 12; shift < 64; shift += 7) {
    const auto boundary = tick{1} << shift;
    for (const auto start : {tick{0}, boundary - 1, boundary - 4096}) {
      wheel uut{start};
      std::vector<tick> ticks;
      for (const auto at : {boundary - 1, boundary, boundary + 1, boundary + 4095, boundary + 4096,
                            2 * boundary - 1, 2 * boundary, 3 * boundary + 5})
        if (at > start && (ticks.empty() || at > ticks.back())) {
          uut.arm(at, at);
          ticks.push_back(at);
        }
      for (const auto at : ticks) {
        INFO(shift << " " << start << " " << at);
        CHECK(uut.next_due() == at);
        CHECK(all_due(uut, at - 1).empty());
        CHECK(payloads(all_due(uut, at)) == std::vector{at});
      }
    }
  }
}

TEST_CASE("the last tick of all is reachable", "[wheel]") {
  wheel uut{1'700'000'000'000};
  uut.arm(UINT64_MAX, 1);
  CHECK(uut.next_due() == UINT64_MAX);
  CHECK(all_due(uut, UINT64_MAX - 1).empty());
  CHECK(payloads(all_due(uut, UINT64_MAX)) == std::vector<std::uint64_t>{1});
}

TEST_CASE("within a tick what was armed first fires first, however far ahead", "[wheel]") {
  wheel uut;
  const tick at = 100'000'000;
  std::uint64_t payload = 0;
  for (const auto now :
       {tick{0}, at - 80'000'000, at - 600'000, at - 5000, at - 4000, at - 1, at}) {
    all_due(uut, std::min(now, at - 1));
    uut.arm(at, payload++);
    uut.arm(at, payload++);
  }
  std::vector<std::uint64_t> expected;
  for (std::uint64_t i = 0; i < payload; ++i)
    expected.push_back(i);
  CHECK(payloads(all_due(uut, at)) == expected);
}

TEST_CASE("a hundred thousand entries of one tick fire in order and in bounded steps", "[wheel]") {
  wheel uut{1};
  for (std::uint64_t i = 0; i < 100'000; ++i)
    uut.arm(777'777, i);
  std::vector<expired_timer> due;
  std::size_t calls = 1;
  while (uut.advance(1'000'000, 999, due)) {
    CHECK(due.size() == calls * 999);
    CHECK(uut.now() == 777'777);
    ++calls;
  }
  CHECK(calls == 101);
  CHECK(uut.now() == 1'000'000);
  bool in_order = due.size() == 100'000;
  for (std::size_t i = 0; i < due.size(); ++i)
    in_order = in_order && due[i].payload == i && due[i].at == 777'777;
  CHECK(in_order);
}

TEST_CASE("a bound of nothing fires nothing and says that more is due", "[wheel]") {
  wheel uut;
  uut.arm(5, 1);
  std::vector<expired_timer> due;
  CHECK(uut.advance(10, 0, due));
  CHECK(due.empty());
  CHECK_FALSE(uut.advance(10, 1, due));
  CHECK(due.size() == 1);
}

TEST_CASE("a stale id cancels nothing", "[wheel]") {
  wheel uut;
  const auto fired = uut.arm(5, 1);
  const auto cancelled = uut.arm(5, 2);
  CHECK(uut.cancel(cancelled));
  CHECK_FALSE(uut.cancel(cancelled));
  CHECK(all_due(uut, 5).size() == 1);
  CHECK_FALSE(uut.cancel(fired));
  // Their places are used again, under other names.
  const auto fresh = uut.arm(9, 3);
  CHECK_FALSE(uut.cancel(fired));
  CHECK_FALSE(uut.cancel(cancelled));
  CHECK_FALSE(uut.cancel({}));
  CHECK_FALSE(uut.cancel({12345, 1}));
  CHECK(uut.cancel(fresh));
}

TEST_CASE("what is armed or cancelled while a tick fires counts", "[wheel]") {
  wheel uut;
  uut.arm(10, 1);
  const auto second = uut.arm(10, 2);
  uut.arm(10, 3);
  std::vector<expired_timer> due;
  REQUIRE(uut.advance(10, 1, due));
  CHECK(uut.cancel(second));
  uut.arm(4, 4); // In the past: behind what is due already.
  CHECK_FALSE(uut.advance(10, 10, due));
  CHECK(payloads(due) == std::vector<std::uint64_t>{1, 3, 4});
}

TEST_CASE("the next due tick is a lower bound after a far entry was cancelled", "[wheel]") {
  wheel uut;
  const auto first = uut.arm(1'000'000, 1);
  uut.arm(1'000'500, 2);
  CHECK(uut.next_due() == 1'000'000);
  REQUIRE(uut.cancel(first));
  CHECK(uut.next_due().value() <= 1'000'500);
  CHECK(uut.stats().next_due == 1'000'500);
  CHECK(all_due(uut, uut.next_due().value()).empty());
  CHECK(uut.next_due() == 1'000'500);
}

TEST_CASE("a wheel set back keeps ticks and order, and what was due stays due", "[wheel]") {
  wheel uut{10'000'000};
  uut.arm(10'000'000, 1);
  uut.arm(10'000'700, 2);
  uut.arm(10'000'700, 3);
  uut.arm(99'000'000, 4);
  uut.rewind(5'000'000);
  CHECK(uut.now() == 5'000'000);
  uut.arm(6'000'000, 5);
  CHECK(payloads(all_due(uut, 5'000'000)) == std::vector<std::uint64_t>{1});
  CHECK(uut.next_due() == 6'000'000);
  CHECK(payloads(all_due(uut, 6'000'000)) == std::vector<std::uint64_t>{5});
  CHECK(payloads(all_due(uut, 10'000'700)) == std::vector<std::uint64_t>{2, 3});
  CHECK(payloads(all_due(uut, 99'000'000)) == std::vector<std::uint64_t>{4});
  uut.rewind(99'500'000);
  CHECK(uut.now() == 99'000'000);
}

TEST_CASE("an earlier now moves nothing back", "[wheel]") {
  wheel uut{1000};
  uut.arm(1001, 1);
  CHECK(all_due(uut, 5).empty());
  CHECK(uut.now() == 1000);
}

TEST_CASE("the statistics of the wheel add up", "[wheel]") {
  wheel uut;
  const auto id = uut.arm(1, 0);
  uut.arm(4095, 0);
  uut.arm(4096, 0);
  uut.arm(1 << 19, 0);
  uut.cancel(id);
  auto s = uut.stats();
  CHECK(s.entries[0] == 1);
  CHECK(s.entries[1] == 1);
  CHECK(s.entries[2] == 1);
  CHECK(s.armed == 4);
  CHECK(s.cancelled == 1);
  all_due(uut, 1 << 20);
  s = uut.stats();
  CHECK(s.fired == 3);
  CHECK(s.now == 1 << 20);
  CHECK(s.next_due == std::nullopt);
  CHECK(s.memory_bytes == uut.memory_bytes());
}

TEST_CASE("an entry costs 32 bytes and places are used again", "[wheel]") {
  wheel uut;
  const auto empty = uut.memory_bytes();
  std::vector<timer_id> ids;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    ids.push_back(uut.arm(i, i));
  const auto full = uut.memory_bytes();
  CHECK(full - empty <= 2 * 32 * 100'000);
  for (int round = 0; round < 3; ++round) {
    for (auto& id : ids) {
      uut.cancel(id);
      id = uut.arm(500'000, 0);
    }
  }
  CHECK(uut.memory_bytes() == full);
}
