#include <algorithm>
#include <map>
#include <pinion/timing/slot_rule.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;

namespace {

using std::chrono::days;
using std::chrono::minutes;

template <class T>
T any_of(std::vector<T> values) {
  return *rc::gen::elementOf(std::move(values));
}

zone any_zone() {
  return in(any_of<std::string>({"UTC", "Europe/Brussels", "America/New_York", "Africa/Cairo",
                                 "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo",
                                 "America/St_Johns", "Pacific/Apia"}));
}

dst_policy any_policy() {
  return {any_of<missing_time>({missing_time::shift, missing_time::skip}),
          any_of<repeated_time>({repeated_time::first, repeated_time::last, repeated_time::both})};
}

/// A day near a change of the zone's offset as often as not.
civil_day any_day(zone where) {
  const auto t = at("2009-01-01") + minutes{*rc::gen::inRange(0, 60 * 24 * 365 * 20)};
  const auto span = where.span_at(t);
  const bool far = *rc::gen::inRange(0, 2) == 0 || span.end == instant::max();
  return day_of(where.local(far ? t : span.end));
}

std::shared_ptr<const calendar> any_calendar(civil_day around) {
  const auto dates = [&] {
    std::vector<std::string> out;
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
      const auto first = around + days{*rc::gen::inRange(-12, 12)};
      out.push_back(print_day(first) + ".." + print_day(first + days{*rc::gen::inRange(0, 4)}));
    }
    return out;
  };
  const auto names = any_of<std::string>({"mon-fri", "wed", "sat-sun", "mon-sun", "none"});
  return std::make_shared<const calendar>(calendar::parse({{names}, dates(), dates()}).value());
}

/// A schedule of few civil times a day, so that a walk over its times stays short.
schedule any_schedule(zone where) {
  if (*rc::gen::inRange(0, 2) == 0) {
    const auto text = any_of<std::string>(
        {"30 2 * * *", "0 0 * * *", "30 1-3 * * *", "15,45 0,2,23 * * *", "0 */6 * * *",
         "0 2 * * sat", "30 2 1,15 * *", "0 1 L * *", "0 0 * * mon#1", "20 */2 * * fri-mon"});
    return cron_schedule{cron_expression::parse(text).value(), where, any_policy()};
  }
  const auto one = [&](std::string unit, std::vector<std::string> on) {
    const auto time = any_of<std::string>({"00:00", "02:30", "23:59"});
    return period_text{std::move(unit), {time, "01:15"}, std::move(on), *rc::gen::inRange(1, 4)};
  };
  const auto text = any_of<period_text>(
      {one("day", {}), one("week", {"sun", "wed"}), one("month", {"1", "last fri", "15w"}),
       one("month", {"last-2"}), one("year", {"03-28", "10 last sun", "nov 1"}),
       period_text{"hour", {":30"}, {}, 5}});
  auto made = parse_period(text, where, day_of(make_civil(2010, 1, 31))).value();
  made.dst = any_policy();
  return made;
}

/// The civil times of a schedule on one date, by asking for them one by one.
std::vector<civil_time> times_on(const schedule& of, civil_day day) {
  // In UTC, where all civil times exist once.
  auto plain = of;
  std::visit(
      [](auto& s) {
        if constexpr (requires { s.in; })
          s.in = zone{};
      },
      plain);
  std::vector<civil_time> out;
  const instant begin{day.time_since_epoch()};
  for (auto t = next_slot(plain, begin - duration{1}); t && *t < begin + days{1};
       t = next_slot(plain, *t))
    out.push_back(civil_time{t->time_since_epoch()});
  return out;
}

bool has_day(const slot_rule& rule, civil_day day) {
  return !rule.days || rule.days->contains(day);
}

/// The times of day of a schedule on days that are none of its own.
std::vector<duration> times_of_day(const schedule& of, civil_day day) {
  std::vector<duration> out;
  if (const auto* period = std::get_if<period_schedule>(&of);
      period != nullptr && period->unit >= calendar_unit::day) {
    out.assign(period->at.begin(), period->at.end());
    return out;
  }
  for (const auto t : times_on(of, day))
    out.push_back(t - day);
  return out;
}

/// The instants at which a civil time counts. The policy, in the words in which it is documented.
std::vector<instant> instants_at(civil_time at, zone where, dst_policy dst) {
  const auto shows = where.instants_of(at);
  switch (shows.kind) {
  case civil_kind::unique:
    return {shows.first};
  case civil_kind::skipped:
    return dst.missing == missing_time::shift ? std::vector{shows.first} : std::vector<instant>{};
  case civil_kind::repeated:
    break;
  }
  if (dst.repeated == repeated_time::both)
    return {shows.first, shows.second};
  return {dst.repeated == repeated_time::first ? shows.first : shows.second};
}

/// The date to which the rule puts the times of a date.
std::optional<civil_day> placed(const slot_rule& rule, civil_day day) {
  if (has_day(rule, day))
    return day;
  if (rule.shift == calendar_shift::skip)
    return std::nullopt;
  const auto step = days{rule.shift == calendar_shift::next ? 1 : -1};
  for (auto there = day; std::chrono::abs(there - day) <= longest_shift; there += step)
    if (rule.days->contains(there))
      return there;
  return std::nullopt;
}

/// All slots whose dates lie in [first, last], read naively; true: dry.
std::map<instant, bool> walked(const slot_rule& rule, civil_day first, civil_day last) {
  std::vector<civil_time> counted;
  // Times that are moved come from outside.
  for (auto day = first - days{380}; day <= last + days{380}; day += days{1})
    if (const auto there = placed(rule, day); there && *there >= first && *there <= last)
      for (const auto t : times_on(rule.when, day))
        counted.push_back(*there + (t - day));
  std::vector<civil_time> dry;
  const auto* period = std::get_if<period_schedule>(&rule.when);
  const bool by_period = period != nullptr && period->unit >= calendar_unit::day;
  if (rule.off_days_dryrun && (by_period || (rule.days && rule.shift == calendar_shift::skip)))
    for (auto day = first; day <= last; day += days{1}) {
      const bool on = std::any_of(counted.begin(), counted.end(),
                                  [day](civil_time t) { return day_of(t) == day; });
      if (!on)
        for (const auto time : times_of_day(rule.when, day))
          dry.push_back(day + time);
    }
  const auto where = zone_of(rule);
  const auto dst = dst_of(rule.when);
  std::map<instant, bool> out;
  for (const auto t : dry)
    for (const auto shown : instants_at(t, where, dst))
      out[shown] = true;
  for (const auto t : counted)
    for (const auto shown : instants_at(t, where, dst))
      out[shown] = false;
  return out;
}

void agrees_with_walk(const slot_rule& rule, civil_day middle) {
  const auto where = zone_of(rule);
  const auto walk = walked(rule, middle - days{12}, middle + days{12});
  const auto from = begin_of(middle - days{10}, where);
  const auto to = begin_of(middle + days{10}, where);
  std::vector<ruled_slot> expected;
  for (const auto& [slot, dry] : walk)
    if (slot >= std::max(from, rule.first.value_or(from)) && slot < to &&
        slot <= rule.last.value_or(to))
      expected.push_back({slot, dry});

  const auto forward = slots_between(rule, from, to, 10'000);
  RC_ASSERT(forward == expected);
  std::vector<ruled_slot> back;
  for (auto t = previous_slot(rule, to); t && t->at >= from; t = previous_slot(rule, t->at))
    back.insert(back.begin(), *t);
  RC_ASSERT(back == expected);
  for (const auto& slot : expected) {
    RC_ASSERT(slot_at(rule, slot.at) == slot);
    RC_ASSERT(!is_slot(rule, slot.at + duration{1}));
  }
  // Between the slots, in steps that no civil time has.
  for (auto t = from; t < to; t += minutes{437}) {
    const auto next = next_slot(rule, t);
    const auto found = std::find_if(expected.begin(), expected.end(),
                                    [t](const auto& slot) { return slot.at > t; });
    if (found != expected.end())
      RC_ASSERT(next == *found);
    else
      RC_ASSERT(!next || next->at >= to);
  }
}

} // namespace

TEST_CASE("the slots of a rule are those of a walk over its dates", "[slot_rule]") {
  CHECK(rc::check([] {
    const auto where = any_zone();
    const auto middle = any_day(where);
    slot_rule rule{any_schedule(where)};
    if (*rc::gen::inRange(0, 4) != 0)
      rule.days = any_calendar(middle);
    rule.shift = any_of<calendar_shift>(
        {calendar_shift::skip, calendar_shift::next, calendar_shift::previous});
    rule.off_days_dryrun = *rc::gen::inRange(0, 2) == 0;
    if (*rc::gen::inRange(0, 3) == 0)
      rule.first = begin_of(middle - days{5}, where) + minutes{*rc::gen::inRange(0, 1440)};
    if (*rc::gen::inRange(0, 3) == 0)
      rule.last = begin_of(middle + days{5}, where) + minutes{*rc::gen::inRange(0, 1440)};
    const auto* cron = std::get_if<cron_schedule>(&rule.when);
    RC_LOG() << (cron != nullptr ? cron->expression.text() : "period") << " in " << where.name()
             << " around " << print_day(middle) << " shift " << static_cast<int>(rule.shift)
             << (rule.off_days_dryrun ? " dry" : "") << (rule.days ? " calendar" : "");
    agrees_with_walk(rule, middle);
  }));
}

TEST_CASE("a fixed interval keeps to the days of its calendar", "[slot_rule]") {
  CHECK(rc::check([] {
    const auto where = any_zone();
    const auto middle = any_day(where);
    const every_schedule every{minutes{*rc::gen::inRange(20, 3000)}};
    slot_rule rule{every};
    rule.in = where;
    rule.days = any_calendar(middle);
    rule.shift = any_of<calendar_shift>({calendar_shift::skip, calendar_shift::next});
    rule.off_days_dryrun = *rc::gen::inRange(0, 2) == 0;
    const bool dry = rule.off_days_dryrun && rule.shift == calendar_shift::skip;
    const auto from = begin_of(middle - days{10}, where);
    const auto to = begin_of(middle + days{10}, where);
    std::vector<ruled_slot> expected;
    for (auto t = next_slot(schedule{every}, from - duration{1}); *t < to;
         t = next_slot(schedule{every}, *t)) {
      const bool on = rule.days->contains(day_of(*t, where));
      if (on || dry)
        expected.push_back({*t, !on});
    }
    RC_ASSERT(slots_between(rule, from, to, 10'000) == expected);
    std::vector<ruled_slot> back;
    for (auto t = previous_slot(rule, to); t && t->at >= from; t = previous_slot(rule, t->at))
      back.insert(back.begin(), *t);
    RC_ASSERT(back == expected);
  }));
}

TEST_CASE("a list of dates gives each of its times once", "[slot_rule]") {
  CHECK(rc::check([] {
    const auto where = any_zone();
    const auto middle = any_day(where);
    slot_rule rule;
    std::vector<std::string> texts;
    std::map<instant, bool> all;
    rule.days = any_calendar(middle);
    rule.shift = any_of<calendar_shift>({calendar_shift::skip, calendar_shift::next});
    const auto dst = any_policy();
    for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
      const civil_time t =
          middle + days{*rc::gen::inRange(-5, 5)} + minutes{*rc::gen::inRange(0, 240)};
      auto text = print_utc(instant{t.time_since_epoch()});
      const auto there = placed(rule, day_of(t));
      const bool exact = *rc::gen::inRange(0, 3) == 0;
      texts.push_back(exact ? text : text.substr(0, text.size() - 1));
      if (exact) {
        const instant at{t.time_since_epoch()};
        const auto shown = where.local(at);
        if (const auto target = placed(rule, day_of(shown)))
          all[*target == day_of(shown) ? at : resolve(*target + (shown - day_of(shown)), where)] =
              false;
      } else if (there) {
        for (const auto at : instants_at(*there + (t - day_of(t)), where, dst))
          all[at] = false;
      }
    }
    auto dates = parse_dates(texts, where).value();
    dates.dst = dst;
    rule.when = dates;
    std::vector<ruled_slot> expected;
    for (const auto& [at, dry] : all)
      expected.push_back({at, dry});
    RC_ASSERT(slots_between(rule, at("2000-01-01"), at("2050-01-01"), 100) == expected);
    std::vector<ruled_slot> back;
    for (auto t = previous_slot(rule, at("2050-01-01")); t; t = previous_slot(rule, t->at))
      back.insert(back.begin(), *t);
    RC_ASSERT(back == expected);
  }));
}
