#include "simulation/sweep.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace pinion::sim {

outcome simulate(std::uint64_t seed, crash_point crash, bool echo) {
  return world{faulty_scenario(seed), seed, crash, echo}.run();
}

sweep_result sweep(std::uint64_t seed, std::uint64_t most) {
  sweep_result out;
  const auto take = [&](crash_point crash) {
    auto what = simulate(seed, crash);
    ++out.simulations;
    out.hash = out.hash * 1099511628211ULL ^ what.hash;
    if (!what.violations.empty())
      out.found = finding{seed, crash, what};
    return what;
  };
  const auto whole = take({});
  out.commits = whole.commits;
  out.runs = whole.runs;
  const auto points = 2 * whole.commits;
  const auto chosen = most == 0 ? points : std::min(most, points);
  for (std::uint64_t i = 0; i < chosen && !out.found; ++i) {
    const auto point = i * points / chosen;
    take({point / 2 + 1, point % 2 == 1});
  }
  return out;
}

void print(const finding& what) {
  for (const auto& line : what.what.history)
    std::printf("%s\n", line.c_str());
  for (const auto& each : what.what.violations)
    std::printf("violated: %s\n", each.c_str());
  std::printf("replay: pinion-sim --seed %" PRIu64, what.seed);
  if (what.crash.commit != 0)
    std::printf(" --crash %" PRIu64 "%s", what.crash.commit, what.crash.durable ? "a" : "b");
  std::printf(" --trace\n");
}

} // namespace pinion::sim
