#pragma once

#include "pinion/model/run_core.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pinion {

/// Answers the questions of a run's step from the texts of its definition. Pure; for any thread.
class expression_evaluator final : public run_evaluator {
public:
  /// `pools`: sizes by name, for `groups: POOL`; copied.
  explicit expression_evaluator(std::map<std::string, std::uint32_t> pools = {});

  /// The value of `when:` must be a boolean or the text `true` or `false` (as from an output or a
  /// parameter given as text); anything else fails with `errc::invalid` and names the value. An
  /// absent `when:` is true.
  result<bool> condition(const run_core& run, std::uint32_t task) const override;

  /// As `when:`, a text with one expression or more; booleans are `true` and `false`.
  result<std::string> choice(const run_core& run, std::uint32_t task) const override;

  /// A list gives its items; a map gives {"key": ..., "value": ...} in the order of keys; a string
  /// that is a JSON list or map counts as such; null is an empty list; anything else fails with
  /// `errc::invalid`. With groups the elements are lists of neighbours whose sizes differ by at
  /// most one, the larger ones first; never an empty group.
  ///
  /// Keys: `key:` evaluated for each element with the loop name set; else the item's text, if all
  /// are scalars, distinct and of [A-Za-z0-9_.-]{1,64}; else (and for groups) the position from 0.
  /// A `key:` that repeats or is not of 1..64 such characters fails with `errc::invalid`; more than
  /// 10,000 elements with `errc::limit`.
  result<std::vector<fan_out_element>> elements(const run_core& run,
                                                std::uint32_t task) const override;

private:
  std::map<std::string, std::uint32_t> pools_;
};

} // namespace pinion
