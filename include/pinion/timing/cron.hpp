#pragma once

#include <optional>
#include <pinion/timing/cron_fields.hpp>
#include <pinion/timing/dst.hpp>
#include <pinion/timing/problem.hpp>
#include <pinion/timing/zone.hpp>
#include <string>
#include <string_view>

namespace pinion {

/// In what dialect a cron expression is written.
enum class cron_dialect : std::uint8_t { unix_cron, quartz };

/// A cron expression: a set of civil times of second grain. In the dialect `unix_cron`:
///
///     [second] minute hour day-of-month month day-of-week [year]
///
/// 5 fields, 6 with the second, 7 with the second and the year (1970-2099).
///
///     *  ?            every value (? in the day fields only)
///     a  a,b          values; months and weekdays also by name, short or full, in any case
///     a-b             a range; it wraps where a > b (22-2, fri-mon); a-a is a alone
///     */n a/n a-b/n   every n-th value of all, of a to the end of the field, of the range; n may
///                     exceed the range, and then the first value is the only one
///     L  L-n          the last day of the month, n days before it; L also ends a range (29-L,
///                     1-L/8)
///     nW LW           the weekday (Monday to Friday) nearest to day n of the same month, the last
///                     one of the month
///     d#k             the k-th weekday d of the month, k from 1 to 5
///
/// Weekdays count 0-7; both 0 and 7 are Sunday, so 5/1 is Friday to Sunday. Where both day fields
/// are restricted a day matches if either does (POSIX crontab); a field that begins with `*` or
/// `?`, also `*/2`, does not restrict in this sense (as cronie), and then a day must match both.
/// Words: @yearly @annually @monthly @weekly @daily @midnight @hourly @every_minute @every_second.
///
/// The dialect `quartz` follows org.quartz.CronExpression:
///
///     second minute hour day-of-month month day-of-week [year]
///
/// 6 fields, 7 with the year (1970-2099). Weekdays count from Sunday 1 to Saturday 7. Exactly one
/// day field is `?`, alone; the other rules. Beside the forms above (but for
/// ranges that end in L): `/n` is `*/n`; `L-nW` is the weekday nearest to L-n; in day-of-week `L`
/// alone is Saturday, `dL` (6L, friL) the month's last d, and `d#k` and `dL` stand alone, without a
/// list. A step must lie within the field's range; years do not wrap. Of a name Quartz reads three
/// letters and overlooks the rest, a step included; here names may be full and what follows them
/// counts.
class cron_expression {
public:
  /// Reads an expression. `two_fields` says what it means in `unix_cron` that both day fields are
  /// restricted (`dom_dow:`). Fails with `errc::invalid`; the message names the field and the
  /// column (from 1) in `text`, the suggestion the mend where one is near. What never comes, as
  /// February 30, is refused. What came last in some year that has passed is not: then `next_slot`
  /// is empty.
  static result<cron_expression> parse(std::string_view text,
                                       cron_dialect dialect = cron_dialect::unix_cron,
                                       day_join two_fields = day_join::either);

  const cron_fields& fields() const noexcept { return fields_; }

  /// As written.
  const std::string& text() const noexcept { return text_; }
  cron_dialect dialect() const noexcept { return dialect_; }
  day_join two_fields() const noexcept { return two_fields_; }

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
  cron_expression(cron_fields fields, std::string text, cron_dialect dialect, day_join two_fields)
      : fields_{fields}, text_{std::move(text)}, dialect_{dialect}, two_fields_{two_fields} {}

  cron_fields fields_;
  std::string text_;
  cron_dialect dialect_;
  day_join two_fields_;
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
