#include <algorithm>
#include <bit>
#include <pinion/timing/cron.hpp>

namespace pinion {

namespace {

/// The Gregorian calendar, weekdays included, repeats itself after 400 years.
constexpr std::chrono::days calendar_cycle{146'097};

/// The part of a span of constant offset in which civil times count. What is repeated lies at the
/// end of the one span and again at the beginning of the next, so a policy that wants one of the
/// two cuts off the other; civil times then rise with the instants.
struct counted_part {
  instant begin;
  instant end;
};

counted_part counted(const offset_span& span, repeated_time repeated) noexcept {
  counted_part part{span.begin, span.end};
  if (repeated == repeated_time::first && span.before > span.offset)
    part.begin += span.before - span.offset;
  if (repeated == repeated_time::last && span.offset > span.after)
    part.end -= span.offset - span.after;
  return part;
}

civil_time civil_at(instant at, std::chrono::seconds offset) noexcept {
  return civil_time{at.time_since_epoch() + offset};
}

/// Did the clocks, when the span began, jump over a civil time that counts there?
bool fires_for_gap(const cron_fields& fields, const offset_span& span, dst_policy dst) noexcept {
  return dst.missing == missing_time::shift && span.before < span.offset &&
         fields.next(civil_at(span.begin, span.before), civil_at(span.begin, span.offset));
}

} // namespace

std::optional<instant> next_occurrence(const cron_fields& fields, zone in, dst_policy dst,
                                       instant after) noexcept {
  if (after >= end_of_time)
    return std::nullopt;
  const auto from = std::max(after, earliest_instant - duration{1});
  const auto limit = std::min(end_of_time, from + calendar_cycle);
  instant at = std::chrono::floor<std::chrono::seconds>(from) + std::chrono::seconds{1};
  while (at < limit) {
    const auto span = in.span_at(at);
    if (at == span.begin && fires_for_gap(fields, span, dst))
      return at;
    const auto part = counted(span, dst.repeated);
    const auto begin = std::max(part.begin, at);
    const auto end = std::min(part.end, limit);
    if (begin < end)
      if (const auto found = fields.next(civil_at(begin, span.offset), civil_at(end, span.offset)))
        return instant{found->time_since_epoch() - span.offset};
    at = span.end;
  }
  return std::nullopt;
}

std::optional<instant> previous_occurrence(const cron_fields& fields, zone in, dst_policy dst,
                                           instant before) noexcept {
  if (before <= earliest_instant)
    return std::nullopt;
  const auto from = std::min(before, end_of_time);
  const auto limit = std::max(earliest_instant, from - calendar_cycle);
  // What lies in [limit, until) is still to be searched.
  auto until = from;
  while (until > limit) {
    const auto span = in.span_at(until - duration{1});
    const auto part = counted(span, dst.repeated);
    const auto begin = std::max(part.begin, limit);
    const auto end = std::min(part.end, until);
    if (begin < end)
      if (const auto found =
              fields.previous(civil_at(begin, span.offset), civil_at(end, span.offset)))
        return instant{found->time_since_epoch() - span.offset};
    if (span.begin >= limit && fires_for_gap(fields, span, dst))
      return span.begin;
    until = span.begin;
  }
  return std::nullopt;
}

dst_policy cron_expression::default_dst() const noexcept {
  return {missing_time::shift, is_below_a_day() ? repeated_time::both : repeated_time::first};
}

bool cron_expression::is_below_an_hour() const noexcept {
  return std::popcount(fields_.seconds) * std::popcount(fields_.minutes) > 1;
}

bool cron_expression::is_below_a_day() const noexcept {
  return is_below_an_hour() || std::popcount(fields_.hours) > 1;
}

} // namespace pinion
