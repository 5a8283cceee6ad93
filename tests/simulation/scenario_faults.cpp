#include "simulation/scenario.hpp"

#include <algorithm>

namespace pinion::sim {

// Drawn apart from the rest, so that a seed's definitions and people are the same with and without.
scenario faulty_scenario(std::uint64_t seed) {
  using kind = scripted_action::kind;
  auto out = random_scenario(seed);
  random_source draw{seed ^ 0xfa0175ULL};
  const auto add = [&](kind what, std::uint64_t percent, std::uint64_t most) {
    for (auto left = draw.chance(percent) ? draw.between(1, most) : 0; left > 0; --left) {
      scripted_action action;
      action.what = what;
      action.at = draw.between(std::chrono::seconds{1}, out.lasts);
      out.actions.push_back(std::move(action));
    }
  };
  add(kind::fail_write, 30, 3);
  add(kind::slow_disk, 20, 2);
  add(kind::break_link, 35, 4);
  out.late_repeats = draw.chance(70);
  out.remote = draw.chance(60);
  if (out.remote) {
    add(kind::kill_worker, 35, 3);
    add(kind::part_network, 30, 3);
  }
  std::stable_sort(out.actions.begin(), out.actions.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

} // namespace pinion::sim
