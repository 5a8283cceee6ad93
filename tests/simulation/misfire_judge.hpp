#pragma once

#include "pinion/storage/store_reader.hpp"
#include "simulation/scenario.hpp"
#include "simulation/trace.hpp"

#include <set>
#include <string>
#include <vector>

namespace pinion::sim {

/// Knows over which stretches of wall time nobody looked (the engine was down, or the clock was set
/// forward), and judges naively what became of the slots in them: which had to run under the
/// trigger's misfire policy, and which had to be left out.
class misfire_judge {
public:
  void engine_down(instant wall, steady_instant at);
  /// `paused`: the workflows that are, by their rows.
  void engine_up(instant wall, steady_instant at, std::set<std::string> paused);
  void clock_steps(instant from, instant to, steady_instant at, std::set<std::string> paused);

  /// To be called once all is over. `began`: no gap before that wall time is judged.
  void judge(const scenario& of, const store_reader& store, instant began, trace& log) const;

private:
  struct gap {
    instant from; ///< All slots up to this one have been looked at, or were on their way.
    std::vector<instant> ends; ///< Where it was thought to be over; the last one is.
    steady_instant over{};
    std::set<std::string> paused;      ///< At each of its ends.
    std::set<std::string> some_paused; ///< At one of them: what became of its slots was asked for.
  };
  void add(instant from, instant to, steady_instant began, steady_instant at,
           std::set<std::string> paused);
  void judge_trigger(const gap& at, const workflow_definition& of,
                     const trigger_definition& trigger, const slot_rule& rule,
                     const store_reader& store, trace& log) const;

  std::vector<gap> gaps_;
  instant seen_{}; ///< The largest wall time at which an engine was up.
  steady_instant down_at_{};
  bool up_ = false;
  /// The clock was set back: the same wall time comes twice, and whether somebody looked at a slot
  /// in between depends on which messages were under way. Nothing is judged then.
  bool set_back_ = false;
};

} // namespace pinion::sim
