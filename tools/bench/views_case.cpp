#include "bench_case.hpp"
#include "child_process.hpp"
#include "history_rows.hpp"
#include "resident_memory.hpp"
#include "stopwatch.hpp"

#include "pinion/api/handler_pool.hpp"
#include "pinion/api/routes.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

namespace pinion::bench {

namespace {

using nlohmann::json;

constexpr std::uint32_t layer =
    100; ///< Tasks side by side in the large run; each layer needs the one before.
constexpr std::uint32_t tasks_ended = 10;
constexpr const char* large_workflow = "bench.large";
constexpr const char* ended_workflow = "bench.ended";

std::uint32_t tasks_large(const surroundings& at) { return at.count(20'000, 2'000); }
std::uint32_t ended_runs(const surroundings& at) { return at.count(100'000, 5'000); }

/// The upper half has ended as soon as it begins, a layer below runs for ever, the rest waits.
workflow_definition layered(std::uint32_t tasks) {
  auto out = workflow_of("large", tasks, task_type::empty);
  for (std::uint32_t i = layer; i < tasks; ++i) {
    const auto above = i - layer;
    out.tasks[i].needs = {above, above % layer == 0 ? above + 1 : above - 1};
    std::sort(out.tasks[i].needs.begin(), out.tasks[i].needs.end());
    if (i < tasks / 2)
      continue;
    out.tasks[i].type = task_type::shell;
    out.tasks[i].argv = {"/bin/true"};
  }
  return out;
}

/// The API in this process, answered as the program answers it: on the threads of a pool.
class views {
public:
  explicit views(live_engine& engine)
      : api_{make_api({&engine.client(),
                       &engine.clock(),
                       std::make_shared<handler_pool>(2),
                       nullptr,
                       {},
                       {}})} {}

  /// The body of a good answer.
  std::string get(const std::string& target) const {
    http_request request;
    request.method = "GET";
    request.user = "bench";
    if (const auto parsed = parse_target(target, request); !parsed)
      throw std::runtime_error{parsed.error().message};
    auto promise = std::make_shared<std::promise<http_reply>>();
    auto answered = promise->get_future();
    api_.dispatch(std::move(request),
                  [promise](http_reply reply) { promise->set_value(std::move(reply)); });
    if (answered.wait_for(std::chrono::minutes{1}) != std::future_status::ready)
      throw std::runtime_error{"no answer to " + target};
    auto reply = answered.get();
    if (reply.status != 200)
      throw std::runtime_error{target + ": " + reply.body};
    return std::move(reply.body);
  }

  /// The cursor behind so many items of a list.
  std::string cursor(const std::string& list, std::size_t items) const {
    std::string at;
    for (std::size_t seen = 0; seen < items;) {
      const auto body =
          json::parse(get(list + "&limit=1000" + (at.empty() ? "" : "&cursor=" + at)));
      seen += body["items"].size();
      if (body["next"].is_null())
        throw std::runtime_error{list + " has less than " + std::to_string(items) + " items"};
      at = percent_encode(body["next"].get<std::string>());
    }
    return at;
  }

private:
  router api_;
};

struct view {
  const char* name;
  std::string target;
};

std::vector<view> all_views(const views& api, const std::string& large, std::uint32_t tasks,
                            std::uint64_t old_run) {
  const auto middle = large + "%2Ft" + std::to_string(tasks / 2 + tasks / 4);
  const auto all_runs = std::string{"/api/v1/runs?workflow="} + ended_workflow;
  const auto of_large = "/api/v1/instances?run=" + large;
  return {
      {"runs", "/api/v1/runs?limit=100"},
      {"deep", all_runs + "&limit=100&cursor=" + api.cursor(all_runs, old_run / 2)},
      {"instances", of_large + "&limit=100&cursor=" + api.cursor(of_large, tasks / 2)},
      {"rare", "/api/v1/instances?state=failed&limit=100"},
      {"describe", "/api/v1/describe?ref=" + large},
      {"old", "/api/v1/describe?ref=r" + std::to_string(old_run) + "%2Ft1"},
      {"why", "/api/v1/why?ref=" + middle},
      {"why_run", "/api/v1/why?ref=" + large},
      {"graph", "/api/v1/graph?ref=" + large},
      {"graph_all", "/api/v1/graph?limit=100000&ref=" + large},
      {"around", "/api/v1/graph?ref=" + middle + "&upstream=2&downstream=2"},
      {"top", "/api/v1/top"},
  };
}

/// Milliseconds of each of `times` answers, in rising order.
std::vector<double> timed(const views& api, const view& of, std::uint32_t times) {
  std::vector<double> took;
  api.get(of.target); // What it reads first is read from the disk, also by the next who asks.
  for (std::uint32_t i = 0; i < times; ++i) {
    const stopwatch one;
    keep(api.get(of.target));
    took.push_back(one.seconds() * 1e3);
  }
  std::sort(took.begin(), took.end());
  return took;
}

/// Half of the run ends before.
void await_running(live_engine& engine, const instance_key& key) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes{2};
  while (engine.state_of(key) != "running") {
    if (std::chrono::steady_clock::now() > give_up)
      throw std::runtime_error{"the large run does not come to its running layer"};
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

} // namespace

void fill_views_and_die(const surroundings& at) {
  {
    live_engine engine{at.folder, processes::pretended, layer};
    engine.apply(layered(tasks_large(at)));
    engine.apply(workflow_of("ended", tasks_ended, task_type::shell));
  }
  row_filler filler{at.folder};
  const auto highest = store_reader{filler.kv()}.highest_run();
  auto id = highest ? highest.value().value : 0;
  auto sequence = store_reader{filler.kv()}.last_audit().value();
  auto slot = std::chrono::floor<duration>(std::chrono::system_clock::now()) -
              std::chrono::seconds{ended_runs(at) + 60};
  for (std::uint32_t i = 0; i < ended_runs(at); ++i) {
    const bool rare = i % (ended_runs(at) / 5) == 0;
    put_ended(filler.batch(), ++id, ended_workflow, tasks_ended, slot += std::chrono::seconds{1},
              rare ? instance_state::failed : instance_state::success);
    audit_record trace;
    trace.sequence = ++sequence;
    trace.at = slot;
    trace.who = "bench";
    trace.verb = "trigger";
    trace.object = to_string(run_id{id});
    put_audit(filler.batch(), trace);
    filler.commit_if(10'000);
  }
  filler.commit_if(1);
  ::_exit(0);
}

std::vector<figure> measure_views(const surroundings& at) {
  std::vector<std::string> arguments{"--measure", "fill_views", "--dir", at.folder.string()};
  if (at.quick)
    arguments.emplace_back("--quick");
  run_self(arguments, std::chrono::minutes{10});
  live_engine engine{at.folder, processes::pretended, layer};
  const auto tasks = tasks_large(at);
  const auto run = engine.trigger(large_workflow);
  await_running(engine, {run, tasks / 2 + layer - 1, no_element});
  const views api{engine};
  const auto all = all_views(api, to_string(run), tasks, run.value / 2);
  std::vector<figure> found;
  for (const auto& each : all) {
    const auto took = timed(api, each, at.count(200, 20));
    const std::string name = std::string{"views."} + each.name;
    found.push_back({name, took[took.size() / 2]});
    found.push_back({name + ".p99", took[took.size() * 99 / 100]});
  }
  const auto before = resident_bytes();
  for (std::uint32_t i = 0; i < at.count(300, 20); ++i)
    for (const auto& each : all)
      keep(api.get(each.target));
  found.push_back({"views.memory", (resident_bytes() - before) / 1e6});
  return found;
}

} // namespace pinion::bench
