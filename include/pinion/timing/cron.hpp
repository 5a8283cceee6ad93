#pragma once

#include <optional>
#include <pinion/timing/cron_fields.hpp>
#include <pinion/timing/problem.hpp>
#include <pinion/timing/zone.hpp>
#include <string>
#include <string_view>

namespace pinion {

/// What becomes of a civil time that the clocks jump over.
enum class missing_time : std::uint8_t {
  shift, ///< It counts at the first instant after the gap; several of one gap count once.
  skip,  ///< It does not count.
};

/// What becomes of a civil time that the clocks show twice.
enum class repeated_time : std::uint8_t { first, last, both };

/// How a schedule of civil times treats changes of the zone's offset.
struct dst_policy {
  missing_time missing = missing_time::shift;
  repeated_time repeated = repeated_time::first;

  friend bool operator==(dst_policy, dst_policy) = default;
};

/// A cron expression: a set of civil times of second grain.
///
///     [second] minute hour day-of-month month day-of-week
///
///     *  ?       every value (? in the day fields only)
///     a  a,b     values; months and weekdays also by name, short or full, in any case
///     a-b        a range; it wraps where a > b (22-2, fri-mon); a-a is a alone
///     */n a/n a-b/n   every n-th value of all, of a to the end of the field, of the range
///     L  L-n     the last day of the month, n days before it; also the end of a range (29-L,
///     1-L/8) nW LW      the weekday nearest to day n of the same month, to its last day d#k the
///     k-th weekday d of the month, k from 1 to 5
///
/// Weekdays count 0-7; both 0 and 7 are Sunday, so 5/1 is Friday to Sunday. Where both day fields
/// are restricted a day matches if either does (POSIX crontab); a field that begins with `*` or
/// `?`, also `*/2`, does not restrict in this sense (as cronie), and then a day must match both.
/// Words: @yearly @annually
/// @monthly @weekly @daily @midnight @hourly.
class cron_expression {
public:
  /// Reads an expression. Fails with `errc::invalid`; the message names the field and the column
  /// (from 1) in `text`, the suggestion the mend where one is near. What never comes, as February
  /// 30, is refused.
  static result<cron_expression> parse(std::string_view text);

  const cron_fields& fields() const noexcept { return fields_; }

  /// As written.
  const std::string& text() const noexcept { return text_; }

  /// The default policy: missing times shift; repeated ones count once (first) if the expression
  /// fires at most once a day, and both times if it fires more often.
  dst_policy default_dst() const noexcept;

  /// May it fire more than once on a day?
  bool is_below_a_day() const noexcept;

  /// May it fire more than once in an hour?
  bool is_below_an_hour() const noexcept;

  friend bool operator==(const cron_expression& a, const cron_expression& b) noexcept {
    return a.fields_ == b.fields_;
  }

private:
  cron_expression(cron_fields fields, std::string text) : fields_{fields}, text_{std::move(text)} {}

  cron_fields fields_;
  std::string text_;
};

/// The first instant strictly after `after` at which the civil times `fields` occur in the zone;
/// always a whole second. Nothing if there is none before the year 9999 or in the 400 years after
/// `after`, in which the calendar repeats itself.
std::optional<instant> next_occurrence(const cron_fields& fields, zone in, dst_policy dst,
                                       instant after) noexcept;

/// The last instant strictly before `before`, with the same bounds.
std::optional<instant> previous_occurrence(const cron_fields& fields, zone in, dst_policy dst,
                                           instant before) noexcept;

} // namespace pinion
