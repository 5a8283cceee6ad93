#pragma once

#include "pinion/execution/network.hpp"
#include "pinion/timing/clock.hpp"
#include "simulation/random.hpp"
#include "simulation/trace.hpp"

#include <deque>

namespace pinion::sim {

/// One end of the simulated network, of one engine or one life of a node.
template <class Out, class In>
class network_end final : public network_port<Out, In> {
public:
  using base = network_port<Out, In>;

  explicit network_end(std::function<void(Out)> carry) : carry_{std::move(carry)} {}

  void open(typename base::listener to) override { to_ = std::move(to); }
  void send(Out frame) override {
    if (carry_)
      carry_(std::move(frame));
  }
  void close() override { cut(); }

  void deliver(In frame) {
    if (to_)
      to_(std::move(frame));
  }
  /// Whoever had it is gone: from now on calls do nothing.
  void cut() {
    carry_ = nullptr;
    to_ = nullptr;
  }

private:
  std::function<void(Out)> carry_;
  typename base::listener to_;
};

using engine_end = network_end<to_worker, to_engine>;
using worker_end = network_end<to_engine, to_worker>;

/// What lies between engine and worker node. Loses, repeats, delays and reorders what is sent, and
/// for a while brings nothing at all. What was sent to somebody who is gone comes to whoever is
/// there then.
class network {
public:
  network(random_source& draw, const manual_clock& clock, trace& log)
      : draw_{draw}, clock_{clock}, log_{log} {}

  void attach(engine_end* end) { engine_ = end; }
  void attach(worker_end* end) { worker_ = end; }
  void carry(to_worker frame) { carry(to_worker_, std::move(frame)); }
  void carry(to_engine frame) { carry(to_engine_, std::move(frame)); }

  steady_instant next_due() const;
  /// Brings one frame that is due, if there is one.
  bool act();
  /// Nothing comes through until then.
  void part(duration how_long);

private:
  template <class Frame>
  struct timed {
    steady_instant due{};
    Frame frame;
  };
  template <class Frame>
  void carry(std::deque<timed<Frame>>& into, Frame frame);
  template <class Frame, class End>
  bool bring(std::deque<timed<Frame>>& from, End* to);
  steady_instant later();

  random_source& draw_;
  const manual_clock& clock_;
  trace& log_;
  engine_end* engine_ = nullptr;
  worker_end* worker_ = nullptr;
  std::deque<timed<to_worker>> to_worker_;
  std::deque<timed<to_engine>> to_engine_;
  steady_instant parted_until_{};
};

} // namespace pinion::sim
