#pragma once

#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <string>

namespace pinion {

/// How one launcher process runs.
struct launcher_options {
  /// The data folder, absolute. The launcher keeps `launcher.lock`, `launcher.sock` and
  /// `launcher.journal` in it.
  std::string data_dir;
  /// It ends itself after so long without a live task, an unacknowledged exit and a connection.
  duration idle{std::chrono::seconds{10}};
  /// Between SIGTERM and SIGKILL for what a task leaves behind when its main process ends.
  duration leftover_grace{std::chrono::seconds{2}};
  /// Use cgroup v2 where it can be written; otherwise process groups, subreaper and marks.
  bool use_cgroups = true;
  /// Written to (one byte) and closed once the socket listens; -1: none.
  int ready_fd = -1;
};

/// Runs the launcher until it ends itself: the parent and subreaper of all task processes, with no
/// network and no state but its journal. Blocks; takes over the process (signal mask, file
/// descriptors above 2, session). Returns the exit code: 0 ended by itself, 75 another launcher
/// serves this folder, 78 the folder cannot be used (path of the socket over 107 bytes, journal of
/// a newer format ...), 71 the operating system refused something; the reason goes to standard
/// error.
int run_launcher(const launcher_options& options);

/// `pinion launcher --data DIR [--idle-ms N] [--cgroups on|off] [--leftover-grace-ms N]`: starts
/// the launcher in a session of its own and returns 0 once it listens, else its exit code (64 for
/// wrong arguments). `--foreground` runs it in the calling process instead. `argv[0]` and
/// everything up to the first option are ignored.
int launcher_main(int argc, char** argv);

} // namespace pinion
