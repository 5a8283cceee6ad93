#include <pinion/timing/clock.hpp>
#include <pinion/timing/schedule.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;
using namespace std::chrono_literals;

namespace {

schedule cron(const char* text, const char* where = "UTC") {
  return cron_schedule{.expression = cron_expression::parse(text).value(), .in = in(where)};
}

std::string print(data_interval d, zone where) {
  return print_local(d.start, where) + " " + print_local(d.end, where);
}

} // namespace

TEST_CASE("every: falls on its beat, whatever the clocks do", "[schedule]") {
  const schedule quarter = make_every(15min).value();
  CHECK(next_slot(quarter, at("2026-11-20T02:07Z")) == at("2026-11-20T02:15Z"));
  CHECK(next_slot(quarter, at("2026-11-20T02:15Z")) == at("2026-11-20T02:30Z"));
  CHECK(next_slot(quarter, at("2026-11-20T02:14:59.999999Z")) == at("2026-11-20T02:15Z"));
  CHECK(next_slot(quarter, at("1969-12-31T23:50Z")) == at("1970-01-01T00:00Z"));
  CHECK(previous_slot(quarter, at("2026-11-20T02:15Z")) == at("2026-11-20T02:00Z"));
  CHECK(previous_slot(quarter, at("2026-11-20T02:15:00.000001Z")) == at("2026-11-20T02:15Z"));
  const schedule anchored = make_every(7h, at("2026-11-20T02:30Z")).value();
  CHECK(next_slot(anchored, at("2026-11-20T02:30Z")) == at("2026-11-20T09:30Z"));
  CHECK(next_slot(anchored, at("2026-11-20T00:00Z")) == at("2026-11-20T02:30Z"));
  CHECK(previous_slot(anchored, at("2026-11-20T02:30Z")) == at("2026-11-19T19:30Z"));
}

TEST_CASE("every: has its limits", "[schedule]") {
  CHECK_FALSE(make_every(0s));
  CHECK_FALSE(make_every(-5s));
  CHECK_FALSE(make_every(999ms));
  CHECK(make_every(1s));
  CHECK_FALSE(make_every(24h * 40'000));
  const schedule uut = make_every(24h).value();
  CHECK_FALSE(next_slot(uut, at("9999-12-31")));
  CHECK_FALSE(next_slot(uut, instant::max()));
  CHECK(next_slot(uut, instant::min()) == at("0000-01-01"));
  CHECK_FALSE(previous_slot(uut, at("0000-01-01")));
  CHECK(previous_slot(uut, instant::max()) == at("9999-12-31"));
}

TEST_CASE("next and previous of a period are neighbours", "[schedule]") {
  CHECK(rc::check([] {
    const auto period = std::chrono::seconds{*rc::gen::inRange(1, 1'000'000)};
    const auto anchor = from_us(*rc::gen::inRange<std::int64_t>(0, 2'000'000'000'000'000));
    const auto t = from_us(*rc::gen::inRange<std::int64_t>(0, 2'000'000'000'000'000));
    const schedule uut = make_every(period, anchor).value();
    const auto next = next_slot(uut, t).value();
    RC_ASSERT(next > t);
    RC_ASSERT(next - t <= period);
    RC_ASSERT(((next - anchor) % period).count() == 0);
    RC_ASSERT(previous_slot(uut, next).value() == next - period);
    RC_ASSERT(previous_slot(uut, next).value() <= t);
  }));
}

TEST_CASE("a cron schedule takes its default policy from its expression", "[schedule]") {
  const auto daily = cron("30 2 * * *", "Europe/Brussels");
  CHECK(next_slot(daily, at("2026-03-28T12:00Z")) == at("2026-03-29T01:00Z"));
  CHECK(next_slot(daily, at("2026-10-25T00:30Z")) == at("2026-10-26T01:30Z"));
  const auto often = cron("*/30 * * * *", "Europe/Brussels");
  CHECK(next_slot(often, at("2026-10-25T00:30Z")) == at("2026-10-25T01:00Z"));
  CHECK(previous_slot(often, at("2026-10-25T01:00Z")) == at("2026-10-25T00:30Z"));
}

TEST_CASE("schedules that poll are told apart", "[schedule]") {
  CHECK(is_polling(make_every(24h).value()));
  CHECK(is_polling(cron("*/5 * * * *")));
  CHECK_FALSE(is_polling(cron("5 * * * *")));
  CHECK(is_below_a_day(cron("5 * * * *")));
  CHECK_FALSE(is_below_a_day(cron("5 2 * * *")));
  CHECK(is_below_a_day(make_every(23h).value()));
  CHECK_FALSE(is_below_a_day(make_every(24h).value()));
  CHECK(is_below_an_hour(make_every(59min).value()));
  CHECK_FALSE(is_below_an_hour(make_every(60min).value()));
}

TEST_CASE("a data interval is read from its word", "[schedule]") {
  CHECK(parse_interval_rule("previous").value() == interval_rule{interval_kind::previous});
  CHECK(parse_interval_rule("day").value() == interval_rule{interval_kind::day});
  CHECK(parse_interval_rule("minute").value() == interval_rule{interval_kind::minute});
  CHECK(parse_interval_rule("year").value() == interval_rule{interval_kind::year});
  CHECK(parse_interval_rule("90m").value() == interval_rule{interval_kind::fixed, 90min});
  for (const auto* text : {"", "days", "0s", "-1h", "5"}) {
    INFO(text);
    CHECK_FALSE(parse_interval_rule(text));
  }
}

TEST_CASE("a slot covers what its rule says", "[schedule]") {
  const auto shanghai = in("Asia/Shanghai");
  const auto weekday = cron("0 2 * * 1-5", "Asia/Shanghai");
  const auto monday = at("2026-11-23T02:00", shanghai);
  const auto covers = [&](interval_rule rule) {
    return print(interval_of(weekday, monday, rule, shanghai), shanghai);
  };
  CHECK(covers({interval_kind::previous}) == "2026-11-20T02:00:00+08:00 2026-11-23T02:00:00+08:00");
  CHECK(covers({interval_kind::point}) == "2026-11-23T02:00:00+08:00 2026-11-23T02:00:00+08:00");
  CHECK(covers({interval_kind::hour}) == "2026-11-23T01:00:00+08:00 2026-11-23T02:00:00+08:00");
  CHECK(covers({interval_kind::day}) == "2026-11-22T00:00:00+08:00 2026-11-23T00:00:00+08:00");
  CHECK(covers({interval_kind::week}) == "2026-11-16T00:00:00+08:00 2026-11-23T00:00:00+08:00");
  CHECK(covers({interval_kind::month}) == "2026-10-01T00:00:00+08:00 2026-11-01T00:00:00+08:00");
  CHECK(covers({interval_kind::fixed, 90min}) ==
        "2026-11-23T00:30:00+08:00 2026-11-23T02:00:00+08:00");
  CHECK(covers({interval_kind::minute}) == "2026-11-23T01:59:00+08:00 2026-11-23T02:00:00+08:00");
  CHECK(covers({interval_kind::year}) == "2025-01-01T00:00:00+08:00 2026-01-01T00:00:00+08:00");
  CHECK(covers({.kind = interval_kind::month, .units = 3}) ==
        "2026-08-01T00:00:00+08:00 2026-11-01T00:00:00+08:00");
  const auto manual = interval_of(monday, {interval_kind::previous}, shanghai);
  CHECK(manual == data_interval{monday, monday});
}

TEST_CASE("calendar units have the length that the clocks gave them", "[schedule]") {
  const auto brussels = in("Europe/Brussels");
  const auto length = [&](std::string_view slot, interval_kind kind) {
    const auto d = interval_of(at(slot, brussels), {kind}, brussels);
    return d.end - d.start;
  };
  CHECK(length("2026-03-30T02:00", interval_kind::day) == 23h);
  CHECK(length("2026-10-26T02:00", interval_kind::day) == 25h);
  CHECK(length("2026-03-29T03:00", interval_kind::hour) == 1h);
  CHECK(length("2026-10-25T02:00+01:00", interval_kind::hour) == 1h);
  CHECK(length("2026-03-01T00:00", interval_kind::month) == 28 * 24h);
  const auto lord_howe = in("Australia/Lord_Howe");
  const auto d = interval_of(at("2026-10-04T03:00", lord_howe), {interval_kind::hour}, lord_howe);
  CHECK(print(d, lord_howe) == "2026-10-04T02:30:00+11:00 2026-10-04T03:00:00+11:00");
}

TEST_CASE("the hours before hourly slots follow one another without gap or overlap", "[schedule]") {
  for (const auto* name : {"Europe/Brussels", "America/New_York", "Australia/Lord_Howe",
                           "Asia/Kathmandu", "Pacific/Apia"}) {
    const auto where = in(name);
    for (const auto* start : {"2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24",
                              "2026-10-31", "2011-12-29"}) {
      auto end = begin_of(at(start), calendar_unit::hour, where);
      for (int i = 0; i < 60; ++i) {
        const auto slot = begin_of(end + 61min, calendar_unit::hour, where);
        auto covered = interval_of(slot, {interval_kind::hour}, where);
        INFO(name << " " << print_local(slot, where));
        CHECK(covered.end == slot);
        CHECK(covered.start >= end);
        CHECK(covered.end - covered.start <= 1h);
        CHECK(interval_of(covered.end - duration{1}, {interval_kind::hour}, where).end ==
              covered.start);
        end = slot;
      }
    }
  }
}

TEST_CASE("a manual clock stands still until it is moved", "[clock]") {
  manual_clock uut{at("2026-11-20")};
  CHECK(uut.wall_now() == at("2026-11-20"));
  uut.advance(5s);
  CHECK(uut.wall_now() == at("2026-11-20T00:00:05Z"));
  CHECK(uut.steady_now() == steady_instant{5s});
  uut.step_wall_to(at("2026-11-19"));
  CHECK(uut.wall_now() == at("2026-11-19"));
  CHECK(uut.steady_now() == steady_instant{5s});
}
