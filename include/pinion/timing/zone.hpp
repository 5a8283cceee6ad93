#pragma once

#include <chrono>
#include <pinion/timing/civil.hpp>
#include <pinion/timing/instant.hpp>
#include <pinion/timing/problem.hpp>
#include <string>
#include <string_view>

namespace pinion {

/// How many instants show a civil time in a zone: one; none (the clocks jumped over it); two (they
/// were set back over it).
enum class civil_kind : std::uint8_t { unique, skipped, repeated };

/// The instants that show a civil time.
struct civil_instants {
  civil_kind kind = civil_kind::unique;
  /// unique: the instant. repeated: the first of the two. skipped: the first instant after the gap.
  instant first;
  /// repeated: the second of the two. Otherwise equal to `first`.
  instant second;
};

/// A stretch of time in which a zone keeps one offset from UTC.
struct offset_span {
  /// First instant, inclusive; `instant::min()` when there is no earlier change.
  instant begin;
  /// First instant after it; `instant::max()` when there is no later change.
  instant end;
  std::chrono::seconds offset; ///< Civil time minus UTC.
  std::chrono::seconds before; ///< The offset before `begin`; `offset` if there is none.
  std::chrono::seconds after;  ///< The offset from `end` on; `offset` if there is none.
};

/// An IANA time zone: a cheap value, equal to those loaded under the same name. The rules are
/// those of the system's tzdata and hold beyond 2037. Loaded zones stay in memory for
/// the life of the process. Safe for use from any thread.
class zone {
public:
  /// UTC.
  zone() noexcept;

  /// The zone of that name, as `Europe/Brussels`. Fails with `errc::invalid`; the suggestion is the
  /// nearest name, if there is one. Reads a file the first time that a name is asked for.
  static result<zone> load(std::string_view name);

  const std::string& name() const noexcept;

  /// Civil time minus UTC at that instant.
  std::chrono::seconds offset_at(instant at) const noexcept;

  /// What the clocks of the zone show at that instant.
  civil_time local(instant at) const noexcept;

  /// The instants at which they show `at`.
  civil_instants instants_of(civil_time at) const noexcept;

  /// The stretch of constant offset around `at`.
  offset_span span_at(instant at) const noexcept;

  friend bool operator==(zone, zone) = default;

private:
  struct rules;
  explicit zone(const rules* known) noexcept : rules_{known} {}
  offset_span find_span(instant at) const noexcept;

  const rules* rules_;
};

/// The release of the time zone data in use, as "2026a"; "unknown" where the system does not say.
std::string tzdata_version();

/// The one instant for a civil time, where a schedule or a calendar must go on whatever the clocks
/// did: the first of two, and the end of the gap for none.
instant resolve(civil_time at, zone in) noexcept;

/// The first instant of a date. The date itself may be skipped altogether: then the first instant
/// after the gap.
instant begin_of(civil_day day, zone in) noexcept;

/// The beginning of the calendar unit in which `at` lies. Units below a day follow the clock: a
/// unit that a change of offset cuts in two begins anew at the change, so that the units are a
/// partition of time.
instant begin_of(instant at, calendar_unit unit, zone in) noexcept;

/// The date that the zone's calendars show at an instant.
civil_day day_of(instant at, zone in) noexcept;

/// The business date of a slot: its local date minus one day.
civil_day biz_date(instant slot, zone in) noexcept;

/// `at` moved by units of a zone's calendar. Days and longer keep the time of day that the clock
/// shows, where it exists (else as `resolve`); hours and shorter are physical time.
instant add(instant at, calendar_unit unit, std::int64_t count, zone in) noexcept;

} // namespace pinion
