#include "simulator/simulated_year.hpp"

#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using namespace pinion::testing;

simulation_result months(const std::vector<year_workflow>& of, std::uint64_t seed) {
  simulation_options options;
  options.from = parse_instant("2026-01-01").value();
  options.to = parse_instant("2026-04-10").value();
  options.slots = year_slots;
  auto result = simulate(load_year(of), options, durations_of_year(seed));
  REQUIRE(result);
  return std::move(result).value();
}

} // namespace

TEST_CASE("a hundred days of mixed workflows fire every due slot once and violate no need",
          "[year]") {
  const auto workflows = mixed_workflows(60);
  const auto result = months(workflows, 1);
  CHECK(result.runs.size() > 10'000);
  CHECK(result.assumptions.empty());
  CHECK(faults_of(workflows, result) == std::vector<std::string>{});
}

TEST_CASE("the inspection of a year finds what is wrong", "[year]") {
  const auto workflows = mixed_workflows(20);
  const auto good = months(workflows, 1);
  REQUIRE(faults_of(workflows, good).empty());
  const auto with_needs = [&](const simulated_run& run) {
    return workflows[run.workflow].needs == year_workflow::need::day &&
           run.slot > good.from + std::chrono::days{40};
  };
  const auto run = std::find_if(good.runs.begin(), good.runs.end(), with_needs);
  REQUIRE(run != good.runs.end());
  SECTION("a slot twice") {
    auto bad = good;
    bad.runs.push_back(*run);
    CHECK_FALSE(faults_of(workflows, bad).empty());
  }
  SECTION("a slot that is missing") {
    auto bad = good;
    bad.runs.erase(bad.runs.begin() + (run - good.runs.begin()));
    CHECK_FALSE(faults_of(workflows, bad).empty());
  }
  SECTION("a need that was not waited for") {
    auto bad = good;
    bad.instances[run->first].started_at = run->slot - std::chrono::hours{20};
    bad.runs[static_cast<std::size_t>(run - good.runs.begin())].slot -= std::chrono::hours{20};
    CHECK_FALSE(faults_of(workflows, bad).empty());
  }
  SECTION("too many at once") {
    auto bad = good;
    for (std::size_t at = 0; at < 70; ++at)
      bad.instances[at].ended_at = bad.to + std::chrono::hours{24};
    CHECK_FALSE(faults_of(workflows, bad).empty());
  }
}

TEST_CASE("a simulation is the same for the same seed and another for another", "[year]") {
  const auto workflows = mixed_workflows(20);
  const auto ends = [&](std::uint64_t seed) {
    std::vector<instant> out;
    for (const auto& at : months(workflows, seed).instances)
      out.push_back(at.ended_at);
    return out;
  };
  CHECK(ends(7) == ends(7));
  CHECK(ends(7) != ends(8));
}
