#include "bench_case.hpp"
#include "live_engine.hpp"
#include "stopwatch.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace pinion::bench {

namespace {

/// Instances a second of one run, from the trigger to the answer that it has ended.
double instances_a_second(live_engine& engine, workflow_definition definition) {
  const auto tasks = definition.tasks.size();
  const auto id = definition.id();
  engine.apply(std::move(definition));
  const stopwatch whole;
  engine.await_success(engine.trigger(id));
  return static_cast<double>(tasks) / whole.seconds();
}

/// Runs one thing after another with a bounded number under way; waits for all.
class window {
public:
  explicit window(unsigned width) : free_{width}, width_{width} {}

  void enter() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return free_ > 0; });
    --free_;
  }
  void leave(bool well) {
    {
      const std::lock_guard lock{mutex_};
      ++free_;
      failed_ += well ? 0U : 1U;
    }
    changed_.notify_all();
  }
  /// Number of those that did not go well.
  unsigned drain() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return free_ == width_; });
    return failed_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned free_;
  unsigned width_;
  unsigned failed_ = 0;
};

} // namespace

std::vector<figure> measure_wide(const surroundings& at) {
  live_engine engine{at.folder, processes::pretended, 2};
  const auto tasks = at.count(10'000, 1'000);
  return {{"wide", instances_a_second(engine, workflow_of("wide", tasks, task_type::empty))}};
}

std::vector<figure> measure_chain(const surroundings& at) {
  live_engine engine{at.folder, processes::pretended, 2};
  auto chain = workflow_of("chain", at.count(2'000, 200), task_type::empty);
  for (std::uint32_t i = 1; i < chain.tasks.size(); ++i)
    chain.tasks[i].needs = {i - 1};
  return {{"chain", instances_a_second(engine, std::move(chain))}};
}

std::vector<figure> measure_runs(const surroundings& at) {
  constexpr unsigned under_way = 100;
  live_engine engine{at.folder, processes::pretended, 2};
  auto single = workflow_of("single", 1, task_type::empty);
  single.max_active_runs = under_way;
  single.overlap = overlap_policy::allow;
  engine.apply(std::move(single));
  const auto runs = at.count(1'000, 100);
  window places{under_way};
  const stopwatch whole;
  for (std::uint32_t i = 0; i < runs; ++i) {
    places.enter();
    trigger_request request;
    request.workflow = "bench.single";
    engine.client().trigger(request, {"bench", {}}, [&](const result<trigger_answer>& made) {
      if (!made)
        return places.leave(false);
      engine.client().wait_run(made.value().run, std::chrono::minutes{1},
                               [&](const result<run_record>& row) {
                                 places.leave(row && row.value().state == run_state::success);
                               });
    });
  }
  if (places.drain() != 0)
    throw std::runtime_error{"a run did not end in success"};
  return {{"runs", runs / whole.seconds()}};
}

std::vector<figure> measure_processes(const surroundings& at) {
  const auto slots = 2 * std::max(std::thread::hardware_concurrency(), 1U);
  live_engine engine{at.folder, processes::real, slots};
  // The launcher's own start is no part of the rate.
  engine.apply(workflow_of("first", 1, task_type::shell));
  engine.await_success(engine.trigger("bench.first"));
  const auto tasks = at.count(500, 50);
  return {{"processes", instances_a_second(engine, workflow_of("many", tasks, task_type::shell))}};
}

} // namespace pinion::bench
