#pragma once

#include <cstdint>
#include <string>

namespace pinion {

/// Which slots of the upstream's trigger a need means, seen from the slot and the zone of the task
/// that waits. A window (see `need_window`) takes precedence.
enum class slot_choice : std::uint8_t {
  nearest,   ///< The last one not later than mine; none: the first of my day.
  same_slot, ///< Exactly mine.
  same_day,  ///< The last of my day that is not later than mine; none: the first of my day.
  previous,  ///< The last one before mine.
  back,      ///< `back` slots before the nearest.
};

/// All slots of a stretch of time instead of one.
enum class need_window : std::uint8_t {
  none,
  data,     ///< Those whose data interval begins in my data interval.
  slot_day, ///< Those on the day of my slot (DataWorks' reading).
  hour,     ///< Those in the `last` whole hours before the one of my slot; likewise the next ones.
  day,
  week,
  month,
};

/// When a bound upstream is what was waited for.
enum class need_state : std::uint8_t {
  /// It ended in success (a dry run too). One that was skipped counts as skipped; one that failed
  /// or was cancelled is waited for on: a rerun may still bring the success.
  success,
  done, ///< It ended, however: it counts as it ended.
};

/// What counts when there is no run of a bound slot and the clock will make none: no such slot,
/// before the trigger's first, or left out (missed, paused, skipped by the overlap policy).
enum class missing_policy : std::uint8_t {
  wait,      ///< Until somebody makes it; where there is no slot to make, until a person decides.
  satisfied, ///< As success, without outputs.
  fail,      ///< As failed.
  skip,      ///< As skipped: what `after:` triggers mean.
};

/// A need on a task or on the whole of another workflow (or of another slot of this one).
struct outside_need {
  std::string workflow; ///< project.name
  std::string task;     ///< Name; empty: the whole run.
  std::string trigger;  ///< Empty: the upstream's only one.
  slot_choice slot = slot_choice::nearest;
  std::uint32_t back = 0; ///< For `back`, from 1.
  need_window window = need_window::none;
  /// With a window of whole units how many, without one the number of slots up to the nearest;
  /// 0: not given (one unit, one slot).
  std::uint32_t last = 0;
  need_state state = need_state::success;
  missing_policy missing = missing_policy::wait;
  std::string as; ///< Name under `inputs`; empty: none.

  friend bool operator==(const outside_need&, const outside_need&) = default;
};

/// `depends_on_previous:`, on instances of the previous slot of the same trigger. They satisfy by
/// success or skipped; the first slot ever needs none. A slot that was left out (missed, paused,
/// skipped by the overlap policy) is no obstacle: else one pause would hold all later runs.
enum class previous_need : std::uint8_t {
  none,
  self,     ///< The same task.
  children, ///< The tasks that directly need it.
  tasks,    ///< Those named.
};

} // namespace pinion
