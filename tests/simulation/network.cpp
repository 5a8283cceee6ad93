#include "simulation/network.hpp"

#include <algorithm>

namespace pinion::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

template <class Frames>
auto first_due(Frames& frames) {
  return std::min_element(frames.begin(), frames.end(),
                          [](const auto& a, const auto& b) { return a.due < b.due; });
}

} // namespace

steady_instant network::later() {
  const auto fate = draw_.below(100);
  const auto lag = fate < 90   ? draw_.between(duration{0}, milliseconds{5})
                   : fate < 98 ? draw_.between(milliseconds{5}, seconds{2})
                               : draw_.between(seconds{2}, seconds{90});
  return clock_.steady_now() + lag;
}

template <class Frame>
void network::carry(std::deque<timed<Frame>>& into, Frame frame) {
  if (clock_.steady_now() < parted_until_ || draw_.chance(6))
    return; // Lost.
  if (draw_.chance(8))
    into.push_back({later(), frame});
  into.push_back({later(), std::move(frame)});
}

steady_instant network::next_due() const {
  auto due = steady_instant::max();
  if (!to_worker_.empty())
    due = std::min(due, first_due(to_worker_)->due);
  if (!to_engine_.empty())
    due = std::min(due, first_due(to_engine_)->due);
  return due;
}

template <class Frame, class End>
bool network::bring(std::deque<timed<Frame>>& from, End* to) {
  const auto next = first_due(from);
  if (next == from.end() || next->due > clock_.steady_now())
    return false;
  auto frame = std::move(next->frame);
  from.erase(next);
  if (to != nullptr)
    to->deliver(std::move(frame));
  return true;
}

bool network::act() {
  if (draw_.chance(50))
    return bring(to_worker_, worker_) || bring(to_engine_, engine_);
  return bring(to_engine_, engine_) || bring(to_worker_, worker_);
}

void network::part(duration how_long) {
  log_.note("nothing comes through the network for " + std::to_string(how_long / milliseconds{1}) +
            " ms");
  parted_until_ = clock_.steady_now() + how_long;
}

template void network::carry(std::deque<timed<to_worker>>&, to_worker);
template void network::carry(std::deque<timed<to_engine>>&, to_engine);

} // namespace pinion::sim
