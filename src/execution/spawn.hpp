#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace pinion {

/// A process to be: everything is given, nothing is inherited but limits and umask.
struct spawn_request {
  const std::vector<std::string>& argv; ///< Not empty.
  const std::vector<std::string>&
      environment;        ///< "NAME=value" each; its PATH is searched for argv[0].
  const std::string& cwd; ///< Empty: the root folder.
  int stdin_fd = -1;
  int log_fd = -1;
  int cgroup_fd = -1;  ///< An open cgroup v2 folder to be born in; -1: none.
  long open_files = 0; ///< The soft limit on open files to set; 0: as it is.
};

/// Where a spawn ended.
enum class spawn_step { done, clone, cwd, exec };

struct spawn_outcome {
  spawn_step step = spawn_step::done;
  int error = 0;
  pid_t pid = -1; ///< Of the process, with `done`.
};

/// Starts a process in a session and process group of its own, with descriptors 0, 1, 2 only, the
/// default signal mask and dispositions. Memory is shared with the child until it executes (as by
/// vfork), so the cost does not depend on our size and the child's failure is known on return. To
/// be called with all signals blocked, no handlers set, by the only thread.
spawn_outcome spawn_process(const spawn_request& request);

/// A sentence for a spawn that failed, with the path and the reason.
std::string spawn_failure(const spawn_request& request, const spawn_outcome& outcome);

} // namespace pinion
