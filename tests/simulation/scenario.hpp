#pragma once

#include "pinion/actors/engine_client.hpp"
#include "simulation/random.hpp"

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
    crash,  ///< The engine is killed.
    reboot, ///< The machine loses power.
  } what = kind::apply;
  duration at{}; ///< Since the start.
  std::string workflow;
  run_operation::verb verb = run_operation::verb::cancel;
  catch_up owed = catch_up::none;
  duration step{};
};

/// What is simulated: definitions, and what happens to them.
struct scenario {
  std::vector<workflow_definition> workflows;
  project_settings settings;
  std::vector<scripted_action> actions; ///< Ascending by time.
  std::uint32_t slots = 2;
  duration lasts{}; ///< After that triggers are paused and everything must come to its end.
};

/// Two tasks in a row, run once by hand.
scenario two_tasks();
/// The definitions for people, a line for each task.
std::vector<std::string> describe(const scenario& what);
/// Everything that the engine can do, drawn from the seed.
scenario random_scenario(std::uint64_t seed);

} // namespace pinion::sim
