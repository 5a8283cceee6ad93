#include "binding_fixture.hpp"
#include "binding_table.hpp"

#include <catch2/catch.hpp>
#include <sstream>

using namespace pinion;
using namespace pinion::testing;

namespace {

const std::map<std::string, std::pair<const char*, interval_kind>> periods{
    {"hour", {"0 * * * *", interval_kind::hour}},
    {"day", {"30 4 * * *", interval_kind::day}},
    {"week", {"0 5 * * 1", interval_kind::week}},
    {"month", {"0 6 1 * *", interval_kind::month}}};

/// The columns of the table.
std::vector<outside_need> needs_of_table(const std::string& upstream) {
  std::vector<outside_need> needs(12);
  for (auto& need : needs)
    need.workflow = "up." + upstream;
  needs[1].slot = slot_choice::same_slot;
  needs[2].slot = slot_choice::same_day;
  needs[3].slot = slot_choice::previous;
  needs[4].slot = slot_choice::back;
  needs[4].back = 2;
  constexpr need_window windows[] = {need_window::data, need_window::slot_day, need_window::hour,
                                     need_window::day,  need_window::week,     need_window::month};
  for (std::size_t i = 0; i < std::size(windows); ++i)
    needs[5 + i].window = windows[i];
  needs[7].last = 3;
  needs[11].last = 24;
  return needs;
}

/// "260329T0100".
std::string compact(instant at) {
  const auto text = print_utc(at);
  return text.substr(2, 2) + text.substr(5, 2) + text.substr(8, 3) + text.substr(11, 2) +
         text.substr(14, 2);
}

instant from_compact(const std::string& t) {
  return when("20" + t.substr(0, 2) + '-' + t.substr(2, 2) + '-' + t.substr(4, 5) + ':' +
              t.substr(9, 2) + 'Z');
}

std::string cell_of(const std::vector<instant>& slots) {
  if (slots.empty())
    return "0";
  if (slots.size() == 1)
    return compact(slots.front());
  return std::to_string(slots.size()) + ' ' + compact(slots.front()) + '-' + compact(slots.back());
}

slot_rule rule_of(const std::string& period) {
  auto rule = cron_rule(periods.at(period).first, zone_named("Europe/Brussels"));
  rule.first = when("2025-08-31T22:00Z");
  return rule;
}

listed_triggers brussels() {
  listed_triggers all;
  for (const auto& [name, period] : periods)
    all.add("up." + name + "/t", rule_of(name), period.second);
  return all;
}

workflow_definition waiting_for(std::vector<outside_need> needs,
                                const char* timezone = "Europe/Brussels") {
  workflow_definition workflow;
  workflow.project = "p";
  workflow.name = "w";
  workflow.timezone = timezone;
  workflow.tasks.resize(1);
  workflow.tasks[0].name = "a";
  workflow.tasks[0].outside_needs = std::move(needs);
  return workflow;
}

std::vector<bound_edge> bound(const workflow_definition& workflow, instant slot,
                              const trigger_directory& others, data_interval interval = {}) {
  auto edges = bind_needs(workflow, {"t", slot, interval}, others);
  REQUIRE(edges);
  return std::move(edges).value();
}

} // namespace

TEST_CASE("every pair of periods binds as the table says", "[binding]") {
  const auto others = brussels();
  const auto in = zone_named("Europe/Brussels");
  std::istringstream table{binding_table};
  std::string down;
  std::string slot_text;
  std::string up;
  std::size_t cells = 0;
  while (table >> down >> slot_text >> up) {
    const auto slot = from_compact(slot_text);
    REQUIRE(is_slot(rule_of(down), slot));
    const auto interval = interval_of(rule_of(down), slot, {periods.at(down).second, {}}, in);
    const auto edges = bound(waiting_for(needs_of_table(up)), slot, others, interval);
    REQUIRE(edges.size() == 12);
    std::string line;
    std::getline(table, line);
    for (std::size_t lines = 0, need = 0; lines < 4; ++lines) {
      std::getline(table, line);
      std::istringstream row{line};
      for (std::string cell; std::getline(row >> std::ws, cell, ';'); ++need, ++cells) {
        INFO(down << ' ' << slot_text << " needs " << up << " by column " << need);
        CHECK(cell_of(edges[need].slots) == cell);
        CHECK(edges[need].list == (need >= 5));
      }
    }
  }
  CHECK(cells == 12 * 4 * 12);
}

TEST_CASE("windows of data cover each upstream slot exactly once", "[binding]") {
  const auto others = brussels();
  const auto in = zone_named("Europe/Brussels");
  outside_need need;
  need.workflow = "up.hour";
  need.window = need_window::data;
  const auto workflow = waiting_for({need});
  for (const std::string down : {"hour", "day", "week", "month"}) {
    const auto rule = rule_of(down);
    std::vector<instant> covered;
    for (const auto& slot : slots_between(rule, when("2026-01-01"), when("2026-12-15"), 10'000)) {
      const auto interval = interval_of(rule, slot.at, {periods.at(down).second, {}}, in);
      for (const auto& edge : bound(workflow, slot.at, others, interval))
        covered.insert(covered.end(), edge.slots.begin(), edge.slots.end());
    }
    std::vector<instant> all;
    for (const auto& slot :
         slots_between(rule_of("hour"), covered.front(), covered.back() + duration{1}, 10'000))
      all.push_back(slot.at);
    CHECK(covered == all);
    CHECK(all.size() > 7'000);
  }
}

TEST_CASE("days are days of the waiting task, data that of each side", "[binding]") {
  listed_triggers others;
  others.add("up.hour/t", cron_rule("0 * * * *", zone_named("UTC")), interval_kind::hour);
  others.add("up.day/t", cron_rule("0 1 * * *", zone_named("UTC")), interval_kind::day);
  std::vector<outside_need> needs(3);
  needs[0].workflow = "up.hour";
  needs[0].window = need_window::slot_day;
  needs[1].workflow = "up.day";
  needs[1].slot = slot_choice::same_day;
  needs[2].workflow = "up.day";
  needs[2].window = need_window::data;
  // 03:00 of June 17 in Tokyo is 18:00 of June 16 in UTC.
  const auto slot = when("2026-06-17T03:00+09:00");
  const data_interval day{when("2026-06-16T00:00+09:00"), when("2026-06-17T00:00+09:00")};
  const auto edges = bound(waiting_for(needs, "Asia/Tokyo"), slot, others, day);
  REQUIRE(edges[0].slots.size() == 24);
  CHECK(edges[0].slots.front() == when("2026-06-16T15:00Z"));
  // My day is June 16 15:00 to June 17 15:00 of UTC: nothing in it is not later than mine.
  CHECK(edges[1].slots == std::vector{when("2026-06-17T01:00Z")});
  // The upstream day that begins in mine is that of June 16, whose slot is on June 17.
  CHECK(edges[2].slots == std::vector{when("2026-06-17T01:00Z")});
}

TEST_CASE("a window of data follows intervals from slot to slot", "[binding]") {
  listed_triggers others;
  others.add("up.w/t", cron_rule("0 */6 * * *", {}), interval_kind::previous);
  outside_need need;
  need.workflow = "up.w";
  need.window = need_window::data;
  const data_interval day{when("2026-06-16"), when("2026-06-17")};
  auto edges = bound(waiting_for({need}, "UTC"), when("2026-06-17T02:00Z"), others, day);
  CHECK(cell_of(edges[0].slots) == "4 260616T0600-260617T0000");
  edges = bound(waiting_for({need}, "UTC"), day.start, others, {day.start, day.start});
  CHECK(edges[0].slots.empty()); // A point covers nothing.
}

TEST_CASE("dry slots of an upstream are slots", "[binding]") {
  auto rule = cron_rule("0 2 * * *", {});
  rule.days = std::make_shared<const calendar>(calendar::parse({{"mon-fri"}, {}, {}}).value());
  listed_triggers others;
  others.add("up.plain/t", rule, interval_kind::previous);
  rule.off_days_dryrun = true;
  others.add("up.dry/t", rule, interval_kind::previous);
  std::vector<outside_need> needs(2);
  needs[0].workflow = "up.plain";
  needs[1].workflow = "up.dry";
  const auto sunday = when("2026-06-21T03:00Z");
  const auto edges = bound(waiting_for(needs, "UTC"), sunday, others);
  CHECK(edges[0].slots == std::vector{when("2026-06-19T02:00Z")});
  CHECK(edges[1].slots == std::vector{when("2026-06-21T02:00Z")});
}

TEST_CASE("the previous slot is bound by task, and the first slot needs none", "[binding]") {
  workflow_definition workflow = waiting_for({}, "UTC");
  workflow.tasks.resize(4);
  for (std::uint32_t task = 1; task < 4; ++task)
    workflow.tasks[task].name = std::string(1, static_cast<char>('a' + task));
  workflow.tasks[1].needs = {0};
  workflow.tasks[2].needs = {0};
  workflow.tasks[3].fallback_of = 2;
  workflow.tasks[2].fallback = 3;
  workflow.tasks[0].depends_on_previous = previous_need::children;
  workflow.tasks[1].depends_on_previous = previous_need::self;
  workflow.tasks[2].depends_on_previous = previous_need::tasks;
  workflow.tasks[2].previous_tasks = {1, 0, 1};
  workflow.tasks[3].depends_on_previous = previous_need::self; // A fallback has no needs.
  auto& trigger = workflow.triggers.emplace_back();
  trigger.id = "t";
  trigger.slots = cron_rule("0 2 * * *", {});
  trigger.slots.first = when("2026-06-01T02:00Z");
  const listed_triggers none;
  const auto edges = bound(workflow, when("2026-06-03T02:00Z"), none);
  std::string text;
  for (const auto& edge : edges) {
    CHECK(edge.previous());
    CHECK(edge.workflow == "p.w");
    CHECK(edge.trigger == "t");
    CHECK(edge.slots == std::vector{when("2026-06-02T02:00Z")});
    text += std::to_string(edge.task) + edge.upstream_task + ' ';
  }
  CHECK(text == "0b 0c 1b 2a 2b ");
  CHECK(bound(workflow, when("2026-06-01T02:00Z"), none).empty());
  const auto manual = bind_needs(workflow, {"@manual", when("2026-06-03T02:00Z"), {}}, none);
  CHECK(manual.value().empty());
}

TEST_CASE("an after trigger gates what has no upstream in the run", "[binding]") {
  workflow_definition workflow = waiting_for({}, "UTC");
  workflow.tasks.resize(3);
  workflow.tasks[1].needs = {0};
  workflow.tasks[1].name = "b";
  workflow.tasks[2].name = "c";
  workflow.tasks[2].depends_on_previous = previous_need::self;
  auto& trigger = workflow.triggers.emplace_back();
  trigger.id = "t";
  trigger.after = followed_trigger{"up.day", "", need_state::done};
  auto others = brussels();
  const auto slot = when("2026-06-17T02:30Z");
  const auto edges = bound(workflow, slot, others);
  REQUIRE(edges.size() == 3);
  for (const auto place : {0, 2}) {
    const auto& gate = edges[static_cast<std::size_t>(place)];
    CHECK(gate.need == bound_edge::after_gate);
    CHECK(gate.task == static_cast<std::uint32_t>(place));
    CHECK(gate.trigger == "t");
    CHECK(gate.upstream_task.empty());
    CHECK(gate.state == need_state::done);
    CHECK(gate.missing == missing_policy::skip);
    CHECK(gate.slots == std::vector{slot});
  }
  // Its slots are those of the trigger that it follows; the previous run is its own.
  CHECK(edges[1].workflow == "p.w");
  CHECK(edges[1].slots == std::vector{when("2026-06-16T02:30Z")});
}

TEST_CASE("the first of a chain on itself is satisfied; another need waits", "[binding]") {
  listed_triggers others;
  auto rule = cron_rule("0 2 * * *", {});
  rule.first = when("2026-06-17T02:00Z");
  others.add("p.w/t", rule, interval_kind::previous);
  others.add("up.w/t", rule, interval_kind::previous);
  std::vector<outside_need> needs(2);
  needs[0].workflow = "p.w";
  needs[0].task = "a";
  needs[1].workflow = "up.w";
  for (auto& need : needs)
    need.slot = slot_choice::previous;
  const auto edges = bound(waiting_for(needs, "UTC"), *rule.first, others);
  CHECK(edges[0].slots.empty());
  CHECK(settle_edge(edges[0], {})->outcome == edge_record::counts_as::success);
  CHECK(edges[1].slots.empty());
  CHECK_FALSE(settle_edge(edges[1], {}));
}

TEST_CASE("an upstream that is not there, not clear or too large is refused", "[binding]") {
  listed_triggers others;
  others.add("up.two/a", cron_rule("0 2 * * *", {}), interval_kind::previous);
  others.add("up.two/b", cron_rule("* * * * *", {}), interval_kind::previous);
  const auto problem_of = [&](outside_need need) {
    return bind_needs(waiting_for({need}, "UTC"), {"t", when("2026-06-17"), {}}, others).error();
  };
  outside_need need;
  need.workflow = "up.none";
  CHECK(problem_of(need).code == errc::not_found);
  need.workflow = "up.two";
  CHECK(problem_of(need).code == errc::not_found);
  CHECK(problem_of(need).suggestion.find("trigger:") != std::string::npos);
  need.trigger = "c";
  CHECK(problem_of(need).message.find("up.two/c") != std::string::npos);
  need.trigger = "b";
  need.window = need_window::month;
  CHECK(problem_of(need).code == errc::limit);
  need.window = need_window::none;
  need.last = max_bound_slots + 1;
  CHECK(problem_of(need).code == errc::limit);
}
