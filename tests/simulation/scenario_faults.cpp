#include "simulation/scenario.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

/// Some phases in which the disk fills up and is cleared again: to below the reserve, to less than
/// a start needs, to nothing, and to the edge where it may be either.
void draw_rooms(random_source& draw, scenario& out) {
  constexpr auto opens = disk_reserve / 2;
  constexpr auto edge = disk_reserve + disk_reserve / 8;
  duration over{std::chrono::seconds{1}};
  for (auto phases = draw.between(1, 3); phases > 0 && over < out.lasts; --phases) {
    auto at = draw.between(over, out.lasts);
    over = draw.between(at, std::min(at + out.lasts / 3, out.lasts));
    for (auto levels = draw.between(1, 4); levels > 0; --levels) {
      const std::uint64_t bytes[] = {0, 0, draw.between(1, opens - 1),
                                     draw.between(opens, disk_reserve - 1),
                                     draw.between(disk_reserve, edge - 1)};
      out.rooms.push_back({at, bytes[draw.below(std::size(bytes))]});
      at = draw.between(at, over);
    }
    out.rooms.push_back({over, plenty_of_room});
  }
}

} // namespace

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
  out.half_written = draw.chance(50);
  if (draw.chance(30))
    draw_rooms(draw, out);
  std::stable_sort(out.actions.begin(), out.actions.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

} // namespace pinion::sim
