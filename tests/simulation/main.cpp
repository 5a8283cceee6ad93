#include "simulation/sweep.hpp"

#include <boost/program_options.hpp>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <random>
#include <spdlog/spdlog.h>
#include <sstream>
#include <string>

namespace {

namespace options = boost::program_options;
using namespace pinion::sim;

constexpr int usage_error = 64; // sysexits
constexpr std::uint64_t default_runs = 10;

/// "17b": just before commit 17 is durable; "17a": just after.
crash_point parse_crash(const std::string& text) {
  if (text.size() < 2 || (text.back() != 'a' && text.back() != 'b'))
    throw options::error{"--crash wants a commit's number and a (after) or b (before): 17b"};
  return {std::stoull(text), text.back() == 'a'};
}

/// One history, told as it goes.
int replay(std::uint64_t seed, crash_point crash) {
  spdlog::set_level(spdlog::level::warn);
  const auto what = simulate(seed, crash, true);
  std::printf("seed %" PRIu64 ": hash %016" PRIx64 ", %" PRIu64 " commits, %" PRIu64 " runs\n",
              seed, what.hash, what.commits, what.runs);
  for (const auto& each : what.violations)
    std::printf("violated: %s\n", each.c_str());
  return what.violations.empty() ? 0 : 1;
}

bool try_seed(std::uint64_t seed, std::uint64_t crashes, bool twice) {
  auto swept = sweep(seed, crashes);
  std::printf("seed %" PRIu64 ": %" PRIu64 " histories, %" PRIu64 " commits, %" PRIu64
              " runs, hash %016" PRIx64 "\n",
              seed, swept.simulations, swept.commits, swept.runs, swept.hash);
  if (!swept.found && twice && sweep(seed, 3).hash != sweep(seed, 3).hash) {
    std::printf("violated: seed %" PRIu64 " does not repeat itself\n", seed);
    return false;
  }
  if (swept.found)
    print(*swept.found);
  std::fflush(stdout);
  return !swept.found;
}

int run(int argc, char** argv) {
  options::options_description all{"pinion-sim: an engine in a simulated world, crashed at every "
                                   "commit.\n\nOptions"};
  all.add_options()("help", "print this text")(
      "runs", options::value<std::uint64_t>()->default_value(default_runs),
      "try that many seeds that have never been tried")("seed", options::value<std::uint64_t>(),
                                                        "try this seed only")(
      "crash", options::value<std::string>(),
      "with --seed and --trace: 17b crashes just before "
      "commit 17 is durable, 17a just after")(
      "crashes", options::value<std::uint64_t>()->default_value(0),
      "at most that many histories with a crash for each seed, spread evenly; 0: before and after "
      "every commit")("trace", "with --seed: one history, every event printed");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, all), given);
  if (given.contains("help")) {
    std::printf("%s", (std::ostringstream{} << all).str().c_str());
    return 0;
  }
  const bool one = given.contains("seed");
  if (given.contains("trace")) {
    if (!one)
      throw options::error{"--trace needs --seed"};
    const auto crash =
        given.contains("crash") ? parse_crash(given["crash"].as<std::string>()) : crash_point{};
    return replay(given["seed"].as<std::uint64_t>(), crash);
  }
  spdlog::set_level(spdlog::level::off);
  const auto crashes = given["crashes"].as<std::uint64_t>();
  if (one)
    return try_seed(given["seed"].as<std::uint64_t>(), crashes, true) ? 0 : 1;
  const auto first = std::random_device{}();
  const auto runs = given["runs"].as<std::uint64_t>();
  for (std::uint64_t i = 0; i < runs; ++i)
    if (!try_seed(first + i, crashes, i % 5 == 0))
      return 1;
  std::printf("%" PRIu64 " seeds from %u on: no invariant is violated\n", runs, first);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "pinion-sim: %s\n", why.what());
    return usage_error;
  }
}
