#include "timing/physical_slots.hpp"

#include <algorithm>

namespace pinion {

namespace {

using std::chrono::days;

bool within(const physical_search& s, instant at) noexcept {
  return s.forward ? at > s.from && at <= s.bound : at < s.from && at >= s.bound;
}

/// The nearest of the instants themselves.
std::optional<ruled_slot> nearest_of(const std::vector<instant>& sorted,
                                     const physical_search& s) noexcept {
  const auto after = std::upper_bound(sorted.begin(), sorted.end(), s.from);
  const auto before = std::lower_bound(sorted.begin(), sorted.end(), s.from);
  if (s.forward ? after == sorted.end() : before == sorted.begin())
    return std::nullopt;
  const auto found = s.forward ? *after : *(before - 1);
  return within(s, found) ? std::optional{ruled_slot{found}} : std::nullopt;
}

std::optional<instant> beat(const every_schedule& of, bool forward, instant from) noexcept {
  return forward ? next_slot(schedule{of}, from) : previous_slot(schedule{of}, from);
}

/// Where a listed instant comes under the rule's calendar.
std::optional<ruled_slot> placed(instant at, const slot_rule& rule, zone in,
                                 bool with_dry) noexcept {
  const auto shown = in.local(at);
  const auto day = day_of(shown);
  if (!rule.days || rule.days->contains(day))
    return ruled_slot{at, false};
  if (rule.shift == calendar_shift::skip)
    return with_dry ? std::optional{ruled_slot{at, true}} : std::nullopt;
  const auto there =
      rule.shift == calendar_shift::next ? rule.days->next_day(day) : rule.days->previous_day(day);
  if (!there || std::chrono::abs(*there - day) > longest_shift)
    return std::nullopt;
  return ruled_slot{resolve(*there + (shown - day), in), false};
}

} // namespace

std::optional<ruled_slot> nearest_beat(const physical_search& s, const slot_rule& rule,
                                       const every_schedule& of) noexcept {
  auto at = beat(of, s.forward, s.from);
  while (at && within(s, *at)) {
    const auto day = day_of(*at, rule.in);
    if (!rule.days || rule.days->contains(day))
      return ruled_slot{*at, false};
    if (s.with_dry)
      return ruled_slot{*at, true};
    const auto counted =
        s.forward ? rule.days->next_day(day + days{1}) : rule.days->previous_day(day - days{1});
    if (!counted)
      return std::nullopt;
    // Clocks that are set back over midnight show a date twice: never search the same again.
    const auto from = s.forward ? std::max(begin_of(*counted, rule.in) - duration{1}, *at)
                                : std::min(begin_of(*counted + days{1}, rule.in), *at);
    at = beat(of, s.forward, from);
  }
  return std::nullopt;
}

std::optional<ruled_slot> nearest_listed(const physical_search& s, const slot_rule& rule,
                                         const date_schedule& of) noexcept {
  if (!rule.days)
    return nearest_of(of.instants, s);
  // A shift may change their order.
  std::optional<ruled_slot> best;
  for (const auto written : of.instants) {
    const auto slot = placed(written, rule, of.in, s.with_dry);
    if (!slot || !within(s, slot->at))
      continue;
    const bool nearer = !best || (s.forward ? slot->at < best->at : slot->at > best->at) ||
                        (slot->at == best->at && best->dry);
    if (nearer)
      best = slot;
  }
  return best;
}

} // namespace pinion
