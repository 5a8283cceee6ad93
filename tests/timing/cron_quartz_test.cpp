#include <pinion/timing/cron.hpp>

#include "timing/times.hpp"

using namespace pinion;

namespace {

struct row {
  const char* expression;
  const char* after;
  /// The next times, strictly after it, UTC.
  std::vector<const char*> times;
};

// 2026-11-20 is a Friday; 2026-02-01 and 2026-11-01 are Sundays.
const std::vector<row> table{
    {"0 0 12 * * ?", "2026-11-20T12:00Z", {"2026-11-21T12:00Z", "2026-11-22T12:00Z"}},
    {"0 15 10 ? * *", "2026-11-20T12:00Z", {"2026-11-21T10:15Z"}},
    {"0 0 5 * * ? *", "2026-11-20T12:00Z", {"2026-11-21T05:00Z"}},
    {"0 15 10 * * ? 2027", "2026-11-20T12:00Z", {"2027-01-01T10:15Z", "2027-01-02T10:15Z"}},
    {"0 0 0 1 1 ? 2028-2029", "2026-11-20T12:00Z", {"2028-01-01T00:00Z", "2029-01-01T00:00Z"}},
    {"0 0 0 1 1 ? 2026/2", "2026-11-20T12:00Z", {"2028-01-01T00:00Z", "2030-01-01T00:00Z"}},
    {"0 0 0 1 1 ? 2027,2031", "2026-11-20T12:00Z", {"2027-01-01T00:00Z", "2031-01-01T00:00Z"}},
    {"0 0 0 1 1 ? 2099", "2026-11-20T12:00Z", {"2099-01-01T00:00Z"}},
    {"0 0/5 14 * * ?", "2026-11-20T14:50Z", {"2026-11-20T14:55Z", "2026-11-21T14:00Z"}},
    {"0 /20 14 * * ?", "2026-11-20T14:30Z", {"2026-11-20T14:40Z", "2026-11-21T14:00Z"}},
    {"0 10,44 14 ? 3 WED", "2026-11-20T12:00Z", {"2027-03-03T14:10Z", "2027-03-03T14:44Z"}},
    {"0 15 10 ? * MON-FRI", "2026-11-20T12:00Z", {"2026-11-23T10:15Z", "2026-11-24T10:15Z"}},
    {"0 15 10 ? * 2-6", "2026-11-20T12:00Z", {"2026-11-23T10:15Z"}},
    {"0 15 10 ? * 1", "2026-11-20T12:00Z", {"2026-11-22T10:15Z"}},
    {"0 15 10 ? * 7", "2026-11-20T12:00Z", {"2026-11-21T10:15Z"}},
    {"0 15 10 ? * friday-monday",
     "2026-11-20T12:00Z",
     {"2026-11-21T10:15Z", "2026-11-22T10:15Z", "2026-11-23T10:15Z", "2026-11-27T10:15Z"}},
    {"0 0 0 ? * FRI-MON/2", "2026-11-20T00:00Z", {"2026-11-22T00:00Z", "2026-11-27T00:00Z"}},
    {"0 0 0 ? * */2",
     "2026-11-20T12:00Z",
     {"2026-11-21T00:00Z", "2026-11-22T00:00Z", "2026-11-24T00:00Z", "2026-11-26T00:00Z"}},
    {"0 0 0 ? * 6/1", "2026-11-20T12:00Z", {"2026-11-21T00:00Z", "2026-11-27T00:00Z"}},
    {"0 15 10 15 * ?", "2026-11-20T12:00Z", {"2026-12-15T10:15Z"}},
    {"0 15 10 L * ?", "2026-11-20T12:00Z", {"2026-11-30T10:15Z", "2026-12-31T10:15Z"}},
    {"0 15 10 L-2 * ?", "2026-11-20T12:00Z", {"2026-11-28T10:15Z", "2026-12-29T10:15Z"}},
    {"0 15 10 LW * ?", "2026-05-20T12:00Z", {"2026-05-29T10:15Z", "2026-06-30T10:15Z"}},
    // 2026-05-30 is a Saturday, 2026-08-30 a Sunday.
    {"0 0 0 L-1W * ?", "2026-05-20T12:00Z", {"2026-05-29T00:00Z", "2026-06-29T00:00Z"}},
    {"0 0 0 l-1w 8 ?", "2026-05-20T12:00Z", {"2026-08-31T00:00Z"}},
    {"0 0 0 15W * ?", "2026-11-01T00:00Z", {"2026-11-16T00:00Z", "2026-12-15T00:00Z"}},
    {"0 0 0 1W 8 ?", "2026-07-01T00:00Z", {"2026-08-03T00:00Z"}},
    {"0 0 0 15,L * ?", "2026-11-20T12:00Z", {"2026-11-30T00:00Z", "2026-12-15T00:00Z"}},
    {"0 0 0 28-3 * ?",
     "2027-02-10T00:00Z",
     {"2027-02-28T00:00Z", "2027-03-01T00:00Z", "2027-03-02T00:00Z", "2027-03-03T00:00Z"}},
    {"0 15 10 ? * 6L", "2026-11-20T12:00Z", {"2026-11-27T10:15Z", "2026-12-25T10:15Z"}},
    {"0 15 10 ? * friL", "2026-11-20T12:00Z", {"2026-11-27T10:15Z"}},
    {"0 15 10 ? * FRIDAYl", "2026-11-20T12:00Z", {"2026-11-27T10:15Z"}},
    {"0 0 0 ? * L", "2026-11-20T12:00Z", {"2026-11-21T00:00Z", "2026-11-28T00:00Z"}},
    {"0 0 0 ? * 7L", "2026-11-20T12:00Z", {"2026-11-28T00:00Z", "2026-12-26T00:00Z"}},
    {"0 15 10 ? * 6#3", "2026-11-20T12:00Z", {"2026-12-18T10:15Z", "2027-01-15T10:15Z"}},
    {"0 15 10 ? * FRI#3", "2026-11-20T12:00Z", {"2026-12-18T10:15Z"}},
    {"0 0 0 ? * 1#5", "2026-11-20T12:00Z", {"2026-11-29T00:00Z", "2027-01-31T00:00Z"}},
    {"0 11 11 11 11 ?", "2026-11-20T12:00Z", {"2027-11-11T11:11Z"}},
    {"0 0 22-2 * * ?", "2026-11-20T22:30Z", {"2026-11-20T23:00Z", "2026-11-21T00:00Z"}},
    {"0 0 0 1 NOV-FEB ?",
     "2026-11-20T12:00Z",
     {"2026-12-01T00:00Z", "2027-01-01T00:00Z", "2027-02-01T00:00Z", "2027-11-01T00:00Z"}},
    {"*/59 0 0 * * ?", "2026-11-20T00:00Z", {"2026-11-20T00:00:59Z", "2026-11-21T00:00Z"}},
};

struct bad_row {
  const char* expression;
  const char* message;
  const char* suggestion;
};

const std::vector<bad_row> bad{
    {"0 0 12 * *", "it has 5 fields",
     "write 6 (second minute hour day-of-month month day-of-week), or 7 with the year behind them"},
    {"", "it is empty", "write six fields, such as 0 0 2 * * ?"},
    {"0 0 12 * * *", "day-of-week field, column 12: one of the two day fields must be ?",
     "write ? in the day-of-month field"},
    {"0 0 12 1 * *", "day-of-week field, column 12: one of the two day fields must be ?",
     "write ? in the day-of-week field"},
    {"0 0 12 1 * MON", "day-of-week field, column 12: one of the two day fields must be ?",
     "write ? in one of them; dialect: unix can join both"},
    {"0 0 12 ? * ?", "day-of-week field, column 12: both day fields are ?",
     "write * in one of them for every day"},
    {"0 0 12 ?,5 * ?", "day-of-month field, column 8: \"?\" goes alone",
     "write ? and nothing else, or the values without it"},
    {"0 0 12 ?/2 * ?", "day-of-month field, column 8: \"?\" goes alone",
     "write ? and nothing else, or the values without it"},
    {"0 ? 12 * * ?", "minute field, column 3: \"?\" may stand in the day fields only", "write *"},
    {"0 */60 12 * * ?", "minute field, column 5: a step of 60 is beyond the field's range",
     "write a step of at most 59"},
    {"0 0 */24 * * ?", "hour field, column 7: a step of 24 is beyond the field's range",
     "write a step of at most 23"},
    {"0 0 12 */32 * ?", "day-of-month field, column 10: a step of 32 is beyond the field's range",
     "write a step of at most 31"},
    {"0 0 12 1 1-6/13 ?", "month field, column 14: a step of 13 is beyond the field's range",
     "write a step of at most 12"},
    {"0 0 12 ? * 1/8", "day-of-week field, column 14: a step of 8 is beyond the field's range",
     "write a step of at most 7"},
    {"0 */0 12 * * ?", "minute field, column 5: a step of 0 never moves on",
     "write a step of at least 1"},
    {"0 0 12 ? * 0", "day-of-week field, column 12: 0 is not in 1-7",
     "write 1: Quartz counts from Sunday, 1"},
    {"0 0 12 ? * 8", "day-of-week field, column 12: 8 is not in 1-7", ""},
    {"0 0 12 29-L * ?", "day-of-month field, column 11: \"L\" is not a number",
     "write a number in 1-31"},
    {"0 0 12 ? * 2-6L", "day-of-week field, column 15: L goes with a single weekday",
     "write 6L for the last Friday"},
    {"0 0 12 ? * MON,6L",
     "day-of-week field, column 12: # and L go with a single weekday, not with a list", ""},
    {"0 0 12 ? * 2#1,6#3",
     "day-of-week field, column 12: # and L go with a single weekday, not with a list", ""},
    {"0 0 12 ? * 6#6", "day-of-week field, column 14: 6 is not in 1-5", ""},
    {"0 0 12 ? * L-2", "day-of-week field, column 13: \"-2\" is not expected here", ""},
    {"0 0 12 L-31 * ?", "day-of-month field, column 10: 31 is not in 0-30", ""},
    {"0 0 12 1-5W * ?", "day-of-month field, column 11: W goes with a single day", ""},
    {"0 0 12 ? * MUN", "day-of-week field, column 12: \"mun\" is not the name of a weekday", ""},
    {"0 0 0 1 1 ? 2100", "year field, column 13: 2100 is not in 1970-2099", ""},
    {"0 0 0 1 1 ? 2030-2027", "year field, column 13: a range of years does not wrap",
     "write 2027-2030"},
    {"0 0 0 30 2 ?", "it never comes: no month named has such a day",
     "write L for the last day of a month"},
    {"0 0 0 1 1 ? * *", "it has 8 fields", ""},
};

} // namespace

TEST_CASE("an expression of Quartz means what its documentation says", "[cron]") {
  for (const auto& r : table) {
    INFO(r.expression);
    const auto got = cron_expression::parse(r.expression, cron_dialect::quartz);
    REQUIRE(got);
    auto after = at(r.after);
    for (const auto* time : r.times) {
      const auto next = next_occurrence(got.value().fields(), {}, {}, after);
      REQUIRE(next);
      CHECK(print_utc(*next) == print_utc(at(time)));
      CHECK(previous_occurrence(got.value().fields(), {}, {}, *next).value_or(after) <= after);
      after = *next;
    }
  }
}

TEST_CASE("what Quartz refuses is refused with its place and its mend", "[cron]") {
  for (const auto& r : bad) {
    INFO(r.expression);
    const auto got = cron_expression::parse(r.expression, cron_dialect::quartz);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == errc::invalid);
    CHECK(got.error().message == "cron \"" + std::string{r.expression} + "\": " + r.message);
    if (*r.suggestion != '\0')
      CHECK(got.error().suggestion == r.suggestion);
  }
}

TEST_CASE("years limit an expression in both dialects", "[cron]") {
  const auto unix_one = cron_expression::parse("0 0 2 * * * 2027").value();
  CHECK(next_occurrence(unix_one.fields(), {}, {}, at("2026-11-20")) == at("2027-01-01T02:00Z"));
  CHECK(previous_occurrence(unix_one.fields(), {}, {}, at("2030-01-01")) ==
        at("2027-12-31T02:00Z"));
  CHECK_FALSE(next_occurrence(unix_one.fields(), {}, {}, at("2027-12-31T02:00Z")));
  CHECK_FALSE(previous_occurrence(unix_one.fields(), {}, {}, at("2027-01-01T02:00Z")));
  const auto past = cron_expression::parse("0 0 0 1 1 ? 1999", cron_dialect::quartz).value();
  CHECK_FALSE(next_occurrence(past.fields(), {}, {}, at("2026-11-20")));
  CHECK(next_occurrence(past.fields(), {}, {}, at("1998-11-20")) == at("1999-01-01"));
  const auto every = cron_expression::parse("0 0 0 1 1 ? 1970-2099", cron_dialect::quartz).value();
  const auto none = cron_expression::parse("0 0 0 1 1 ? *", cron_dialect::quartz).value();
  CHECK(every == none);
}

TEST_CASE("dom_dow: and wants both day fields", "[cron]") {
  const auto both =
      cron_expression::parse("0 0 13 * fri", cron_dialect::unix_cron, day_join::both).value();
  CHECK(next_occurrence(both.fields(), {}, {}, at("2026-11-20")) == at("2027-08-13"));
  const auto either = cron_expression::parse("0 0 13 * fri").value();
  CHECK(next_occurrence(either.fields(), {}, {}, at("2026-11-20")) == at("2026-11-27"));
  CHECK(both.two_fields() == day_join::both);
  const auto never =
      cron_expression::parse("0 0 8 * fri#1", cron_dialect::unix_cron, day_join::both);
  REQUIRE_FALSE(never);
  CHECK(never.error().message.ends_with("it never comes: no month named has such a day"));
}

TEST_CASE("the words stand for the same times in both dialects", "[cron]") {
  for (const auto* word : {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight",
                           "@hourly", "@every_minute", "@every_second", "@Daily"}) {
    INFO(word);
    CHECK(cron_expression::parse(word, cron_dialect::quartz).value() ==
          cron_expression::parse(word).value());
  }
}
