#include <pinion/timing/cron.hpp>

#include "timing/times.hpp"

using namespace pinion;

namespace {

constexpr dst_policy shift_first{missing_time::shift, repeated_time::first};
constexpr dst_policy shift_last{missing_time::shift, repeated_time::last};
constexpr dst_policy shift_both{missing_time::shift, repeated_time::both};
constexpr dst_policy skip_first{missing_time::skip, repeated_time::first};
constexpr dst_policy skip_both{missing_time::skip, repeated_time::both};

struct row {
  const char* zone;
  const char* expression;
  dst_policy dst;
  const char* after;
  std::vector<const char*> times; ///< As `print_local` writes them.
};

const std::vector<row> table{
    // Brussels, 2026-03-29: 02:00 becomes 03:00; 2026-10-25: 03:00 becomes 02:00.
    {"Europe/Brussels",
     "30 2 * * *",
     shift_first,
     "2026-03-28T00:00Z",
     {"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
    {"Europe/Brussels",
     "30 2 * * *",
     skip_first,
     "2026-03-28T00:00Z",
     {"2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"}},
    {"Europe/Brussels",
     "*/20 2 * * *",
     shift_both,
     "2026-03-28T01:30Z",
     {"2026-03-28T02:40:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
    {"Europe/Brussels",
     "0 2,3 * * *",
     shift_first,
     "2026-03-28T12:00Z",
     {"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
    {"Europe/Brussels",
     "*/30 * * * *",
     shift_both,
     "2026-03-29T00:00Z",
     {"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
    {"Europe/Brussels",
     "30 2 * * *",
     shift_first,
     "2026-10-24T12:00Z",
     {"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
    {"Europe/Brussels",
     "30 2 * * *",
     shift_last,
     "2026-10-24T12:00Z",
     {"2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"}},
    {"Europe/Brussels",
     "30 2 * * *",
     shift_both,
     "2026-10-24T12:00Z",
     {"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"}},
    {"Europe/Brussels",
     "*/30 * * * *",
     shift_both,
     "2026-10-24T23:40Z",
     {"2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00",
      "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00"}},
    {"Europe/Brussels",
     "*/30 * * * *",
     shift_first,
     "2026-10-24T23:40Z",
     {"2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"}},
    {"Europe/Brussels",
     "*/30 * * * *",
     shift_last,
     "2026-10-24T23:00Z",
     {"2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00",
      "2026-10-25T03:00:00+01:00"}},
    // From within the repeated hour, each pass.
    {"Europe/Brussels",
     "15 2 * * *",
     shift_first,
     "2026-10-25T00:20Z",
     {"2026-10-26T02:15:00+01:00"}},
    {"Europe/Brussels",
     "15 2 * * *",
     shift_last,
     "2026-10-25T00:20Z",
     {"2026-10-25T02:15:00+01:00", "2026-10-26T02:15:00+01:00"}},
    // New York, 2026-03-08: 02:00 becomes 03:00; 2026-11-01: 02:00 becomes 01:00.
    {"America/New_York",
     "30 2 * * *",
     shift_first,
     "2026-03-07T12:00Z",
     {"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
    {"America/New_York",
     "30 1 * * *",
     shift_first,
     "2026-10-31T12:00Z",
     {"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
    {"America/New_York",
     "0 * * * *",
     shift_both,
     "2026-11-01T04:30Z",
     {"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"}},
    {"America/New_York",
     "59 59 1 * * *",
     shift_both,
     "2026-11-01T04:30Z",
     {"2026-11-01T01:59:59-04:00", "2026-11-01T01:59:59-05:00"}},
    {"America/New_York",
     "0 2 * * *",
     shift_first,
     "2038-03-13T12:00Z",
     {"2038-03-14T03:00:00-04:00", "2038-03-15T02:00:00-04:00"}},
    {"America/New_York",
     "30 1 * * *",
     shift_first,
     "2060-11-06T12:00Z",
     {"2060-11-07T01:30:00-04:00", "2060-11-08T01:30:00-05:00"}},
    // Lord Howe, 2026-10-04: 02:00 becomes 02:30; 2026-04-05: 02:00 becomes 01:30.
    {"Australia/Lord_Howe",
     "15 2 * * *",
     shift_first,
     "2026-10-03T00:00Z",
     {"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
    {"Australia/Lord_Howe",
     "31 2 * * *",
     shift_first,
     "2026-10-03T00:00Z",
     {"2026-10-04T02:31:00+11:00"}},
    {"Australia/Lord_Howe",
     "45 1 * * *",
     shift_both,
     "2026-04-04T00:00Z",
     {"2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30", "2026-04-06T01:45:00+10:30"}},
    {"Australia/Lord_Howe",
     "29 1 * * *",
     shift_both,
     "2026-04-04T00:00Z",
     {"2026-04-05T01:29:00+11:00", "2026-04-06T01:29:00+10:30"}},
    {"Australia/Lord_Howe",
     "0,30 * * * *",
     shift_both,
     "2026-04-04T14:10Z",
     {"2026-04-05T01:30:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"}},
    // Cairo, 2024-04-26: 00:00 becomes 01:00; 2024-11-01 (Thursday's end): 00:00 becomes 23:00.
    {"Africa/Cairo",
     "0 0 * * *",
     shift_first,
     "2024-04-25T12:00Z",
     {"2024-04-26T01:00:00+03:00", "2024-04-27T00:00:00+03:00"}},
    {"Africa/Cairo", "0 0 * * *", skip_both, "2024-04-25T12:00Z", {"2024-04-27T00:00:00+03:00"}},
    {"Africa/Cairo",
     "30 23 * * *",
     shift_first,
     "2024-10-31T12:00Z",
     {"2024-10-31T23:30:00+03:00", "2024-11-01T23:30:00+02:00"}},
    {"Africa/Cairo",
     "30 23 * * *",
     shift_both,
     "2024-10-31T12:00Z",
     {"2024-10-31T23:30:00+03:00", "2024-10-31T23:30:00+02:00", "2024-11-01T23:30:00+02:00"}},
    // Kolkata and Kathmandu never change, and lie between the hours.
    {"Asia/Kolkata",
     "30 2 * * *",
     shift_first,
     "2026-03-28T00:00Z",
     {"2026-03-29T02:30:00+05:30", "2026-03-30T02:30:00+05:30"}},
    {"Asia/Kathmandu",
     "0 2 * * *",
     shift_first,
     "2026-03-28T00:00Z",
     {"2026-03-29T02:00:00+05:45"}},
    // Sao Paulo, 2018-11-04: 00:00 becomes 01:00; 2019-02-17: 00:00 becomes 23:00 of the 16th.
    {"America/Sao_Paulo",
     "0 0 * * *",
     shift_first,
     "2018-11-03T12:00Z",
     {"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
    {"America/Sao_Paulo",
     "0 0 * * *",
     skip_first,
     "2018-11-03T12:00Z",
     {"2018-11-05T00:00:00-02:00"}},
    {"America/Sao_Paulo",
     "0 23 * * *",
     shift_first,
     "2019-02-16T12:00Z",
     {"2019-02-16T23:00:00-02:00", "2019-02-17T23:00:00-03:00"}},
    {"America/Sao_Paulo",
     "0 0 * * *",
     shift_both,
     "2019-02-16T12:00Z",
     {"2019-02-17T00:00:00-03:00", "2019-02-18T00:00:00-03:00"}},
    {"America/Sao_Paulo",
     "0 0 * * *",
     shift_first,
     "2026-11-01T12:00Z",
     {"2026-11-02T00:00:00-03:00"}},
    // Apia went from 2011-12-29 straight to 2011-12-31.
    {"Pacific/Apia",
     "0 12 * * *",
     shift_first,
     "2011-12-29T12:00Z",
     {"2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"}},
    {"Pacific/Apia",
     "0 12 * * *",
     skip_first,
     "2011-12-29T12:00Z",
     {"2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"}},
    {"Pacific/Apia", "0 0 30 12 *", skip_first, "2011-01-01T12:00Z", {"2012-12-30T00:00:00+14:00"}},
    // Troll moves by two hours, Casablanca back for Ramadan only.
    {"Antarctica/Troll",
     "30 1,2 * * *",
     shift_first,
     "2026-03-28T12:00Z",
     {"2026-03-29T03:00:00+02:00", "2026-03-30T01:30:00+02:00"}},
    {"Africa/Casablanca",
     "30 2 * * *",
     shift_first,
     "2026-02-14T12:00Z",
     {"2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00+00:00"}},
};

} // namespace

TEST_CASE("schedules keep to their policy when the clocks change", "[dst]") {
  for (const auto& r : table) {
    INFO(r.zone << " " << r.expression << " after " << r.after);
    const auto where = in(r.zone);
    const auto fields = cron_expression::parse(r.expression).value().fields();
    auto last = at(r.after);
    for (const auto* expected : r.times) {
      const auto next = next_occurrence(fields, where, r.dst, last);
      REQUIRE(next);
      CHECK(print_local(*next, where) == expected);
      if (last != at(r.after))
        CHECK(previous_occurrence(fields, where, r.dst, *next) == last);
      last = *next;
    }
  }
}

TEST_CASE("a yearly time that falls into a gap waits for the next year", "[dst]") {
  const auto where = in("Europe/Brussels");
  // 2026-03-29 is the day of the change.
  const auto fields = cron_expression::parse("30 2 29 3 *").value().fields();
  CHECK(print_local(*next_occurrence(fields, where, skip_first, at("2026-01-01")), where) ==
        "2027-03-29T02:30:00+02:00");
}
