#include "simulation/mutations.hpp"
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

/// `runs` seeds from `first` on; ends at the first that breaks an invariant.
int explore(std::uint64_t first, std::uint64_t runs, std::uint64_t crashes) {
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < runs; ++i)
    if (!try_seed(first + i, crashes, i % 5 == 0))
      return 1;
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  std::printf("%" PRIu64 " seeds from %" PRIu64 " on: no invariant is violated, %.1f ms a seed\n",
              runs, first, took.count() / static_cast<double>(std::max<std::uint64_t>(runs, 1)));
  return 0;
}

options::options_description described() {
  options::options_description all{"pinion-sim: an engine in a simulated world, crashed at every "
                                   "commit.\n\nOptions"};
  const auto number = [] { return options::value<std::uint64_t>(); };
  const auto text = [] { return options::value<std::string>(); };
  all.add_options()("help", "print this text")(
      "runs", number(),
      "try that many seeds: from --seed on, or such as have never been tried (the default: 10)")(
      "seed", number(), "try this seed only, or --runs seeds from it on")(
      "crash", text(),
      "with --seed and --trace: 17b crashes just before commit 17 is durable, 17a just after")(
      "crashes", number()->default_value(0),
      "at most that many histories with a crash for each seed, spread evenly; 0: before and after "
      "every commit")("trace", "with --seed: one history, every event printed")(
      "mutations",
      "make every known fault of the engine, one at a time, until a simulation notices "
      "it; exit 1 if one escapes")(
      "mutation", text(), "with --mutations: only this one; else: make it in what is simulated")(
      "list-mutations", "print their names and what they break");
  return all;
}

int mutate(const options::variables_map& given, const std::string& only) {
  mutation_budget within;
  if (given.contains("seed"))
    within.first_seed = given["seed"].as<std::uint64_t>();
  if (given.contains("runs"))
    within.seeds = given["runs"].as<std::uint64_t>();
  if (!given["crashes"].defaulted())
    within.crashes = given["crashes"].as<std::uint64_t>();
  return prove_mutations(within, only) == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  const auto all = described();
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, all), given);
  if (given.contains("help")) {
    std::printf("%s", (std::ostringstream{} << all).str().c_str());
    return 0;
  }
  if (given.contains("list-mutations")) {
    for (const auto& each : all_mutations())
      std::printf("%-32s %s\n", each.name, each.what);
    return 0;
  }
  spdlog::set_level(spdlog::level::off);
  const auto mutation =
      given.contains("mutation") ? given["mutation"].as<std::string>() : std::string{};
  if (given.contains("mutations"))
    return mutate(given, mutation);
  if (!mutation.empty())
    choose_mutation(mutation);
  const bool one = given.contains("seed");
  if (given.contains("trace")) {
    if (!one)
      throw options::error{"--trace needs --seed"};
    const auto crash =
        given.contains("crash") ? parse_crash(given["crash"].as<std::string>()) : crash_point{};
    return replay(given["seed"].as<std::uint64_t>(), crash);
  }
  const auto crashes = given["crashes"].as<std::uint64_t>();
  if (one && !given.contains("runs"))
    return try_seed(given["seed"].as<std::uint64_t>(), crashes, true) ? 0 : 1;
  const auto first = one ? given["seed"].as<std::uint64_t>() : std::random_device{}();
  return explore(first, given.contains("runs") ? given["runs"].as<std::uint64_t>() : default_runs,
                 crashes);
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
