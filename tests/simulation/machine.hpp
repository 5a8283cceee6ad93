#pragma once

#include "pinion/execution/launcher.hpp"
#include "pinion/timing/clock.hpp"
#include "simulation/random.hpp"
#include "simulation/trace.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <variant>

namespace pinion::sim {

class machine_port;

/// Who watches the processes of a machine.
class process_watcher {
public:
  virtual ~process_watcher() = default;
  /// A launcher port was asked to start `request`.
  virtual void start_asked(const start_request& request) = 0;
  virtual void process_began(const start_request& request) = 0;
  virtual void process_over(const process_key& key, const process_end& end) = 0;
  /// The launcher was told that the end of `key` is durable, and forgets it.
  virtual void end_acknowledged(const process_key& key) = 0;
};

/// A machine with its launcher and the launcher's journal: what goes on while the engine is down.
/// Commands arrive and events are delivered late, in the order of the connection; events repeat.
class machine {
public:
  struct process {
    start_request request;
    bool alive = false;
    bool over = false;
    bool stopping = false;
    std::int64_t pid = 0;
    steady_instant ends_at{};
    process_end end; ///< How it will end, or has ended.
  };

  machine(random_source& draw, manual_clock& clock, trace& log, process_watcher& watcher)
      : draw_{draw}, clock_{clock}, log_{log}, watcher_{watcher} {}

  /// The moment of the next thing that happens by itself.
  steady_instant next_due() const;
  /// Does one thing that is due, if there is one.
  bool act();

  /// From now on ends are told again at times, long after they were told.
  void repeat_late() noexcept { late_repeats_ = true; }
  /// The launcher dies with all its processes; a new one comes up a little later.
  void kill_launcher();
  /// The connection breaks, with some of what was under way in it, and stands again a little later.
  void break_link();
  /// Power fails: processes and unsynced claims are gone. To be called with no port attached.
  void reboot();

  const std::map<process_key, process>& processes() const noexcept { return processes_; }
  std::uint32_t boots() const noexcept { return boots_; }

private:
  friend class machine_port;
  struct inquire_command {
    process_key key;
  };
  struct stop_command {
    process_key key;
    duration grace{};
  };
  struct acknowledge_command {
    process_key key;
  };
  using command = std::variant<start_request, inquire_command, stop_command, acknowledge_command>;
  template <class T>
  struct timed {
    steady_instant due{};
    T what;
  };

  void attach(machine_port* port);
  void take_some_commands();
  /// Of what the port had sent, some still arrives.
  void detach();
  void send(command what);
  void tell(launcher_event what);
  void connect();
  void take(start_request& request);
  void take(const inquire_command& what);
  void take(const stop_command& what);
  void take(const acknowledge_command& what);
  void finish(const process_key& key, process& of);
  process_end draw_end(const start_request& request);
  steady_instant later(steady_instant not_before);

  random_source& draw_;
  manual_clock& clock_;
  trace& log_;
  process_watcher& watcher_;
  machine_port* port_ = nullptr;
  bool connected_ = false;
  std::optional<steady_instant> connects_at_;
  std::deque<timed<command>> commands_;
  std::deque<timed<launcher_event>> events_;
  std::map<process_key, process> processes_;
  bool late_repeats_ = false;
  std::int64_t next_pid_ = 100;
  std::uint32_t boots_ = 1;
};

/// The launcher port of one engine. Like the real one it repeats, at each connection, what has not
/// been answered.
class machine_port final : public launcher_port {
public:
  /// Without `may_start` starts never wait.
  explicit machine_port(machine& on, std::function<bool()> may_start = {})
      : machine_{&on}, may_start_{std::move(may_start)} {}

  void open(listener to) override;
  void start(start_request request) override;
  void inquire(const process_key& key) override;
  void stop(const process_key& key, duration grace) override;
  void acknowledge(const process_key& key) override;
  void close() override { cut(); }

  /// Starts what waited until it may be started.
  void try_again();

  /// The engine is gone: from now on calls do nothing.
  void cut();

private:
  friend class machine;
  void connected();
  void deliver(const launcher_event& event);

  machine* machine_;
  std::function<bool()> may_start_;
  listener to_;
  std::map<process_key, start_request> held_; ///< Until they may start.
  std::set<process_key> unstarted_;           ///< Stopped while they were held.
  std::map<process_key, start_request> starts_;
  std::set<process_key> inquiries_;
  std::map<process_key, duration> stops_;
  std::set<process_key> acknowledged_;
};

} // namespace pinion::sim
