#pragma once

#include <memory>
#include <pinion/timing/calendar.hpp>
#include <pinion/timing/schedule.hpp>
#include <vector>

namespace pinion {

/// What the slots of a trigger are, as a whole: a schedule, its window, its calendar. Preview,
/// plan, firing and simulation all ask the functions below, and nothing else.
///
/// Calendars speak of dates, so they apply to what the clocks show: a slot belongs to the date for
/// which it was written, also where a gap of the zone moves it to the next. `every:` does not move:
/// under `next` and `previous` too, its off days are skipped.
struct slot_rule {
  schedule when = every_schedule{std::chrono::hours{1}};
  /// The window, both ends included. It bounds the slots as they come, after a shift.
  std::optional<instant> first = {};
  std::optional<instant> last = {};
  /// The days on which slots come; null: all.
  std::shared_ptr<const calendar> days = {};
  calendar_shift shift = calendar_shift::skip;
  /// Slots on days that the calendar (under `skip`) or the `days:` and `step:` of a period of days
  /// or longer leave out come as dry ones, at the same times of day.
  bool off_days_dryrun = false;
  /// In which zone `every:` counts the days of the calendar; the other schedules bring their own.
  zone in = {};

  friend bool operator==(const slot_rule& a, const slot_rule& b) noexcept;
};

/// A slot of a rule.
struct ruled_slot {
  instant at;
  /// On an off day: the run succeeds at once, without processes.
  bool dry = false;

  friend bool operator==(const ruled_slot&, const ruled_slot&) = default;
};

/// A slot moves at most this far to a day of the calendar; where there is none so near it does not
/// come.
inline constexpr std::chrono::days longest_shift{366};

/// How far beyond what a calendar names, and beyond the time asked for, a search goes on for a slot
/// that falls on one of its days; what comes more rarely counts as never. February 29 on a given
/// weekday comes at least every 40 years.
inline constexpr std::chrono::days calendar_horizon{18'263};

/// The first slot strictly after `after`; nothing if none comes any more. The cost is bounded also
/// where a calendar has no day.
std::optional<ruled_slot> next_slot(const slot_rule& of, instant after) noexcept;

/// The last slot strictly before `before`.
std::optional<ruled_slot> previous_slot(const slot_rule& of, instant before) noexcept;

/// The slot that lies exactly at `at`, if there is one.
std::optional<ruled_slot> slot_at(const slot_rule& of, instant at) noexcept;

/// Is there a slot, dry or not, exactly at `at`?
bool is_slot(const slot_rule& of, instant at) noexcept;

/// The slots in [from, to), in order, the first `limit` of them.
std::vector<ruled_slot> slots_between(const slot_rule& of, instant from, instant to,
                                      std::size_t limit);

/// The zone in which the rule's slots are written: its schedule's, and for `every:` the rule's own.
zone zone_of(const slot_rule& of) noexcept;

/// As for its schedule.
bool is_below_a_day(const slot_rule& of) noexcept;
bool is_below_an_hour(const slot_rule& of) noexcept;
bool is_polling(const slot_rule& of) noexcept;

/// The data interval of a slot. `previous` begins at the last slot before it that is not dry, be it
/// before the window: the window says what is run, not what data there is.
data_interval interval_of(const slot_rule& of, instant slot, interval_rule rule, zone in) noexcept;

/// As for its schedule.
interval_rule default_interval(const slot_rule& of) noexcept;

/// How long after its slot a run with jitter begins: in [0, most], in whole milliseconds; a pure
/// function of `key` (the trigger's full name) and the slot, the same on all machines and in all
/// versions (FNV-1a, then the finaliser of splitmix64). Zero if `most` is below a millisecond.
duration jitter_of(duration most, std::string_view key, instant slot) noexcept;

} // namespace pinion
