#include <catch2/catch.hpp>
#include <pinion/timing/duration_text.hpp>
#include <rapidcheck.h>

using namespace pinion;
using namespace std::chrono_literals;

TEST_CASE("durations are read with their units", "[duration]") {
  const auto read = [](std::string_view text) { return parse_duration(text).value(); };
  CHECK(read("100ms") == 100ms);
  CHECK(read("250us") == 250us);
  CHECK(read("30s") == 30s);
  CHECK(read("5m") == 5min);
  CHECK(read("2h") == 2h);
  CHECK(read("1d") == 24h);
  CHECK(read("1w") == 168h);
  CHECK(read("1h30m") == 90min);
  CHECK(read("1d12h30m15s500ms") == 36h + 30min + 15s + 500ms);
  CHECK(read("0s") == 0s);
  CHECK(read("90m") == 90min);
}

TEST_CASE("what is no duration is refused with its mend", "[duration]") {
  const auto mend = [](std::string_view text) {
    const auto got = parse_duration(text);
    INFO(text);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
    return got.error().suggestion;
  };
  CHECK(mend("") == "write a number and a unit, such as 30s");
  CHECK(mend("5") == "write 5s, 5m or 5h");
  CHECK(mend("5M") == "write 5m");
  CHECK(mend("5min") == "write 5m");
  CHECK(mend("2 hours") == "the units are w, d, h, m, s, ms, us");
  CHECK(mend("2hours") == "write 2h");
  CHECK(mend("1.5h") == "write 1h30m for one and a half hours");
  CHECK(mend("-5s") == "a duration is not negative");
  CHECK(mend("s") == "write it as 1h30m, without blanks");
  CHECK(mend("30m1h") == "write it as 1h30m");
  CHECK(mend("1h1h") == "write it as 1h30m");
  CHECK(mend("1y") == "the units are w, d, h, m, s, ms, us");
  CHECK(mend("1h 30m") == "the units are w, d, h, m, s, ms, us");
}

TEST_CASE("a duration out of its range is refused with the range", "[duration]") {
  const auto message = [](std::string_view text, duration_range range) {
    const auto got = parse_duration(text, range);
    REQUIRE_FALSE(got);
    return got.error().message;
  };
  CHECK(message("0s", {.least = 1s, .most = 1h}) ==
        "duration \"0s\": it is not in the range 1s to 1h");
  CHECK(message("61m", {.least = 1s, .most = 1h}) ==
        "duration \"61m\": it is not in the range 1s to 1h");
  for (const auto* text :
       {"36526d", "99999999999999999999999s", "9223372036854775807w", "15250284w5000000d"})
    CHECK(message(text, {}) ==
          "duration \"" + std::string{text} + "\": it is not in the range 0s to 36525d");
}

TEST_CASE("durations are printed as people write them", "[duration]") {
  CHECK(print_duration(0s) == "0s");
  CHECK(print_duration(90s) == "1m30s");
  CHECK(print_duration(168h) == "7d");
  CHECK(print_duration(1500ms) == "1s500ms");
  CHECK(print_duration(1us) == "1us");
  CHECK(print_duration(-90s) == "-1m30s");
  CHECK(print_duration(duration::min()) == "-106751991d4h54s775ms808us");
}

TEST_CASE("what is printed is read back", "[duration]") {
  CHECK(rc::check([](std::uint64_t us) {
    const duration d{static_cast<std::int64_t>(us % duration_range{}.most.count())};
    RC_ASSERT(parse_duration(print_duration(d)).value() == d);
  }));
}
