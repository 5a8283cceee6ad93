#include <catch2/catch.hpp>
#include <limits>
#include <pinion/model/run_core.hpp>
#include <rapidcheck.h>

using namespace pinion;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

retry_policy policy(duration delay, double factor, double jitter = 0.0) {
  retry_policy p;
  p.delay = delay;
  p.factor = factor;
  p.jitter = jitter;
  return p;
}

constexpr instance_key key{{12}, 3, no_element};

} // namespace

TEST_CASE("the delay grows by the factor and stops at the cap", "[retry]") {
  auto p = policy(seconds{10}, 2.0);
  CHECK(retry_delay(p, key, 1) == seconds{10});
  CHECK(retry_delay(p, key, 2) == seconds{20});
  CHECK(retry_delay(p, key, 5) == seconds{160});
  p.max_delay = seconds{60};
  CHECK(retry_delay(p, key, 3) == seconds{40});
  CHECK(retry_delay(p, key, 4) == seconds{60});
  CHECK(retry_delay(p, key, std::numeric_limits<std::uint32_t>::max()) == seconds{60});
}

TEST_CASE("a delay that overflows is a leap year", "[retry]") {
  CHECK(retry_delay(policy(seconds{10}, 10.0), key, 4'000'000'000U) == hours{24 * 366});
  CHECK(retry_delay(policy(duration{0}, 10.0), key, 4'000'000'000U) == duration{0});
}

TEST_CASE("jitter adds at most its share, the same each time it is asked for", "[retry]") {
  CHECK(rc::check([] {
    const auto base = seconds{*rc::gen::inRange(1, 10'000)};
    const auto jitter = *rc::gen::inRange(0, 101) / 100.0;
    const auto p = policy(base, 1.0, jitter);
    const instance_key of{{*rc::gen::arbitrary<std::uint64_t>()},
                          *rc::gen::arbitrary<std::uint32_t>(),
                          *rc::gen::arbitrary<std::uint32_t>()};
    const auto delay = retry_delay(p, of, 1);
    RC_ASSERT(delay >= base);
    RC_ASSERT(delay <= base * (1.0 + jitter));
    RC_ASSERT(delay == retry_delay(p, of, 1));
  }));
}

TEST_CASE("jitter tells elements, tasks, runs and retries apart", "[retry]") {
  const auto p = policy(hours{1}, 1.0, 1.0);
  const auto delay = retry_delay(p, key, 1);
  CHECK(delay != retry_delay(p, key, 2));
  CHECK(delay != retry_delay(p, {{12}, 3, 0}, 1));
  CHECK(delay != retry_delay(p, {{12}, 4, no_element}, 1));
  CHECK(delay != retry_delay(p, {{13}, 3, no_element}, 1));
}
