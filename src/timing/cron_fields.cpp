#include <bit>
#include <pinion/timing/cron_fields.hpp>

namespace pinion {

namespace {

namespace chrono = std::chrono;

constexpr std::uint32_t bit(unsigned n) noexcept { return std::uint32_t{1} << n; }

/// Bits 1 to `days`.
constexpr std::uint32_t month_mask(unsigned days) noexcept {
  return static_cast<std::uint32_t>((std::uint64_t{2} << days) - 2);
}

/// A month with what the day rules ask of it.
struct month_shape {
  unsigned days;          ///< 28-31.
  unsigned first_weekday; ///< Of day 1: 0-6 from Sunday.

  unsigned weekday_of(unsigned day) const noexcept { return (first_weekday + day - 1) % 7; }

  /// The Monday to Friday nearest to `day` without leaving the month.
  unsigned nearest_weekday(unsigned day) const noexcept {
    switch (weekday_of(day)) {
    case 6:
      return day == 1 ? day + 2 : day - 1;
    case 0:
      return day == days ? day - 2 : day + 1;
    default:
      return day;
    }
  }

  /// All days whose weekday is in `weekdays`.
  std::uint32_t all(std::uint8_t weekdays) const noexcept {
    std::uint32_t out = 0;
    for (unsigned day = 1; day <= days; ++day)
      if (weekdays >> weekday_of(day) & 1)
        out |= bit(day);
    return out;
  }
};

month_shape shape_of(int year, unsigned month) noexcept {
  const civil_day first{chrono::year{year} / chrono::month{month} / chrono::day{1}};
  return {days_in_month(year, month), chrono::weekday{first}.c_encoding()};
}

std::uint32_t by_day_of_month(const cron_fields& fields, month_shape month) noexcept {
  auto out = fields.days & month_mask(month.days);
  for (unsigned n = 0; n < month.days; ++n)
    if (fields.days_from_end & bit(n))
      out |= bit(month.days - n);
  if (fields.nearest_weekdays & 1)
    out |= bit(month.nearest_weekday(month.days));
  for (unsigned day = 1; day <= month.days; ++day)
    if (fields.nearest_weekdays & bit(day))
      out |= bit(month.nearest_weekday(day));
  return out;
}

std::uint32_t by_day_of_week(const cron_fields& fields, month_shape month) noexcept {
  auto out = month.all(fields.weekdays);
  for (unsigned k = 0; k < fields.nth_weekdays.size(); ++k) {
    const auto week =
        month_mask(7 * k + 7 > month.days ? month.days : 7 * k + 7) & ~month_mask(7 * k);
    out |= month.all(fields.nth_weekdays[k]) & week;
  }
  return out;
}

/// The least member of `set` that is at least `from`, or -1.
int at_or_after(std::uint64_t set, unsigned from) noexcept {
  const auto rest = from < 64 ? set >> from << from : 0;
  return rest == 0 ? -1 : std::countr_zero(rest);
}

/// The greatest member of `set` that is at most `from`, or -1.
int at_or_before(std::uint64_t set, unsigned from) noexcept {
  const auto rest = from < 63 ? set & ((std::uint64_t{2} << from) - 1) : set;
  return rest == 0 ? -1 : 63 - std::countl_zero(rest);
}

/// The sets of a time of day, read in one direction.
struct day_clock {
  const cron_fields& fields;

  /// The first second of the day at or after h:m:s, or -1.
  int next(unsigned h, unsigned m, unsigned s) const noexcept {
    const auto hour = at_or_after(fields.hours, h);
    if (hour < 0)
      return -1;
    if (static_cast<unsigned>(hour) > h)
      return count(hour, at_or_after(fields.minutes, 0), at_or_after(fields.seconds, 0));
    if (const auto minute = at_or_after(fields.minutes, m); minute >= 0) {
      if (static_cast<unsigned>(minute) > m)
        return count(hour, minute, at_or_after(fields.seconds, 0));
      if (const auto second = at_or_after(fields.seconds, s); second >= 0)
        return count(hour, minute, second);
      if (const auto later = at_or_after(fields.minutes, m + 1); later >= 0)
        return count(hour, later, at_or_after(fields.seconds, 0));
    }
    return next(h + 1, 0, 0);
  }

  /// The last second of the day at or before h:m:s, or -1.
  int previous(unsigned h, unsigned m, unsigned s) const noexcept {
    const auto hour = at_or_before(fields.hours, h);
    if (hour < 0)
      return -1;
    if (static_cast<unsigned>(hour) < h)
      return count(hour, at_or_before(fields.minutes, 59), at_or_before(fields.seconds, 59));
    if (const auto minute = at_or_before(fields.minutes, m); minute >= 0) {
      if (static_cast<unsigned>(minute) < m)
        return count(hour, minute, at_or_before(fields.seconds, 59));
      if (const auto second = at_or_before(fields.seconds, s); second >= 0)
        return count(hour, minute, second);
      if (m > 0)
        if (const auto earlier = at_or_before(fields.minutes, m - 1); earlier >= 0)
          return count(hour, earlier, at_or_before(fields.seconds, 59));
    }
    return h == 0 ? -1 : previous(h - 1, 59, 59);
  }

  static int count(int hour, int minute, int second) noexcept {
    return (hour * 60 + minute) * 60 + second;
  }
};

civil_time at_second(int year, unsigned month, int day, int second) noexcept {
  return make_civil(year, month, static_cast<unsigned>(day)) + chrono::seconds{second};
}

} // namespace

std::uint32_t cron_fields::days_of(int year, unsigned month) const noexcept {
  const auto shape = shape_of(year, month);
  const auto of_month = by_day_of_month(*this, shape);
  const auto of_week = by_day_of_week(*this, shape);
  return join == day_join::both ? of_month & of_week : of_month | of_week;
}

std::optional<civil_time> cron_fields::next(civil_time from, civil_time before) const noexcept {
  const day_clock clock{*this};
  const auto p = parts_of(chrono::ceil<chrono::seconds>(from));
  const auto if_inside = [before](civil_time found) {
    return found < before ? std::optional{found} : std::nullopt;
  };
  int year = p.year;
  int month = at_or_after(months, p.month);
  if (month == static_cast<int>(p.month)) {
    const auto matching = days_of(year, p.month);
    // The rest of the first day, then whole days.
    if (matching & bit(p.day))
      if (const auto second = clock.next(p.hour, p.minute, p.second); second >= 0)
        return if_inside(at_second(year, p.month, static_cast<int>(p.day), second));
    if (const auto day = at_or_after(matching, p.day + 1); day >= 0)
      return if_inside(at_second(year, p.month, day, clock.next(0, 0, 0)));
    month = at_or_after(months, p.month + 1);
  }
  for (;; month = at_or_after(months, static_cast<unsigned>(month) + 1)) {
    if (month < 0) {
      ++year;
      month = at_or_after(months, 1);
    }
    const auto in_month = static_cast<unsigned>(month);
    if (make_civil(year, in_month, 1) >= before)
      return std::nullopt;
    if (const auto day = at_or_after(days_of(year, in_month), 1); day >= 0)
      return if_inside(at_second(year, in_month, day, clock.next(0, 0, 0)));
  }
}

std::optional<civil_time> cron_fields::previous(civil_time from, civil_time before) const noexcept {
  const day_clock clock{*this};
  const auto p = parts_of(chrono::ceil<chrono::seconds>(before) - chrono::seconds{1});
  const auto if_inside = [from](civil_time found) {
    return found >= from ? std::optional{found} : std::nullopt;
  };
  int year = p.year;
  int month = at_or_before(months, p.month);
  if (month == static_cast<int>(p.month)) {
    const auto matching = days_of(year, p.month);
    if (matching & bit(p.day))
      if (const auto second = clock.previous(p.hour, p.minute, p.second); second >= 0)
        return if_inside(at_second(year, p.month, static_cast<int>(p.day), second));
    if (const auto day = at_or_before(matching, p.day - 1); day >= 0)
      return if_inside(at_second(year, p.month, day, clock.previous(23, 59, 59)));
    month = at_or_before(months, p.month - 1);
  }
  for (;; month = at_or_before(months, static_cast<unsigned>(month) - 1)) {
    if (month < 0) {
      --year;
      month = at_or_before(months, 12);
    }
    const auto in_month = static_cast<unsigned>(month);
    if (add(make_civil(year, in_month, 1), calendar_unit::month, 1) <= from)
      return std::nullopt;
    if (const auto day = at_or_before(days_of(year, in_month), 31); day >= 0)
      return if_inside(at_second(year, in_month, day, clock.previous(23, 59, 59)));
  }
}

} // namespace pinion
