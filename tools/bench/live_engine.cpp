#include "live_engine.hpp"

#include "pinion/execution/executor.hpp"
#include "pinion/execution/launcher_client.hpp"
#include "pinion/storage/epoch.hpp"
#include "program/host_clock.hpp"
#include "stopwatch.hpp"

#include <cstdio>
#include <unistd.h>

namespace pinion::bench {

namespace {

/// Says that every process has started; none ends.
class pretending_launcher final : public launcher_port {
public:
  explicit pretending_launcher(const clock_port& clock) : clock_{clock} {}

  void open(listener to) override {
    to_ = std::move(to);
    to_({launcher_event::connected{}});
  }
  void start(start_request request) override {
    to_({launcher_event::started{request.key, 1, clock_.wall_now()}});
  }
  void inquire(const process_key& key) override {
    to_({launcher_event::started{key, 1, clock_.wall_now()}});
  }
  void stop(const process_key& /*key*/, duration /*grace*/) override {}
  void acknowledge(const process_key& /*key*/) override {}
  void close() override {}

private:
  const clock_port& clock_;
  listener to_;
};

template <class T>
T checked(result<T> outcome) {
  if (!outcome)
    throw std::runtime_error{outcome.error().message};
  return std::move(outcome).value();
}

std::unique_ptr<launcher_port> real_launcher(const std::filesystem::path& folder,
                                             std::uint64_t epoch, const clock_port& clock) {
  local_launcher_options how;
  how.data_dir = folder.string();
  // It must not outlive the folder by long.
  how.launcher_command.insert(how.launcher_command.end(), {"--idle-ms", "500"});
  how.epoch = epoch;
  how.now = [&clock] { return clock.wall_now(); };
  return checked(make_local_launcher(std::move(how)));
}

} // namespace

live_engine::live_engine(const std::filesystem::path& folder, processes how, std::uint32_t slots)
    : clock_{std::make_unique<host_clock>()}, alarm_{make_host_alarm()} {
  const stopwatch opening;
  kv_ = checked(rocks_kv::open({folder / "store", folder / "COMMIT", durability::sync}));
  open_seconds_ = opening.seconds();
  const auto epoch = checked(current_epoch(*kv_)) + 1;
  if (how == processes::real)
    launcher_ = real_launcher(folder, epoch, *clock_);
  else
    launcher_ = std::make_unique<pretending_launcher>(*clock_);
  engine_ports ports;
  ports.clock = clock_.get();
  ports.alarm = alarm_.get();
  ports.kv = kv_.get();
  ports.launcher = launcher_.get();
  ports.fatal = [](const std::string& why) {
    std::fprintf(stderr, "pinion-bench: the engine ends: %s\n", why.c_str());
    ::_exit(1);
  };
  engine_options options;
  options.data_folder = folder.string();
  options.slots = slots;
  options.boot_id = "bench";
  options.base_environment = base_environment();
  configure_actors(config_);
  system_ = std::make_unique<caf::actor_system>(config_);
  engine_ = checked(start_engine(*system_, ports, std::move(options), [] {}));
}

live_engine::~live_engine() {
  engine_->stop();
  launcher_->close();
  alarm_->close();
  engine_.reset();
  system_.reset();
}

void live_engine::apply(workflow_definition definition) {
  apply_request request;
  request.workflows.push_back(std::move(definition));
  ask<apply_answer>([&](auto done) {
    client().apply(std::move(request), {"bench", {}}, std::move(done));
  });
}

run_id live_engine::trigger(const std::string& workflow) {
  trigger_request request;
  request.workflow = workflow;
  return ask<trigger_answer>([&](auto done) {
           client().trigger(std::move(request), {"bench", {}}, std::move(done));
         })
      .run;
}

void live_engine::await_success(run_id run) {
  const auto row = ask<run_record>(
      [&](auto done) { client().wait_run(run, std::chrono::minutes{1}, std::move(done)); });
  if (row.state != run_state::success)
    throw std::runtime_error{"run " + to_string(run) + " is " + std::string{to_string(row.state)}};
}

std::string live_engine::state_of(const instance_key& key) {
  return ask<why_answer>([&](auto done) { client().why_instance(key, std::move(done)); }).state;
}

workflow_definition workflow_of(const std::string& name, std::uint32_t tasks, task_type type) {
  workflow_definition out;
  out.project = "bench";
  out.name = name;
  out.tasks.resize(tasks);
  for (std::uint32_t i = 0; i < tasks; ++i) {
    auto& task = out.tasks[i];
    task.name = "t" + std::to_string(i);
    task.type = type;
    task.cwd = "/";
    if (type == task_type::shell)
      task.argv = {"/bin/true"};
  }
  return out;
}

} // namespace pinion::bench
