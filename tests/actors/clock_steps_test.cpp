#include "actors/stage.hpp"

#include "pinion/timing/instant_text.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;

instant at_utc(const char* text) { return parse_instant(text, zone{}).value(); }

slot_rule cron_in(const char* text, const char* zone_name) {
  const auto expression = cron_expression::parse(text).value();
  return slot_rule{
      schedule{cron_schedule{expression, zone::load(zone_name).value(), expression.default_dst()}}};
}

/// One empty task, with a trigger each hour and one each night at 02:30, of Brussels.
sim::scenario brussels() {
  sim::scenario of;
  of.settings.project = "sim";
  workflow_definition workflow;
  workflow.project = "sim";
  workflow.name = "clock";
  workflow.timezone = "Europe/Brussels";
  workflow.overlap = overlap_policy::allow;
  workflow.max_active_runs = 100;
  workflow.tasks.resize(1);
  workflow.tasks[0].name = "tick";
  workflow.tasks[0].type = task_type::empty;
  workflow.triggers.push_back({"hourly", cron_in("30 * * * *", "Europe/Brussels")});
  workflow.triggers.push_back({"nightly", cron_in("30 2 * * *", "Europe/Brussels")});
  of.workflows = {workflow};
  of.lasts = hours{1};
  return of;
}

struct tally {
  std::size_t decided = 0;
  std::size_t run = 0;
};

/// Each slot of the trigger in (since, until] is decided, and has one run or a reason for none.
tally check_slots(const stage& at, std::size_t trigger, instant since, instant until) {
  tally out;
  const auto& of = at.of.workflows[0].triggers[trigger];
  for (const auto& slot :
       slots_between(of.slots, since + duration{1}, until + duration{1}, 10'000)) {
    INFO(of.id << " " << print_utc(slot.at));
    const auto row = at.store().slot({"main", "sim.clock", of.id, slot.at});
    REQUIRE(row);
    REQUIRE(row.value());
    REQUIRE(row.value()->outcome != slot_outcome::planned);
    const bool has_run = row.value()->run != run_id{};
    CHECK(has_run == (row.value()->outcome == slot_outcome::fired ||
                      row.value()->outcome == slot_outcome::late));
    ++out.decided;
    out.run += has_run ? 1 : 0;
  }
  return out;
}

std::size_t runs_in_all(const stage& at) {
  return at.store().list_runs({}, {1'000, {}}).value().items.size();
}

void step(stage& at, duration by) {
  at.clock.step_wall_to(at.clock.wall_now() + by);
  at.engine->alarm.ring(true);
  at.settle();
}

TEST_CASE("over a change of the clocks each slot fires once", "[planner]") {
  // The night in which 02:30 does not exist, and the one in which it comes twice.
  const auto spring = GENERATE(true, false);
  stage at{brussels()};
  const auto start = at_utc(spring ? "2027-03-27T12:00:00Z" : "2027-10-30T12:00:00Z");
  at.clock.step_wall_to(start);
  at.apply();
  at.pass(hours{24});
  const auto until = at.clock.wall_now();
  const auto hourly = check_slots(at, 0, start, until);
  const auto nightly = check_slots(at, 1, start, until);
  // 24 hours pass. In spring the missing 02:30 shifts to 03:00, beside 03:30; in autumn both 02:30
  // count for what comes each hour, and one for what comes each day.
  CHECK(hourly.run == (spring ? 25 : 24));
  CHECK(nightly.run == 1);
  CHECK(runs_in_all(at) == hourly.run + nightly.run);
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("a clock that is set by hours, back and forth, neither loses nor doubles a slot",
          "[planner]") {
  const auto steps =
      GENERATE(std::vector<int>{5}, std::vector<int>{-5}, std::vector<int>{-3, 7, -2},
               std::vector<int>{30, -26}, std::vector<int>{8, -8, 8, -8});
  stage at{brussels()};
  const auto start = at_utc("2027-03-27T12:00:00Z");
  at.clock.step_wall_to(start);
  at.apply();
  auto latest = start;
  at.pass(hours{2});
  for (const auto by : steps) {
    latest = std::max(latest, at.clock.wall_now());
    step(at, hours{by});
    at.pass(hours{3});
    latest = std::max(latest, at.clock.wall_now());
  }
  if (GENERATE(true, false))
    at.restart();
  at.pass(minutes{5});
  latest = std::max(latest, at.clock.wall_now());
  const auto hourly = check_slots(at, 0, start, latest);
  const auto nightly = check_slots(at, 1, start, latest);
  if (steps.front() < 24) // Less than a day was jumped over: all of it runs.
    CHECK(hourly.decided == hourly.run);
  CHECK(runs_in_all(at) == hourly.run + nightly.run);
}

} // namespace
