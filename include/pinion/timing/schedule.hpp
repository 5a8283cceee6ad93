#pragma once

#include <optional>
#include <pinion/timing/cron.hpp>
#include <pinion/timing/dates.hpp>
#include <pinion/timing/duration_text.hpp>
#include <pinion/timing/period.hpp>
#include <variant>

namespace pinion {

/// Slots at civil times of a zone.
struct cron_schedule {
  cron_expression expression;
  zone in = {};
  dst_policy dst = expression.default_dst();

  friend bool operator==(const cron_schedule&, const cron_schedule&) = default;
};

/// Slots at `anchor` plus and minus whole periods of physical time: no zone, no effect of daylight
/// saving. With the default anchor, the epoch, 15m falls on :00, :15, :30 and :45 of UTC.
struct every_schedule {
  duration period; ///< Positive: see `make_every`.
  instant anchor = {};

  friend bool operator==(const every_schedule&, const every_schedule&) = default;
};

/// When a trigger's slots are. Preview, plan, firing and simulation all ask the functions below.
using schedule = std::variant<cron_schedule, every_schedule, period_schedule, date_schedule>;

/// The periods that `every:` accepts.
inline constexpr duration_range every_range{std::chrono::seconds{1}, std::chrono::days{36'525}};

/// An `every_schedule`; fails with `errc::invalid` if the period lies outside `every_range`.
result<every_schedule> make_every(duration period, instant anchor = {});

/// The first slot strictly after `after`; nothing if there is none before the year 10000.
std::optional<instant> next_slot(const schedule& of, instant after) noexcept;

/// The last slot strictly before `before`; nothing if there is none after the year 0.
std::optional<instant> previous_slot(const schedule& of, instant before) noexcept;

/// Is the time between two slots less than a day, less than an hour, as a rule?
bool is_below_a_day(const schedule& of) noexcept;
bool is_below_an_hour(const schedule& of) noexcept;

/// May many slots share their purpose, so that after downtime only the last of them matters? True
/// for `every:` and for what fires more than once an hour.
bool is_polling(const schedule& of) noexcept;

/// The zone in which the schedule is written; nothing for `every:`.
std::optional<zone> zone_of(const schedule& of) noexcept;

/// Replaces the DST policy; `every:` has none.
void set_dst(schedule& of, dst_policy dst) noexcept;
dst_policy dst_of(const schedule& of) noexcept;

/// Which stretch of data a run covers.
enum class interval_kind : std::uint8_t {
  previous, ///< From the previous slot of the trigger to this one.
  point,    ///< Empty: begins and ends at the slot.
  hour,     ///< The whole calendar hour before the slot, in the zone; likewise the next ones.
  day,
  week, ///< Monday to Sunday.
  month,
  fixed, ///< `length` of physical time before the slot.
  minute,
  year,
};

/// `data_interval:` of a workflow. `length` belongs to `fixed` and is positive; `units` says how
/// many calendar units before the slot, from 1.
struct interval_rule {
  interval_kind kind = interval_kind::previous;
  duration length = {};
  unsigned units = 1;

  friend bool operator==(interval_rule, interval_rule) = default;
};

/// Reads `previous`, `point`, `minute`, `hour`, `day`, `week`, `month`, `year` or a duration.
result<interval_rule> parse_interval_rule(std::string_view text);

/// The stretch [start, end) of time.
struct data_interval {
  instant start;
  instant end;

  friend bool operator==(data_interval, data_interval) = default;
};

/// The data interval of a slot. A whole unit before the slot ends where the slot's own unit begins:
/// for `day` and a slot at 02:00 that is midnight to midnight of the day before. `previous` is a
/// point if the schedule has no earlier slot.
data_interval interval_of(const schedule& of, instant slot, interval_rule rule, zone in) noexcept;

/// The same for a slot that no schedule made: `previous` is a point.
data_interval interval_of(instant slot, interval_rule rule, zone in) noexcept;

/// What a run covers where nothing is said: the whole calendar units before the slot, as many as
/// its step, for a period; otherwise `previous`.
interval_rule default_interval(const schedule& of) noexcept;

} // namespace pinion
