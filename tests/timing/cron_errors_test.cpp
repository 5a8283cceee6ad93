#include <catch2/catch.hpp>
#include <pinion/timing/cron.hpp>

using namespace pinion;

namespace {

struct row {
  const char* expression;
  const char* message;
  const char* suggestion;
};

const std::vector<row> table{
    {"", "it is empty", "write five fields, such as 0 2 * * *"},
    {"   ", "it is empty", "write five fields, such as 0 2 * * *"},
    {"* * * *", "it has 4 fields",
     "write 5 (minute hour day-of-month month day-of-week), 6 with the second before them, or 7 "
     "with the year behind them too"},
    {"daily", "it has 1 field",
     "write 5 (minute hour day-of-month month day-of-week), 6 with the second before them, or 7 "
     "with the year behind them too"},
    {"* * * * * * * *", "it has 8 fields",
     "write 5 (minute hour day-of-month month day-of-week), 6 with the second before them, or 7 "
     "with the year behind them too"},
    {"0 0 0 1 1 * 1969", "year field, column 13: 1969 is not in 1970-2099", ""},
    {"0 0 0 1 1 * 2100", "year field, column 13: 2100 is not in 1970-2099", ""},
    {"0 0 0 1 1 * 2030-2028", "year field, column 13: a range of years does not wrap",
     "write 2028-2030"},
    {"0 0 0 1 1 * ?", "year field, column 13: \"?\" may stand in the day fields only", "write *"},
    {"0 0 0 29 2 * 2027", "it never comes: no month named has such a day in these years",
     "write L for the last day of a month"},
    {"60 * * * *", "minute field, column 1: 60 is not in 0-59", "write 0: the field counts from 0"},
    {"0 24 * * *", "hour field, column 3: 24 is not in 0-23", "write 0: the field counts from 0"},
    {"0 25 * * *", "hour field, column 3: 25 is not in 0-23", ""},
    {"0 0 0 * *", "day-of-month field, column 5: 0 is not in 1-31",
     "write 1: the field counts from 1"},
    {"0 0 32 * *", "day-of-month field, column 5: 32 is not in 1-31", ""},
    {"0 0 1 13 *", "month field, column 7: 13 is not in 1-12", ""},
    {"0 0 * * 8", "day-of-week field, column 9: 8 is not in 0-7", ""},
    {"60 0 0 * * *", "second field, column 1: 60 is not in 0-59",
     "write 0: the field counts from 0"},
    {"0,61 * * * *", "minute field, column 3: 61 is not in 0-59", ""},
    {"99999999999999999999 * * * *", "minute field, column 1: 99999999999999999999 is not in 0-59",
     ""},
    {"-5 * * * *", "minute field, column 1: \"-5\" is not a number", "write a number in 0-59"},
    {"1.5 * * * *", "minute field, column 2: \".5\" is not expected here",
     "separate values by commas, a range by -, a step by /"},
    {"*/0 * * * *", "minute field, column 3: a step of 0 never moves on",
     "write a step of at least 1"},
    {"5-10/0 * * * *", "minute field, column 6: a step of 0 never moves on",
     "write a step of at least 1"},
    {"*/ * * * *", "minute field, column 3: a step is missing", "write a step of at least 1"},
    {"*/x * * * *", "minute field, column 3: \"x\" is not a number", "write a step of at least 1"},
    {"*/-1 * * * *", "minute field, column 3: \"-1\" is not a number",
     "write a step of at least 1"},
    {"1, * * * *", "minute field, column 3: a value is missing", "remove the comma"},
    {",1 * * * *", "minute field, column 1: a value is missing", "remove the comma"},
    {"1,,2 * * * *", "minute field, column 3: a value is missing", "remove the comma"},
    {"5- * * * *", "minute field, column 3: a value is missing", "write a number in 0-59"},
    {"1-2-3 * * * *", "minute field, column 4: \"-3\" is not expected here",
     "separate values by commas, a range by -, a step by /"},
    {"*5 * * * *", "minute field, column 2: \"5\" is not expected here",
     "separate values by commas, a range by -, a step by /"},
    {"? * * * *", "minute field, column 1: \"?\" may stand in the day fields only", "write *"},
    {"0 0 1 ? *", "month field, column 7: \"?\" may stand in the day fields only", "write *"},
    {"mon * * * *", "minute field, column 1: \"mon\" is not a number", "write a number in 0-59"},
    {"0 0 1 jna *", "month field, column 7: \"jna\" is not the name of a month", ""},
    {"0 0 1 febuary *", "month field, column 7: \"febuary\" is not the name of a month",
     "did you mean feb?"},
    {"0 0 * * wensday", "day-of-week field, column 9: \"wensday\" is not the name of a weekday",
     "did you mean wed?"},
    {"0 0 * * 5L", "day-of-week field, column 10: \"L\" is not expected here",
     "separate values by commas, a range by -, a step by /"},
    {"0 0 * * L", "day-of-week field, column 9: L has no meaning here",
     "write L in the day-of-month field, or *"},
    {"0 0 * * 5#6", "day-of-week field, column 11: 6 is not in 1-5", ""},
    {"0 0 * * 5#0", "day-of-week field, column 11: 0 is not in 1-5", ""},
    {"0 0 * * 5#", "day-of-week field, column 11: a number of the week is missing",
     "write a number in 1-5"},
    {"0 0 * * 1-5#2", "day-of-week field, column 12: # goes with a single weekday",
     "write 5#2 for the second Friday"},
    {"0 0 * * *#2", "day-of-week field, column 10: # goes with a single weekday",
     "write 5#2 for the second Friday"},
    {"0 0 5#2 * *", "day-of-month field, column 6: \"#2\" is not expected here",
     "separate values by commas, a range by -, a step by /"},
    {"0 0 1-15W * *", "day-of-month field, column 9: W goes with a single day",
     "write 15W, or LW for the last weekday"},
    {"0 0 *W * *", "day-of-month field, column 6: W goes with a single day",
     "write 15W, or LW for the last weekday"},
    {"0 0 W * *", "day-of-month field, column 5: \"W\" is not a number", "write a number in 1-31"},
    {"0 0 L-31 * *", "day-of-month field, column 7: 31 is not in 0-30", ""},
    {"0 0 L- * *", "day-of-month field, column 7: a number of days is missing",
     "write a number in 0-30"},
    {"0 0 L-3W * *", "day-of-month field, column 8: \"W\" is not expected here",
     "separate values by commas, a range by -, a step by /"},
    {"0 L * * *", "hour field, column 3: \"L\" is not a number", "write a number in 0-23"},
    {"H * * * *", "minute field, column 1: \"H\" is not a number", "write a number in 0-59"},
    {"0 0 30 2 *", "it never comes: no month named has such a day",
     "write L for the last day of a month"},
    {"0 0 31 4,6,9,11 *", "it never comes: no month named has such a day",
     "write L for the last day of a month"},
    {"0 0 L-29 feb *", "it never comes: no month named has such a day",
     "write L for the last day of a month"},
    {"@fortnightly", "column 1: \"@fortnightly\" is not known", ""},
    {"@dayly", "column 1: \"@dayly\" is not known", "did you mean @daily?"},
    {"@reboot", "column 1: \"@reboot\" is not known",
     "write one of @yearly @monthly @weekly @daily @hourly"},
    {"@every 5m", "column 1: \"@every\" is not known", "write every: instead of cron:"},
    {"@daily 5", "column 8: nothing may follow @daily", ""},
};

} // namespace

TEST_CASE("what is wrong with an expression is said with its place and its mend", "[cron]") {
  for (const auto& r : table) {
    INFO(r.expression);
    const auto got = cron_expression::parse(r.expression);
    if (got)
      FAIL("was accepted");
    CHECK(got.error().code == errc::invalid);
    CHECK(got.error().message == "cron \"" + std::string{r.expression} + "\": " + r.message);
    if (*r.suggestion != '\0')
      CHECK(got.error().suggestion == r.suggestion);
  }
}

TEST_CASE("an endless expression is refused", "[cron]") {
  const auto got = cron_expression::parse(std::string(100'000, '*'));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::limit);
  CHECK(got.error().message.size() < 200);
}
