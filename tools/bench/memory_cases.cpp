#include "bench_case.hpp"
#include "resident_memory.hpp"
#include "waiting_runs.hpp"

namespace pinion::bench {

// The definition is there before: what counts is what an instance adds, its actor, its record and
// its place in the run's tables.
std::vector<figure> measure_memory(const surroundings& at) {
  const auto waiting = at.count(99'999, 10'000);
  const std::uint32_t runs = at.quick ? 1 : 2;
  live_engine engine{at.folder, processes::pretended, runs + 1};
  engine.apply(waiting_workflow(waiting));
  const auto before = resident_bytes();
  for (std::uint32_t i = 0; i < runs; ++i) {
    const auto run = engine.trigger("bench.waiting");
    await_state(engine, {run, 0}, "running");
    if (engine.state_of({run, waiting}) != "waiting")
      throw std::runtime_error{"an instance does not wait"};
  }
  const auto added = resident_bytes() - before;
  return {{"waiting", added / (static_cast<double>(runs) * waiting)}};
}

} // namespace pinion::bench
