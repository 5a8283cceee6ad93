#include "bench_case.hpp"
#include "child_process.hpp"
#include "history_rows.hpp"
#include "live_engine.hpp"
#include "resident_memory.hpp"
#include "stopwatch.hpp"

#include "pinion/storage/store_reader.hpp"

#include <deque>
#include <thread>
#include <unistd.h>

namespace pinion::bench {

namespace {

constexpr std::uint32_t tasks_live = 100;
constexpr std::uint32_t tasks_ended = 10;
constexpr const char* live_workflow = "bench.live";
constexpr const char* ended_workflow = "bench.ended";
constexpr const char* ticking_workflow = "bench.tick";

std::uint32_t live_runs(const surroundings& at) { return at.count(2'000, 20); }
std::uint32_t ended_runs(const surroundings& at) { return at.count(500'000, 2'000); }

/// One task, and the others behind it.
workflow_definition star(const char* name, std::uint32_t tasks) {
  auto out = workflow_of(name, tasks, task_type::shell);
  for (std::uint32_t i = 1; i < tasks; ++i)
    out.tasks[i].needs = {0};
  out.max_active_runs = 100'000;
  out.overlap = overlap_policy::allow;
  return out;
}

std::int64_t runs_of_tick(const kv_reader& rows) {
  const auto counts = store_reader{rows}.counts_of("main", ticking_workflow);
  if (!counts)
    throw std::runtime_error{counts.error().message};
  std::int64_t all = 0;
  for (const auto count : counts.value().by_state)
    all += count;
  return all;
}

} // namespace

void fill_history_and_die(const surroundings& at) {
  {
    live_engine engine{at.folder, processes::pretended, 1};
    engine.apply(star("live", tasks_live));
    engine.apply(star("ended", tasks_ended));
    auto tick = workflow_of("tick", 1, task_type::empty);
    tick.triggers.push_back({"t", slot_rule{every_schedule{std::chrono::seconds{1}, instant{}}}});
    engine.apply(std::move(tick));
  }
  row_filler filler{at.folder};
  const auto highest = store_reader{filler.kv()}.highest_run();
  auto id = highest ? highest.value().value : 0;
  const auto begin = std::chrono::floor<duration>(std::chrono::system_clock::now()) -
                     std::chrono::seconds{ended_runs(at) + live_runs(at) + 60};
  auto slot = begin;
  for (std::uint32_t i = 0; i < ended_runs(at); ++i) {
    put_ended(filler.batch(), ++id, ended_workflow, tasks_ended, slot += std::chrono::seconds{1});
    filler.commit_if(10'000);
  }
  for (std::uint32_t i = 0; i < live_runs(at); ++i) {
    put_live(filler.batch(), ++id, live_workflow, tasks_live, slot += std::chrono::seconds{1});
    filler.commit_if(10'000);
  }
  filler.commit_if(1);
  // As kill -9: the store is not closed, its log must be replayed.
  ::_exit(0);
}

std::vector<figure> measure_restart(const surroundings& at) {
  std::vector<std::string> arguments{"--measure", "fill_history", "--dir", at.folder.string()};
  if (at.quick)
    arguments.emplace_back("--quick");
  run_self(arguments, std::chrono::minutes{30});
  const auto before = resident_bytes();
  const stopwatch whole;
  live_engine engine{at.folder, processes::pretended, live_runs(at) + 10};
  const auto& store = engine.client().store();
  const auto fired = runs_of_tick(store);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes{5};
  while (runs_of_tick(store) == fired) {
    if (std::chrono::steady_clock::now() > give_up)
      throw std::runtime_error{"the engine does not fire again"};
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  const auto seconds = whole.seconds();
  const auto health =
      engine.ask<health_answer>([&](auto done) { engine.client().health(std::move(done)); });
  if (health.live_runs < live_runs(at))
    throw std::runtime_error{"only " + std::to_string(health.live_runs) + " runs are live again"};
  const auto live = static_cast<double>(live_runs(at)) * tasks_live;
  return {{"restart.open", engine.open_seconds()},
          {"restart", seconds},
          {"restart.each", seconds * 1e6 / live},
          {"restart.memory", (resident_bytes() - before) / live}};
}

} // namespace pinion::bench
