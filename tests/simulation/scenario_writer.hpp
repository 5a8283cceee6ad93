#pragma once

#include "simulation/scenario.hpp"

namespace pinion::sim {

task_definition shell_task(std::string name);

/// Draws what has to do with time into a scenario whose workflows have their tasks: triggers, needs
/// on other runs, edits, and how large a step of the clock is.
class time_writer {
public:
  time_writer(random_source& draw, scenario& out) : draw_{draw}, out_{out} {}

  /// Minutes or days, and the moment at which they begin.
  void draw_scale();
  bool coarse() const noexcept { return coarse_; }
  /// How far the clock is set, forward or back.
  duration draw_step();
  void add_triggers(workflow_definition& of);
  /// Once all workflows are there: whom they follow and need. A workflow needs those behind it
  /// only, as it calls those, so that nobody waits for itself.
  void bind_all();
  void draw_edit();

private:
  trigger_definition draw_trigger(std::string id);
  slot_rule draw_fine_rule();
  slot_rule draw_coarse_rule();
  void draw_days(slot_rule& rule);
  misfire_policy draw_misfire();
  void follow(std::size_t number);
  void need_others(std::size_t number);
  void need_previous(workflow_definition& of);
  outside_need draw_need(const workflow_definition& upstream);
  outside_need draw_own_need(const workflow_definition& of);
  void draw_window(outside_need& need);

  random_source& draw_;
  scenario& out_;
  bool coarse_ = false;
  bool far_steps_ = false; ///< Windows would hold thousands of slots.
};

} // namespace pinion::sim
