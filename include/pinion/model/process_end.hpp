#pragma once

#include "pinion/timing/instant.hpp"

#include <cstdint>
#include <string>

namespace pinion {

/// Why a process ended. Crosses the launcher's protocol as one byte: append, never renumber.
enum class end_kind : std::uint8_t {
  /// It exited by itself: `exit_code` holds.
  exited = 0,
  /// A signal nobody here sent killed it: `signal` holds.
  signaled = 1,
  /// It was stopped because `stop` asked for it; its tree is gone.
  stopped = 2,
  /// It was stopped because its timeout passed; its tree is gone.
  timed_out = 3,
  /// It never started: `message` says why (no such command, no such folder ...).
  not_started = 4,
  /// What became of it cannot be known (claimed but never confirmed, launcher died); its tree is
  /// verified gone.
  lost = 5,
};

/// How one process ended, with what it left behind.
struct process_end {
  end_kind kind = end_kind::exited;
  int exit_code = 0;
  int signal = 0;
  std::string message;
  instant started_at{};
  instant ended_at{};
  std::uint64_t log_bytes = 0;
  /// The middle of the log was cut out because it passed its limit.
  bool log_cut = false;
  /// The declared outputs as one JSON object, "{}" if none.
  std::string outputs_json = "{}";
  /// Not empty: the output file breaks a rule (a value above 64 KiB, no key, not UTF-8); the
  /// attempt failed although the process may have exited 0.
  std::string outputs_problem;
};

} // namespace pinion
