#pragma once

#include "run_graph.hpp"

#include <vector>

namespace pinion {

/// A step that gives a run another definition first. If it is refused the run is as it was.
class run_move {
public:
  run_move(run_core& core, const run_operation& operation) : core_{core}, operation_{operation} {}
  run_step step(instant now, const run_evaluator& evaluate);

private:
  using graph = run_core::graph;
  /// Why the run cannot move, or nothing.
  std::optional<problem> obstacle() const;
  result<run_core> moved();
  /// The new position of a task that stays what it is, or nothing.
  std::optional<std::uint32_t> place_of(std::uint32_t task) const;
  bool has_begun(std::uint32_t task) const;
  void carry_over(run_core& to);

  run_core& core_;
  const run_operation& operation_;
  std::vector<instance_key> changed_; ///< Keys whose rows are others now.
  std::vector<edge_record> dropped_;
  std::vector<edge_record> kept_;
};

} // namespace pinion
