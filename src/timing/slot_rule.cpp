#include <algorithm>
#include <pinion/timing/slot_rule.hpp>

#include "timing/calendar_set.hpp"
#include "timing/period_set.hpp"
#include "timing/physical_slots.hpp"

namespace pinion {

namespace {

/// A search for the nearest slot: forward in (from, bound], backward in [bound, from).
struct search {
  instant from;
  instant bound;
  bool forward;

  /// Does `a` come before `b` on the way?
  bool nearer(instant a, instant b) const noexcept { return forward ? a < b : a > b; }
};

/// The nearer of two; of two at once the one that is not dry.
std::optional<ruled_slot> nearer_of(const search& s, std::optional<ruled_slot> a,
                                    std::optional<ruled_slot> b) noexcept {
  if (!a || (b && (s.nearer(b->at, a->at) || (b->at == a->at && a->dry))))
    return b;
  return a;
}

/// How a schedule of civil times is read.
struct civil_source {
  const civil_set& times;
  /// The times of the dry slots too.
  const civil_set& all;
  zone in;
  dst_policy dst;
};

std::optional<instant> nearest(const search& s, const civil_set& times,
                               const civil_source& of) noexcept {
  return s.forward ? next_occurrence(times, of.in, of.dst, s.from, s.bound)
                   : previous_occurrence(times, of.in, of.dst, s.from, s.bound);
}

/// The nearest slot of the counted times, or of the off days if `with_dry`.
std::optional<ruled_slot> nearest(const search& s, const civil_set& counted, const civil_source& of,
                                  bool with_dry) noexcept {
  std::optional<ruled_slot> out;
  if (const auto at = nearest(s, counted, of))
    out = ruled_slot{*at, false};
  if (!with_dry)
    return out;
  // A dry slot at the same instant, which a gap of the zone can bring about, gives way.
  auto rest = s;
  if (out)
    rest.bound = out->at + (s.forward ? -duration{1} : duration{1});
  if (const auto at = nearest(rest, off_day_set{of.all, counted}, of))
    out = ruled_slot{*at, true};
  return out;
}

std::optional<ruled_slot> nearest_civil(const search& s, const slot_rule& rule,
                                        const civil_source& of, bool with_dry) noexcept {
  if (!rule.days)
    return nearest(s, of.times, of, with_dry);
  if (rule.shift == calendar_shift::skip)
    return nearest(s, workday_set{of.times, *rule.days}, of, with_dry);
  return nearest(s, moved_set{of.times, *rule.days, rule.shift}, of, with_dry);
}

/// Do the days that the calendar leaves out have dry slots?
bool dry_by_calendar(const slot_rule& rule) noexcept {
  return rule.off_days_dryrun && rule.days && rule.shift == calendar_shift::skip;
}

std::optional<ruled_slot> find(const search& s, const slot_rule& rule, bool with_dry) noexcept {
  with_dry = with_dry && rule.off_days_dryrun;
  if (const auto* cron = std::get_if<cron_schedule>(&rule.when)) {
    const cron_set times{cron->expression.fields()};
    return nearest_civil(s, rule, {times, times, cron->in, cron->dst},
                         with_dry && dry_by_calendar(rule));
  }
  if (const auto* period = std::get_if<period_schedule>(&rule.when)) {
    const period_set times{*period};
    const period_set all{*period, true};
    return nearest_civil(s, rule, {times, all, period->in, period->dst},
                         with_dry && (period->unit >= calendar_unit::day || dry_by_calendar(rule)));
  }
  with_dry = with_dry && dry_by_calendar(rule);
  const physical_search physical{s.from, s.bound, s.forward, with_dry};
  if (const auto* every = std::get_if<every_schedule>(&rule.when))
    return nearest_beat(physical, rule, *every);
  const auto& dates = std::get<date_schedule>(rule.when);
  const date_set times{dates.times};
  return nearer_of(s, nearest_civil(s, rule, {times, times, dates.in, dates.dst}, with_dry),
                   nearest_listed(physical, rule, dates));
}

instant instant_of(civil_day day) noexcept { return instant{day.time_since_epoch()}; }

/// How far a search goes.
search limited(const slot_rule& rule, instant from, bool forward) noexcept {
  from = std::clamp(from, earliest_instant - duration{1}, end_of_time);
  // A list of dates ends by itself.
  if (!rule.days || std::holds_alternative<date_schedule>(rule.when))
    return {from, forward ? end_of_time - duration{1} : earliest_instant, forward};
  if (forward) {
    const auto named = rule.days->last_explicit_day();
    const auto base = named ? std::max(from, instant_of(*named)) : from;
    return {from, std::min(base + calendar_horizon, end_of_time - duration{1}), true};
  }
  const auto named = rule.days->first_explicit_day();
  const auto base = named ? std::min(from, instant_of(*named)) : from;
  return {from, std::max(base - calendar_horizon, earliest_instant), false};
}

bool same(const std::shared_ptr<const calendar>& a,
          const std::shared_ptr<const calendar>& b) noexcept {
  return a == b || (a && b && *a == *b);
}

} // namespace

bool operator==(const slot_rule& a, const slot_rule& b) noexcept {
  return a.when == b.when && a.first == b.first && a.last == b.last && same(a.days, b.days) &&
         a.shift == b.shift && a.off_days_dryrun == b.off_days_dryrun && a.in == b.in;
}

std::optional<ruled_slot> next_slot(const slot_rule& of, instant after) noexcept {
  if (of.first)
    after = std::max(after, *of.first - duration{1});
  auto s = limited(of, after, true);
  if (of.last)
    s.bound = std::min(s.bound, *of.last);
  return find(s, of, true);
}

std::optional<ruled_slot> previous_slot(const slot_rule& of, instant before) noexcept {
  if (of.last)
    before = std::min(before, *of.last + duration{1});
  auto s = limited(of, before, false);
  if (of.first)
    s.bound = std::max(s.bound, *of.first);
  return find(s, of, true);
}

std::optional<ruled_slot> slot_at(const slot_rule& of, instant at) noexcept {
  if (at <= instant::min())
    return std::nullopt;
  const auto found = next_slot(of, at - duration{1});
  return found && found->at == at ? found : std::nullopt;
}

bool is_slot(const slot_rule& of, instant at) noexcept { return slot_at(of, at).has_value(); }

std::vector<ruled_slot> slots_between(const slot_rule& of, instant from, instant to,
                                      std::size_t limit) {
  std::vector<ruled_slot> out;
  auto after = std::max(from, earliest_instant) - duration{1};
  while (out.size() < limit) {
    const auto found = next_slot(of, after);
    if (!found || found->at >= to)
      break;
    out.push_back(*found);
    after = found->at;
  }
  return out;
}

zone zone_of(const slot_rule& of) noexcept { return zone_of(of.when).value_or(of.in); }

bool is_below_a_day(const slot_rule& of) noexcept { return is_below_a_day(of.when); }
bool is_below_an_hour(const slot_rule& of) noexcept { return is_below_an_hour(of.when); }
bool is_polling(const slot_rule& of) noexcept { return is_polling(of.when); }

data_interval interval_of(const slot_rule& of, instant slot, interval_rule rule, zone in) noexcept {
  if (rule.kind != interval_kind::previous)
    return interval_of(slot, rule, in);
  const auto before = find(limited(of, slot, false), of, false);
  return {before ? before->at : slot, slot};
}

interval_rule default_interval(const slot_rule& of) noexcept { return default_interval(of.when); }

duration jitter_of(duration most, std::string_view key, instant slot) noexcept {
  const auto steps = std::chrono::floor<std::chrono::milliseconds>(most).count();
  if (steps <= 0)
    return duration::zero();
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash += static_cast<std::uint64_t>(to_us(slot)) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  hash ^= hash >> 31;
  return std::chrono::milliseconds{hash % (static_cast<std::uint64_t>(steps) + 1)};
}

} // namespace pinion
