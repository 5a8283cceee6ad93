#include <pinion/timing/slot_rule.hpp>

#include "timing/times.hpp"

using namespace pinion;
using namespace std::chrono_literals;

namespace {

constexpr const char* zone_names[] = {
    "Europe/Brussels", "America/New_York",    "Africa/Cairo",      "Asia/Kolkata",
    "Asia/Kathmandu",  "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"};

slot_rule cron(std::string_view text, zone where) {
  return {cron_schedule{.expression = cron_expression::parse(text).value(), .in = where}};
}

std::vector<std::string> between(const slot_rule& of, std::string_view from, std::string_view to) {
  std::vector<std::string> out;
  const auto where = zone_of(of);
  for (const auto& slot : slots_between(of, at(from), at(to), 1000)) {
    const auto text = print_local(slot.at, where);
    out.push_back(text.substr(0, 16) + text.substr(19));
  }
  return out;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a daily schedule has one slot for each date, in all zones and years", "[dst]") {
  for (const auto* name : zone_names)
    for (const auto* years :
         {"2010 2013", "2017 2020", "2026 2027", "2037 2039", "2050 2051", "2099 2101"})
      for (const auto* time : {"0 0", "30 0", "0 2", "15 2", "30 23"}) {
        const auto where = in(name);
        const std::string from = std::string{years}.substr(0, 4) + "-01-01";
        const std::string to = std::string{years}.substr(5) + "-01-01";
        const auto slots = slots_between(cron(time + std::string{" * * *"}, where), at(from, where),
                                         at(to, where), 10'000);
        INFO(name << " " << years << " " << time);
        const auto dates = parse_day(to).value() - parse_day(from).value();
        // Apia had no 2011-12-30; the end of that gap is the midnight of the next day, and one
        // slot.
        const bool one_fewer = name == std::string_view{"Pacific/Apia"} && from == "2010-01-01" &&
                               time == std::string_view{"0 0"};
        CHECK(static_cast<long>(slots.size()) == dates.count() - (one_fewer ? 1 : 0));
      }
}

TEST_CASE("an hourly schedule misses no hour and doubles none", "[dst]") {
  for (const auto* name :
       {"Europe/Brussels", "America/New_York", "Africa/Cairo", "Asia/Kolkata", "America/Sao_Paulo"})
    for (const auto* year : {"2018", "2026", "2050", "2100"}) {
      const auto where = in(name);
      const auto from = at(std::string{year} + "-01-01", where);
      const auto to = at(std::to_string(std::stoi(year) + 1) + "-01-01", where);
      const auto slots = slots_between(cron("0 * * * *", where), from, to, 10'000);
      INFO(name << " " << year);
      CHECK(static_cast<long>(slots.size()) == (to - from) / 1h);
      for (std::size_t i = 1; i < slots.size(); ++i)
        if (slots[i].at - slots[i - 1].at != 1h)
          FAIL(print_local(slots[i].at, where));
    }
}

TEST_CASE("below a day, too, what is missing comes when the gap ends, once", "[dst]") {
  const auto brussels = in("Europe/Brussels");
  CHECK(between(cron("5 * * * *", brussels), "2026-03-29T00:00Z", "2026-03-29T02:00Z") ==
        texts{"2026-03-29T01:05+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:05+02:00"});
  CHECK(between(cron("*/20 * * * *", brussels), "2026-03-29T00:40Z", "2026-03-29T01:30Z") ==
        texts{"2026-03-29T01:40+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:20+02:00"});
  slot_rule hourly{parse_period({"hour", {":05", ":35"}, {}, 1}, brussels).value()};
  CHECK(between(hourly, "2026-03-29T00:30Z", "2026-03-29T01:30Z") ==
        texts{"2026-03-29T01:35+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:05+02:00"});
  set_dst(hourly.when, {missing_time::skip, repeated_time::both});
  CHECK(between(hourly, "2026-03-29T00:30Z", "2026-03-29T01:30Z") ==
        texts{"2026-03-29T01:35+01:00", "2026-03-29T03:05+02:00"});
}

TEST_CASE("zones with their own kind of change keep to the rules", "[dst]") {
  // Lord Howe: half an hour, 2026-10-04 02:00 becomes 02:30, 2026-04-05 02:00 becomes 01:30.
  const auto lord_howe = in("Australia/Lord_Howe");
  CHECK(between(cron("15 2 * * *", lord_howe), "2026-10-03T00:00Z", "2026-10-05T00:00Z") ==
        texts{"2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"});
  CHECK(between(cron("45 * * * *", lord_howe), "2026-04-04T14:00Z", "2026-04-04T16:00Z") ==
        texts{"2026-04-05T01:45+11:00", "2026-04-05T01:45+10:30"});
  // Sao Paulo, 2018-11-04: midnight becomes 01:00; 2018-02-18: midnight becomes 23:00.
  const auto sao_paulo = in("America/Sao_Paulo");
  CHECK(between(cron("0 0 * * *", sao_paulo), "2018-11-03T12:00Z", "2018-11-05T12:00Z") ==
        texts{"2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"});
  CHECK(between(cron("30 23 * * *", sao_paulo), "2018-02-17T12:00Z", "2018-02-19T12:00Z") ==
        texts{"2018-02-17T23:30-02:00", "2018-02-18T23:30-03:00"});
  // Kathmandu and Kolkata lie between the hours of UTC.
  CHECK(between(cron("0 * * * *", in("Asia/Kathmandu")), "2026-11-20T00:00Z",
                "2026-11-20T02:00Z") == texts{"2026-11-20T06:00+05:45", "2026-11-20T07:00+05:45"});
  CHECK(between(cron("0 * * * *", in("Asia/Kolkata")), "2026-11-20T00:00Z", "2026-11-20T01:00Z") ==
        texts{"2026-11-20T06:00+05:30"});
  // The rules go on beyond the years that the zone files list.
  CHECK(between(cron("30 2 * * *", in("Europe/Brussels")), "2050-03-26T12:00Z",
                "2050-03-28T12:00Z") == texts{"2050-03-27T03:00+02:00", "2050-03-28T02:30+02:00"});
  CHECK(between(cron("30 1 * * *", in("America/New_York")), "2100-11-06T12:00Z",
                "2100-11-08T12:00Z") == texts{"2100-11-07T01:30-04:00", "2100-11-08T01:30-05:00"});
}

TEST_CASE("2100 has no leap day", "[dst]") {
  CHECK(between(cron("0 0 29 2 *", {}), "2095-01-01", "2105-01-01") ==
        texts{"2096-02-29T00:00+00:00", "2104-02-29T00:00+00:00"});
  const slot_rule last{parse_period({"year", {}, {"2-last"}, 1}, {}).value()};
  CHECK(between(last, "2099-01-01", "2102-01-01") ==
        texts{"2099-02-28T00:00+00:00", "2100-02-28T00:00+00:00", "2101-02-28T00:00+00:00"});
}
