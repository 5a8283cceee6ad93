#include "timing/calendar_set.hpp"

#include <algorithm>
#include <pinion/timing/slot_rule.hpp>

namespace pinion {

namespace {

using std::chrono::days;

constexpr duration whole_day = days{1};

} // namespace

std::optional<civil_time> workday_set::next(civil_time from, civil_time before) const noexcept {
  auto found = of_.next(from, before);
  while (found && !days_.contains(day_of(*found))) {
    const auto day = days_.next_day(day_of(*found) + days{1});
    found = day && *day < before ? of_.next(*day, before) : std::nullopt;
  }
  return found;
}

std::optional<civil_time> workday_set::previous(civil_time from, civil_time before) const noexcept {
  auto found = of_.previous(from, before);
  while (found && !days_.contains(day_of(*found))) {
    const auto day = days_.previous_day(day_of(*found) - days{1});
    found = day && *day + days{1} > from ? of_.previous(from, *day + days{1}) : std::nullopt;
  }
  return found;
}

/// Where the members of a date go.
std::optional<civil_day> moved_set::target(civil_day day) const noexcept {
  return shift_ == calendar_shift::next ? days_.next_day(day) : days_.previous_day(day);
}

/// The dates whose members come to `target`, a date of the calendar.
day_range moved_set::sources(civil_day target) const noexcept {
  if (shift_ == calendar_shift::next) {
    const auto before = days_.previous_day(target - days{1});
    const auto farthest = target - longest_shift;
    return {before ? std::max(*before + days{1}, farthest) : farthest, target};
  }
  const auto after = days_.next_day(target + days{1});
  const auto farthest = target + longest_shift;
  return {target, after ? std::min(*after - days{1}, farthest) : farthest};
}

/// The earliest time of day, from `from` on, at which one of the dates has a member.
std::optional<duration> moved_set::first_time(day_range of, duration from) const noexcept {
  std::optional<duration> best;
  for (auto day = of.first; day <= of.last && best != from; day += days{1}) {
    // From date to date with members, not over each.
    const auto any = of_.next(day, of.last + days{1});
    if (!any)
      break;
    day = day_of(*any);
    if (const auto found = of_.next(day + from, day + days{1}))
      if (!best || *found - day < *best)
        best = *found - day;
  }
  return best;
}

/// The latest time of day before `before` at which one of the dates has a member.
std::optional<duration> moved_set::last_time(day_range of, duration before) const noexcept {
  std::optional<duration> best;
  for (auto day = of.last; day >= of.first; day -= days{1}) {
    const auto any = of_.previous(of.first, day + days{1});
    if (!any)
      break;
    day = day_of(*any);
    if (const auto found = of_.previous(day, day + before))
      if (!best || *found - day > *best)
        best = *found - day;
  }
  return best;
}

std::optional<civil_time> moved_set::next(civil_time from, civil_time before) const noexcept {
  for (auto day = days_.next_day(day_of(from)); day && *day < before;) {
    const auto from_dates = sources(*day);
    if (const auto time = first_time(from_dates, std::max(from - *day, duration{0})))
      return *day + *time < before ? std::optional{*day + *time} : std::nullopt;
    const auto later = of_.next(from_dates.last + days{1}, before + longest_shift + days{1});
    if (!later)
      return std::nullopt;
    const auto there = target(day_of(*later));
    day = there && *there > *day ? there : days_.next_day(*day + days{1});
  }
  return std::nullopt;
}

std::optional<civil_time> moved_set::previous(civil_time from, civil_time before) const noexcept {
  for (auto day = days_.previous_day(day_of(before - duration{1})); day && *day + days{1} > from;) {
    const auto from_dates = sources(*day);
    if (const auto time = last_time(from_dates, std::min(before - *day, whole_day)))
      return *day + *time >= from ? std::optional{*day + *time} : std::nullopt;
    const auto earlier = of_.previous(from - longest_shift - days{1}, from_dates.first);
    if (!earlier)
      return std::nullopt;
    const auto there = target(day_of(*earlier));
    day = there && *there < *day ? there : days_.previous_day(*day - days{1});
  }
  return std::nullopt;
}

std::optional<civil_time> off_day_set::next(civil_time from, civil_time before) const noexcept {
  auto found = all_.next(from, before);
  while (found) {
    const auto day = day_of(*found);
    if (!counted_.next(day, day + days{1}))
      break;
    found = day + days{1} < before ? all_.next(day + days{1}, before) : std::nullopt;
  }
  return found;
}

std::optional<civil_time> off_day_set::previous(civil_time from, civil_time before) const noexcept {
  auto found = all_.previous(from, before);
  while (found) {
    const auto day = day_of(*found);
    if (!counted_.next(day, day + days{1}))
      break;
    found = day > from ? all_.previous(from, day) : std::nullopt;
  }
  return found;
}

} // namespace pinion
