#include "pinion/model/run_core.hpp"

#include <algorithm>
#include <cmath>

namespace pinion {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every output bit.
std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

/// 0 <= share < 1, the same for the same retry on every machine.
double share_of(const instance_key& key, std::uint32_t retry) noexcept {
  auto hash = mix(key.run.value);
  hash = mix(hash ^ ((std::uint64_t{key.task} << 32U) | key.element));
  hash = mix(hash ^ retry);
  return static_cast<double>(hash >> 11U) * 0x1p-53;
}

} // namespace

duration look_delay(const poll_policy& policy, const instance_key& key,
                    std::uint32_t look) noexcept {
  // Apart from the shares of retries.
  const auto share = share_of(key, look ^ 0x80000000U);
  const auto every = static_cast<double>(policy.every.count());
  return duration{static_cast<std::int64_t>(every * (0.9 + 0.2 * share))};
}

duration retry_delay(const retry_policy& policy, const instance_key& key,
                     std::uint32_t retry) noexcept {
  constexpr duration longest{std::chrono::hours{24 * 366}};
  const auto cap = std::min(policy.max_delay.value_or(longest), longest);
  const auto base = static_cast<double>(std::max(policy.delay, duration{0}).count());
  const auto grown = base * std::pow(std::max(policy.factor, 1.0), retry > 0 ? retry - 1 : 0);
  const auto with_jitter = grown * (1.0 + policy.jitter * share_of(key, retry));
  // The negated comparison also catches infinity and not-a-number (0 * infinity).
  if (!(with_jitter < static_cast<double>(cap.count())))
    return base == 0.0 ? duration{0} : cap;
  return duration{static_cast<std::int64_t>(with_jitter)};
}

} // namespace pinion
