#include <algorithm>
#include <pinion/timing/cron.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;

namespace {

constexpr const char* zone_names[] = {"UTC",
                                      "Europe/Brussels",
                                      "America/New_York",
                                      "Australia/Lord_Howe",
                                      "Africa/Cairo",
                                      "Asia/Kolkata",
                                      "Asia/Kathmandu",
                                      "America/Sao_Paulo",
                                      "America/St_Johns",
                                      "Pacific/Apia",
                                      "Africa/Casablanca",
                                      "Antarctica/Troll"};

/// The members that a field is written with; an empty set stands for `*`.
using values = std::vector<unsigned>;

/// An expression of lists, and what it means read naively.
struct naive_cron {
  values seconds, minutes, hours, days, months, weekdays;

  static bool has(const values& set, unsigned value) {
    return set.empty() || std::find(set.begin(), set.end(), value) != set.end();
  }

  bool matches(civil_time at) const {
    const auto p = parts_of(at);
    const bool either = !days.empty() && !weekdays.empty();
    const bool day = either ? has(days, p.day) || has(weekdays, p.weekday)
                            : has(days, p.day) && has(weekdays, p.weekday);
    return day && p.microsecond == 0 && has(seconds, p.second) && has(minutes, p.minute) &&
           has(hours, p.hour) && has(months, p.month);
  }

  std::string text() const {
    std::string out;
    for (const auto* set : {&seconds, &minutes, &hours, &days, &months, &weekdays}) {
      std::string field;
      for (const auto value : *set)
        field += (field.empty() ? "" : ",") + std::to_string(value);
      out += (out.empty() ? "" : " ") + (field.empty() ? "*" : field);
    }
    return out;
  }
};

values any_values(unsigned least, unsigned most, std::size_t up_to) {
  const auto count = *rc::gen::inRange<std::size_t>(0, up_to + 1);
  return *rc::gen::container<values>(count, rc::gen::inRange(least, most + 1));
}

dst_policy any_policy() {
  return {*rc::gen::element(missing_time::shift, missing_time::skip),
          *rc::gen::element(repeated_time::first, repeated_time::last, repeated_time::both)};
}

/// Does the schedule fire at `t`? The policy, in the words in which it is documented.
bool fires_at(const naive_cron& cron, zone where, dst_policy dst, instant t, duration grain) {
  const auto shown = where.local(t);
  if (cron.matches(shown)) {
    const auto shows = where.instants_of(shown);
    if (shows.kind != civil_kind::repeated || dst.repeated == repeated_time::both ||
        t == (dst.repeated == repeated_time::first ? shows.first : shows.second))
      return true;
  }
  if (dst.missing == missing_time::skip)
    return false;
  // A gap that ends here?
  for (auto c = where.local(t - grain) + grain; c < shown; c += grain)
    if (cron.matches(c))
      return true;
  return false;
}

/// An instant near a change of the zone's offset as often as not.
instant any_instant(zone where) {
  const auto t = at("2000-01-01") + std::chrono::minutes{*rc::gen::inRange(0, 60 * 24 * 365 * 50)};
  const auto span = where.span_at(t);
  if (*rc::gen::inRange(0, 2) == 0 || span.end == instant::max())
    return t;
  return span.end - std::chrono::minutes{*rc::gen::inRange(0, 600)};
}

/// next and previous against a walk over `steps` times `grain`.
void agrees_with_walk(const naive_cron& cron, duration grain, int steps) {
  const auto where = in(
      *rc::gen::elementOf(std::vector<std::string>{std::begin(zone_names), std::end(zone_names)}));
  const auto dst = any_policy();
  const auto fields = cron_expression::parse(cron.text()).value().fields();
  const auto start = std::chrono::floor<std::chrono::minutes>(any_instant(where));
  RC_LOG() << cron.text() << " in " << where.name() << " after " << print_utc(start);
  std::vector<instant> walked;
  for (int i = 1; i <= steps; ++i)
    if (fires_at(cron, where, dst, start + i * grain, grain))
      walked.push_back(start + i * grain);

  const auto end = start + steps * grain;
  std::vector<instant> jumped;
  for (auto t = next_occurrence(fields, where, dst, start); t && *t <= end;
       t = next_occurrence(fields, where, dst, *t))
    jumped.push_back(*t);
  RC_ASSERT(jumped == walked);

  std::vector<instant> back;
  for (auto t = previous_occurrence(fields, where, dst, end + duration{1}); t && *t > start;
       t = previous_occurrence(fields, where, dst, *t))
    back.insert(back.begin(), *t);
  RC_ASSERT(back == walked);
}

} // namespace

TEST_CASE("next and previous agree with a walk over all minutes", "[cron]") {
  CHECK(rc::check([] {
    naive_cron cron;
    cron.seconds = {0};
    cron.minutes = any_values(0, 59, 3);
    cron.hours = any_values(0, 23, 4);
    cron.days = any_values(1, 28, 2);
    cron.months = any_values(1, 12, 6);
    cron.weekdays = any_values(0, 6, 2);
    agrees_with_walk(cron, std::chrono::minutes{1}, 2000);
  }));
}

TEST_CASE("next and previous agree with a walk over all seconds", "[cron]") {
  CHECK(rc::check([] {
    naive_cron cron;
    cron.seconds = any_values(0, 59, 3);
    cron.minutes = any_values(0, 59, 3);
    cron.hours = any_values(0, 23, 5);
    agrees_with_walk(cron, std::chrono::seconds{1}, 3000);
  }));
}

TEST_CASE("the day rules agree with a walk over all days", "[cron]") {
  CHECK(rc::check([] {
    cron_fields fields;
    fields.minutes = fields.hours = 1;
    fields.months = 0x1ffe;
    fields.days = *rc::gen::inRange<std::uint32_t>(0, 1u << 31) << 1 & 0x11111110;
    fields.days_from_end = *rc::gen::inRange<std::uint32_t>(0, 1u << 31) & 0x2211;
    fields.weekdays = static_cast<std::uint8_t>(*rc::gen::inRange(0, 128) & 0x25);
    fields.nth_weekdays[*rc::gen::inRange<std::size_t>(0, 5)] =
        static_cast<std::uint8_t>(*rc::gen::inRange(0, 128));
    fields.join = *rc::gen::element(day_join::both, day_join::either);
    const auto year = *rc::gen::inRange(1900, 2500);
    for (unsigned month = 1; month <= 12; ++month) {
      const auto last = days_in_month(year, month);
      std::uint32_t expected = 0;
      for (unsigned day = 1; day <= last; ++day) {
        const auto weekday = parts_of(make_civil(year, month, day)).weekday;
        const bool of_month =
            (fields.days >> day & 1) != 0 || (fields.days_from_end >> (last - day) & 1) != 0;
        const bool of_week = (fields.weekdays >> weekday & 1) != 0 ||
                             (fields.nth_weekdays[(day - 1) / 7] >> weekday & 1) != 0;
        if (fields.join == day_join::both ? of_month && of_week : of_month || of_week)
          expected |= 1u << day;
      }
      RC_ASSERT(fields.days_of(year, month) == expected);
    }
  }));
}

TEST_CASE("any text is either an expression or a problem", "[cron]") {
  CHECK(rc::check([] {
    const auto letters = rc::gen::elementOf(std::string{"0123456789*/-,#?LW @monjanfri"});
    const auto text = *rc::gen::container<std::string>(letters);
    const auto got = cron_expression::parse(text + " * * * *");
    if (!got)
      RC_ASSERT(!got.error().message.empty());
    else
      RC_ASSERT(next_occurrence(got.value().fields(), {}, {}, instant{}).has_value());
  }));
}
