#include "quantities.hpp"
#include "bench_case.hpp"

#include <array>

namespace pinion::bench {

std::span<const quantity> all_quantities() {
  using enum aim;
  static constexpr std::array all{
      quantity{"fdatasync", "fdatasync of a 200 B append", "/s"},
      quantity{"spawn", "posix_spawn of /bin/true, 2 a processor at once", "/s"},
      quantity{"idle_actor", "memory of an idle actor", "B"},
      quantity{"store.single", "store: durable commits of 1 row, one after the other", "/s",
               "fdatasync"},
      quantity{"store.rows", "store: durable rows in groups of 256, 4 under way", "rows/s"},
      // Two rows an instance: it runs, it has ended.
      quantity{"wide", "10,000 empty tasks in one run", "instances/s", "store.rows", 2, at_least,
               20'000},
      quantity{"chain", "2,000 empty tasks in a row", "hops/s", "fdatasync", 1, at_least, 1'000},
      quantity{"runs", "runs of one empty task, 100 under way", "runs/s", "fdatasync"},
      quantity{"processes", "tasks that are a process, /bin/true", "tasks/s", "spawn", 1, at_least,
               0.75, true},
      quantity{"waiting", "memory of a waiting instance", "B", "idle_actor", 1, at_most, 2'048},
      quantity{"plan", "planning a day of 1,000,000 instances, 1,000 workflows", "instances/s"},
      quantity{
          "plan.memory", "the same: memory that the engine takes more", "MB", {}, 1, at_most, 200},
      quantity{"recovery.open", "recovery after kill -9: opening the store", "s"},
      quantity{
          "recovery", "the same, until a run with 100,000 waiting answers", "s", {}, 1, at_most, 5},
      quantity{
          "recovery.queued", "the same with 100,000 that queue for a slot", "s", {}, 1, at_most, 5},
      quantity{"restart.open",
               "restart with 200,000 live, 5,000,000 instances in history: opening the store", "s"},
      quantity{"restart", "the same, until the engine fires a slot again", "s", {}, 1, at_most, 10},
      quantity{"restart.each", "the same, for each live instance", "us"},
      quantity{"restart.memory", "the same: memory taken for each live instance", "B"},
      quantity{"views.runs", "views, history of 1,000,000: `get runs`, 100 of them", "ms"},
      quantity{"views.runs.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.deep", "`get runs`, 100 from the middle of the history", "ms"},
      quantity{"views.deep.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.instances", "`get instances` of the run of 20,000, 100 from its middle",
               "ms"},
      quantity{"views.instances.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.rare", "`get instances --state failed`: five of the history", "ms"},
      quantity{"views.rare.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.describe", "`describe` of the run of 20,000", "ms"},
      quantity{"views.describe.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.old", "`describe` of an instance in the middle of the history", "ms"},
      quantity{"views.old.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.why", "`why` of a waiting instance of 20,000", "ms"},
      quantity{"views.why.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.why_run", "`why` of the run of 20,000", "ms"},
      quantity{"views.why_run.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.graph", "`graph` of the run of 20,000: 5,000 tasks", "ms"},
      quantity{"views.graph.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.graph_all", "`graph --limit 100000`: all 20,000, as `-o dot` asks", "ms"},
      quantity{"views.graph_all.p99", "the same, 99th percentile", "ms"},
      quantity{"views.around", "`graph` of an instance of 20,000, two steps each way", "ms"},
      quantity{"views.around.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.top", "`top`, 100 slots busy", "ms"},
      quantity{"views.top.p99", "the same, 99th percentile", "ms", {}, 1, at_most, 100},
      quantity{"views.memory",
               "views: memory after thousands of these answers, more than after the "
               "first hundred",
               "MB",
               {},
               1,
               at_most,
               32},
      quantity{"wheel.arm", "wheel at 1M entries: arm", "ns", "multimap.arm", 1, at_most, 50},
      quantity{"wheel.cancel", "wheel at 1M entries: cancel", "ns", "multimap.cancel", 1, at_most,
               50},
      quantity{"wheel.expire", "wheel at 1M entries: expire", "ns", "multimap.expire", 1, at_most,
               300},
      quantity{"multimap.arm", "std::multimap at 1M entries: insert", "ns"},
      quantity{"multimap.cancel", "std::multimap at 1M entries: erase", "ns"},
      quantity{"multimap.expire", "std::multimap at 1M entries: take the first", "ns"},
      quantity{"heap.arm", "binary heap at 1M entries: push", "ns"},
      quantity{"heap.cancel", "binary heap at 1M entries: mark as cancelled", "ns"},
      quantity{"heap.expire", "binary heap at 1M entries: pop", "ns"},
      quantity{"cron.daily", "next slot of `0 2 * * *` in Europe/Berlin", "ns"},
      quantity{"cron.minutes", "next slot of `*/5 * * * *` in UTC", "ns"},
      quantity{"year",
               "simulating a year of 1,000 mixed workflows, 671,235 runs",
               "s",
               {},
               1,
               at_most,
               60},
      quantity{"year.instances", "the same, instances", "instances/s"},
      quantity{"load", "reading a definition of 100,000 tasks from YAML", "s"},
      quantity{"load.memory", "the same: memory that the definition keeps", "MB"},
      quantity{"load.peak", "the same: memory at its peak", "MB"},
  };
  return all;
}

std::span<const bench_case> all_cases() {
  static constexpr std::array all{
      bench_case{"fdatasync", "the disk's rate of durable small appends", 9, measure_fdatasync},
      bench_case{"spawn", "the machine's rate of processes", 9, measure_spawn},
      bench_case{"idle_actor", "what the actor library takes for an actor that does nothing", 2,
                 measure_idle_actor},
      bench_case{"store", "the store alone: durable commits and rows", 9, measure_store},
      bench_case{"wide", "a run of 10,000 tasks of type empty, side by side", 9, measure_wide},
      bench_case{"chain", "a run of 2,000 tasks of type empty, one behind the other", 9,
                 measure_chain},
      bench_case{"runs", "1,000 runs of one task of type empty", 9, measure_runs},
      bench_case{"processes", "500 tasks that run /bin/true under the launcher", 9,
                 measure_processes},
      bench_case{"memory", "200,000 instances that wait for one that never ends", 3,
                 measure_memory},
      bench_case{"plan", "the plan of a day: 1,000 workflows of 10 tasks, 100 slots each", 3,
                 measure_plan},
      bench_case{"recovery", "a new engine over a killed one's store: 100,000 instances wait", 3,
                 measure_recovery},
      bench_case{"recovery_queued", "the same, with 100,000 in the dispatcher's queue", 3,
                 measure_recovery_of_queue},
      bench_case{"restart", "a new engine over a killed one's store with a long history", 1,
                 measure_restart},
      bench_case{"views", "what people look at, over a run of 20,000 and a history of 1,000,000", 3,
                 measure_views},
      bench_case{"wheel", "a million timers, beside a balanced tree and a heap", 5, measure_wheel},
      bench_case{"cron", "a hundred thousand slots of two cron expressions", 5, measure_cron},
      bench_case{"simulated_year", "1,000 workflows with needs and a pool, hour by hour for a year",
                 3, measure_simulated_year},
      bench_case{"load", "a YAML file with 100,000 tasks", 3, measure_load},
  };
  return all;
}

} // namespace pinion::bench
