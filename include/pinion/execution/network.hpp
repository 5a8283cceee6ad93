#pragma once

#include "pinion/execution/launcher.hpp"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

namespace pinion {

/// What an engine asks of a worker node: the calls of a launcher port.
struct worker_order {
  struct inquire {
    process_key key;
  };
  struct stop {
    process_key key;
    duration grace{};
  };
  struct acknowledge {
    process_key key;
  };
  std::variant<start_request, inquire, stop, acknowledge> what;
};

/// Names one conversation between an engine and a worker node. What belongs to another one is
/// never taken, however late it comes.
struct worker_session {
  std::uint64_t epoch = 0;    ///< Of the engine: a node obeys the highest that it has seen.
  std::uint64_t greeting = 0; ///< Which greeting of that engine began it, from 1.
  std::uint64_t node = 0;     ///< Which life of the node answered; 0: none has yet.
  friend auto operator<=>(const worker_session&, const worker_session&) = default;
};

/// From an engine to a worker node. Without a node in its session it is a greeting. An order has a
/// number, from 1 without gaps; what comes without one only acknowledges.
struct to_worker {
  worker_session session;
  std::uint64_t received = 0; ///< All reports up to this number have come.
  std::uint64_t number = 0;
  std::optional<worker_order> order;
};

/// From a worker node to an engine; reports are numbered like orders.
struct to_engine {
  enum class kind : std::uint8_t {
    welcome, ///< Answers a greeting: the session is made.
    report,  ///< A report, or an acknowledgement only.
    here,    ///< A life of the node has begun and nobody has greeted it: greet.
    reset,   ///< The node does not know this session (it was restarted): greet again.
    refused, ///< The node has heard a higher epoch: this engine is deposed.
  };
  kind what = kind::report;
  worker_session session;
  std::uint64_t received = 0; ///< All orders up to this number have come.
  std::uint64_t number = 0;
  std::optional<launcher_event> report;
};

/// One end of what lies between an engine and a worker node. Frames may be lost, repeated, late and
/// out of order; the ends are made for it. `send` returns at once and may be called from any
/// thread.
template <class Out, class In>
class network_port {
public:
  using listener = std::function<void(In)>;

  virtual ~network_port() = default;
  /// Called once, before the first `send`. Never called back after `close` returns.
  virtual void open(listener to) = 0;
  virtual void send(Out frame) = 0;
  virtual void close() = 0;
};

/// When what is unacknowledged is sent again: soon at first, then ever more rarely while nothing
/// comes back.
struct resend_pace {
  static constexpr duration first{std::chrono::seconds{1}};
  static constexpr duration longest{std::chrono::seconds{10}};

  /// The time until the next sending.
  duration next() { return std::exchange(delay_, std::min(2 * delay_, longest)); }
  void heard() { delay_ = first; }

private:
  duration delay_ = first;
};

using engine_network = network_port<to_worker, to_engine>;
using worker_network = network_port<to_engine, to_worker>;

} // namespace pinion
