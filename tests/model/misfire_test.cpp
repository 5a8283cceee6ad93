#include "binding_fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>

using namespace pinion;
using namespace pinion::testing;

namespace {

slot_rule hourly() { return cron_rule("0 * * * *", {}); }

constexpr std::chrono::hours hour{1};

} // namespace

TEST_CASE("the policy decides which of the slots that passed still run", "[misfire]") {
  const auto now = when("2026-06-17T12:30Z");
  const auto runs = [&](misfire_policy policy) {
    const auto owed = slots_owed(hourly(), policy, now - 10 * hour, now);
    CHECK(owed.run.size() + owed.missed.size() == 10);
    CHECK_FALSE(owed.more_before);
    return owed.run;
  };
  CHECK(runs({misfire_choice::all, std::chrono::days{1}, 100}).size() == 10);
  CHECK(runs({misfire_choice::all, std::chrono::days{1}, 3}).size() == 3);
  CHECK(runs({misfire_choice::all, 150 * std::chrono::minutes{1}, 100}).size() == 3);
  const auto last = runs({misfire_choice::last, std::chrono::days{1}, 100});
  REQUIRE(last.size() == 1);
  CHECK(last.front().at == when("2026-06-17T12:00Z"));
  CHECK(runs({misfire_choice::last, std::chrono::minutes{10}, 100}).empty());
  CHECK(runs({misfire_choice::none, std::chrono::days{1}, 100}).empty());
}

TEST_CASE("both ends of what is owed are exact", "[misfire]") {
  const auto noon = when("2026-06-17T12:00Z");
  CHECK(slots_owed(hourly(), {}, noon, noon).run.empty());
  CHECK(slots_owed(hourly(), {}, noon - hour, noon).run.size() == 1);
  CHECK(slots_owed(hourly(), {}, noon - hour, noon - duration{1}).run.empty());
  CHECK(slots_owed(hourly(), {}, noon, noon - hour).run.empty()); // The clock was set back.
  const misfire_policy narrow{misfire_choice::all, hour, 100};
  CHECK(slots_owed(hourly(), narrow, noon - 5 * hour, noon).run.size() == 2);
}

TEST_CASE("what polls runs its last slot, the rest all of a day", "[misfire]") {
  CHECK(default_misfire(hourly()).policy == misfire_choice::all);
  CHECK(default_misfire(hourly()).within == std::chrono::days{1});
  CHECK(default_misfire(hourly()).max == 100);
  CHECK(default_misfire(cron_rule("*/5 * * * *", {})).policy == misfire_choice::last);
  slot_rule every;
  every.when = make_every(std::chrono::hours{6}).value();
  CHECK(default_misfire(every).policy == misfire_choice::last);
}

TEST_CASE("dry slots are owed too", "[misfire]") {
  auto rule = cron_rule("0 2 * * *", {});
  rule.days = std::make_shared<const calendar>(calendar::parse({{"mon-fri"}, {}, {}}).value());
  rule.off_days_dryrun = true;
  const auto monday = when("2026-06-22T03:00Z");
  const auto owed = slots_owed(rule, {misfire_choice::all, std::chrono::days{9}, 100},
                               monday - std::chrono::days{3}, monday);
  REQUIRE(owed.run.size() == 3);
  CHECK(owed.run[0].dry);
  CHECK(owed.run[1].dry);
  CHECK_FALSE(owed.run[2].dry);
}

TEST_CASE("run and missed are a partition of what passed, over as many answers as it takes",
          "[misfire]") {
  CHECK(rc::check([] {
    const auto minutes = *rc::gen::inRange(0, 20'000);
    const auto now = when("2026-10-26T00:00Z") + std::chrono::seconds{*rc::gen::inRange(0, 90'000)};
    const auto cursor = now - std::chrono::minutes{minutes};
    misfire_policy policy;
    policy.policy =
        *rc::gen::element(misfire_choice::all, misfire_choice::last, misfire_choice::none);
    policy.within = std::chrono::minutes{*rc::gen::inRange(0, 5'000)};
    policy.max = *rc::gen::inRange(0U, 30U);
    const std::size_t most = *rc::gen::inRange<std::size_t>(1, 50);
    const auto rule = cron_rule(
        *rc::gen::element<std::string>("*/15 * * * *", "0 * * * *", "30 2 * * *", "0 6 * * 1"),
        zone_named("Europe/Brussels"));
    std::vector<ruled_slot> run;
    std::vector<ruled_slot> missed;
    auto upto = now;
    auto present = policy;
    for (int answers = 0; answers < 3'000; ++answers) {
      const auto owed = slots_owed(rule, present, cursor, upto, most);
      RC_ASSERT(owed.missed.size() <= most);
      RC_ASSERT(answers == 0 || owed.run.empty());
      run.insert(run.begin(), owed.run.begin(), owed.run.end());
      missed.insert(missed.begin(), owed.missed.begin(), owed.missed.end());
      if (!owed.more_before)
        break;
      upto = *owed.more_before;
      present.policy = misfire_choice::none;
    }
    auto all = missed;
    all.insert(all.end(), run.begin(), run.end()); // What runs is newer than all that is missed.
    RC_ASSERT(all == slots_between(rule, cursor + duration{1}, now + duration{1}, 100'000));
    const auto allowed = [&](const ruled_slot& slot) { return now - slot.at <= policy.within; };
    RC_ASSERT(std::all_of(run.begin(), run.end(), allowed));
    const std::size_t limit = policy.policy == misfire_choice::none   ? 0
                              : policy.policy == misfire_choice::last ? std::min(policy.max, 1U)
                                                                      : policy.max;
    const auto young = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), allowed));
    RC_ASSERT(run.size() == std::min(limit, young));
  }));
}
