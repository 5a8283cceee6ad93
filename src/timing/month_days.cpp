#include <algorithm>
#include <pinion/timing/civil.hpp>
#include <pinion/timing/month_days.hpp>

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
    if (weekdays == 0x7f)
      return month_mask(days);
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

std::uint32_t by_day_of_month(const month_days& rule, month_shape month) noexcept {
  auto out = rule.days & month_mask(month.days);
  if (rule.days_from_end != 0)
    for (unsigned n = 0; n < month.days; ++n)
      if (rule.days_from_end & bit(n))
        out |= bit(month.days - n);
  if ((rule.nearest_weekdays | rule.nearest_from_end) != 0)
    for (unsigned day = 1; day <= month.days; ++day)
      if ((rule.nearest_weekdays & bit(day)) != 0 ||
          (rule.nearest_from_end & bit(month.days - day)) != 0)
        out |= bit(month.nearest_weekday(day));
  return out;
}

std::uint32_t by_day_of_week(const month_days& rule, month_shape month) noexcept {
  auto out = month.all(rule.weekdays);
  for (unsigned k = 0; k < rule.nth_weekdays.size(); ++k) {
    if (rule.nth_weekdays[k] == 0)
      continue;
    const auto week = month_mask(std::min(7 * k + 7, month.days)) & ~month_mask(7 * k);
    out |= month.all(rule.nth_weekdays[k]) & week;
  }
  if (rule.last_weekdays != 0)
    out |= month.all(rule.last_weekdays) & ~month_mask(month.days - 7);
  return out;
}

} // namespace

std::uint32_t month_days::days_of(int year, unsigned month) const noexcept {
  const auto shape = shape_of(year, month);
  const auto of_month = by_day_of_month(*this, shape);
  const auto of_week = by_day_of_week(*this, shape);
  return join == day_join::both ? of_month & of_week : of_month | of_week;
}

} // namespace pinion
