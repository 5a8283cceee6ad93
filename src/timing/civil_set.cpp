#include "timing/civil_set.hpp"

#include <algorithm>

namespace pinion {

namespace {

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
bool occurs_for_gap(const civil_set& times, const offset_span& span, dst_policy dst) noexcept {
  return dst.missing == missing_time::shift && span.before < span.offset &&
         times.next(civil_at(span.begin, span.before), civil_at(span.begin, span.offset));
}

} // namespace

std::optional<civil_time> date_set::next(civil_time from, civil_time before) const noexcept {
  const auto found = std::lower_bound(times_.begin(), times_.end(), from);
  return found != times_.end() && *found < before ? std::optional{*found} : std::nullopt;
}

std::optional<civil_time> date_set::previous(civil_time from, civil_time before) const noexcept {
  const auto found = std::lower_bound(times_.begin(), times_.end(), before);
  return found != times_.begin() && *(found - 1) >= from ? std::optional{*(found - 1)}
                                                         : std::nullopt;
}

std::optional<instant> next_occurrence(const civil_set& times, zone in, dst_policy dst,
                                       instant after, instant until) noexcept {
  if (after >= end_of_time || until <= after)
    return std::nullopt;
  const auto from = std::max(after, earliest_instant - duration{1});
  const auto limit =
      std::min({end_of_time, from + calendar_cycle, std::min(until, end_of_time) + duration{1}});
  instant at = from + duration{1};
  while (at < limit) {
    const auto span = in.span_at(at);
    if (at == span.begin && occurs_for_gap(times, span, dst))
      return at;
    const auto part = counted(span, dst.repeated);
    const auto begin = std::max(part.begin, at);
    const auto end = std::min(part.end, limit);
    if (begin < end)
      if (const auto found = times.next(civil_at(begin, span.offset), civil_at(end, span.offset)))
        return instant{found->time_since_epoch() - span.offset};
    at = span.end;
  }
  return std::nullopt;
}

std::optional<instant> previous_occurrence(const civil_set& times, zone in, dst_policy dst,
                                           instant before, instant since) noexcept {
  if (before <= earliest_instant || since >= before)
    return std::nullopt;
  const auto from = std::min(before, end_of_time);
  const auto limit = std::max({earliest_instant, from - calendar_cycle, since});
  // What lies in [limit, until) is still to be searched.
  auto until = from;
  while (until > limit) {
    const auto span = in.span_at(until - duration{1});
    const auto part = counted(span, dst.repeated);
    const auto begin = std::max(part.begin, limit);
    const auto end = std::min(part.end, until);
    if (begin < end)
      if (const auto found =
              times.previous(civil_at(begin, span.offset), civil_at(end, span.offset)))
        return instant{found->time_since_epoch() - span.offset};
    if (span.begin >= limit && occurs_for_gap(times, span, dst))
      return span.begin;
    until = span.begin;
  }
  return std::nullopt;
}

} // namespace pinion
