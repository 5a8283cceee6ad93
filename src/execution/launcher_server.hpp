#pragma once

#include "execution/task_keeper.hpp"

#include <cstdint>
#include <list>
#include <string>

namespace pinion {

/// What a launcher listens to.
struct launcher_descriptors {
  unique_fd socket;  ///< Listens.
  unique_fd signals; ///< A signalfd of SIGCHLD, SIGTERM and SIGINT, which are blocked.
  unique_fd poll;    ///< An epoll with nothing in it.
};

/// The launcher's socket and event loop around a `task_keeper`.
class launcher_server {
public:
  launcher_server(const launcher_options& options, launch_journal journal, cgroup_pool cgroups,
                  const launch_journal::history& former, launcher_descriptors with);

  /// Puts the descriptors into the epoll. To be called once, before `run`.
  result<void> begin();
  /// Serves until there is nothing left to do, or the data folder is gone.
  void run();

private:
  struct connection {
    unique_fd fd;
    frame_buffer in;
    std::string out;
    bool greeted = false;
    bool closing = false;
    bool wants_write = false;
    std::uint64_t epoch = 0;
  };

  void accept_all();
  /// From `accept_at_` on connections are taken; before, those that wait do not wake us.
  void resume_accepting();
  void read_from(connection& from);
  void handle(connection& from, const wire_message& message);
  void greet(connection& from, const wire::hello& hello);
  void refuse(connection& to, std::string why);
  void send(const wire_message& message);
  void flush(connection& to);
  void flush_all();
  void take_signals();
  /// True when the launcher has ended its work.
  bool finished();
  int wait_ms() const;

  launcher_options options_;
  launch_journal journal_;
  unique_fd socket_;
  unique_fd signals_;
  unique_fd poll_;
  std::list<connection> connections_;
  task_keeper keeper_;
  bool ending_ = false;
  bool folder_lost_ = false;
  folder_watch folder_;
  steady_instant busy_at_;
  /// `steady_instant::max()`: they are taken as they come.
  steady_instant accept_at_ = steady_instant::max();
  steady_instant folder_check_at_{};
};

} // namespace pinion
