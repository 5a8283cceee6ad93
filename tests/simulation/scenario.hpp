#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/actors/retention_settings.hpp"
#include "pinion/execution/run_files.hpp"
#include "simulation/random.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

/// What a person, the clock or the machine does at some moment of a simulation.
struct scripted_action {
  enum class kind : std::uint8_t {
    apply,   ///< All definitions of the scenario, as one set.
    trigger, ///< A run of `workflow` by hand.
    operate, ///< `verb` on a run that is drawn when its time comes.
    pause,   ///< Of `workflow`, or of everything.
    resume,
    hold,
    unhold,
    step_clock, ///< The wall clock is set by `step`.
    kill_launcher,
    crash,          ///< The engine is killed.
    reboot,         ///< The machine loses power.
    edit,           ///< The edited definitions, or the original ones again (`original`).
    switch_task,    ///< `task` of `workflow` to `mode`.
    make_slot,      ///< Of some slot that was left out, drawn when its time comes.
    backfill,       ///< `ask`, of the last `slots` slots before then.
    steer_backfill, ///< `steer` for some backfill.
    fail_write,     ///< The disk fails the next commit: durable or not, nobody knows.
    slow_disk,      ///< For a while commits take seconds.
    break_link,     ///< The connection to the launcher breaks; both ends live on.
    kill_worker,    ///< The worker node dies; launcher and processes go on.
    part_network,   ///< Nothing comes through between engine and worker node for a while.
  } what = kind::apply;
  duration at{}; ///< Since the start.
  std::string workflow;
  run_operation::verb verb = run_operation::verb::cancel;
  catch_up owed = catch_up::none;
  duration step{};
  bool original = false;
  std::string task;
  task_mode mode = task_mode::normal;
  backfill_request ask;
  std::uint32_t slots = 0;
  backfill_verb steer = backfill_verb::pause;
};

/// What the program keeps free on the disk before it refuses new work.
inline constexpr std::uint64_t disk_reserve = std::uint64_t{64} << 20U;
inline constexpr std::uint64_t plenty_of_room = std::uint64_t{1} << 30U;

/// From a moment on so much is free on the disk.
struct room_change {
  duration at{}; ///< Since the start.
  std::uint64_t bytes = plenty_of_room;
};

/// What is simulated: definitions, and what happens to them.
struct scenario {
  std::vector<workflow_definition> workflows;
  std::vector<workflow_definition> edited; ///< The same workflows after an edit; empty: none.
  project_settings settings;
  std::vector<scripted_action> actions; ///< Ascending by time.
  std::uint32_t slots = 2;
  instant begins = from_us(1'800'000'000'000'000); ///< Wall time of the start: a Friday, 08:00 UTC.
  bool late_repeats = false;      ///< The launcher tells of an end again, long after it did.
  std::vector<room_change> rooms; ///< Ascending by time; the last one leaves plenty.
  bool half_written = false;      ///< A crash can leave the commit that was under way on the disk.
  duration lasts{}; ///< After that triggers are paused and everything must come to its end.
  std::optional<retention_settings> retention; ///< Of the engine.
  run_files_port* files = nullptr;             ///< Of the engine.
  /// The worker is a node of its own behind the network; otherwise it is part of the engine.
  bool remote = false;
  duration longest_down{std::chrono::minutes{5}}; ///< Of an engine that has crashed.
};

/// Two tasks in a row, run once by hand.
scenario two_tasks();
/// The same; the first one polls.
scenario polling();
/// A setup, a poll, a switch over what it found, and a teardown; cancelled in the middle if it
/// takes long.
scenario shaped();
/// Two tasks in a row without retries, and end tasks: of a failure, of both outcomes, and of a
/// success behind that.
scenario ending();
/// The definitions for people, a line for each task.
std::vector<std::string> describe(const scenario& what);
/// Everything that the engine can do, drawn from the seed: some minutes of slots that come every
/// few seconds, or some hours or days of slots at hours of some zone.
scenario random_scenario(std::uint64_t seed);
/// The same with faults of disk and connection, drawn from the seed.
scenario faulty_scenario(std::uint64_t seed);

/// The rule of a trigger; for `after:` triggers that of the trigger at the end of the chain.
const slot_rule* rule_of(const std::vector<workflow_definition>& all, const std::string& workflow,
                         const std::string& trigger);

} // namespace pinion::sim
