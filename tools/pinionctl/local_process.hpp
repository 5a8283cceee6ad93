#pragma once

#include "json.hpp"
#include "pinion/definitions/render.hpp"

#include <string>

namespace pinion::ctl {

/// How a process that this program has run itself ended.
struct local_end {
  bool exited = false;
  int exit_code = 0;
  int signal = 0;
  bool timed_out = false;
  double seconds = 0;
};

/// A task's process beside the terminal, without an engine: the files that a task expects lie in a
/// folder of their own that goes with the object. Output goes where this program's goes; with
/// `to_errors` all of it to standard error.
class local_process {
public:
  /// Throws a failure if the folder cannot be made.
  explicit local_process(bool to_errors);
  ~local_process();
  local_process(const local_process&) = delete;
  local_process& operator=(const local_process&) = delete;

  /// Runs it to its end, or until its timeout is over; then it gets SIGTERM, and after its grace
  /// SIGKILL. Throws a failure if it cannot be started.
  local_end run(const rendered_task& task);
  /// What it wrote to PINION_OUTPUT, as one JSON object. Fails as `parse_outputs` does.
  result<json> outputs() const;

private:
  std::string write(const char* name, const std::string& text) const;
  std::string folder_;
  bool to_errors_;
};

} // namespace pinion::ctl
