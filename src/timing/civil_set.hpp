#pragma once

#include <optional>
#include <pinion/timing/cron_fields.hpp>
#include <pinion/timing/dst.hpp>
#include <pinion/timing/zone.hpp>
#include <vector>

namespace pinion {

/// A set of civil times: what a schedule means before a zone makes instants of it.
class civil_set {
public:
  civil_set() = default;
  civil_set(const civil_set&) = delete;
  civil_set& operator=(const civil_set&) = delete;

  /// The first member in [from, before).
  virtual std::optional<civil_time> next(civil_time from, civil_time before) const noexcept = 0;

  /// The last member in [from, before).
  virtual std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept = 0;

protected:
  ~civil_set() = default;
};

/// The times of a cron expression. Refers to the fields.
class cron_set final : public civil_set {
public:
  explicit cron_set(const cron_fields& fields) noexcept : fields_{fields} {}

  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept override {
    return fields_.next(from, before);
  }
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept override {
    return fields_.previous(from, before);
  }

private:
  const cron_fields& fields_;
};

/// Single times. Refers to the list, which is sorted.
class date_set final : public civil_set {
public:
  explicit date_set(const std::vector<civil_time>& times) noexcept : times_{times} {}

  std::optional<civil_time> next(civil_time from, civil_time before) const noexcept override;
  std::optional<civil_time> previous(civil_time from, civil_time before) const noexcept override;

private:
  const std::vector<civil_time>& times_;
};

/// The Gregorian calendar, weekdays included, repeats itself after 400 years.
inline constexpr std::chrono::days calendar_cycle{146'097};

/// The first instant in (after, until] at which the members of `times` occur in the zone under the
/// policy. Looks no further than `calendar_cycle` and `end_of_time`.
std::optional<instant> next_occurrence(const civil_set& times, zone in, dst_policy dst,
                                       instant after, instant until = end_of_time) noexcept;

/// The last instant in [since, before).
std::optional<instant> previous_occurrence(const civil_set& times, zone in, dst_policy dst,
                                           instant before,
                                           instant since = earliest_instant) noexcept;

} // namespace pinion
