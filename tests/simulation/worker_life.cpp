#include "simulation/world.hpp"

namespace pinion::sim {

worker_life::worker_life(machine& on, network& over, const manual_clock& clock, trace& log,
                         std::uint64_t number)
    : launcher_{on}, over_{over}, end_{[&over](to_engine frame) { over.carry(std::move(frame)); }},
      log_{log} {
  config_.set("scheduler.policy", caf::atom("testing"));
  system_.emplace(config_);
  system_->await_actors_before_shutdown(false);
  jobs_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
  over_.attach(&end_);
  node_ports ports;
  ports.clock = &clock;
  ports.alarm = &alarm;
  ports.launcher = &launcher_;
  ports.network = &end_;
  node_ = start_worker_node(*system_, ports, number);
}

worker_life::~worker_life() {
  // The ports first: the jobs that are still run below reach nothing.
  over_.attach(static_cast<worker_end*>(nullptr));
  end_.cut();
  alarm.cut();
  launcher_.cut();
  node_->stop();
  while (jobs_->has_job())
    jobs_->run_once();
  if (const auto left = system_->registry().running(); left > 0)
    log_.violation(std::to_string(left) + " actors outlive their worker node");
  node_.reset();
  system_.reset();
}

} // namespace pinion::sim
