#include "bench_case.hpp"
#include "live_engine.hpp"
#include "resident_memory.hpp"
#include "stopwatch.hpp"
#include "waiting_runs.hpp"

#include "pinion/storage/store_reader.hpp"

#include <thread>

namespace pinion::bench {

namespace {

constexpr std::uint32_t tasks = 10;

/// Slots planned, and the newest of them.
struct planned {
  std::uint64_t slots = 0;
  instant newest{};
};

planned count_plan(live_engine& engine) {
  planned out;
  const store_reader store{engine.client().store()};
  const auto all = store.visit_planned(instant::min(), end_of_time, [&](const slot_record& row) {
    ++out.slots;
    out.newest = row.slot;
    return true;
  });
  if (!all)
    throw std::runtime_error{all.error().message};
  return out;
}

} // namespace

// The plan ends with the local day, so what there is to plan depends on the hour at which this
// runs: the period is chosen so that it is a million instances at any hour.
std::vector<figure> measure_plan(const surroundings& at) {
  const auto workflows = at.count(1'000, 50);
  const std::uint32_t wanted = workflows * 100;
  live_engine engine{at.folder, processes::pretended, 1};
  const auto now = std::chrono::floor<duration>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const bool next_too = now - day >= std::chrono::hours{22};
  const auto end =
      std::max(instant{day + std::chrono::days{next_too ? 2 : 1}}, now + std::chrono::hours{1});
  const auto period = std::max<duration>((end - now) / 100, std::chrono::seconds{1});
  apply_request set;
  for (std::uint32_t i = 0; i < workflows; ++i) {
    auto definition = workflow_of("w" + std::to_string(i), tasks, task_type::empty);
    definition.triggers.push_back({"tick", slot_rule{every_schedule{period, now}}});
    set.workflows.push_back(std::move(definition));
  }
  const auto before = resident_bytes();
  const stopwatch whole;
  engine.ask<apply_answer>([&](auto done) { engine.client().apply(set, {"bench", ""}, done); });
  planned plan;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes{2};
  // The last slots lie within a period of the end.
  while (plan.slots < wanted - 2 * workflows && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    plan = count_plan(engine);
  }
  const auto seconds = whole.seconds();
  if (plan.slots < wanted - 2 * workflows)
    throw std::runtime_error{"only " + std::to_string(plan.slots) + " slots were planned"};
  const auto instances = static_cast<double>(plan.slots) * tasks;
  return {{"plan", instances / seconds}, {"plan.memory", (resident_bytes() - before) / 1e6}};
}

} // namespace pinion::bench
