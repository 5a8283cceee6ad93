#pragma once

#include "execution/os.hpp"
#include "pinion/execution/launcher_client.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace pinion::test {

/// An empty folder of its own, removed at the end.
class scratch_folder {
public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pinion-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~scratch_folder() { static_cast<void>(remove_tree(path_)); }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::string& path() const noexcept { return path_; }

private:
  std::string path_;
};

/// Collects what a port reports, and waits for it with a deadline.
class event_log {
public:
  static constexpr std::chrono::seconds deadline{30};

  launcher_port::listener listener() {
    return [this](launcher_event event) {
      const std::lock_guard lock{mutex_};
      take(std::move(event.what));
      changed_.notify_all();
    };
  }

  /// Waits until `done` holds, which looks at the members under the lock; false after the deadline.
  bool wait(const std::function<bool()>& done) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, deadline, done);
  }
  bool wait_ended(const process_key& key) {
    return wait([&] { return ended.count(key) != 0; });
  }
  bool wait_started(const process_key& key) {
    return wait([&] { return started.count(key) != 0; });
  }

  std::map<process_key, std::int64_t> started;
  std::map<process_key, int> started_times;
  std::map<process_key, process_end> ended;
  std::map<process_key, int> unknown;
  int connected = 0;
  int disconnected = 0;

private:
  void take(decltype(launcher_event::what) what) {
    if (const auto* s = std::get_if<launcher_event::started>(&what)) {
      started[s->key] = s->pid;
      ++started_times[s->key];
    } else if (const auto* e = std::get_if<launcher_event::ended>(&what)) {
      ended[e->key] = e->end;
    } else if (const auto* u = std::get_if<launcher_event::unknown>(&what)) {
      ++unknown[u->key];
    } else if (std::get_if<launcher_event::connected>(&what) != nullptr) {
      ++connected;
    } else {
      ++disconnected;
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// A data folder with an engine's end of the launcher.
class engine_side {
public:
  explicit engine_side(std::string cgroups = "on", std::uint64_t epoch = 1)
      : cgroups_{std::move(cgroups)} {
    reopen(epoch);
  }
  ~engine_side();

  /// As after a crash of the engine: a new port, with what it is told kept apart.
  void reopen(std::uint64_t epoch);
  void close() { port_.reset(); }

  launcher_port& port() { return *port_; }
  event_log& log() { return *log_; }
  const std::string& path() const noexcept { return folder_.path(); }

  /// A shell command under `key`, in the data folder.
  start_request shell(const process_key& key, const std::string& text) const;
  /// Runs it to its end, without acknowledging.
  process_end run(start_request request);
  process_end run(const std::string& text) { return run(shell(next_key(), text)); }
  process_key next_key();
  /// What the attempt printed.
  std::string printed(const process_key& key) const;
  /// Pid of the launcher, from what it holds; 0 if none.
  pid_t launcher_pid() const;

private:
  std::string cgroups_;
  scratch_folder folder_;
  std::unique_ptr<event_log> log_;
  std::unique_ptr<launcher_port> port_;
  std::uint32_t next_ = 0;
};

/// For as long as this lives the process has the soft limit `most` on `resource` (setrlimit(2)).
class limited_process {
public:
  limited_process(pid_t pid, __rlimit_resource resource, rlim_t most);
  ~limited_process() { ::prlimit(pid_, resource_, &usual_, nullptr); }
  limited_process(const limited_process&) = delete;
  limited_process& operator=(const limited_process&) = delete;

private:
  pid_t pid_;
  __rlimit_resource resource_;
  rlimit usual_{};
};

/// Waits until `done` holds, looking each 5 ms: for what only the system knows. False after 30 s.
bool eventually(const std::function<bool()>& done);

/// A process that is not dead and not a zombie.
bool is_alive(pid_t pid);

} // namespace pinion::test
