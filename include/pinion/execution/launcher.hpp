#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/model/process_end.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion {

/// What it takes to run one process of an attempt. Nothing is inherited from the engine.
struct start_request {
  process_key key;
  /// argv[0] is looked up in the `PATH` of `environment`; never empty, unless `script` is set.
  std::vector<std::string> argv;
  /// Text that goes to a file whose path is appended to `argv`; empty: none.
  std::string script;
  /// Arguments that follow the script's path; only with `script`.
  std::vector<std::string> script_args;
  /// Exact environment besides what the launcher side adds itself: TMPDIR, PINION_OUTPUT,
  /// PINION_INPUTS, PINION_PARAMS, PINION_WORKSPACE, PINION_FENCE.
  std::vector<std::pair<std::string, std::string>> environment;
  /// Working directory, absolute; one that is missing fails the attempt with that path named.
  std::string cwd;
  /// JSON texts for PINION_INPUTS and PINION_PARAMS.
  std::string inputs_json = "{}";
  std::string params_json = "{}";
  /// Text for standard input; empty: /dev/null.
  std::string stdin_text;
  /// From the start of the process, kept by the launcher also while nobody is connected; zero:
  /// none.
  duration timeout{0};
  /// Between SIGTERM and SIGKILL when the process is stopped or times out.
  duration grace{std::chrono::seconds{30}};
  /// Bytes of log kept: over it the middle is cut out (the first MiB and the newest part stay).
  std::uint64_t log_limit_bytes = 256ULL << 20U;
};

/// What a launcher port reports. Each event may come more than once and in any order between
/// processes; for one process `started` precedes `ended`, and `ended` repeats until acknowledged.
struct launcher_event {
  /// The process exists, since `at`.
  struct started {
    process_key key;
    std::int64_t pid = 0;
    instant at{};
  };
  /// The process is gone, whole tree. Repeated at each connection until `acknowledge`.
  struct ended {
    process_key key;
    process_end end;
  };
  /// Answer to `inquire`: this launcher has no claim for `key`, so it was never started and never
  /// will be unless `start` is called.
  struct unknown {
    process_key key;
  };
  /// The connection to a (new or surviving) launcher stands; requests go through from now on.
  struct connected {};
  /// The launcher is gone; all that it had is being killed and reported as `ended{lost}`.
  struct disconnected {};

  std::variant<started, ended, unknown, connected, disconnected> what;
};

/// Runs processes so that they outlive the engine: the seam between actors and operating system.
/// Calls return at once and never block; answers come as events, on a thread of the port. All
/// members may be called from any thread after `open`.
class launcher_port {
public:
  using listener = std::function<void(launcher_event)>;

  virtual ~launcher_port() = default;

  /// Starts delivering events to `to`; called once. Never called back after `close` returns.
  virtual void open(listener to) = 0;

  /// Starts the process unless its key is already claimed: a repeated call for the same key never
  /// starts it twice (invariant 3). Every call leads to `started` and `ended`, or `ended` alone.
  virtual void start(start_request request) = 0;

  /// Asks what is known of `key`: answers with `unknown`, `started` (alive) or `ended`.
  virtual void inquire(const process_key& key) = 0;

  /// SIGTERM to the process group, SIGKILL to the whole tree after `grace`; `ended` follows. For an
  /// unknown key `unknown` follows.
  virtual void stop(const process_key& key, duration grace) = 0;

  /// The end of `key` is durable in the store: the launcher forgets it.
  virtual void acknowledge(const process_key& key) = 0;

  /// Stops delivering. Processes go on.
  virtual void close() = 0;
};

} // namespace pinion
