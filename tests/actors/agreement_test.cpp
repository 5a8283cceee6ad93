#include "pinion/actors/engine.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/simulator/simulation.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/instant_text.hpp"
#include "simulation/disk_port.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <spdlog/spdlog.h>

namespace {

using namespace pinion;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Runs no process, but says when each would end: to the microsecond as the model says.
class exact_launcher final : public launcher_port {
public:
  exact_launcher(const clock_port& clock, const process_model& processes, const simulated_set& of,
                 const kv_reader& rows)
      : clock_{clock}, processes_{processes}, of_{of}, rows_{rows} {}

  void open(listener to) override {
    to_ = std::move(to);
    to_({launcher_event::connected{}});
  }

  void start(start_request request) override {
    const auto fate = fate_of(request.key);
    const bool too_long = request.timeout > duration{0} && fate.takes > request.timeout;
    process_end end;
    end.kind = too_long ? end_kind::timed_out : end_kind::exited;
    end.exit_code = fate.exit_code;
    end.started_at = clock_.wall_now();
    end.ended_at = end.started_at + (too_long ? request.timeout : fate.takes);
    ends_.emplace(end.ended_at, std::pair{request.key, end});
    to_({launcher_event::started{request.key, 1, end.started_at}});
  }

  void stop(const process_key& key, duration) override {
    std::erase_if(ends_, [&](const auto& each) { return each.second.first == key; });
    process_end end;
    end.kind = end_kind::stopped;
    end.ended_at = clock_.wall_now();
    to_({launcher_event::ended{key, end}});
  }

  void inquire(const process_key& key) override {
    for (const auto& [_, each] : ends_)
      if (each.first == key)
        return to_({launcher_event::started{key, 1, each.second.started_at}});
    to_({launcher_event::unknown{key}});
  }

  void acknowledge(const process_key&) override {}
  void close() override {
    to_ = [](launcher_event) {};
  }

  instant due() const { return ends_.empty() ? instant::max() : ends_.begin()->first; }
  void end_next() {
    const auto [key, end] = ends_.begin()->second;
    ends_.erase(ends_.begin());
    to_({launcher_event::ended{key, end}});
  }

private:
  process_fate fate_of(const process_key& key) const {
    const store_reader store{rows_};
    const auto run = store.run(key.instance.run);
    const auto at = store.instance(key.instance);
    REQUIRE((run && run.value() && at && at.value()));
    for (const auto& workflow : of_.workflows)
      if (workflow->id() == run.value()->workflow)
        return processes_.of({*workflow, run.value()->trigger, run.value()->slot, key.instance.task,
                              at.value()->element_key, key.token.attempt, key.token.check(),
                              key.token.look()});
    FAIL("an unknown workflow runs");
    return {};
  }

  const clock_port& clock_;
  const process_model& processes_;
  const simulated_set& of_;
  const kv_reader& rows_;
  listener to_;
  std::multimap<instant, std::pair<process_key, process_end>> ends_;
};

struct no_watcher final : sim::disk_watcher {
  void committing(const kv_batch&, const kv_reader&) override {}
  void committed(const kv_batch&, const kv_reader&) override {}
};

class virtual_alarm final : public alarm_port {
public:
  void open(listener to) override { to_ = std::move(to); }
  void wake_at(steady_instant at) override { at_ = at; }
  void close() override { to_ = nullptr; }

  steady_instant due() const noexcept { return to_ ? at_ : steady_instant::max(); }
  void ring() {
    at_ = steady_instant::max();
    to_(false);
  }

private:
  listener to_;
  steady_instant at_ = steady_instant::max();
};

/// A real engine whose clock jumps from one happening to the next.
class host {
public:
  host(const simulated_set& of, const process_model& processes, std::uint32_t slots, instant start)
      : clock{start, steady_instant{hours{1}}}, launcher{clock, processes, of, rows} {
    spdlog::set_level(spdlog::level::off);
    config_.set("scheduler.policy", caf::atom("testing"));
    system_.emplace(config_);
    system_->await_actors_before_shutdown(false);
    jobs_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
    engine_ports ports;
    ports.clock = &clock;
    ports.alarm = &alarm_;
    ports.kv = &disk_;
    ports.launcher = &launcher;
    ports.fatal = [this](const std::string& why) { fatal = why; };
    engine_options options;
    options.data_folder = "/nowhere";
    options.slots = slots;
    options.boot_id = "boot";
    disk_.starting(true);
    auto started = start_engine(*system_, ports, std::move(options), [] {});
    disk_.starting(false);
    REQUIRE(started);
    engine_ = std::move(started).value();
    settle();
    apply(of);
  }

  ~host() {
    disk_.cut();
    alarm_.close();
    launcher.close();
    engine_->stop();
    while (jobs_->has_job())
      jobs_->run_once();
  }

  void pass_until(instant until) {
    for (;;) {
      settle();
      const auto woken = alarm_.due() == steady_instant::max()
                             ? instant::max()
                             : clock.wall_now() + (alarm_.due() - clock.steady_now());
      const auto due = std::min(launcher.due(), woken);
      if (due > until)
        break;
      clock.advance(std::max(due - clock.wall_now(), duration{0}));
      // As the simulation: first processes end, then timers ring.
      while (launcher.due() <= clock.wall_now()) {
        launcher.end_next();
        settle_actors();
      }
    }
  }

  std::string fatal;
  manual_clock clock;
  std::shared_ptr<surviving_disk> kept = std::make_shared<surviving_disk>();
  memory_kv rows{kept};
  exact_launcher launcher;

private:
  void apply(const simulated_set& of) {
    apply_request set;
    for (const auto& workflow : of.workflows)
      set.workflows.push_back(*workflow);
    for (const auto& [_, settings] : of.projects)
      set.projects.push_back(settings);
    std::string refused = "no answer";
    engine_->client().apply(set, {"ann", ""}, [&](const result<apply_answer>& answer) {
      refused = answer ? "" : answer.error().message;
    });
    settle();
    REQUIRE(refused.empty());
  }

  void settle_actors() {
    for (;;) {
      while (jobs_->has_job())
        jobs_->run_once();
      if (!disk_.pending())
        return;
      disk_.release(true);
    }
  }

  void settle() {
    for (;;) {
      settle_actors();
      if (alarm_.due() > clock.steady_now())
        return;
      alarm_.ring();
    }
  }

  no_watcher watcher_;
  sim::disk_port disk_{kept, watcher_};
  virtual_alarm alarm_;
  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* jobs_ = nullptr;
  std::unique_ptr<engine> engine_;
};

constexpr const char* project = R"(
project: both
pools: {db: 2, mail: 1}
)";

constexpr const char* workflows = R"(
workflow: orders
triggers: [{id: hourly, cron: "5 * * * *"}]
tasks:
  extract: {run: "true", retry: {max: 2, delay: 45s, factor: 2}}
  load: {needs: extract, run: "true", pool: db, priority: 7}
---
workflow: sums
triggers: [{id: hourly, cron: "5 * * * *"}]
tasks:
  sum: {needs: [{task: orders.load, slot: same_slot}], run: "true", pool: db}
  tell: {needs: sum, run: "true", join: all_done}
---
workflow: quarters
max_active_runs: 2
overlap: allow
triggers: [{id: often, cron: "*/15 * * * *"}]
tasks:
  measure: {run: "true"}
---
workflow: days
triggers: [{id: daily, cron: "30 3 * * *"}]
tasks:
  wait: {needs: [{task: orders.load, window: day, missing: satisfied}], type: empty}
  work: {needs: wait, run: "true", pool: {db: 2}, priority: 3}
---
workflow: follower
triggers: [{id: behind, after: orders}]
tasks:
  one: {run: "true"}
  two: {needs: one, run: "true", ignore_failure: true}
---
workflow: chain
triggers: [{id: hourly, cron: "20 * * * *"}]
tasks:
  link: {run: "true", depends_on_previous: self, retry: {max: 4, delay: 10s}}
---
workflow: skipper
overlap: skip
triggers: [{id: ten, cron: "*/10 * * * *"}]
tasks:
  long: {run: "true"}
---
workflow: single
overlap: queue_one
triggers: [{id: ten, cron: "3/10 * * * *"}]
tasks:
  long: {run: "true"}
---
workflow: fan
triggers: [{id: hourly, cron: "40 * * * *"}]
tasks:
  each: {for_each: {item: {of: [a, b, c, d, e], max_parallel: 2}}, run: "true", pool: mail}
  merge: {needs: each, run: "true"}
---
workflow: backup
triggers: [{id: hourly, cron: "50 * * * *"}]
tasks:
  model: {run: "true", fallback: simple, timeout: 2m}
  simple: {run: "true"}
  publish: {needs: model, run: "true"}
---
workflow: caller
triggers: [{id: hourly, cron: "55 * * * *"}]
tasks:
  call: {type: workflow, workflow: called}
  after: {needs: call, run: "true"}
---
workflow: called
tasks:
  inner: {run: "true"}
---
workflow: timed
timeout: 8m
triggers: [{id: half, cron: "25,55 * * * *"}]
tasks:
  asks: {run: "true", timeout: {queue: 4m, task: 5m}, retry: {max: 3, delay: 20s}}
  next: {needs: asks, run: "true", join: all_done, checks: [{command: "true"}]}
---
workflow: mondays
triggers: [{id: weekly, period: week, days: [mon], at: "09:10", off_days: dryrun}]
tasks:
  one: {run: "true"}
  two: {needs: one, run: "true"}
---
workflow: child
triggers: [{id: daily, cron: "12 9 * * *", jitter: 10m}]
tasks:
  use: {needs: [{task: mondays.two, slot: same_day, trigger: weekly}], run: "true", priority: 1}
---
workflow: replaced
overlap: cancel_running
triggers: [{id: half, cron: "7/30 * * * *"}]
tasks:
  slow: {run: "true"}
)";

simulated_set load() {
  const std::vector<source_text> texts{{"/both/pinion.yaml", project},
                                       {"/both/all.yaml", workflows}};
  auto loaded = load_texts(texts, {});
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  simulated_set out;
  for (auto& each : loaded.workflows)
    out.workflows.push_back(
        std::make_shared<const workflow_definition>(std::move(each.definition)));
  for (auto& each : loaded.projects)
    out.projects[each.project] = each;
  return out;
}

duration_table durations(std::uint64_t seed) {
  duration_table out{seed};
  const auto give = [&](const char* name, duration mean, duration spread, double fails = 0) {
    given_process given;
    given.mean = mean;
    given.spread = spread;
    given.fails = fails;
    out.set(name, given);
  };
  give("*", minutes{2}, seconds{30});
  give("both.orders.extract", minutes{1}, seconds{20}, 0.45);
  give("both.quarters", minutes{29}, minutes{4});
  give("both.chain", minutes{40}, minutes{12}, 0.1);
  give("both.skipper", minutes{12}, minutes{4});
  give("both.single", minutes{14}, minutes{5});
  give("both.backup.model", seconds{110}, seconds{20}, 0.3);
  give("both.timed.asks", minutes{2}, seconds{30}, 0.4);
  give("both.replaced", minutes{28}, minutes{6});
  give("both.follower.two", minutes{2}, seconds{30}, 0.3);
  return out;
}

using story = std::map<std::string, std::string>;

std::string line(std::string_view state, std::uint32_t attempts, instant started, instant ended) {
  const auto time = [](instant at) { return at == never ? std::string{"-"} : print_utc(at); };
  return std::string{state} + ' ' + std::to_string(attempts) + ' ' + time(started) + ' ' +
         time(ended);
}

/// What the simulation tells of all slots, and of instances that ended before `until`.
story told_by(const simulation_result& result, instant until) {
  story out;
  for (const auto& run : result.runs) {
    const auto slot =
        result.workflow_of(run).id() + '/' + result.trigger_of(run) + '@' + print_utc(run.slot);
    if (!run.called)
      out[slot] = to_string(run.outcome);
    for (auto at = run.first; at < run.first + run.count; ++at) {
      const auto& each = result.instances[at];
      if (each.ended_at != never && each.ended_at <= until)
        out[slot + ' ' + result.task_of(each).name + ':' + result.indexes[each.index]] =
            line(to_string(each.state), each.attempts, each.started_at, each.ended_at);
    }
  }
  return out;
}

/// The same of the engine's store.
story told_by(const kv_reader& rows, const simulated_set& of, instant until) {
  story out;
  const store_reader store{rows};
  page_request ask;
  ask.limit = 1'000;
  do {
    const auto page = store.list_slots({}, ask);
    REQUIRE(page);
    for (const auto& row : page.value().items)
      if (!row.trigger.starts_with('@') && row.outcome != slot_outcome::planned && row.slot < until)
        out[row.workflow + '/' + row.trigger + '@' + print_utc(row.slot)] = to_string(row.outcome);
    ask.cursor = page.value().next;
  } while (!ask.cursor.empty());
  ask.cursor.clear();
  do {
    const auto page = store.list_runs({}, ask);
    REQUIRE(page);
    for (const auto& run : page.value().items) {
      const auto definition =
          std::find_if(of.workflows.begin(), of.workflows.end(),
                       [&](const auto& each) { return each->id() == run.workflow; });
      const auto instances = store.instances_of(run.id);
      REQUIRE(instances);
      const auto trigger = run.trigger.starts_with('@') ? "@call" : run.trigger;
      for (const auto& at : instances.value())
        if (is_terminal(at.state) && at.ended_at <= until && run.slot < until)
          out[run.workflow + '/' + trigger + '@' + print_utc(run.slot) + ' ' +
              (*definition)->tasks[at.key.task].name + ':' + at.element_key] =
              line(to_string(at.state), at.attempt, at.started_at, at.ended_at);
    }
    ask.cursor = page.value().next;
  } while (!ask.cursor.empty());
  return out;
}

/// What only one of them tells, or tells otherwise: the first few in the order of time, since one
/// difference leads to others.
std::string differences(const story& simulated, const story& real) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto note = [&](const std::string& key, const std::string& a, const std::string& b) {
    const auto& known = a.empty() ? b : a;
    found.emplace_back(known.substr(known.find_last_of(' ') + 1),
                       key + "\n  simulated: " + a + "\n  real:      " + b + '\n');
  };
  for (const auto& [key, value] : simulated) {
    const auto other = real.find(key);
    if (other == real.end() || other->second != value)
      note(key, value, other == real.end() ? "" : other->second);
  }
  for (const auto& [key, value] : real)
    if (!simulated.contains(key))
      note(key, "", value);
  if (found.empty())
    return {};
  std::sort(found.begin(), found.end());
  auto out = std::to_string(found.size()) + " differences, from\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), 10); ++i)
    out += found[i].second;
  return out;
}

} // namespace

TEST_CASE("the engine on a virtual clock agrees with the simulation instance by instance",
          "[agreement]") {
  const auto seed = GENERATE(1U, 4U, 9U);
  const auto slots = GENERATE(2U, 4U, 8U); // With two there is always a queue.
  const auto start = parse_instant("2027-01-15T08:00:30").value();
  const auto until = start + hours{48};
  const auto of = load();
  const auto processes = durations(seed);

  simulation_options options;
  options.from = start + duration{1};
  options.to = until;
  options.slots = slots;
  options.before = simulation_options::past::absent;
  const auto simulated = simulate(of, options, processes);
  REQUIRE(simulated);

  host real{of, processes, options.slots, start};
  real.pass_until(until);
  CHECK(real.fatal.empty());

  const auto expected = told_by(simulated.value(), until);
  CHECK(expected.size() > 1'500);
  for (const auto* state :
       {"success", "failed", "upstream_failed", "skipped", "cancelled", "skipped_overlap"}) {
    INFO(state);
    CHECK(std::any_of(expected.begin(), expected.end(),
                      [&](const auto& each) { return each.second.starts_with(state); }));
  }
  CHECK(differences(expected, told_by(real.rows, of, until)) == "");
}
