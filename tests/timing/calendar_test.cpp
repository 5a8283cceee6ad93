#include <algorithm>
#include <pinion/timing/calendar.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;

namespace {

using std::chrono::days;

civil_day day(std::string_view text) { return parse_day(text).value(); }

std::shared_ptr<const calendar> make(calendar_text text,
                                     std::shared_ptr<const calendar> on = nullptr) {
  return std::make_shared<const calendar>(calendar::parse(std::move(text), std::move(on)).value());
}

// China's national holiday of 2026, with its make-up Saturday.
const calendar_text workdays{{"mon-fri"}, {"2026-10-01..2026-10-07"}, {"2026-10-10"}};

} // namespace

TEST_CASE("a calendar holds its weekdays without holidays, and its make-up days", "[calendar]") {
  const auto uut = make(workdays);
  CHECK(uut->contains(day("2026-09-30")));
  CHECK_FALSE(uut->contains(day("2026-10-01")));
  CHECK_FALSE(uut->contains(day("2026-10-07")));
  CHECK(uut->contains(day("2026-10-08")));
  CHECK(uut->contains(day("2026-10-10")));
  CHECK_FALSE(uut->contains(day("2026-10-11")));
  CHECK(uut->next_day(day("2026-10-01")) == day("2026-10-08"));
  CHECK(uut->previous_day(day("2026-10-07")) == day("2026-09-30"));
  CHECK(uut->next_day(day("2026-10-09")) == day("2026-10-09"));
  CHECK(uut->last_explicit_day() == day("2026-10-10"));
  CHECK(uut->first_explicit_day() == day("2026-10-01"));
}

TEST_CASE("a calendar stands on another", "[calendar]") {
  const auto base = make(workdays);
  const auto uut = make({{}, {"2026-10-08"}, {"2026-10-03"}}, base);
  CHECK_FALSE(uut->contains(day("2026-10-02")));
  CHECK(uut->contains(day("2026-10-03")));
  CHECK_FALSE(uut->contains(day("2026-10-08")));
  CHECK(uut->contains(day("2026-10-10")));
  const auto mondays = make({{"mon"}, {}, {}}, base);
  CHECK(mondays->next_day(day("2026-09-29")) == day("2026-10-12"));
  CHECK(mondays->last_explicit_day() == day("2026-10-10"));
}

TEST_CASE("a calendar of dates alone runs out", "[calendar]") {
  const auto uut = make({{"none"}, {}, {"2026-11-30", "2026-12-31"}});
  CHECK(uut->next_day(day("2026-11-20")) == day("2026-11-30"));
  CHECK(uut->next_day(day("2026-12-01")) == day("2026-12-31"));
  CHECK_FALSE(uut->next_day(day("2027-01-01")));
  CHECK_FALSE(uut->previous_day(day("2026-11-29")));
  CHECK(uut->last_explicit_day() == day("2026-12-31"));
  CHECK_FALSE(make({{"none"}, {}, {}})->next_day(day("2026-11-20")));
  // Monday of a calendar of Tuesdays.
  CHECK_FALSE(make({{"mon"}, {}, {}}, make({{"tue"}, {}, {}}))->next_day(day("2026-11-20")));
  CHECK_FALSE(calendar{}.last_explicit_day());
  CHECK(calendar{}.contains(day("2026-11-20")));
}

TEST_CASE("dates that lie on one another are one range", "[calendar]") {
  const auto a = make({{}, {"2026-10-03..2026-10-05", "2026-10-01..2026-10-04", "2026-10-06"}, {}});
  CHECK(*a == *make({{}, {"2026-10-01..2026-10-06"}, {}}));
  CHECK_FALSE(*a == *make({{}, {"2026-10-01..2026-10-05"}, {}}));
  CHECK_FALSE(*make({}, a) == *make({}));
  CHECK(*make({}, a) == *make({}, make({{}, {"2026-10-01..2026-10-06"}, {}})));
}

TEST_CASE("what is wrong with a calendar is said with its piece and its mend", "[calendar]") {
  const auto fails = [](calendar_text text, const char* message, const char* suggestion) {
    const auto got = calendar::parse(std::move(text));
    REQUIRE_FALSE(got);
    CHECK(got.error().message == message);
    CHECK(got.error().suggestion == suggestion);
  };
  fails({{"workday"}, {}, {}}, "weekdays: \"workday\" is no weekday and no range of them",
        "write a name such as mon");
  fails({{"mon-fry"}, {}, {}}, "weekdays: \"mon-fry\" is no weekday and no range of them",
        "did you mean fri?");
  fails({{}, {"2026-02-30"}, {}}, "except: time \"2026-02-30\": that month has no day 30",
        "write 2026-10-01, or 2026-10-01..2026-10-07");
  fails({{}, {}, {"2026-10-07..2026-10-01"}},
        "also: \"2026-10-07..2026-10-01\" ends before it begins", "write 2026-10-01..2026-10-07");
  fails({{}, {"10-01"}, {}}, "except: time \"10-01\": it does not begin with a date",
        "write 2026-10-01, or 2026-10-01..2026-10-07");
}

TEST_CASE("next and previous days agree with a walk", "[calendar]") {
  CHECK(rc::check([] {
    const auto start = day("2026-11-01");
    const auto dates = [&] {
      std::vector<std::string> out;
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        const auto first = start + days{*rc::gen::inRange(0, 60)};
        out.push_back(print_day(first) + ".." + print_day(first + days{*rc::gen::inRange(0, 12)}));
      }
      return out;
    };
    const auto names = rc::gen::elementOf(
        std::vector<std::string>{"mon", "tue", "sat-sun", "thu-tue", "none", "mon-sun"});
    const auto base = make({{*names}, dates(), dates()});
    const auto uut = *rc::gen::inRange(0, 2) == 0 ? base : make({{*names}, dates(), dates()}, base);
    std::optional<civil_day> last;
    for (auto d = start - days{20}; d < start + days{100}; d += days{1}) {
      if (uut->contains(d))
        last = d;
      if (const auto previous = uut->previous_day(d); last)
        RC_ASSERT(previous == last);
      else
        RC_ASSERT(!previous || *previous < start - days{20});
      auto next = d;
      while (next < d + days{200} && !uut->contains(next))
        next += days{1};
      RC_ASSERT(uut->next_day(d) == (next == d + days{200} ? std::nullopt : std::optional{next}));
    }
  }));
}
