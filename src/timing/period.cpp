#include "timing/period_set.hpp"

#include <algorithm>
#include <bit>

namespace pinion {

namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::weeks;

constexpr seconds whole_day = days{1};

/// A date of the years 0 to 9999 as the number of its month since year 0.
std::int64_t month_number(const civil_parts& p) noexcept {
  return std::int64_t{p.year} * 12 + p.month - 1;
}

bool is_multiple(std::int64_t distance, unsigned step) noexcept {
  return distance % std::int64_t{step} == 0;
}

civil_day monday_of(civil_day day) noexcept { return day_of(begin_of(day, calendar_unit::week)); }

/// Is the unit in which `day` lies one of those that count?
bool in_step(const period_schedule& of, civil_day day) noexcept {
  switch (of.unit) {
  case calendar_unit::day:
    return is_multiple((day - of.anchor).count(), of.step);
  case calendar_unit::week:
    return is_multiple((monday_of(day) - monday_of(of.anchor)).count() / 7, of.step);
  case calendar_unit::month:
    return is_multiple(month_number(parts_of(day)) - month_number(parts_of(of.anchor)), of.step);
  case calendar_unit::year:
    return is_multiple(parts_of(day).year - parts_of(of.anchor).year, of.step);
  default:
    return true;
  }
}

/// The days that count in the month of `p`: bits 1-31.
std::uint32_t month_bits(const period_schedule& of, const civil_parts& p) noexcept {
  const auto& rule = of.unit == calendar_unit::month ? of.months.front() : of.months[p.month - 1];
  return rule.days_of(p.year, p.month);
}

/// The first matching date in [from, last].
std::optional<civil_day> day_after(const period_schedule& of, civil_day from,
                                   civil_day last) noexcept {
  const auto unit = of.unit;
  for (auto day = from; day <= last;) {
    if (!in_step(of, day)) {
      day = day_of(add(begin_of(day, unit), unit, 1));
    } else if (unit == calendar_unit::day) {
      return day;
    } else if (unit == calendar_unit::week) {
      if (of.weekdays >> std::chrono::weekday{day}.c_encoding() & 1)
        return day;
      day += days{1};
    } else {
      const auto p = parts_of(day);
      if (const auto rest = month_bits(of, p) >> p.day; rest != 0) {
        day += days{std::countr_zero(rest)};
        return day <= last ? std::optional{day} : std::nullopt;
      }
      day = day_of(add(begin_of(day, calendar_unit::month), calendar_unit::month, 1));
    }
  }
  return std::nullopt;
}

/// The last matching date in [first, from].
std::optional<civil_day> day_before(const period_schedule& of, civil_day first,
                                    civil_day from) noexcept {
  const auto unit = of.unit;
  for (auto day = from; day >= first;) {
    if (!in_step(of, day)) {
      day = day_of(begin_of(day, unit)) - days{1};
    } else if (unit == calendar_unit::day) {
      return day;
    } else if (unit == calendar_unit::week) {
      if (of.weekdays >> std::chrono::weekday{day}.c_encoding() & 1)
        return day;
      day -= days{1};
    } else {
      const auto p = parts_of(day);
      if (const auto rest = month_bits(of, p) << (31 - p.day); rest != 0) {
        day -= days{std::countl_zero(rest)};
        return day >= first ? std::optional{day} : std::nullopt;
      }
      day = day_of(begin_of(day, calendar_unit::month)) - days{1};
    }
  }
  return std::nullopt;
}

/// The stretch of which `at` tells the times.
seconds stretch_of(calendar_unit unit) noexcept {
  switch (unit) {
  case calendar_unit::minute:
    return std::chrono::minutes{1};
  case calendar_unit::hour:
    return std::chrono::hours{1};
  default:
    return whole_day;
  }
}

/// Does the n-th stretch of a day count? Minutes count anew from each full hour.
bool stretch_counts(const period_schedule& of, std::int64_t n) noexcept {
  switch (of.unit) {
  case calendar_unit::minute:
    return is_multiple(n % 60, of.step);
  case calendar_unit::hour:
    return is_multiple(n, of.step);
  default:
    return true;
  }
}

/// The first time of day in [from, 24:00).
std::optional<seconds> time_after(const period_schedule& of, seconds from) noexcept {
  const auto stretch = stretch_of(of.unit);
  for (auto n = from / stretch; n * stretch < whole_day; ++n) {
    if (!stretch_counts(of, n))
      continue;
    const auto begin = n * stretch;
    const auto found = std::lower_bound(of.at.begin(), of.at.end(), from - begin);
    if (found != of.at.end())
      return begin + *found;
  }
  return std::nullopt;
}

/// The last time of day in [0:00, before).
std::optional<seconds> time_before(const period_schedule& of, seconds before) noexcept {
  const auto stretch = stretch_of(of.unit);
  if (before <= seconds{0})
    return std::nullopt;
  for (auto n = (before - seconds{1}) / stretch; n >= 0; --n) {
    if (!stretch_counts(of, n))
      continue;
    const auto begin = n * stretch;
    const auto found = std::lower_bound(of.at.begin(), of.at.end(), before - begin);
    if (found != of.at.begin())
      return begin + *(found - 1);
  }
  return std::nullopt;
}

} // namespace

bool period_schedule::on_day(civil_day day) const noexcept {
  return unit < calendar_unit::day || day_after(*this, day, day).has_value();
}

std::optional<civil_time> period_set::next(civil_time from, civil_time before) const noexcept {
  if (from >= before)
    return std::nullopt;
  const auto start = std::chrono::ceil<seconds>(from);
  const auto last = day_of(before - duration{1});
  auto day = day_of(start);
  auto earliest = std::chrono::duration_cast<seconds>(start - day);
  while (day <= last) {
    const auto found = every_day_ ? day : day_after(of_, day, last).value_or(last + days{1});
    if (found > last)
      return std::nullopt;
    if (const auto time = time_after(of_, found == day ? earliest : seconds{0})) {
      const civil_time at = found + *time;
      return at < before ? std::optional{at} : std::nullopt;
    }
    day = found + days{1};
    earliest = seconds{0};
  }
  return std::nullopt;
}

std::optional<civil_time> period_set::previous(civil_time from, civil_time before) const noexcept {
  if (from >= before)
    return std::nullopt;
  const auto first = day_of(from);
  const auto end = std::chrono::ceil<seconds>(before);
  auto day = day_of(end - seconds{1});
  auto latest = std::chrono::duration_cast<seconds>(end - day);
  while (day >= first) {
    const auto found = every_day_ ? day : day_before(of_, first, day).value_or(first - days{1});
    if (found < first)
      return std::nullopt;
    if (const auto time = time_before(of_, found == day ? latest : whole_day)) {
      const civil_time at = found + *time;
      return at >= from ? std::optional{at} : std::nullopt;
    }
    day = found - days{1};
    latest = whole_day;
  }
  return std::nullopt;
}

} // namespace pinion
