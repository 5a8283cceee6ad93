#pragma once

#include "pinion/definitions/evaluator.hpp"
#include "pinion/simulator/process_model.hpp"

#include <set>

namespace pinion::simulator {

/// Answers as the engine does, where it can: a condition over outputs that nobody gave is taken as
/// true, a list that cannot be made gets a given or assumed number of elements. Each is noted.
class assuming_evaluator final : public run_evaluator {
public:
  assuming_evaluator(const project_settings& settings, const process_model& processes,
                     std::set<std::string>& assumptions);

  result<bool> condition(const run_core& run, std::uint32_t task) const override;
  /// What cannot be known is taken as the value of the first case.
  result<std::string> choice(const run_core& run, std::uint32_t task) const override;
  result<std::vector<fan_out_element>> elements(const run_core& run,
                                                std::uint32_t task) const override;

private:
  expression_evaluator real_;
  const process_model& processes_;
  std::set<std::string>& assumptions_;
};

} // namespace pinion::simulator
