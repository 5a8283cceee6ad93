#include <catch2/catch.hpp>
#include <pinion/timing/civil.hpp>
#include <rapidcheck.h>

using namespace pinion;

TEST_CASE("a civil time has the parts that it was made of", "[civil]") {
  CHECK(rc::check([] {
    const auto year = *rc::gen::inRange(0, 10'000);
    const auto month = *rc::gen::inRange(1u, 13u);
    const auto day = *rc::gen::inRange(1u, days_in_month(year, month) + 1);
    const auto second = *rc::gen::inRange(0u, 86'400u);
    const auto p = parts_of(
        make_civil(year, month, day, second / 3600, second / 60 % 60, second % 60) + duration{42});
    RC_ASSERT(p.year == year);
    RC_ASSERT(p.month == month);
    RC_ASSERT(p.day == day);
    RC_ASSERT(p.hour * 3600 + p.minute * 60 + p.second == second);
    RC_ASSERT(p.microsecond == 42u);
  }));
}

TEST_CASE("the calendar knows leap years and weekdays", "[civil]") {
  CHECK(days_in_month(2024, 2) == 29);
  CHECK(days_in_month(2100, 2) == 28);
  CHECK(days_in_month(2000, 2) == 29);
  CHECK(parts_of(make_civil(2026, 11, 20)).weekday == 5);
  CHECK(parts_of(make_civil(1969, 12, 31)).weekday == 3);
  CHECK(parts_of(make_civil(2038, 1, 19, 3, 14, 8)).weekday == 2);
  CHECK(make_civil(2026, 1, 32) == make_civil(2026, 2, 1));
}

TEST_CASE("civil arithmetic ends within the target month", "[civil]") {
  using enum calendar_unit;
  CHECK(add(make_civil(2026, 1, 31, 5), month, 1) == make_civil(2026, 2, 28, 5));
  CHECK(add(make_civil(2028, 1, 31), month, 1) == make_civil(2028, 2, 29));
  CHECK(add(make_civil(2026, 1, 31), month, -2) == make_civil(2025, 11, 30));
  CHECK(add(make_civil(2024, 2, 29), year, 1) == make_civil(2025, 2, 28));
  CHECK(add(make_civil(2024, 2, 29), year, -4) == make_civil(2020, 2, 29));
  CHECK(add(make_civil(2026, 12, 31), day, 1) == make_civil(2027, 1, 1));
  CHECK(add(make_civil(2026, 12, 31), week, -1) == make_civil(2026, 12, 24));
  CHECK(add(make_civil(2026, 12, 31, 23), hour, 2) == make_civil(2027, 1, 1, 1));
  CHECK(add(make_civil(2026, 12, 31), minute, -1) == make_civil(2026, 12, 30, 23, 59));
  CHECK(add(make_civil(2026, 12, 31), second, 61) == make_civil(2026, 12, 31, 0, 1, 1));
}

TEST_CASE("units begin where people say", "[civil]") {
  using enum calendar_unit;
  const auto friday = make_civil(2026, 11, 20, 14, 35, 50) + duration{7};
  CHECK(begin_of(friday, second) == make_civil(2026, 11, 20, 14, 35, 50));
  CHECK(begin_of(friday, minute) == make_civil(2026, 11, 20, 14, 35));
  CHECK(begin_of(friday, hour) == make_civil(2026, 11, 20, 14));
  CHECK(begin_of(friday, day) == make_civil(2026, 11, 20));
  CHECK(begin_of(friday, week) == make_civil(2026, 11, 16));
  CHECK(begin_of(make_civil(2026, 11, 22), week) == make_civil(2026, 11, 16));
  CHECK(begin_of(friday, month) == make_civil(2026, 11, 1));
  CHECK(begin_of(friday, year) == make_civil(2026, 1, 1));
  CHECK(begin_of(make_civil(1969, 12, 31, 23, 59), day) == make_civil(1969, 12, 31));
}
