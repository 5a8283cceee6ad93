#pragma once

#include "pinion/actors/ports.hpp"
#include "pinion/execution/network.hpp"
#include "pinion/execution/ordered_stream.hpp"

#include <map>
#include <mutex>
#include <set>

namespace pinion {

/// A launcher port whose launcher is that of a worker node behind a network. Greets the node until
/// it answers; then orders and reports go as a stream in both directions (see ordered_stream), and
/// what is unacknowledged is sent again (see resend_pace). When the node has been restarted it
/// is greeted anew, and all that has not been answered is asked for again, as at a new connection
/// of the local launcher: a start is claimed once, by its key, in the launcher's journal.
///
/// `epoch` is that of the engine. A node that has heard a higher one refuses: nothing is sent any
/// more, and nothing is heard.
class remote_launcher final : public launcher_port {
public:
  /// All outlive it. `alarm` is its own.
  remote_launcher(engine_network& network, alarm_port& alarm, const clock_port& clock,
                  std::uint64_t epoch);

  void open(listener to) override;
  void start(start_request request) override;
  void inquire(const process_key& key) override;
  void stop(const process_key& key, duration grace) override;
  void acknowledge(const process_key& key) override;
  void close() override;

private:
  // All below is called with `mutex_` held.
  void greet();
  void hear(const to_engine& frame);
  void welcomed(const worker_session& by);
  void lose_session();
  void reported(const to_engine& frame);
  void deliver(const launcher_event& event);
  void forget(const process_key& key);
  void order(worker_order what);
  void send(std::uint64_t number, const worker_order* what);
  void resend();
  void wake();

  engine_network& network_;
  alarm_port& alarm_;
  const clock_port& clock_;
  std::mutex mutex_;
  listener to_;
  worker_session session_;
  bool up_ = false;
  bool refused_ = false;
  bool armed_ = false; ///< The alarm will ring.
  resend_pace pace_;
  ordered_stream<worker_order, launcher_event> stream_;
  // What was asked for and not answered.
  std::map<process_key, start_request> starts_;
  std::set<process_key> inquiries_;
  std::map<process_key, duration> stops_;
  std::set<process_key> acknowledged_; ///< Not known to have come.
};

} // namespace pinion
