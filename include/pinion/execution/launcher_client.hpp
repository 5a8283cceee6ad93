#pragma once

#include "pinion/execution/launcher.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pinion {

/// What the engine's end of the launcher needs to know.
struct local_launcher_options {
  /// The data folder, absolute; exists, and only its owner may enter.
  std::string data_dir;
  /// argv that starts a launcher, without `--data DIR`: {"/proc/self/exe", "launcher"}.
  std::vector<std::string> launcher_command{"/proc/self/exe", "launcher"};
  /// The engine's epoch: launchers refuse commands of a lower one than they have seen.
  std::uint64_t epoch = 1;
  /// Wall time, for ends that are decided on this side (an attempt that could not be staged).
  std::function<instant()> now;
  /// Sentences for the engine's log about what is survived here (a launcher lost, one that does not
  /// start); called on the port's thread; may be empty.
  std::function<void(const std::string&)> warn = {};
  /// Whether processes may be started now; those that were asked for wait until then, and can be
  /// stopped meanwhile. Called on the port's thread; empty: always.
  std::function<bool()> may_start = {};
};

/// The production launcher port: a thread that stages the files of attempts, speaks to the
/// launcher over `DIR/launcher.sock`, starts one when there is none and collects outputs.
///
/// A launcher that survived an engine is adopted: on each `connected` it reports `started` of what
/// is alive and `ended` of what is not yet acknowledged. When a launcher dies, its successor kills
/// what the journal names, verifies that it is gone, and reports it as `ended{lost}` with message
/// "launcher_lost". Starts that were not answered yet are repeated to it; the journal keeps them at
/// most once. Fails with `errc::invalid` for a socket path over 107 bytes or a folder that is not
/// absolute, and as the system does when `DIR/work` cannot be listed.
result<std::unique_ptr<launcher_port>> make_local_launcher(local_launcher_options options);

} // namespace pinion
