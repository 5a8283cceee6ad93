#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/lifecycle.hpp"
#include "pinion/model/process_end.hpp"

#include <string>

namespace pinion {

/// What the end of one process of an attempt means for the attempt.
struct attempt_verdict {
  enum class kind : std::uint8_t {
    passed,
    skipped,
    failed,
    lost,    ///< Not the task's doing: repeated apart from the retries.
    not_yet, ///< A look of a `poll:` did not find it.
  } what = kind::passed;
  reason why = reason::exit_zero;
  std::string message;
  bool retries = false; ///< For `failed`: the policy repeats such a failure.
};

/// Judges the end of a body. `lost_as` is the reason of a loss. Pure.
attempt_verdict judge_body(const task_definition& task, const process_end& end, reason lost_as);

/// The exit code is one of the `not_yet` codes of the task's `poll:`. Pure.
bool says_not_yet(const task_definition& task, const process_end& end);

/// Judges the end of a check; `failed` also for a weak one. Pure.
attempt_verdict judge_check(const check_definition& check, const process_end& end, reason lost_as);

} // namespace pinion
