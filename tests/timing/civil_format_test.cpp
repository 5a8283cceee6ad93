#include <pinion/timing/civil_format.hpp>

#include "timing/times.hpp"

using namespace pinion;

namespace {

std::string formatted(std::string_view pattern) {
  const auto got = format_civil(pattern, at("2026-02-03T04:05:06.078901Z"), in("Asia/Shanghai"));
  INFO(pattern);
  REQUIRE(got);
  return got.value();
}

} // namespace

TEST_CASE("patterns are filled in", "[civil_format]") {
  CHECK(formatted("yyyy-MM-dd HH:mm:ss") == "2026-02-03 12:05:06");
  CHECK(formatted("yyyyMMdd") == "20260203");
  CHECK(formatted("yy M d H m s") == "26 2 3 12 5 6");
  CHECK(formatted("MMM MMMM E EEEE") == "Feb February Tue Tuesday");
  CHECK(formatted("S SSS SSSSSS") == "0 078 078901");
  CHECK(formatted("D DDD") == "34 034");
  CHECK(formatted("yyyy-MM-dd'T'HH:mm:ssXXX") == "2026-02-03T12:05:06+08:00");
  CHECK(formatted("Z") == "+0800");
  CHECK(formatted("'year' yyyy 'o''clock' ''") == "year 2026 o'clock '");
  CHECK(formatted("") == "");
  CHECK(formatted("/2026/!") == "/2026/!");
  CHECK(format_civil("XXX", at("2026-02-03")).value() == "Z");
  CHECK(format_civil("XXX", at("2026-02-03"), in("America/St_Johns")).value() == "-03:30");
  CHECK(format_civil("yyyy/MM", make_civil(2026, 2, 3)).value() == "2026/02");
}

TEST_CASE("a pattern that means nothing is refused with its mend", "[civil_format]") {
  const auto mend = [](std::string_view pattern) {
    const auto got = check_civil_pattern(pattern);
    INFO(pattern);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
    return got.error().suggestion;
  };
  CHECK(mend("%Y-%m-%d") == "write yyyy-MM-dd");
  CHECK(mend("%Y%m%dT%H:%M:%S") == "write yyyyMMddTHH:mm:ss");
  CHECK(mend("%q") == "write yyyy-MM-dd HH:mm:ss");
  CHECK(mend("YYYY-MM-dd") == "write yyyy: Y is the year of the week in other systems");
  CHECK(mend("hh:mm") == "write HH");
  CHECK(mend("yyyyTMM") == "put text in quotes: 'T'");
  CHECK(mend("yyy") == "write yyyy or yy");
  CHECK(mend("ddd") == "put text in quotes: 'ddd'");
  CHECK(mend("'open") == "write '' for a quote itself");
  CHECK(mend("XX") == "write XXX");
  CHECK_FALSE(format_civil("XXX", make_civil(2026, 2, 3)));
  CHECK(check_civil_pattern("yyyyMMdd'T'HHmm"));
}
