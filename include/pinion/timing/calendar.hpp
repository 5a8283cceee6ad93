#pragma once

#include <memory>
#include <optional>
#include <pinion/timing/civil.hpp>
#include <pinion/timing/problem.hpp>
#include <string>
#include <vector>

namespace pinion {

/// A stretch of dates, both ends included.
struct day_range {
  civil_day first;
  civil_day last;

  friend bool operator==(const day_range&, const day_range&) = default;
};

/// A calendar as it is written.
struct calendar_text {
  /// `mon`, `friday`, `mon-fri`, `sat-sun`: names in any case; a range may wrap. Empty: every day.
  /// `none` alone: no weekday, so that the calendar is its `also` dates.
  std::vector<std::string> weekdays;
  /// Dates that are out and dates that are in: `2026-10-01` or `2026-10-01..2026-10-07`.
  std::vector<std::string> except;
  std::vector<std::string> also;

  friend bool operator==(const calendar_text&, const calendar_text&) = default;
};

/// A set of dates. A date belongs to it if it is in `also`; or else if it is not in `except`, its
/// weekday is one of the calendar's, and it belongs to the calendar below, where there is one. So
/// make-up days are `also`, holidays `except`, and a special calendar stands on a common one.
///
/// A value that never changes once it is made; safe for use from any thread.
class calendar {
public:
  /// All dates.
  calendar() = default;

  /// Reads the pieces. Fails with `errc::invalid`: the message names the piece, the suggestion the
  /// mend. Dates may lie on one another; `also` wins over `except`. A calendar without any day is
  /// no error here: see `next_day`.
  static result<calendar> parse(calendar_text text, std::shared_ptr<const calendar> on = nullptr);

  bool contains(civil_day day) const noexcept;

  /// The first date of the calendar that is `from` or later; exact, so that nothing means that the
  /// calendar has run out. The cost grows with the number of dates written, not with the distance.
  std::optional<civil_day> next_day(civil_day from) const noexcept;

  /// The last date of the calendar that is `from` or earlier.
  std::optional<civil_day> previous_day(civil_day from) const noexcept;

  /// The last date that `except` or `also` names, here or below: from the next day on the calendar
  /// is its weekdays alone, which for a calendar of holidays means that somebody must add the
  /// coming year. Nothing if it names no dates.
  std::optional<civil_day> last_explicit_day() const noexcept;

  /// The first date that they name.
  std::optional<civil_day> first_explicit_day() const noexcept;

  /// As written, without the calendar below.
  const calendar_text& text() const noexcept { return text_; }
  /// The calendar that this one stands on; null where there is none.
  const std::shared_ptr<const calendar>& on() const noexcept { return on_; }

  /// Do both have the same meaning piece by piece, the calendars below included?
  friend bool operator==(const calendar& a, const calendar& b) noexcept;

private:
  calendar_text text_;
  std::uint8_t weekdays_ = 0x7f; ///< Bit 0 is Sunday.
  /// Sorted; neither overlapping nor touching.
  std::vector<day_range> except_;
  std::vector<day_range> also_;
  std::shared_ptr<const calendar> on_;
  /// The span of all dates named, here and below; `first > last` where there are none.
  day_range named_{civil_day::max(), civil_day::min()};
};

/// What becomes of a slot on a day that is not in the trigger's calendar.
enum class calendar_shift : std::uint8_t {
  skip,     ///< It does not come.
  next,     ///< It moves to the next day of the calendar, at the same time of day.
  previous, ///< It moves to the day of the calendar before it, at the same time of day.
};

} // namespace pinion
