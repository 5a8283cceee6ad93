#include <pinion/timing/slot_rule.hpp>

#include <chrono>

#include "timing/times.hpp"

using namespace pinion;
using namespace std::chrono_literals;

namespace {

slot_rule cron(const char* text, const char* where = "UTC") {
  return {cron_schedule{.expression = cron_expression::parse(text).value(), .in = in(where)}};
}

slot_rule period(period_text text, const char* where = "UTC") {
  return {parse_period(std::move(text), in(where)).value()};
}

std::shared_ptr<const calendar> days(calendar_text text) {
  return std::make_shared<const calendar>(calendar::parse(std::move(text)).value());
}

/// The next slots as `2026-11-20T02:00+01:00`, a `?` behind those that are dry.
std::vector<std::string> next(const slot_rule& of, const char* after, std::size_t count) {
  std::vector<std::string> out;
  for (auto t = next_slot(of, at(after)); t && out.size() < count; t = next_slot(of, t->at)) {
    const auto text = print_local(t->at, zone_of(of));
    out.push_back(text.substr(0, 16) + text.substr(19) + (t->dry ? "?" : ""));
  }
  return out;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("the ends of a window belong to it", "[slot_rule]") {
  auto uut = cron("0 2 * * *");
  uut.first = at("2026-11-21T02:00Z");
  uut.last = at("2026-11-23T02:00Z");
  CHECK(next(uut, "2026-11-01", 9) ==
        texts{"2026-11-21T02:00+00:00", "2026-11-22T02:00+00:00", "2026-11-23T02:00+00:00"});
  CHECK(is_slot(uut, at("2026-11-21T02:00Z")));
  CHECK_FALSE(is_slot(uut, at("2026-11-20T02:00Z")));
  CHECK_FALSE(is_slot(uut, at("2026-11-24T02:00Z")));
  CHECK(previous_slot(uut, at("2027-01-01")) == ruled_slot{at("2026-11-23T02:00Z")});
  CHECK_FALSE(previous_slot(uut, at("2026-11-21T02:00Z")));
}

TEST_CASE("slots between two times include the first of them", "[slot_rule]") {
  const auto uut = cron("0 * * * *");
  const auto from = at("2026-11-20T02:00Z");
  const auto got = slots_between(uut, from, from + 3h, 100);
  REQUIRE(got.size() == 3);
  CHECK(got.front().at == from);
  CHECK(got.back().at == from + 2h);
  CHECK(slots_between(uut, from, from + 3h, 2).size() == 2);
  CHECK(slots_between(uut, from, from, 100).empty());
}

TEST_CASE("a calendar skips slots or moves them at the same time of day", "[slot_rule]") {
  auto uut = cron("0 9 * * *", "Asia/Shanghai");
  uut.days = days({{"mon-fri"}, {"2026-10-01..2026-10-07"}, {"2026-10-10"}});
  CHECK(next(uut, "2026-09-30T02:00Z", 4) ==
        texts{"2026-10-08T09:00+08:00", "2026-10-09T09:00+08:00", "2026-10-10T09:00+08:00",
              "2026-10-12T09:00+08:00"});
  auto monthly = cron("0 9 1 * *", "Asia/Shanghai");
  monthly.days = uut.days;
  monthly.shift = calendar_shift::next;
  CHECK(next(monthly, "2026-09-30T02:00Z", 2) ==
        texts{"2026-10-08T09:00+08:00", "2026-11-02T09:00+08:00"});
  monthly.shift = calendar_shift::previous;
  CHECK(next(monthly, "2026-09-20T02:00Z", 2) ==
        texts{"2026-09-30T09:00+08:00", "2026-10-30T09:00+08:00"});
}

TEST_CASE("slots that fall together are one", "[slot_rule]") {
  auto uut = cron("0 9,17 * * *");
  uut.days = days({{"mon-fri"}, {}, {}});
  uut.shift = calendar_shift::next;
  CHECK(next(uut, "2026-11-20T09:00Z", 4) ==
        texts{"2026-11-20T17:00+00:00", "2026-11-23T09:00+00:00", "2026-11-23T17:00+00:00",
              "2026-11-24T09:00+00:00"});
}

TEST_CASE("a moved slot keeps to the clock of its new day", "[slot_rule]") {
  // 2026-03-29 is a Sunday: 02:00 becomes 03:00.
  auto uut = cron("30 2 * * sat", "Europe/Brussels");
  uut.days = days({{"sun"}, {}, {}});
  uut.shift = calendar_shift::next;
  CHECK(next(uut, "2026-03-26", 2) == texts{"2026-03-29T03:00+02:00", "2026-04-05T02:30+02:00"});
  auto& when = std::get<cron_schedule>(uut.when);
  when.dst.missing = missing_time::skip;
  CHECK(next(uut, "2026-03-26", 1) == texts{"2026-04-05T02:30+02:00"});
}

TEST_CASE("a slot belongs to the date for which it was written", "[slot_rule]") {
  // Apia had no 2011-12-30: its slot comes when the 31st begins, and the 31st has its own.
  auto uut = cron("0 2 * * *", "Pacific/Apia");
  CHECK(next(uut, "2011-12-29T13:00Z", 2) ==
        texts{"2011-12-31T00:00+14:00", "2011-12-31T02:00+14:00"});
  uut.days = days({{}, {"2011-12-31"}, {}});
  CHECK(next(uut, "2011-12-29T13:00Z", 2) ==
        texts{"2011-12-31T00:00+14:00", "2012-01-01T02:00+14:00"});
  uut.days = days({{}, {"2011-12-30"}, {}});
  CHECK(next(uut, "2011-12-29T13:00Z", 1) == texts{"2011-12-31T02:00+14:00"});
}

TEST_CASE("off days have dry slots at the same times", "[slot_rule]") {
  auto weekly = period({"week", {"02:00"}, {"sat"}, 1});
  weekly.off_days_dryrun = true;
  CHECK(next(weekly, "2026-11-19T12:00Z", 3) ==
        texts{"2026-11-20T02:00+00:00?", "2026-11-21T02:00+00:00", "2026-11-22T02:00+00:00?"});
  auto daily = cron("0 2,14 * * *");
  daily.off_days_dryrun = true;
  CHECK(next(daily, "2026-11-20T12:00Z", 2) ==
        texts{"2026-11-20T14:00+00:00", "2026-11-21T02:00+00:00"});
  daily.days = days({{"mon-fri"}, {}, {}});
  CHECK(next(daily, "2026-11-20T12:00Z", 3) ==
        texts{"2026-11-20T14:00+00:00", "2026-11-21T02:00+00:00?", "2026-11-21T14:00+00:00?"});
  CHECK(slot_at(daily, at("2026-11-21T02:00Z")) == ruled_slot{at("2026-11-21T02:00Z"), true});
  // Where the month's day is no workday, it is the day to which its slot moves that is not dry.
  auto monthly = period({"month", {"02:00"}, {"1"}, 1});
  monthly.off_days_dryrun = true;
  monthly.days = daily.days;
  monthly.shift = calendar_shift::next;
  CHECK(next(monthly, "2026-10-31T12:00Z", 3) ==
        texts{"2026-11-01T02:00+00:00?", "2026-11-02T02:00+00:00", "2026-11-03T02:00+00:00?"});
}

TEST_CASE("the data interval of a slot skips dry slots and looks past the window", "[slot_rule]") {
  auto weekly = period({"week", {"02:00"}, {"sat"}, 1});
  weekly.off_days_dryrun = true;
  weekly.first = at("2026-11-21");
  const auto covers = [&](const char* slot, interval_rule rule) {
    const auto d = interval_of(weekly, at(slot), rule, {});
    return print_utc(d.start).substr(0, 16) + " " + print_utc(d.end).substr(0, 16);
  };
  CHECK(covers("2026-11-21T02:00Z", {}) == "2026-11-14T02:00 2026-11-21T02:00");
  CHECK(covers("2026-11-23T02:00Z", {}) == "2026-11-21T02:00 2026-11-23T02:00");
  CHECK(covers("2026-11-21T02:00Z", default_interval(weekly)) ==
        "2026-11-09T00:00 2026-11-16T00:00");
}

TEST_CASE("a calendar without days gives no slots, and soon", "[slot_rule]") {
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& text :
       {calendar_text{{"none"}, {}, {}}, calendar_text{{"none"}, {}, {"2026-11-19"}},
        calendar_text{{}, {"1970-01-01..2999-12-31"}, {}}, calendar_text{{"mon"}, {}, {}}})
    for (const auto shift :
         {calendar_shift::skip, calendar_shift::next, calendar_shift::previous}) {
      auto uut = cron("* * * * * tue", "Europe/Brussels");
      uut.days = days(text);
      uut.shift = shift;
      const auto found = next_slot(uut, at("2026-11-20"));
      const bool moves = shift != calendar_shift::skip && text.weekdays == texts{"mon"};
      INFO(static_cast<int>(shift));
      CHECK(found.has_value() == moves);
      previous_slot(uut, at("2026-11-20"));
    }
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("a slot does not move for more than a year", "[slot_rule]") {
  auto uut = cron("0 0 * * *");
  uut.days = days({{"none"}, {}, {"2026-11-20"}});
  uut.shift = calendar_shift::next;
  CHECK(next_slot(uut, at("2020-01-01")) == ruled_slot{at("2026-11-20")});
  CHECK_FALSE(next_slot(uut, at("2026-11-20")));
  auto far = cron("0 0 0 1 1 * 2025");
  far.days = uut.days;
  far.shift = calendar_shift::next;
  CHECK_FALSE(next_slot(far, at("2024-01-01")));
}

TEST_CASE("years that pass leave a rule without slots", "[slot_rule]") {
  auto uut = cron("0 0 0 1 1 * 2026");
  CHECK(next_slot(uut, at("2025-06-01")));
  CHECK_FALSE(next_slot(uut, at("2026-06-01")));
  CHECK_FALSE(next_slot(uut, instant::max()));
  CHECK(previous_slot(uut, at("2100-01-01")));
  CHECK_FALSE(previous_slot(uut, instant::min()));
  CHECK_FALSE(is_slot(uut, instant::min()));
}

TEST_CASE("rules compare by what they mean", "[slot_rule]") {
  auto a = cron("0 2 * * *");
  auto b = cron("00 02 * * *");
  a.days = days({{"mon-fri"}, {}, {}});
  b.days = days({{"mon", "tue-fri"}, {}, {}});
  CHECK(a == b);
  b.days = days({{"mon"}, {}, {}});
  CHECK_FALSE(a == b);
  b.days = nullptr;
  CHECK_FALSE(a == b);
}

TEST_CASE("jitter is a pure function of key and slot", "[slot_rule]") {
  const auto slot = at("2026-11-20T02:00Z");
  // These values may never change: an engine that restarts must fire at the time it planned.
  CHECK(jitter_of(2min, "dw.orders/nightly", slot) == 35'316ms);
  CHECK(jitter_of(2min, "dw.orders/hourly", slot) == 3'030ms);
  CHECK(jitter_of(2min, "dw.orders/nightly", slot + 24h) == 64'615ms);
  CHECK(jitter_of(0s, "k", slot) == 0s);
  CHECK(jitter_of(-5s, "k", slot) == 0s);
  duration least = 1h, most = 0s, sum = 0s;
  for (int i = 0; i < 1000; ++i) {
    const auto got = jitter_of(1min, "dw.orders/nightly", slot + i * 1h);
    least = std::min(least, got);
    most = std::max(most, got);
    sum += got;
  }
  CHECK(least >= 0s);
  CHECK(least < 1s);
  CHECK(most <= 1min);
  CHECK(most > 59s);
  CHECK(sum / 1000 > 27s);
  CHECK(sum / 1000 < 33s);
}

TEST_CASE("a list of dates is read with and without offsets", "[slot_rule]") {
  const auto brussels = in("Europe/Brussels");
  const slot_rule uut{parse_dates({"2026-12-24T02:00", "2026-12-24T02:30:15", "2027-01-01",
                                   "2026-12-24T02:00Z", "2026-12-24T02:00"},
                                  brussels)
                          .value()};
  CHECK(next(uut, "2026-11-20", 9) == texts{"2026-12-24T02:00+01:00", "2026-12-24T02:30+01:00",
                                            "2026-12-24T03:00+01:00", "2027-01-01T00:00+01:00"});
  CHECK_FALSE(parse_dates({}, brussels));
  CHECK_FALSE(parse_dates({"tomorrow"}, brussels));
  const auto wrong = parse_dates({"2026-12-24 02:00"}, brussels);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == "time \"2026-12-24 02:00\": a T is missing behind the date");
  CHECK(parse_dates(texts(10'001, "2026-12-24"), brussels).error().code == errc::limit);
}
