#include "bench_case.hpp"
#include "pinion/timing/wheel.hpp"
#include "stopwatch.hpp"

#include <map>
#include <queue>
#include <random>
#include <stdexcept>

namespace pinion::bench {

namespace {

constexpr tick span = 1'000'000; ///< Ticks over which the entries lie: a good quarter of an hour.

/// Nanoseconds an operation.
struct costs {
  double arm = 0;
  double cancel = 0;
  double expire = 0;
};

/// The time of `work` for each of `count` operations.
template <class Work>
double each(std::size_t count, Work work) {
  const stopwatch whole;
  work();
  return whole.seconds() * 1e9 / static_cast<double>(count);
}

// In each structure: all are armed, every second is cancelled, the rest expires tick by tick.

costs of_wheel(const std::vector<tick>& ticks) {
  costs out;
  wheel timers;
  std::vector<timer_id> ids(ticks.size());
  out.arm = each(ticks.size(), [&] {
    for (std::size_t i = 0; i < ticks.size(); ++i)
      ids[i] = timers.arm(ticks[i], i);
  });
  out.cancel = each(ticks.size() / 2, [&] {
    for (std::size_t i = 0; i < ids.size(); i += 2)
      timers.cancel(ids[i]);
  });
  std::size_t fired = 0;
  const auto left = timers.size();
  out.expire = each(left, [&] {
    std::vector<expired_timer> due;
    while (const auto next = timers.next_due()) {
      timers.advance(*next, 1'000, due);
      fired += due.size();
      due.clear();
    }
  });
  if (fired != left)
    throw std::runtime_error{"the wheel lost timers"};
  return out;
}

costs of_multimap(const std::vector<tick>& ticks) {
  costs out;
  std::multimap<tick, std::size_t> timers;
  std::vector<std::multimap<tick, std::size_t>::iterator> ids(ticks.size());
  out.arm = each(ticks.size(), [&] {
    for (std::size_t i = 0; i < ticks.size(); ++i)
      ids[i] = timers.emplace(ticks[i], i);
  });
  out.cancel = each(ticks.size() / 2, [&] {
    for (std::size_t i = 0; i < ids.size(); i += 2)
      timers.erase(ids[i]);
  });
  out.expire = each(timers.size(), [&] {
    while (!timers.empty()) {
      keep(timers.begin()->second);
      timers.erase(timers.begin());
    }
  });
  return out;
}

costs of_heap(const std::vector<tick>& ticks) {
  using entry = std::pair<tick, std::size_t>;
  costs out;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> timers;
  std::vector<char> cancelled(ticks.size());
  out.arm = each(ticks.size(), [&] {
    for (std::size_t i = 0; i < ticks.size(); ++i)
      timers.emplace(ticks[i], i);
  });
  out.cancel = each(ticks.size() / 2, [&] {
    for (std::size_t i = 0; i < ticks.size(); i += 2)
      cancelled[i] = 1;
  });
  // A cancelled entry stays until it comes to the top: its cost is that of those that fire.
  out.expire = each(ticks.size() / 2, [&] {
    while (!timers.empty()) {
      keep(cancelled[timers.top().second]);
      timers.pop();
    }
  });
  return out;
}

void add(std::vector<figure>& to, const std::string& name, const costs& of) {
  to.push_back({name + ".arm", of.arm});
  to.push_back({name + ".cancel", of.cancel});
  to.push_back({name + ".expire", of.expire});
}

} // namespace

std::vector<figure> measure_wheel(const surroundings& at) {
  std::mt19937_64 random{20'260'101};
  std::vector<tick> ticks(at.count(1'000'000, 50'000));
  for (auto& each : ticks)
    each = 1 + random() % span;
  std::vector<figure> out;
  add(out, "wheel", of_wheel(ticks));
  add(out, "multimap", of_multimap(ticks));
  add(out, "heap", of_heap(ticks));
  return out;
}

} // namespace pinion::bench
