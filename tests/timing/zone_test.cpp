#include "timing/times.hpp"

using namespace pinion;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("a zone is a value that is the same wherever it is loaded", "[zone]") {
  CHECK(in("Europe/Brussels") == in("Europe/Brussels"));
  CHECK_FALSE(in("Europe/Brussels") == in("Europe/Paris"));
  CHECK(in("Europe/Brussels").name() == "Europe/Brussels");
  CHECK(zone{}.name() == "UTC");
  CHECK(in("UTC") == zone{});
}

TEST_CASE("an unknown zone is refused with the nearest name", "[zone]") {
  const auto suggestion = [](std::string_view name) {
    const auto got = zone::load(name);
    INFO(name);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
    return got.error().suggestion;
  };
  CHECK(suggestion("Europe/Brusels") == "did you mean Europe/Brussels?");
  CHECK(suggestion("europe/brussels") == "did you mean Europe/Brussels?");
  CHECK(suggestion("Shanghai") == "did you mean Asia/Shanghai?");
  CHECK(suggestion("new_york") == "did you mean America/New_York?");
  CHECK(suggestion("Nowhere/At_All_Whatever") ==
        "write the name of an IANA time zone, such as Europe/Brussels or UTC");
}

TEST_CASE("a zone's name is no path and no private name of the library", "[zone]") {
  for (const auto* name :
       {"", "/etc/localtime", "../zoneinfo/UTC", "file:/etc/localtime", "localtime", "posixrules",
        "right/UTC", "Fixed/UTC+01:00:00", "Europe", "zone.tab", "UTC\n", "Europe/Brussels "}) {
    INFO(name);
    CHECK_FALSE(zone::load(name));
  }
  CHECK_FALSE(zone::load(std::string(100'000, 'a')));
}

TEST_CASE("a zone shows civil times", "[zone]") {
  const auto brussels = in("Europe/Brussels");
  CHECK(brussels.local(at("2026-11-20T02:00:00.25Z")) ==
        make_civil(2026, 11, 20, 3) + std::chrono::milliseconds{250});
  CHECK(brussels.offset_at(at("2026-07-01")) == hours{2});
  CHECK(in("Asia/Kathmandu").offset_at(at("2026-07-01")) == hours{5} + minutes{45});
  // Beyond 2037 the rules still hold.
  CHECK(brussels.offset_at(at("2090-07-01")) == hours{2});
  CHECK(brussels.offset_at(at("2090-12-01")) == hours{1});
}

TEST_CASE("civil times are unique, skipped or repeated", "[zone]") {
  const auto brussels = in("Europe/Brussels");
  const auto unique = brussels.instants_of(make_civil(2026, 11, 20, 3));
  CHECK(unique.kind == civil_kind::unique);
  CHECK(unique.first == at("2026-11-20T02:00Z"));
  CHECK(unique.second == unique.first);
  const auto skipped = brussels.instants_of(make_civil(2026, 3, 29, 2, 30));
  CHECK(skipped.kind == civil_kind::skipped);
  CHECK(skipped.first == at("2026-03-29T01:00Z"));
  const auto repeated =
      brussels.instants_of(make_civil(2026, 10, 25, 2, 30) + std::chrono::milliseconds{1});
  CHECK(repeated.kind == civil_kind::repeated);
  CHECK(repeated.first == at("2026-10-25T00:30:00.001Z"));
  CHECK(repeated.second == at("2026-10-25T01:30:00.001Z"));
}

TEST_CASE("a span reaches from one change of offset to the next", "[zone]") {
  const auto summer = in("Europe/Brussels").span_at(at("2026-07-01"));
  CHECK(summer.begin == at("2026-03-29T01:00Z"));
  CHECK(summer.end == at("2026-10-25T01:00Z"));
  CHECK(summer.offset == hours{2});
  CHECK(summer.before == hours{1});
  CHECK(summer.after == hours{1});
  CHECK(in("Europe/Brussels").span_at(summer.begin).begin == summer.begin);
  CHECK(in("Europe/Brussels").span_at(summer.begin - duration{1}).end == summer.begin);
  CHECK(in("Europe/Brussels").span_at(summer.end).begin == summer.end);
  const auto always = zone{}.span_at(at("2026-07-01"));
  CHECK(always.begin == instant::min());
  CHECK(always.end == instant::max());
  const auto apia = in("Pacific/Apia").span_at(at("2011-12-30T10:00Z"));
  CHECK(apia.begin == at("2011-12-30T10:00Z"));
  CHECK(apia.offset - apia.before == hours{24});
}

TEST_CASE("the units of a zone's calendar begin where its clocks say", "[zone]") {
  const auto begin = [](std::string_view t, calendar_unit unit, const char* where) {
    return print_local(begin_of(at(t), unit, in(where)), in(where));
  };
  CHECK(begin("2026-11-20T02:30Z", calendar_unit::day, "Asia/Shanghai") ==
        "2026-11-20T00:00:00+08:00");
  CHECK(begin("2026-11-20T02:30Z", calendar_unit::week, "Asia/Shanghai") ==
        "2026-11-16T00:00:00+08:00");
  CHECK(begin("2026-11-20T02:30Z", calendar_unit::month, "Asia/Shanghai") ==
        "2026-11-01T00:00:00+08:00");
  CHECK(begin("2026-11-20T02:30Z", calendar_unit::year, "Asia/Shanghai") ==
        "2026-01-01T00:00:00+08:00");
  CHECK(begin("2026-11-20T02:30Z", calendar_unit::hour, "Asia/Kolkata") ==
        "2026-11-20T08:00:00+05:30");
  // The second 02:30 of the night lies in an hour of its own.
  CHECK(begin("2026-10-25T01:30Z", calendar_unit::hour, "Europe/Brussels") ==
        "2026-10-25T02:00:00+01:00");
  CHECK(begin("2026-10-03T15:40Z", calendar_unit::hour, "Australia/Lord_Howe") ==
        "2026-10-04T02:30:00+11:00");
  // A day without midnight.
  CHECK(begin("2018-11-04T12:00Z", calendar_unit::day, "America/Sao_Paulo") ==
        "2018-11-04T01:00:00-02:00");
}

TEST_CASE("the business date is the local date before the slot's", "[zone]") {
  CHECK(print_day(biz_date(at("2026-11-19T18:00Z"), in("Asia/Shanghai"))) == "2026-11-19");
  CHECK(print_day(biz_date(at("2026-11-19T18:00Z"), {})) == "2026-11-18");
  CHECK(print_day(biz_date(at("2026-03-01T00:00Z"), {})) == "2026-02-28");
  CHECK(print_day(day_of(at("2026-11-19T18:00Z"), in("Asia/Shanghai"))) == "2026-11-20");
}

TEST_CASE("whole days keep the time of day, hours are physical", "[zone]") {
  const auto brussels = in("Europe/Brussels");
  const auto moved = [&](std::string_view t, calendar_unit unit, std::int64_t count) {
    return print_local(add(at(t), unit, count, brussels), brussels);
  };
  CHECK(moved("2026-03-28T03:30+01:00", calendar_unit::day, 1) == "2026-03-29T03:30:00+02:00");
  CHECK(moved("2026-03-28T02:30+01:00", calendar_unit::day, 1) == "2026-03-29T03:00:00+02:00");
  CHECK(moved("2026-03-28T02:30+01:00", calendar_unit::hour, 24) == "2026-03-29T03:30:00+02:00");
  CHECK(moved("2026-01-31T02:30+01:00", calendar_unit::month, 1) == "2026-02-28T02:30:00+01:00");
}

TEST_CASE("the release of the time zone data is known", "[zone]") {
  CHECK(tzdata_version().starts_with("20"));
}
