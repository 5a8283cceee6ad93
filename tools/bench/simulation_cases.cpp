#include "bench_case.hpp"
#include "pinion/timing/instant_text.hpp"
#include "simulator/simulated_year.hpp"
#include "stopwatch.hpp"

#include <stdexcept>

namespace pinion::bench {

// Every slot and every need is looked at afterwards: a fast wrong year would be no figure.
std::vector<figure> measure_simulated_year(const surroundings& at) {
  const auto workflows = testing::mixed_workflows(at.count(1'000, 100));
  const auto set = testing::load_year(workflows);
  const auto durations = testing::durations_of_year(1);
  simulation_options options;
  options.from = parse_instant("2026-01-01").value();
  options.to = parse_instant(at.quick ? "2026-03-01" : "2027-01-01").value();
  options.slots = testing::year_slots;
  const stopwatch whole;
  const auto result = simulate(set, options, durations);
  const auto seconds = whole.seconds();
  if (!result)
    throw std::runtime_error{result.error().message};
  if (const auto faults = testing::faults_of(workflows, result.value()); !faults.empty())
    throw std::runtime_error{"the simulated year is wrong: " + faults.front()};
  const auto instances = static_cast<double>(result.value().instances.size());
  return {{"year", seconds}, {"year.instances", instances / seconds}};
}

} // namespace pinion::bench
