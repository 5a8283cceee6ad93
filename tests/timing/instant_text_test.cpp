#include <pinion/timing/instant_text.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;

TEST_CASE("instants are printed in UTC with six digits", "[instant_text]") {
  CHECK(print_utc(from_us(0)) == "1970-01-01T00:00:00.000000Z");
  CHECK(print_utc(from_us(1'795'140'000'000'001)) == "2026-11-20T02:00:00.000001Z");
  CHECK(print_utc(from_us(-1)) == "1969-12-31T23:59:59.999999Z");
  CHECK(print_utc(at("2038-01-19T03:14:08Z")) == "2038-01-19T03:14:08.000000Z");
}

TEST_CASE("local times are printed with their offset", "[instant_text]") {
  CHECK(print_local(at("2026-11-19T18:00Z"), in("Asia/Shanghai")) == "2026-11-20T02:00:00+08:00");
  CHECK(print_local(at("2026-11-19T18:00:00.25Z"), {}) == "2026-11-19T18:00:00.250000+00:00");
  CHECK(print_local(at("2026-11-19T18:00Z"), in("America/St_Johns")) ==
        "2026-11-19T14:30:00-03:30");
  CHECK(print_local(at("1880-01-01T00:00Z"), in("Europe/Amsterdam")).substr(19).size() >= 6);
  CHECK(print_day(day_of(make_civil(2026, 1, 2, 3))) == "2026-01-02");
}

TEST_CASE("times are read in all their forms", "[instant_text]") {
  const auto shanghai = in("Asia/Shanghai");
  const auto expected = at("2026-11-19T18:00Z");
  for (const auto* text : {"2026-11-20T02:00", "2026-11-20T02:00:00", "2026-11-20T02:00:00.0",
                           "2026-11-20T02:00+08:00", "2026-11-20T02:00+0800", "2026-11-20T02:00+08",
                           "2026-11-19T18:00Z", "2026-11-19T18:00:00.000000Z",
                           "2026-11-19T13:00-05:00", "2026-11-19T18:00-00:00"}) {
    INFO(text);
    CHECK(at(text, shanghai) == expected);
  }
  CHECK(at("2026-11-20", shanghai) == at("2026-11-19T16:00Z"));
  CHECK(at("2026-11-20T02:00:00.5Z") - at("2026-11-20T02:00Z") == std::chrono::milliseconds{500});
  CHECK(at("2026-11-20T02:00:00.000001Z") - at("2026-11-20T02:00Z") == duration{1});
  // A day without midnight begins when it begins.
  CHECK(at("2018-11-04", in("America/Sao_Paulo")) == at("2018-11-04T03:00Z"));
}

TEST_CASE("a local time that is not exactly one instant is refused", "[instant_text]") {
  const auto brussels = in("Europe/Brussels");
  const auto twice = parse_instant("2026-10-25T02:30", brussels);
  REQUIRE_FALSE(twice);
  CHECK(twice.error().message ==
        "time \"2026-10-25T02:30\": the clocks of Europe/Brussels show that time twice");
  CHECK(twice.error().suggestion == "write 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00");
  CHECK(at("2026-10-25T02:30+01:00", brussels) == at("2026-10-25T01:30Z"));
  const auto never = parse_instant("2026-03-29T02:30", brussels);
  REQUIRE_FALSE(never);
  CHECK(never.error().suggestion == "the next instant is 2026-03-29T03:00:00+02:00");
}

TEST_CASE("what is no time is refused", "[instant_text]") {
  for (const auto* text : {"",
                           "now",
                           "2026",
                           "2026-11",
                           "2026-11-20T",
                           "2026-11-20T02",
                           "2026-11-20 02:00",
                           "2026-11-20t02:00",
                           "2026-13-01",
                           "2026-00-01",
                           "2026-02-29",
                           "2026-11-31",
                           "2026-11-00",
                           "2026-11-20T24:00",
                           "2026-11-20T23:60",
                           "2026-11-20T23:59:60Z",
                           "2026-11-20T02:00:00.Z",
                           "2026-11-20T02:00:00.1234567Z",
                           "2026-11-20T02:00ZZ",
                           "2026-11-20T02:00+8",
                           "2026-11-20T02:00+08:",
                           "2026-11-20T02:00+24:00",
                           "2026-11-20T02:00+08:60",
                           "2026-11-20T02:00+08:00Z",
                           "2026-11-20Z",
                           "+2026-11-20",
                           "26-11-20",
                           "2026-11-20T2:00",
                           "2026-11-20T02:00:0",
                           "20261120T020000Z"}) {
    INFO(text);
    const auto got = parse_instant(text);
    CHECK_FALSE(got);
    if (!got)
      CHECK(got.error().code == errc::invalid);
  }
  CHECK_FALSE(parse_day("2026-11-20T00:00"));
  CHECK_FALSE(parse_day("2026-02-29"));
  CHECK(print_day(parse_day("2028-02-29").value()) == "2028-02-29");
}

TEST_CASE("every instant that is printed is read back", "[instant_text]") {
  const auto zones = std::vector{zone{}, in("Europe/Brussels"), in("Asia/Kathmandu"),
                                 in("Pacific/Apia"), in("Australia/Lord_Howe")};
  CHECK(rc::check([&] {
    const auto year = at("1975-01-01");
    const auto t = year + duration{*rc::gen::inRange<std::int64_t>(0, 3'000'000'000'000'000)};
    const auto where = *rc::gen::elementOf(zones);
    RC_ASSERT(parse_instant(print_utc(t)).value() == t);
    RC_ASSERT(parse_instant(print_local(t, where)).value() == t);
  }));
}

TEST_CASE("a written time keeps what the clock shows and its offset apart", "[instant_text]") {
  const auto shown = day_of(make_civil(2026, 12, 24)) + std::chrono::hours{2};
  CHECK(parse_time("2026-12-24T02:00").value() == written_time{shown, std::nullopt});
  CHECK(parse_time("2026-12-24T02:00Z").value() == written_time{shown, std::chrono::seconds{0}});
  CHECK(parse_time("2026-12-24T02:00+05:30").value() ==
        written_time{shown, std::chrono::minutes{330}});
  CHECK(parse_time("2026-12-24").value() ==
        written_time{day_of(make_civil(2026, 12, 24)), std::nullopt});
  CHECK_FALSE(parse_time("24 December"));
}
