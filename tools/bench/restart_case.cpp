#include "bench_case.hpp"
#include "child_process.hpp"
#include "live_engine.hpp"
#include "resident_memory.hpp"
#include "stopwatch.hpp"

#include "pinion/storage/rows.hpp"
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

/// Writes rows as the engine does, a few thousand runs a second; nothing waits for the disk.
class row_filler {
public:
  explicit row_filler(const std::filesystem::path& folder)
      : kv_{rocks_kv::open({folder / "store", folder / "COMMIT", durability::os})} {
    if (!kv_)
      throw std::runtime_error{kv_.error().message};
  }
  kv_batch& batch() { return batch_; }
  rocks_kv& kv() { return *kv_.value(); }
  void commit_if(std::size_t rows) {
    if (batch_.writes.size() < rows)
      return;
    std::promise<bool> done;
    auto committed = done.get_future();
    kv().commit(std::exchange(batch_, {}), [&done](const result<std::uint64_t>& number) {
      done.set_value(number.has_value());
    });
    if (!committed.get())
      throw std::runtime_error{"the store refuses the rows"};
  }

private:
  result<std::unique_ptr<rocks_kv>> kv_;
  kv_batch batch_;
};

run_record run_at(std::uint64_t id, const char* workflow, instant slot) {
  run_record run;
  run.id = {id};
  run.workflow = workflow;
  run.version = 1;
  run.trigger = "t";
  run.slot = run.interval_start = run.interval_end = slot;
  run.created_at = run.fired_at = run.admitted_at = run.started_at = run.last_at = slot;
  run.admitted = true;
  return run;
}

attempt_record attempt_at(const instance_key& key, instant at) {
  attempt_record attempt;
  attempt.instance = key;
  attempt.number = 1;
  attempt.epoch = 1;
  attempt.worker = "local";
  attempt.boot_id = "bench";
  attempt.pid = 4711;
  attempt.ready_at = attempt.started_at = at;
  attempt.rendered = R"({"argv":["/bin/true"],"env":{"LEVEL":"info"},"script":""})";
  return attempt;
}

instance_record instance_at(const instance_key& key, instance_state state, instant at) {
  instance_record instance;
  instance.key = key;
  instance.state = state;
  instance.why = reason::none;
  instance.attempt = 1;
  instance.epoch = 1;
  instance.triggered_at = instance.waiting_at = instance.pre_ready_at = at;
  instance.first_ready_at = instance.ready_at = instance.started_at = at;
  return instance;
}

void put_fired_slot(kv_batch& batch, const run_record& run) {
  slot_record slot;
  slot.workflow = run.workflow;
  slot.trigger = run.trigger;
  slot.slot = run.slot;
  slot.outcome = slot_outcome::fired;
  slot.version = 1;
  slot.run = run.id;
  slot.decided_at = run.slot;
  put_slot(batch, slot, nullptr);
}

void put_ended(kv_batch& batch, std::uint64_t id, instant slot) {
  auto run = run_at(id, ended_workflow, slot);
  run.state = run_state::success;
  run.why = reason::all_done;
  run.ended_at = slot;
  run.counts[static_cast<std::size_t>(instance_state::success)] = tasks_ended;
  put_run(batch, run, nullptr);
  put_fired_slot(batch, run);
  for (std::uint32_t task = 0; task < tasks_ended; ++task) {
    const instance_key key{{id}, task, no_element};
    auto instance = instance_at(key, instance_state::success, slot);
    instance.why = reason::exit_zero;
    instance.body_ended_at = instance.ended_at = slot;
    put_instance(batch, instance);
    auto attempt = attempt_at(key, slot);
    attempt.state = attempt_state::ended;
    attempt.outcome = instance_state::success;
    attempt.exited = true;
    attempt.ended_at = slot;
    put_attempt(batch, attempt);
  }
}

/// One task runs, the others wait for it: these have no rows, as in a real run.
void put_live(kv_batch& batch, std::uint64_t id, instant slot) {
  auto run = run_at(id, live_workflow, slot);
  run.state = run_state::running;
  run.counts[static_cast<std::size_t>(instance_state::running)] = 1;
  run.counts[static_cast<std::size_t>(instance_state::waiting)] = tasks_live - 1;
  put_run(batch, run, nullptr);
  put_fired_slot(batch, run);
  const instance_key key{{id}, 0, no_element};
  put_instance(batch, instance_at(key, instance_state::running, slot));
  auto attempt = attempt_at(key, slot);
  attempt.state = attempt_state::running;
  put_attempt(batch, attempt);
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
    put_ended(filler.batch(), ++id, slot += std::chrono::seconds{1});
    filler.commit_if(10'000);
  }
  for (std::uint32_t i = 0; i < live_runs(at); ++i) {
    put_live(filler.batch(), ++id, slot += std::chrono::seconds{1});
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
