#include "bound_slots.hpp"

#include <algorithm>

namespace pinion {
namespace {

constexpr duration tick{1};

problem too_many() {
  return {errc::limit, "a need binds to more than " + std::to_string(max_bound_slots) + " slots",
          "take a shorter window, or need a workflow that sums them up"};
}

std::optional<instant> at_of(const std::optional<ruled_slot>& slot) {
  return slot ? std::optional{slot->at} : std::nullopt;
}

/// The day of my slot, [start, end).
data_interval day_of_slot(const waiting_side& me) {
  const auto day = day_of(me.slot, me.in);
  return {begin_of(day, me.in), begin_of(day + std::chrono::days{1}, me.in)};
}

std::optional<instant> first_between(const slot_rule& of, data_interval span) {
  const auto first = at_of(next_slot(of, span.start - tick));
  return first && *first < span.end ? first : std::nullopt;
}

/// The one slot that the need names, or the last of those that its `last` counts.
std::optional<instant> chosen_slot(const outside_need& need, const waiting_side& me,
                                   const slot_rule& of) {
  const auto not_later = at_of(previous_slot(of, me.slot + tick));
  switch (need.slot) {
  case slot_choice::same_slot:
    return me.slot; // Also where the rule has no such slot: then it is missing.
  case slot_choice::previous:
    return at_of(previous_slot(of, me.slot));
  case slot_choice::nearest:
    return not_later ? not_later : first_between(of, day_of_slot(me));
  case slot_choice::same_day: {
    const auto day = day_of_slot(me);
    return not_later && *not_later >= day.start ? not_later : first_between(of, day);
  }
  case slot_choice::back: {
    auto slot = not_later;
    for (std::uint32_t step = 0; step < need.back && slot; ++step)
      slot = at_of(previous_slot(of, *slot));
    return slot;
  }
  }
  return std::nullopt;
}

result<std::vector<instant>> last_slots(const outside_need& need, const waiting_side& me,
                                        const slot_rule& of) {
  if (need.last > max_bound_slots || need.back > max_bound_slots)
    return too_many();
  std::vector<instant> slots;
  for (auto slot = chosen_slot(need, me, of); slot; slot = at_of(previous_slot(of, *slot))) {
    slots.push_back(*slot);
    if (slots.size() >= std::max(need.last, 1U))
      break;
  }
  std::reverse(slots.begin(), slots.end());
  return slots;
}

result<std::vector<instant>> slots_in(const slot_rule& of, data_interval span) {
  std::vector<instant> slots;
  for (const auto& slot : slots_between(of, span.start, span.end, max_bound_slots + 1))
    slots.push_back(slot.at);
  if (slots.size() > max_bound_slots)
    return too_many();
  return slots;
}

/// `last` whole units before the one of my slot.
data_interval units_before(const outside_need& need, const waiting_side& me) {
  const auto unit = [&] {
    switch (need.window) {
    case need_window::hour:
      return calendar_unit::hour;
    case need_window::week:
      return calendar_unit::week;
    case need_window::month:
      return calendar_unit::month;
    default:
      return calendar_unit::day;
    }
  }();
  const auto count = -static_cast<std::int64_t>(std::max(need.last, 1U));
  const auto end = begin_of(me.slot, unit, me.in);
  return {begin_of(add(end, unit, count, me.in), unit, me.in), end};
}

/// The least instant whose data interval by whole units or a length begins at `start` or later:
/// such beginnings never go back as time goes on.
instant first_covering(interval_rule rule, zone in, instant start) {
  const auto covers = [&](instant at) { return interval_of(at, rule, in).start >= start; };
  auto low = start; // An interval begins no later than its slot.
  duration step = std::chrono::hours{1};
  auto high = low;
  while (high < end_of_time && !covers(high)) {
    low = high;
    high = std::min(high + step, end_of_time);
    step *= 2;
  }
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (covers(middle))
      high = middle;
    else
      low = middle + tick;
  }
  return high;
}

/// The slots whose data interval begins in `mine`.
result<std::vector<instant>> slots_with_data_in(const known_trigger& upstream, data_interval mine) {
  if (mine.start >= mine.end)
    return std::vector<instant>{};
  if (upstream.interval.kind != interval_kind::previous)
    return slots_in(*upstream.slots, {first_covering(upstream.interval, upstream.in, mine.start),
                                      first_covering(upstream.interval, upstream.in, mine.end)});
  std::vector<instant> slots;
  for (auto slot = next_slot(*upstream.slots, mine.start - tick); slot;
       slot = next_slot(*upstream.slots, slot->at)) {
    const auto start = interval_of(*upstream.slots, slot->at, upstream.interval, upstream.in).start;
    if (start >= mine.end)
      break;
    if (start < mine.start)
      continue;
    if (slots.size() == max_bound_slots)
      return too_many();
    slots.push_back(slot->at);
  }
  return slots;
}

} // namespace

result<std::vector<instant>> bound_slots(const outside_need& need, const waiting_side& me,
                                         const known_trigger& upstream) {
  switch (need.window) {
  case need_window::none:
    return last_slots(need, me, *upstream.slots);
  case need_window::data:
    return slots_with_data_in(upstream, me.interval);
  case need_window::slot_day:
    return slots_in(*upstream.slots, day_of_slot(me));
  default:
    return slots_in(*upstream.slots, units_before(need, me));
  }
}

} // namespace pinion
