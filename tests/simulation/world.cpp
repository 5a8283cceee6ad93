#include "simulation/world.hpp"

#include "pinion/storage/epoch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

namespace pinion::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Where the steady clock begins.
constexpr duration first_steady{std::chrono::hours{3}};

} // namespace

// -- alarm and generation

void virtual_alarm::ring(bool wall_stepped) {
  at_ = steady_instant::max();
  if (to_)
    to_(wall_stepped);
}

generation::generation(const scenario& of, const std::shared_ptr<surviving_disk>& rows, machine& on,
                       manual_clock& clock, disk_watcher& watcher, trace& log, engine_probe* probe,
                       network* over)
    : disk{rows, watcher}, over_{over}, end_{[over](to_worker frame) {
        over->carry(std::move(frame));
      }},
      local_{on, [&watcher] { return watcher.has_reserve(); }}, log_{log} {
  config_.set("scheduler.policy", caf::atom("testing"));
  system_.emplace(config_);
  // A leak must fail the simulation, not hang it.
  system_->await_actors_before_shutdown(false);
  jobs_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
  engine_ports ports;
  ports.clock = &clock;
  ports.alarm = &alarm;
  ports.kv = &disk;
  ports.launcher = &local_;
  ports.probe = probe;
  ports.files = of.files;
  if (over != nullptr) {
    const auto epoch = current_epoch(disk); // The engine takes the next one.
    remote_.emplace(end_, resending, clock, epoch ? epoch.value() + 1 : 1);
    over->attach(&end_);
    ports.launcher = &*remote_;
  }
  ports.fatal = [this](const std::string& why) {
    if (!dead_ && !fatal_)
      fatal_ = why;
  };
  engine_options options;
  options.data_folder = "/nowhere";
  options.slots = of.slots;
  options.retention = of.retention;
  options.boot_id = "boot" + std::to_string(on.boots());
  disk.starting(true);
  auto started = pinion::start_engine(*system_, ports, std::move(options), [] {});
  disk.starting(false);
  if (started)
    running_ = std::move(started).value();
  else
    fatal_ = started.error().message;
}

generation::~generation() {
  // The ports first: the jobs that are still run below reach nothing.
  dead_ = true;
  disk.cut();
  if (over_ != nullptr)
    over_->attach(static_cast<engine_end*>(nullptr));
  end_.cut();
  alarm.cut();
  resending.cut();
  local_.cut();
  if (running_)
    running_->stop();
  while (jobs_->has_job())
    jobs_->run_once();
  if (const auto left = system_->registry().running(); left > 0)
    log_.violation(std::to_string(left) + " actors outlive their engine");
  running_.reset();
  system_.reset();
}

// -- the world

world::world(scenario of, std::uint64_t seed, crash_point at, bool echo)
    : scenario_{std::move(of)}, draw_{seed}, crash_at_{at}, clock_{scenario_.begins,
                                                                   steady_instant{first_steady}},
      log_{clock_}, observer_{scenario_, disk_, clock_, log_}, room_{observer_, scenario_, clock_,
                                                                     log_, seed},
      early_{seed ^ 0xea71eULL}, early_percent_{std::array<std::uint64_t, 3>{0, 5,
                                                                             40}[early_.below(3)]},
      machine_{draw_, clock_, log_, observer_}, network_{draw_, clock_, log_},
      desk_{scenario_, draw_, clock_, log_, observer_}, start_{clock_.steady_now()} {
  if (echo)
    log_.echo();
  if (scenario_.late_repeats)
    machine_.repeat_late();
  for (const auto& line : describe(scenario_))
    log_.note(line);
}

outcome world::run() {
  restart_at_ = clock_.steady_now();
  if (scenario_.remote)
    worker_at_ = clock_.steady_now();
  while (!log_.failed() && !(winding_down_ && at_rest())) {
    if (++steps_ > max_steps)
      log_.violation("no end after " + std::to_string(max_steps) + " steps");
    if (now() > scenario_.lasts + settle_time)
      complain_unsettled();
    wind_up();
    if (!log_.failed())
      step();
  }
  if (!log_.failed())
    observer_.check_end(machine_);
  desk_.forget_questions();
  engine_.reset();
  worker_.reset();
  outcome out;
  out.hash = log_.hash();
  out.commits = commits_;
  out.steps = steps_;
  out.runs = observer_.runs();
  out.violations = log_.violations();
  out.history = log_.lines();
  return out;
}

// At the end all triggers are paused and everything is thawed. What waits then by its definition
// for what does not come is cancelled, until nothing is left.
void world::wind_up() {
  if (now() < (winding_down_ ? cut_at_ : scenario_.lasts))
    return;
  // What an engine has not noticed while it starts, or waits for a slow disk, it may notice yet.
  if (winding_down_ && engine_ &&
      (has_job() || engine_->disk.pending() || clock_.steady_now() < started_ + seconds{60})) {
    cut_at_ = now() + seconds{60};
    return;
  }
  const memory_kv rows{disk_};
  if (!winding_down_)
    desk_.wind_down(now(), rows);
  else if (engine_)
    desk_.cut_short(now(), rows, observer_.judge_waiting());
  winding_down_ = true;
  cut_at_ = now() + patience;
}

void world::step() {
  const bool job = has_job();
  if (job && draw_.chance(3)) {
    move_clock(milliseconds{20});
  } else if (job && draw_.chance(75)) {
    run_some_job();
  } else if (!act()) {
    if (job)
      run_some_job();
    else
      move_clock(duration::max());
  }
  watch_engine();
}

// After a failed commit nobody knows what is on the disk: the engine ends before it does anything
// else.
void world::watch_engine() {
  if (!engine_)
    return;
  if (engine_->fatal() && failing_)
    crash("because its disk failed");
  else if (engine_->fatal())
    log_.violation("the engine gave up: " + *engine_->fatal());
  else if (failing_ && !engine_->jobs().has_job())
    log_.violation("[5] a commit has failed, and the engine goes on");
}

duration world::commit_takes() {
  if (clock_.steady_now() < slow_until_)
    return draw_.between(milliseconds{100}, seconds{4});
  return draw_.between(duration{0}, milliseconds{6});
}

bool world::has_job() {
  return (engine_ && engine_->jobs().has_job()) || (worker_ && worker_->jobs().has_job());
}

void world::run_some_job() {
  const bool engine = engine_ && engine_->jobs().has_job();
  const bool worker = worker_ && worker_->jobs().has_job();
  if (engine && (!worker || draw_.chance(60)))
    run_job(engine_->jobs());
  else
    run_job(worker_->jobs());
}

void world::run_job(caf::scheduler::test_coordinator& jobs) {
  if (jobs.jobs.size() > 1 && draw_.chance(60)) {
    const auto which = static_cast<std::ptrdiff_t>(draw_.below(jobs.jobs.size()));
    const auto chosen = jobs.jobs.begin() + which;
    std::rotate(jobs.jobs.begin(), chosen, chosen + 1);
  }
  jobs.run_once();
}

// Does one thing that is due; what comes first is drawn.
bool world::act() {
  const auto at = clock_.steady_now();
  const std::uint64_t kinds = scenario_.remote ? 5 : 4;
  const auto first = draw_.below(kinds);
  for (std::uint64_t i = 0; i < kinds; ++i) {
    switch ((first + i) % kinds) {
    case 0:
      if (engine_ && engine_->disk.pending()) {
        if (!commit_due_)
          commit_due_ = at + commit_takes();
        if (*commit_due_ <= at) {
          release_commit();
          return true;
        }
      }
      break;
    case 1:
      if (machine_.act())
        return true;
      break;
    case 2:
      if (ring())
        return true;
      break;
    case 4:
      if (network_.act())
        return true;
      break;
    default: {
      const memory_kv rows{disk_};
      if (desk_.act(
              now(), engine_ ? &engine_->client() : nullptr, rows,
              [this](const scripted_action& action) { act_on(action); },
              [this] { return room_.has_reserve(); }))
        return true;
    }
    }
  }
  return false;
}

// Whatever comes up again, or is to be woken.
bool world::ring() {
  const auto at = clock_.steady_now();
  if (room_.act()) {
    if (engine_)
      engine_->try_again();
    return true;
  }
  if (restart_at_ && *restart_at_ <= at && room_.can_be_opened()) {
    start_engine();
    return true;
  }
  if (worker_at_ && *worker_at_ <= at) {
    worker_at_.reset();
    log_.note("the worker node starts");
    worker_.emplace(machine_, network_, clock_, log_, ++lives_);
    return true;
  }
  for (auto* alarm : {engine_ ? &engine_->alarm : nullptr, engine_ ? &engine_->resending : nullptr,
                      worker_ ? &worker_->alarm : nullptr})
    if (alarm != nullptr && alarm->due() <= at) {
      alarm->ring(false);
      return true;
    }
  return false;
}

void world::start_engine() {
  restart_at_.reset();
  started_ = clock_.steady_now();
  log_.note("the engine starts");
  observer_.engine_up();
  room_.program_starts();
  engine_.emplace(scenario_, disk_, machine_, clock_, room_, log_, nullptr,
                  scenario_.remote ? &network_ : nullptr);
  engine_->disk.is_there_early = [this] { return commit_is_there_early(); };
  failing_ = !room_.takes_a_commit();
  room_.program_started();
  if (!engine_->fatal())
    observer_.engine_started();
}

void world::kill_worker() {
  if (!worker_)
    return;
  log_.note("the worker node dies");
  worker_.reset();
  worker_at_ = clock_.steady_now() + draw_.between(milliseconds{10}, seconds{20});
  observer_.out_of_touch(*worker_at_);
}

// Not the one at which the engine crashes, nor one that will have failed.
bool world::commit_is_there_early() {
  return commits_ + 1 != crash_at_.commit && !fail_next_ && room_.takes_a_commit() &&
         early_.chance(early_percent_);
}

void world::release_commit() {
  commit_due_.reset();
  ++commits_;
  if (std::exchange(fail_next_, false)) {
    const bool durable = draw_.chance(50);
    log_.note(std::string{"a commit fails, and its rows are "} + (durable ? "there" : "not there"));
    failing_ = true;
    engine_->disk.fail(durable);
    return;
  }
  if (!room_.takes_a_commit() && !engine_->disk.is_applied()) {
    log_.note("a commit finds no room");
    failing_ = true;
    engine_->disk.fail(false);
    return;
  }
  if (commits_ != crash_at_.commit) {
    engine_->disk.release(true);
    return;
  }
  if (crash_at_.durable)
    engine_->disk.release(false);
  crash(crash_at_.durable ? "after a commit" : "before a commit");
}

void world::crash(const char* why) {
  log_.note(std::string{"the engine crashes "} + why);
  room_.program_ends();
  desk_.forget_questions();
  commit_due_.reset();
  failing_ = false;
  engine_.reset();
  observer_.engine_down();
  const auto down = draw_.chance(20) ? draw_.between(seconds{10}, scenario_.longest_down)
                                     : draw_.between(duration{0}, seconds{4});
  restart_at_ = clock_.steady_now() + down;
}

// A write that is cut off is as good as none unless all its bytes are there.
void world::stop_writing() {
  if (engine_ && engine_->disk.pending() && room_.takes_a_commit() &&
      room_.keeps_what_was_under_way())
    engine_->disk.release(false);
}

void world::act_on(const scripted_action& action) {
  switch (action.what) {
  case scripted_action::kind::step_clock:
    observer_.clock_steps(clock_.wall_now(), clock_.wall_now() + action.step);
    clock_.step_wall_to(clock_.wall_now() + action.step);
    if (engine_)
      engine_->alarm.ring(true);
    break;
  case scripted_action::kind::kill_launcher:
    machine_.kill_launcher();
    break;
  case scripted_action::kind::crash:
    stop_writing();
    if (engine_)
      crash("at some moment");
    break;
  case scripted_action::kind::fail_write:
    fail_next_ = true;
    break;
  case scripted_action::kind::slow_disk:
    slow_until_ = clock_.steady_now() + draw_.between(seconds{2}, seconds{40});
    break;
  case scripted_action::kind::break_link:
    machine_.break_link();
    break;
  case scripted_action::kind::kill_worker:
    kill_worker();
    break;
  case scripted_action::kind::part_network: {
    const auto how_long = draw_.between(milliseconds{100}, seconds{40});
    network_.part(how_long);
    observer_.out_of_touch(clock_.steady_now() + how_long);
    break;
  }
  case scripted_action::kind::reboot:
    stop_writing();
    if (engine_)
      crash("with its machine");
    kill_worker();
    machine_.reboot();
    break;
  default:
    break;
  }
}

steady_instant world::next_due() {
  auto due = std::min(machine_.next_due(), room_.next_due());
  if (restart_at_ && room_.can_be_opened())
    due = std::min(due, *restart_at_);
  if (worker_at_)
    due = std::min(due, *worker_at_);
  if (scenario_.remote)
    due = std::min(due, network_.next_due());
  if (worker_)
    due = std::min(due, worker_->alarm.due());
  if (engine_) {
    due = std::min({due, engine_->alarm.due(), engine_->resending.due()});
    if (engine_->disk.pending()) {
      if (!commit_due_)
        commit_due_ = clock_.steady_now() + commit_takes();
      due = std::min(due, *commit_due_);
    }
  }
  if (const auto ask = desk_.next_due(engine_.has_value()); ask != duration::max())
    due = std::min(due, start_ + ask);
  due = std::min(due, start_ + (winding_down_ ? cut_at_ : scenario_.lasts));
  return due;
}

void world::move_clock(duration at_most) {
  const auto at = clock_.steady_now();
  const auto due = next_due();
  if (due == steady_instant::max()) {
    if (at_most == duration::max())
      complain_unsettled();
    return;
  }
  clock_.advance(std::clamp(due - at, duration{0}, at_most));
}

bool world::at_rest() {
  return desk_.done() && engine_ && !has_job() && !engine_->disk.pending() &&
         machine_.processes().empty() && observer_.all_ended();
}

void world::complain_unsettled() {
  std::string left;
  const memory_kv rows{disk_};
  const store_reader store{rows};
  if (const auto live = store.live_runs())
    for (const auto& run : live.value())
      left += ' ' + to_string(run.id);
  for (const auto& [key, each] : machine_.processes())
    left += " process " + to_string(key) + (each.alive ? " (alive)" : " (over)");
  log_.violation("[6] not everything comes to its end; left:" + left +
                 (desk_.done() ? "" : " and questions without an answer"));
}

} // namespace pinion::sim
