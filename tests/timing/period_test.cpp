#include <pinion/timing/period.hpp>
#include <pinion/timing/schedule.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;
using namespace std::chrono_literals;

namespace {

struct row {
  period_text period;
  const char* after;
  /// The next times, strictly after it, UTC.
  std::vector<const char*> times;
};

// 2026-11-20 is a Friday.
const std::vector<row> table{
    // minute
    {{"minute", {}, {}, 1}, "2026-11-20T02:00Z", {"2026-11-20T02:01Z", "2026-11-20T02:02Z"}},
    {{"minute", {":30"}, {}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-20T02:00:30Z", "2026-11-20T02:01:30Z"}},
    {{"minute", {":45", ":15"}, {}, 1},
     "2026-11-20T02:00:15Z",
     {"2026-11-20T02:00:45Z", "2026-11-20T02:01:15Z"}},
    {{"minute", {}, {}, 5}, "2026-11-20T23:57Z", {"2026-11-21T00:00Z", "2026-11-21T00:05Z"}},
    // The last stretch of the hour is shorter.
    {{"minute", {}, {}, 25},
     "2026-11-20T02:00Z",
     {"2026-11-20T02:25Z", "2026-11-20T02:50Z", "2026-11-20T03:00Z"}},
    // hour
    {{"hour", {}, {}, 1}, "2026-11-20T02:00Z", {"2026-11-20T03:00Z"}},
    {{"hour", {":05", ":35:10"}, {}, 1},
     "2026-11-20T02:05Z",
     {"2026-11-20T02:35:10Z", "2026-11-20T03:05Z"}},
    {{"hour", {":05"}, {}, 9},
     "2026-11-20T02:00Z",
     {"2026-11-20T09:05Z", "2026-11-20T18:05Z", "2026-11-21T00:05Z"}},
    // day
    {{"day", {}, {}, 1}, "2026-11-20T02:00Z", {"2026-11-21T00:00Z"}},
    {{"day", {"02:00"}, {}, 1}, "2026-11-20T02:00Z", {"2026-11-21T02:00Z"}},
    {{"day", {"14:00:30", "2:00"}, {}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-20T14:00:30Z", "2026-11-21T02:00Z"}},
    // 2026-11-20 is day 20,777 after 1970-01-01, and 20,778 a multiple of 3.
    {{"day", {"02:00"}, {}, 3},
     "2026-11-20T02:00Z",
     {"2026-11-21T02:00Z", "2026-11-24T02:00Z", "2026-11-27T02:00Z"}},
    // week
    {{"week", {"02:00"}, {"mon"}, 1}, "2026-11-20T02:00Z", {"2026-11-23T02:00Z"}},
    {{"week", {"02:00"}, {"Friday", "sat"}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-21T02:00Z", "2026-11-27T02:00Z"}},
    {{"week", {}, {"sat-mon"}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-21T00:00Z", "2026-11-22T00:00Z", "2026-11-23T00:00Z", "2026-11-28T00:00Z"}},
    // The Monday of the anchor, 1969-12-29, lies 2968 weeks before 2026-11-16.
    {{"week", {}, {"mon"}, 2}, "2026-11-16T00:00Z", {"2026-11-30T00:00Z", "2026-12-14T00:00Z"}},
    {{"week", {}, {"sun"}, 2}, "2026-11-16T00:00Z", {"2026-11-22T00:00Z", "2026-12-06T00:00Z"}},
    // month
    {{"month", {}, {"1", "15"}, 1},
     "2026-11-20T02:00Z",
     {"2026-12-01T00:00Z", "2026-12-15T00:00Z", "2027-01-01T00:00Z"}},
    {{"month", {"06:00"}, {"last"}, 1},
     "2027-01-31T06:00Z",
     {"2027-02-28T06:00Z", "2027-03-31T06:00Z"}},
    {{"month", {}, {"last-2"}, 1}, "2026-11-20T02:00Z", {"2026-11-28T00:00Z", "2026-12-29T00:00Z"}},
    {{"month", {}, {"31"}, 1}, "2027-01-31T02:00Z", {"2027-03-31T00:00Z", "2027-05-31T00:00Z"}},
    {{"month", {}, {"28-31"}, 1}, "2027-02-01T00:00Z", {"2027-02-28T00:00Z", "2027-03-28T00:00Z"}},
    // 2026-11-15 is a Sunday, 2026-10-31 a Saturday.
    {{"month", {}, {"15w"}, 1}, "2026-11-01T00:00Z", {"2026-11-16T00:00Z", "2026-12-15T00:00Z"}},
    {{"month", {}, {"lastw"}, 1}, "2026-10-20T00:00Z", {"2026-10-30T00:00Z", "2026-11-30T00:00Z"}},
    {{"month", {}, {"2nd fri"}, 1}, "2026-11-20T02:00Z", {"2026-12-11T00:00Z"}},
    {{"month", {}, {"First Monday"}, 1}, "2026-11-20T02:00Z", {"2026-12-07T00:00Z"}},
    {{"month", {}, {"last fri"}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-27T00:00Z", "2026-12-25T00:00Z"}},
    {{"month", {}, {"5th sun"}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-29T00:00Z", "2027-01-31T00:00Z"}},
    {{"month", {}, {"1", "last fri"}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-27T00:00Z", "2026-12-01T00:00Z", "2026-12-25T00:00Z"}},
    {{"month", {}, {"1"}, 3}, "2026-11-20T02:00Z", {"2027-01-01T00:00Z", "2027-04-01T00:00Z"}},
    // year
    {{"year", {"02:00"}, {"12-24"}, 1},
     "2026-11-20T02:00Z",
     {"2026-12-24T02:00Z", "2027-12-24T02:00Z"}},
    {{"year", {}, {"02-29"}, 1}, "2026-11-20T02:00Z", {"2028-02-29T00:00Z", "2032-02-29T00:00Z"}},
    {{"year", {}, {"2-last"}, 1}, "2026-11-20T02:00Z", {"2027-02-28T00:00Z", "2028-02-29T00:00Z"}},
    {{"year", {}, {"11 4th thu"}, 1},
     "2026-11-20T02:00Z",
     {"2026-11-26T00:00Z", "2027-11-25T00:00Z"}},
    {{"year", {}, {"dec 24", "Jan 1"}, 1},
     "2026-11-20T02:00Z",
     {"2026-12-24T00:00Z", "2027-01-01T00:00Z", "2027-12-24T00:00Z"}},
    {{"year", {}, {"march last friday"}, 1}, "2026-11-20T02:00Z", {"2027-03-26T00:00Z"}},
    {{"year", {}, {"06-last-1"}, 1}, "2026-11-20T02:00Z", {"2027-06-29T00:00Z"}},
    {{"year", {}, {"01-01"}, 4}, "2026-11-20T02:00Z", {"2030-01-01T00:00Z", "2034-01-01T00:00Z"}},
};

struct bad_row {
  period_text period;
  const char* message;
  const char* suggestion;
};

const std::vector<bad_row> bad{
    {{"days", {}, {}, 1}, "period: \"days\" is no period", "did you mean day?"},
    {{"fortnight", {}, {}, 1},
     "period: \"fortnight\" is no period",
     "write minute, hour, day, week, month or year"},
    {{"hour", {"05"}, {}, 1},
     "at: \"05\" is no time within the period",
     "write the minute of the hour, such as \":05\""},
    {{"hour", {"02:05"}, {}, 1},
     "at: \"02:05\" is no time within the period",
     "write the minute of the hour, such as \":05\""},
    {{"minute", {":05:30"}, {}, 1},
     "at: \":05:30\" is no time within the period",
     "write the second of the minute, such as \":30\""},
    {{"day", {":05"}, {}, 1},
     "at: \":05\" is no time within the period",
     "write the time of day, such as \"02:00\" or \"02:00:30\""},
    {{"day", {"24:00"}, {}, 1},
     "at: \"24:00\" is 00:00 of the next day",
     "write the time of day, such as \"02:00\" or \"02:00:30\""},
    {{"day", {"02:60"}, {}, 1},
     "at: \"02:60\" is out of range: hours count 0-23, the others 0-59",
     "write the time of day, such as \"02:00\" or \"02:00:30\""},
    {{"day", {"02:5"}, {}, 1},
     "at: \"02:5\" is no time within the period",
     "write the time of day, such as \"02:00\" or \"02:00:30\""},
    {{"day", {}, {"mon"}, 1},
     "days: a period of day has no days",
     "write `period: week` with `days:`, or give the trigger a calendar"},
    {{"week", {}, {}, 1}, "a period of week needs `days`", "write `days: [mon]`"},
    {{"month", {}, {}, 1}, "a period of month needs `days`", "write `days: [1]`"},
    {{"year", {}, {}, 1}, "a period of year needs `days`", "write `days: [\"01-01\"]`"},
    {{"week", {}, {"wensday"}, 1},
     "days: \"wensday\" is no weekday and no range of them",
     "did you mean wed?"},
    {{"month", {}, {"32"}, 1},
     "days: \"32\" is no day of a month",
     "write a day such as 1, 5-10, last, last-2, 15w, lastw, 2nd fri, last fri"},
    {{"month", {}, {"6th fri"}, 1}, "days: \"6th fri\" is no day of a month", nullptr},
    {{"month", {}, {"10-5"}, 1}, "days: \"10-5\" is no day of a month", nullptr},
    {{"month", {}, {""}, 1}, "days: \"\" is no day of a month", nullptr},
    {{"year", {}, {"13-01"}, 1},
     "days: \"13-01\" does not begin with a month",
     "write a month and a day, such as 12-24, 2-last, 11 4th thu, nov last fri"},
    {{"year", {}, {"12"}, 1}, "days: \"12\" is no day of a year", nullptr},
    {{"year", {}, {"02-30"}, 1}, "it never comes: no month that counts has such a day", nullptr},
    {{"month", {}, {"30"}, 12}, nullptr, nullptr},
    {{"minute", {}, {}, 60}, "step: 60 is not in 1-59 for a period of minute", nullptr},
    {{"hour", {}, {}, 0}, "step: 0 is not in 1-23 for a period of hour", nullptr},
    {{"day", {}, {}, -1}, "step: -1 is not in 1-3660 for a period of day", nullptr},
};

} // namespace

TEST_CASE("a period comes when it says", "[period]") {
  for (const auto& r : table) {
    std::string said = r.period.period + " /" + std::to_string(r.period.step);
    for (const auto& day : r.period.days)
      said += " " + day;
    INFO(said);
    const auto made = parse_period(r.period, {});
    REQUIRE(made);
    const schedule uut = made.value();
    auto after = at(r.after);
    for (const auto* time : r.times) {
      const auto next = next_slot(uut, after);
      REQUIRE(next);
      CHECK(print_utc(*next) == print_utc(at(time)));
      CHECK(previous_slot(uut, *next).value() <= after);
      CHECK(previous_slot(uut, *next + duration{1}) == next);
      after = *next;
    }
  }
}

TEST_CASE("what is wrong with a period is said with its piece and its mend", "[period]") {
  for (const auto& r : bad) {
    INFO(r.period.period << " " << r.period.step);
    // From February on, a step of 12 months never meets another month.
    const auto made = parse_period(r.period, {}, day_of(make_civil(2026, 2, 1)));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == errc::invalid);
    if (r.message != nullptr)
      CHECK(made.error().message == r.message);
    if (r.suggestion != nullptr)
      CHECK(made.error().suggestion == r.suggestion);
  }
}

TEST_CASE("steps of days and longer count from the anchor", "[period]") {
  const auto next = [](const char* unit, std::vector<std::string> days, int step,
                       const char* anchor) {
    const auto made =
        parse_period({unit, {}, std::move(days), step}, {}, parse_day(anchor).value());
    return print_utc(next_slot(schedule{made.value()}, at("2026-11-20")).value()).substr(0, 10);
  };
  CHECK(next("day", {}, 10, "2026-11-15") == "2026-11-25");
  CHECK(next("day", {}, 10, "2026-12-05") == "2026-11-25");
  CHECK(next("week", {"tue"}, 2, "2026-11-19") == "2026-12-01");
  CHECK(next("week", {"tue"}, 2, "2026-11-23") == "2026-11-24");
  CHECK(next("month", {"1"}, 2, "2026-11-20") == "2027-01-01");
  CHECK(next("month", {"1"}, 2, "2026-12-20") == "2026-12-01");
  CHECK(next("year", {"12-24"}, 2, "2026-11-20") == "2026-12-24");
  CHECK(next("year", {"12-24"}, 2, "2027-11-20") == "2027-12-24");
}

TEST_CASE("a period below a day takes both passes of a repeated hour, a daily one the first",
          "[period]") {
  const auto brussels = in("Europe/Brussels");
  const auto of = [&](period_text text) { return schedule{parse_period(text, brussels).value()}; };
  const auto hourly = of({"hour", {":30"}, {}, 1});
  CHECK(next_slot(hourly, at("2026-10-25T00:30Z")) == at("2026-10-25T01:30Z"));
  CHECK(dst_of(hourly).repeated == repeated_time::both);
  const auto daily = of({"day", {"02:30"}, {}, 1});
  CHECK(next_slot(daily, at("2026-10-25T00:30Z")) == at("2026-10-26T01:30Z"));
  CHECK(next_slot(daily, at("2026-03-29T00:00Z")) == at("2026-03-29T01:00Z"));
  CHECK(dst_of(of({"day", {"02:30", "14:30"}, {}, 1})).repeated == repeated_time::both);
  auto skipping = daily;
  set_dst(skipping, {missing_time::skip, repeated_time::last});
  CHECK(next_slot(skipping, at("2026-03-29T00:00Z")) == at("2026-03-30T00:30Z"));
  CHECK(next_slot(skipping, at("2026-10-25T00:00Z")) == at("2026-10-25T01:30Z"));
}

TEST_CASE("periods poll and lie below a day as crons do", "[period]") {
  const auto of = [](const char* unit, std::vector<std::string> times) {
    return schedule{parse_period({unit, std::move(times), {}, 1}, {}).value()};
  };
  CHECK(is_polling(of("minute", {})));
  CHECK_FALSE(is_polling(of("hour", {":05"})));
  CHECK(is_polling(of("hour", {":05", ":35"})));
  CHECK(is_below_a_day(of("hour", {":05"})));
  CHECK(is_below_a_day(of("day", {"02:00", "14:00"})));
  CHECK_FALSE(is_below_a_day(of("day", {"02:00"})));
}

TEST_CASE("the default data interval of a period is its whole units before the slot", "[period]") {
  const auto covers = [](period_text text, const char* slot) {
    const schedule of = parse_period(std::move(text), {}).value();
    const auto d = interval_of(of, at(slot), default_interval(of), {});
    return print_utc(d.start).substr(0, 16) + " " + print_utc(d.end).substr(0, 16);
  };
  CHECK(covers({"minute", {}, {}, 1}, "2026-11-20T02:05Z") == "2026-11-20T02:04 2026-11-20T02:05");
  CHECK(covers({"minute", {}, {}, 5}, "2026-11-20T02:05Z") == "2026-11-20T02:00 2026-11-20T02:05");
  CHECK(covers({"hour", {":05"}, {}, 1}, "2026-11-20T02:05Z") ==
        "2026-11-20T01:00 2026-11-20T02:00");
  CHECK(covers({"day", {"02:00"}, {}, 1}, "2026-11-20T02:00Z") ==
        "2026-11-19T00:00 2026-11-20T00:00");
  CHECK(covers({"week", {}, {"wed"}, 1}, "2026-11-18T00:00Z") ==
        "2026-11-09T00:00 2026-11-16T00:00");
  CHECK(covers({"month", {}, {"5"}, 3}, "2027-01-05T00:00Z") ==
        "2026-10-01T00:00 2027-01-01T00:00");
  CHECK(covers({"year", {}, {"01-02"}, 1}, "2027-01-02T00:00Z") ==
        "2026-01-01T00:00 2027-01-01T00:00");
  CHECK(default_interval(schedule{make_every(1h).value()}) == interval_rule{});
}

TEST_CASE("a period keeps what was written and compares by what it means", "[period]") {
  const auto a = parse_period({"week", {"02:00"}, {"mon-tue"}, 1}, {}).value();
  const auto b = parse_period({"week", {"2:00"}, {"tue", "mon"}, 1}, {}).value();
  CHECK(a == b);
  CHECK(a.text.days == std::vector<std::string>{"mon-tue"});
  CHECK_FALSE(a == parse_period({"week", {"02:00"}, {"mon"}, 1}, {}).value());
  CHECK_FALSE(a == parse_period({"week", {"02:00"}, {"mon-tue"}, 1}, in("Asia/Kolkata")).value());
}

TEST_CASE("any text is either a period or a problem", "[period]") {
  CHECK(rc::check([] {
    const auto piece = [] {
      const auto letters = rc::gen::elementOf(std::string{"0123456789-: wlastfrimon2nd"});
      return *rc::gen::container<std::string>(letters);
    };
    const period_text text{*rc::gen::elementOf(std::vector<std::string>{"minute", "hour", "day",
                                                                        "week", "month", "year"}),
                           {piece()},
                           {piece()},
                           *rc::gen::inRange(-1, 12)};
    const auto got = parse_period(text, {});
    if (!got)
      RC_ASSERT(!got.error().message.empty());
    else
      RC_ASSERT(next_slot(schedule{got.value()}, instant{}).has_value());
  }));
}
