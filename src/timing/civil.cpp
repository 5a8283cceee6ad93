#include <algorithm>
#include <pinion/timing/civil.hpp>

namespace pinion {

namespace chrono = std::chrono;

namespace {

chrono::year_month_day date_of(civil_day day) noexcept { return chrono::year_month_day{day}; }

civil_time add_months(civil_time at, std::int64_t count) noexcept {
  const auto day = day_of(at);
  const auto date = date_of(day);
  const auto month = (date.year() / date.month()) + chrono::months{count};
  const auto last =
      chrono::year_month_day_last{month.year(), chrono::month_day_last{month.month()}};
  const auto target = month / std::min(date.day(), last.day());
  return civil_day{target} + (at - day);
}

} // namespace

civil_parts parts_of(civil_time at) noexcept {
  const auto day = day_of(at);
  const auto date = date_of(day);
  const chrono::hh_mm_ss<duration> time{at - day};
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = static_cast<unsigned>(time.hours().count()),
          .minute = static_cast<unsigned>(time.minutes().count()),
          .second = static_cast<unsigned>(time.seconds().count()),
          .microsecond = static_cast<unsigned>(time.subseconds().count()),
          .weekday = chrono::weekday{day}.c_encoding()};
}

civil_time make_civil(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                      unsigned second) noexcept {
  const auto first = chrono::year{year} / chrono::month{month} / chrono::day{1};
  return civil_day{first} + chrono::days{day} - chrono::days{1} + chrono::hours{hour} +
         chrono::minutes{minute} + chrono::seconds{second};
}

unsigned days_in_month(int year, unsigned month) noexcept {
  const auto last =
      chrono::year_month_day_last{chrono::year{year}, chrono::month_day_last{chrono::month{month}}};
  return static_cast<unsigned>(last.day());
}

civil_time add(civil_time at, calendar_unit unit, std::int64_t count) noexcept {
  switch (unit) {
  case calendar_unit::second:
    return at + chrono::seconds{count};
  case calendar_unit::minute:
    return at + chrono::minutes{count};
  case calendar_unit::hour:
    return at + chrono::hours{count};
  case calendar_unit::day:
    return at + chrono::days{count};
  case calendar_unit::week:
    return at + chrono::weeks{count};
  case calendar_unit::month:
    return add_months(at, count);
  case calendar_unit::year:
    return add_months(at, 12 * count);
  }
  return at;
}

civil_time begin_of(civil_time at, calendar_unit unit) noexcept {
  const auto day = day_of(at);
  switch (unit) {
  case calendar_unit::second:
    return chrono::floor<chrono::seconds>(at);
  case calendar_unit::minute:
    return chrono::floor<chrono::minutes>(at);
  case calendar_unit::hour:
    return chrono::floor<chrono::hours>(at);
  case calendar_unit::day:
    return day;
  case calendar_unit::week:
    return day - (chrono::weekday{day} - chrono::Monday);
  case calendar_unit::month:
    return civil_day{date_of(day).year() / date_of(day).month() / 1};
  case calendar_unit::year:
    return civil_day{date_of(day).year() / chrono::January / 1};
  }
  return at;
}

} // namespace pinion
