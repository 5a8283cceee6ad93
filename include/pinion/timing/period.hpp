#pragma once

#include <pinion/timing/dst.hpp>
#include <pinion/timing/month_days.hpp>
#include <pinion/timing/problem.hpp>
#include <pinion/timing/zone.hpp>
#include <string>
#include <vector>

namespace pinion {

/// A period as it is written.
///
///     period   at, one or a list                 days                            step
///     minute   ":30", the second                 -                               1-59
///     hour     ":05" or ":05:30"                 -                               1-23
///     day      "02:00" or "02:00:30"             -                               1-3660
///     week     as day                            mon, friday, mon-fri            1-520
///     month    as day                            1, 5-10, last, last-2, 15w,     1-1200
///                                                lastw, 2nd fri, last fri
///     year     as day                            12-24, or a month and a day as  1-100
///                                                above: 2-last, 11 4th thu
///
/// - `at` is the time within the unit; without it the unit's beginning (:00, :00, 00:00).
/// - `days` are needed for week, month and year, and refused for the others. A day that a month
///   lacks does not occur in it, as in cron. `last-2` lies two days before the last; `15w` is the
///   weekday (Monday to Friday) nearest to the 15th in the same month, `lastw` the month's last
///   weekday. Weekdays and months also by name: `dec 24`, `nov 4th thu`. The numbers may be words:
///   first, second, third, fourth, fifth.
/// - `step` n is every n-th unit. Minutes count from the full hour and hours from midnight, as */n
///   in cron, so that where n does not divide 60 or 24 the last stretch is shorter. Days, weeks
///   (from Monday), months and years count from the anchor's one.
struct period_text {
  std::string period;
  std::vector<std::string> at;
  std::vector<std::string> days;
  std::int64_t step = 1;

  friend bool operator==(const period_text&, const period_text&) = default;
};

/// Slots at civil times of whole calendar units. Made by `parse_period`.
struct period_schedule {
  period_text text; ///< As written.
  calendar_unit unit = calendar_unit::day;
  unsigned step = 1;
  /// Times within a minute, an hour or (day and longer) a day; whole seconds, sorted, not empty.
  std::vector<std::chrono::seconds> at;
  std::uint8_t weekdays = 0x7f; ///< week: bit 0 is Sunday.
  /// month: one rule. year: twelve of them.
  std::vector<month_days> months;
  /// Where the steps of days and longer units are counted from.
  civil_day anchor = {};
  zone in = {};
  dst_policy dst = {};

  /// Are the days of this date slots?
  bool on_day(civil_day day) const noexcept;

  friend bool operator==(const period_schedule& a, const period_schedule& b) noexcept {
    return a.unit == b.unit && a.step == b.step && a.at == b.at && a.weekdays == b.weekdays &&
           a.months == b.months && a.anchor == b.anchor && a.in == b.in && a.dst == b.dst;
  }
};

/// Reads a period; its DST policy is the default one. `anchor` is the date from which steps of days
/// and longer units count: a trigger's window start. Fails with `errc::invalid`: the message names
/// the piece, the suggestion the mend.
result<period_schedule> parse_period(period_text text, zone in, civil_day anchor = {});

/// The unit of that name (minute to year). Fails with `errc::invalid`.
result<calendar_unit> parse_period_unit(std::string_view word);

} // namespace pinion
