#include "bench_case.hpp"
#include "child_process.hpp"
#include "stopwatch.hpp"
#include "waiting_runs.hpp"

#include <unistd.h>

namespace pinion::bench {

namespace {

std::uint32_t live_instances(const surroundings& at) { return at.count(99'999, 10'000); }

/// All tasks are free to run; one has the only slot.
workflow_definition queued_workflow(std::uint32_t queued) {
  return workflow_of("queued", queued + 1, task_type::shell);
}

/// Seconds that a new engine takes over what a killed one left: (opening, until it answers).
std::pair<double, double> recover(const surroundings& at, bool queued) {
  std::vector<std::string> arguments{"--measure", queued ? "fill_queued" : "fill", "--dir",
                                     at.folder.string()};
  if (at.quick)
    arguments.emplace_back("--quick");
  run_self(arguments, std::chrono::minutes{2});
  const stopwatch whole;
  live_engine engine{at.folder, processes::pretended, 1};
  const auto state = engine.state_of({run_id{1}, live_instances(at)});
  const auto seconds = whole.seconds();
  if (state != (queued ? "pre_ready" : "waiting"))
    throw std::runtime_error{"an instance comes back as " + state};
  return {engine.open_seconds(), seconds};
}

} // namespace

void fill_and_die(const surroundings& at, bool queued) {
  live_engine engine{at.folder, processes::pretended, 1};
  engine.apply(queued ? queued_workflow(live_instances(at)) : waiting_workflow(live_instances(at)));
  const auto run = engine.trigger(queued ? "bench.queued" : "bench.waiting");
  await_state(engine, {run, 0}, "running");
  // As kill -9: the store is not closed, its log must be replayed.
  ::_exit(0);
}

std::vector<figure> measure_recovery(const surroundings& at) {
  const auto [opening, whole] = recover(at, false);
  return {{"recovery.open", opening}, {"recovery", whole}};
}

std::vector<figure> measure_recovery_of_queue(const surroundings& at) {
  return {{"recovery.queued", recover(at, true).second}};
}

} // namespace pinion::bench
