#pragma once

#include "verb.hpp"

#include <chrono>

namespace pinion::ctl {

/// A run that was waited for, and what that means for the exit code.
struct waited {
  json run;
  exit_code code;
};

/// Polls the run until it has ended or `patience` is over (negative: no limit), and tells its
/// progress on standard error. If the engine goes away, what is known of the run is the answer.
waited wait_for(session& now, json run, std::chrono::milliseconds patience);

} // namespace pinion::ctl
