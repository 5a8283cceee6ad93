#include <algorithm>
#include <pinion/timing/schedule.hpp>

#include "timing/period_set.hpp"

namespace pinion {

namespace {

std::optional<instant> next_of(const cron_schedule& of, instant after) noexcept {
  return next_occurrence(of.expression.fields(), of.in, of.dst, after);
}

std::optional<instant> previous_of(const cron_schedule& of, instant before) noexcept {
  return previous_occurrence(of.expression.fields(), of.in, of.dst, before);
}

std::optional<instant> next_of(const period_schedule& of, instant after) noexcept {
  return next_occurrence(period_set{of}, of.in, of.dst, after);
}

std::optional<instant> previous_of(const period_schedule& of, instant before) noexcept {
  return previous_occurrence(period_set{of}, of.in, of.dst, before);
}

std::optional<instant> next_of(const date_schedule& of, instant after) noexcept {
  auto out = next_occurrence(date_set{of.times}, of.in, of.dst, after);
  const auto exact = std::upper_bound(of.instants.begin(), of.instants.end(), after);
  if (exact != of.instants.end() && (!out || *exact < *out))
    out = *exact;
  return out;
}

std::optional<instant> previous_of(const date_schedule& of, instant before) noexcept {
  auto out = previous_occurrence(date_set{of.times}, of.in, of.dst, before);
  const auto exact = std::lower_bound(of.instants.begin(), of.instants.end(), before);
  if (exact != of.instants.begin() && (!out || *(exact - 1) > *out))
    out = *(exact - 1);
  return out;
}

/// Distance of `at` from the last beat of `of` that is not after it.
duration since_beat(const every_schedule& of, instant at) noexcept {
  const auto rest = (at - of.anchor) % of.period;
  return rest < duration::zero() ? rest + of.period : rest;
}

std::optional<instant> next_of(const every_schedule& of, instant after) noexcept {
  const auto from = std::max(after, earliest_instant - duration{1});
  if (from >= end_of_time)
    return std::nullopt;
  const auto next = from - since_beat(of, from) + of.period;
  return next < end_of_time ? std::optional{next} : std::nullopt;
}

std::optional<instant> previous_of(const every_schedule& of, instant before) noexcept {
  if (before <= earliest_instant)
    return std::nullopt;
  const auto last = std::min(before, end_of_time) - duration{1};
  const auto previous = last - since_beat(of, last);
  return previous >= earliest_instant ? std::optional{previous} : std::nullopt;
}

data_interval units_before(instant slot, calendar_unit unit, unsigned count, zone in) noexcept {
  const auto end = begin_of(slot, unit, in);
  auto start = end;
  for (; count > 0; --count)
    start = begin_of(start - duration{1}, unit, in);
  return {start, end};
}

} // namespace

result<every_schedule> make_every(duration period, instant anchor) {
  if (period < every_range.least || period > every_range.most)
    return problem{errc::invalid, "a period of " + print_duration(period) + " is not in " +
                                      print_duration(every_range.least) + " to " +
                                      print_duration(every_range.most)};
  return every_schedule{period, anchor};
}

std::optional<instant> next_slot(const schedule& of, instant after) noexcept {
  return std::visit([after](const auto& s) { return next_of(s, after); }, of);
}

std::optional<instant> previous_slot(const schedule& of, instant before) noexcept {
  return std::visit([before](const auto& s) { return previous_of(s, before); }, of);
}

bool is_below_a_day(const schedule& of) noexcept {
  if (const auto* cron = std::get_if<cron_schedule>(&of))
    return cron->expression.is_below_a_day();
  if (const auto* every = std::get_if<every_schedule>(&of))
    return every->period < std::chrono::days{1};
  if (const auto* period = std::get_if<period_schedule>(&of))
    return period->unit < calendar_unit::day || period->at.size() > 1;
  return false;
}

bool is_below_an_hour(const schedule& of) noexcept {
  if (const auto* cron = std::get_if<cron_schedule>(&of))
    return cron->expression.is_below_an_hour();
  if (const auto* every = std::get_if<every_schedule>(&of))
    return every->period < std::chrono::hours{1};
  if (const auto* period = std::get_if<period_schedule>(&of))
    return period->unit == calendar_unit::minute ||
           (period->unit == calendar_unit::hour && period->at.size() > 1);
  return false;
}

bool is_polling(const schedule& of) noexcept {
  return std::holds_alternative<every_schedule>(of) || is_below_an_hour(of);
}

std::optional<zone> zone_of(const schedule& of) noexcept {
  return std::visit(
      [](const auto& s) -> std::optional<zone> {
        if constexpr (requires { s.in; })
          return s.in;
        else
          return std::nullopt;
      },
      of);
}

void set_dst(schedule& of, dst_policy dst) noexcept {
  std::visit(
      [dst](auto& s) {
        if constexpr (requires { s.dst; })
          s.dst = dst;
      },
      of);
}

dst_policy dst_of(const schedule& of) noexcept {
  return std::visit(
      [](const auto& s) {
        if constexpr (requires { s.dst; })
          return s.dst;
        else
          return dst_policy{};
      },
      of);
}

result<interval_rule> parse_interval_rule(std::string_view text) {
  struct row {
    std::string_view word;
    interval_kind kind;
  };
  static constexpr row rows[] = {
      {"previous", interval_kind::previous}, {"point", interval_kind::point},
      {"minute", interval_kind::minute},     {"hour", interval_kind::hour},
      {"day", interval_kind::day},           {"week", interval_kind::week},
      {"month", interval_kind::month},       {"year", interval_kind::year}};
  for (const auto& r : rows)
    if (text == r.word)
      return interval_rule{r.kind};
  const auto length = parse_duration(text, {.least = std::chrono::milliseconds{1}});
  if (!length)
    return problem{errc::invalid, "\"" + std::string{text.substr(0, 80)} + "\" is no data interval",
                   "write previous, point, minute, hour, day, week, month, year or a duration such "
                   "as 90m"};
  return interval_rule{interval_kind::fixed, length.value()};
}

data_interval interval_of(const schedule& of, instant slot, interval_rule rule, zone in) noexcept {
  if (rule.kind != interval_kind::previous)
    return interval_of(slot, rule, in);
  return {previous_slot(of, slot).value_or(slot), slot};
}

data_interval interval_of(instant slot, interval_rule rule, zone in) noexcept {
  switch (rule.kind) {
  case interval_kind::previous:
  case interval_kind::point:
    return {slot, slot};
  case interval_kind::hour:
    return units_before(slot, calendar_unit::hour, rule.units, in);
  case interval_kind::day:
    return units_before(slot, calendar_unit::day, rule.units, in);
  case interval_kind::week:
    return units_before(slot, calendar_unit::week, rule.units, in);
  case interval_kind::month:
    return units_before(slot, calendar_unit::month, rule.units, in);
  case interval_kind::minute:
    return units_before(slot, calendar_unit::minute, rule.units, in);
  case interval_kind::year:
    return units_before(slot, calendar_unit::year, rule.units, in);
  case interval_kind::fixed:
    return {slot - rule.length, slot};
  }
  return {slot, slot};
}

interval_rule default_interval(const schedule& of) noexcept {
  const auto* period = std::get_if<period_schedule>(&of);
  if (period == nullptr)
    return {};
  const auto rule = [period](interval_kind kind) {
    return interval_rule{.kind = kind, .units = period->step};
  };
  switch (period->unit) {
  case calendar_unit::minute:
    return rule(interval_kind::minute);
  case calendar_unit::hour:
    return rule(interval_kind::hour);
  case calendar_unit::week:
    return rule(interval_kind::week);
  case calendar_unit::month:
    return rule(interval_kind::month);
  case calendar_unit::year:
    return rule(interval_kind::year);
  default:
    return rule(interval_kind::day);
  }
}

} // namespace pinion
