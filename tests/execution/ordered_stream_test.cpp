#include "pinion/execution/ordered_stream.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <rapidcheck.h>

namespace {

using namespace pinion;
using stream = ordered_stream<int, int>;

TEST_CASE("what comes early waits, and what comes twice is taken once", "[ordered_stream]") {
  stream in;
  CHECK(in.take(2, 20).empty());
  CHECK(in.take(2, 20).empty());
  CHECK(in.take(1, 10) == std::vector{10, 20});
  CHECK(in.take(1, 10).empty());
  CHECK(in.received() == 2);
  CHECK(in.take(3, 30) == std::vector{30});
}

TEST_CASE("what is not acknowledged is kept, and nothing else", "[ordered_stream]") {
  stream out;
  CHECK(out.push(10) == 1);
  CHECK(out.push(20) == 2);
  CHECK(out.push(30) == 3);
  out.acknowledged(2);
  CHECK(out.unacknowledged() == std::map<std::uint64_t, int>{{3, 30}});
  out.acknowledged(1); // Late.
  CHECK(out.unacknowledged().size() == 1);
}

TEST_CASE("what is far ahead of its turn is not kept and comes again", "[ordered_stream]") {
  stream in;
  CHECK(in.take(stream::most_early + 1, 7).empty());
  for (std::uint64_t number = 1; number <= stream::most_early; ++number)
    REQUIRE(in.take(number, 1).size() == 1);
  CHECK(in.take(stream::most_early + 1, 7) == std::vector{7});
}

TEST_CASE("over a network that loses, repeats and reorders all comes, in order, once",
          "[ordered_stream]") {
  rc::check([](const std::vector<int>& sent, std::uint32_t seed) {
    std::minstd_rand draw{seed % 1'000'000 + 1};
    stream from;
    stream to;
    for (const auto each : sent)
      from.push(each);
    std::vector<int> came;
    std::vector<std::pair<std::uint64_t, int>> way;
    for (int round = 0; round < 1'000 && !from.unacknowledged().empty(); ++round) {
      for (const auto& frame : from.unacknowledged())
        for (auto copies = draw() % 3; copies > 0; --copies)
          way.emplace_back(frame);
      std::shuffle(way.begin(), way.end(), draw);
      for (const auto stay = draw() % 5; way.size() > stay; way.pop_back())
        for (const auto each : to.take(way.back().first, way.back().second))
          came.push_back(each);
      if (draw() % 2 == 0) // The acknowledgement may be lost as well.
        from.acknowledged(to.received());
    }
    RC_ASSERT(came == sent);
  });
}

} // namespace
