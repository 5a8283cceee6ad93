#include <algorithm>
#include <bit>
#include <pinion/timing/cron_fields.hpp>

namespace pinion {

namespace {

namespace chrono = std::chrono;

constexpr std::uint32_t bit(unsigned n) noexcept { return std::uint32_t{1} << n; }

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

bool has_year(const cron_fields& of, int year) noexcept {
  return !of.years || (year >= first_cron_year && year <= last_cron_year &&
                       of.years->test(static_cast<std::size_t>(year - first_cron_year)));
}

/// The next year that counts.
std::optional<int> year_after(const cron_fields& of, int year) noexcept {
  if (!of.years)
    return year + 1;
  for (year = std::max(year + 1, first_cron_year); year <= last_cron_year; ++year)
    if (has_year(of, year))
      return year;
  return std::nullopt;
}

std::optional<int> year_before(const cron_fields& of, int year) noexcept {
  if (!of.years)
    return year - 1;
  for (year = std::min(year - 1, last_cron_year); year >= first_cron_year; --year)
    if (has_year(of, year))
      return year;
  return std::nullopt;
}

civil_time at_second(int year, unsigned month, int day, int second) noexcept {
  return make_civil(year, month, static_cast<unsigned>(day)) + chrono::seconds{second};
}

} // namespace

std::optional<civil_time> cron_fields::next(civil_time from, civil_time before) const noexcept {
  const day_clock clock{*this};
  const auto p = parts_of(chrono::ceil<chrono::seconds>(from));
  const auto if_inside = [before](civil_time found) {
    return found < before ? std::optional{found} : std::nullopt;
  };
  if (has_year(*this, p.year) && (months & bit(p.month)) != 0) {
    const auto matching = days_of(p.year, p.month);
    // The rest of the first day, then whole days.
    if (matching & bit(p.day))
      if (const auto second = clock.next(p.hour, p.minute, p.second); second >= 0)
        return if_inside(at_second(p.year, p.month, static_cast<int>(p.day), second));
    if (const auto day = at_or_after(matching, p.day + 1); day >= 0)
      return if_inside(at_second(p.year, p.month, day, clock.next(0, 0, 0)));
  }
  auto year = p.year;
  auto month = has_year(*this, year) ? at_or_after(months, p.month + 1) : -1;
  for (;; month = at_or_after(months, static_cast<unsigned>(month) + 1)) {
    if (month < 0) {
      const auto later = year_after(*this, year);
      if (!later)
        return std::nullopt;
      year = *later;
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
  if (has_year(*this, p.year) && (months & bit(p.month)) != 0) {
    const auto matching = days_of(p.year, p.month);
    if (matching & bit(p.day))
      if (const auto second = clock.previous(p.hour, p.minute, p.second); second >= 0)
        return if_inside(at_second(p.year, p.month, static_cast<int>(p.day), second));
    if (const auto day = at_or_before(matching, p.day - 1); day >= 0)
      return if_inside(at_second(p.year, p.month, day, clock.previous(23, 59, 59)));
  }
  auto year = p.year;
  auto month = has_year(*this, year) ? at_or_before(months, p.month - 1) : -1;
  for (;; month = at_or_before(months, static_cast<unsigned>(month) - 1)) {
    if (month < 0) {
      const auto earlier = year_before(*this, year);
      if (!earlier)
        return std::nullopt;
      year = *earlier;
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
