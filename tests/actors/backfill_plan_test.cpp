#include "actors/backfill_plan.hpp"

#include "pinion/timing/instant_text.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace {

using namespace pinion;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

instant at(const char* text) { return parse_instant(text).value(); }

zone brussels() { return zone::load("Europe/Brussels").value(); }

workflow_definition workflow_of(const char* name, duration period) {
  workflow_definition out;
  out.project = "dw";
  out.name = name;
  out.tasks.resize(2);
  out.tasks[0].name = "load";
  out.tasks[1].name = "report";
  out.tasks[1].needs = {0};
  trigger_definition tick;
  tick.id = "tick";
  tick.slots = slot_rule{make_every(period).value()};
  out.triggers.push_back(std::move(tick));
  return out;
}

void need(workflow_definition& of, const char* upstream, slot_choice slot = slot_choice::nearest) {
  outside_need bound;
  bound.workflow = upstream;
  bound.trigger = "tick";
  bound.slot = slot;
  of.tasks[0].outside_needs.push_back(bound);
}

known_definitions::map definitions(std::vector<workflow_definition> all) {
  known_definitions::map out;
  for (auto& each : all) {
    const auto id = each.id();
    out[id] = std::make_shared<const workflow_definition>(std::move(each));
  }
  return out;
}

const instant now = at("2026-11-20T12:30Z");

backfill_request request(const char* from, const char* to) {
  backfill_request ask;
  ask.workflow = "dw.orders";
  ask.trigger = "tick";
  ask.from = at(from);
  ask.to = at(to);
  return ask;
}

result<backfill_plan> plan(const backfill_request& ask, std::vector<workflow_definition> all = {}) {
  if (all.empty())
    all.push_back(workflow_of("orders", hours{1}));
  const known_definitions known{definitions(std::move(all))};
  return plan_backfill(ask, known, now);
}

std::vector<std::string> listed(const backfill_plan& of) {
  std::vector<std::string> out;
  for (const auto& each : of.slots)
    out.push_back(of.source_of(each).workflow.substr(3) + ' ' + print_utc(each.slot).substr(8, 8));
  return out;
}

errc refused(const backfill_request& ask, std::vector<workflow_definition> all = {}) {
  const auto made = plan(ask, std::move(all));
  return made ? errc::none : made.error().code;
}

using names = std::vector<std::string>;

TEST_CASE("a backfill has the slots of its range, both ends included", "[backfill_plan]") {
  auto ask = request("2026-11-19T22:00Z", "2026-11-20T01:00Z");
  CHECK(listed(plan(ask).value()) ==
        names{"orders 19T22:00", "orders 19T23:00", "orders 20T00:00", "orders 20T01:00"});
  ask.descending = true;
  CHECK(listed(plan(ask).value()) ==
        names{"orders 20T01:00", "orders 20T00:00", "orders 19T23:00", "orders 19T22:00"});
  ask.trigger.clear(); // Its only one.
  CHECK(plan(ask).value().sources.front().trigger == "tick");
}

TEST_CASE("a range of business dates has the slots of the days after them", "[backfill_plan]") {
  auto orders = workflow_of("orders", hours{6});
  orders.timezone = "Europe/Brussels";
  auto ask = request("2026-11-17T12:00Z", "2026-11-18T12:00Z");
  ask.by_biz_date = true;
  const auto made = plan(ask, {orders}).value();
  REQUIRE(made.slots.size() == 8);
  CHECK(made.slots.front().slot == at("2026-11-18T00:00Z")); // 01:00 there.
  CHECK(made.slots.back().slot == at("2026-11-19T18:00Z"));
  for (const auto& each : made.slots) {
    const auto date = print_day(biz_date(each.slot, brussels()));
    CHECK((date == "2026-11-17" || date == "2026-11-18"));
  }
}

TEST_CASE("a list of slots is taken as it is meant: each once, in order", "[backfill_plan]") {
  backfill_request ask;
  ask.workflow = "dw.orders";
  ask.slots = {at("2026-11-19T05:00Z"), at("2026-11-19T03:00Z"), at("2026-11-19T05:00Z")};
  CHECK(listed(plan(ask).value()) == names{"orders 19T03:00", "orders 19T05:00"});
  ask.slots.push_back(at("2026-11-19T05:30Z"));
  const auto refused = plan(ask);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid);
  CHECK(refused.error().message.find("05:30") != std::string::npos);
  CHECK(refused.error().suggestion.find("06:00") != std::string::npos);
}

TEST_CASE("a backfill that makes no sense is refused with the mend", "[backfill_plan]") {
  const auto good = request("2026-11-19T00:00Z", "2026-11-19T05:00Z");
  CHECK(refused(good) == errc::none);
  auto ask = good;
  ask.workflow = "dw.order";
  CHECK(refused(ask) == errc::not_found);
  CHECK(plan(ask).error().suggestion == "did you mean dw.orders?");
  ask = good;
  ask.trigger = "tack";
  CHECK(plan(ask).error().suggestion == "did you mean tick?");
  ask = good;
  ask.tasks = {"load", "repot"};
  CHECK(refused(ask) == errc::not_found);
  CHECK(plan(ask).error().suggestion == "did you mean report?");
  ask = good;
  ask.parallel = 0;
  CHECK(refused(ask) == errc::invalid);
  ask.parallel = 1'001;
  CHECK(refused(ask) == errc::invalid);
  ask = good;
  ask.hours = {hours{23}, hours{25}};
  CHECK(refused(ask) == errc::invalid);
  ask = good;
  ask.params = {{"nobody", "1"}};
  CHECK(refused(ask) == errc::invalid);
  ask = good;
  std::swap(ask.from, ask.to);
  CHECK(refused(ask) == errc::invalid);
  ask = good;
  ask.from = ask.to = at("2026-11-19T00:30Z");
  CHECK(refused(ask) == errc::invalid);
  ask = good;
  ask.isolated = ask.downstream = true;
  CHECK(refused(ask) == errc::refused);
  CHECK(refused(request("1990-01-01T00:00Z", "2026-11-01T00:00Z")) == errc::limit);
}

TEST_CASE("slots to come are the clock's, but for an isolated backfill", "[backfill_plan]") {
  auto ask = request("2026-11-20T10:00Z", "2026-11-20T14:00Z");
  const auto refused = plan(ask);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::refused);
  CHECK(refused.error().message.find("2 of the slots") == 0);
  ask.isolated = true;
  CHECK(plan(ask).value().slots.size() == 5);
}

TEST_CASE("newest first is refused where a slot waits for the one before", "[backfill_plan]") {
  auto ask = request("2026-11-19T00:00Z", "2026-11-19T05:00Z");
  ask.descending = true;
  auto orders = workflow_of("orders", hours{1});
  orders.tasks[1].depends_on_previous = previous_need::self;
  CHECK(refused(ask, {orders}) == errc::refused);
  CHECK(plan(ask, {orders}).error().message.find("dw.orders.report") != std::string::npos);
  orders = workflow_of("orders", hours{1});
  need(orders, "dw.orders", slot_choice::previous);
  CHECK(refused(ask, {orders}) == errc::refused);
  ask.descending = false;
  CHECK(refused(ask, {orders}) == errc::none);
}

TEST_CASE("downstream slots come after all that they need, workflow by workflow",
          "[backfill_plan]") {
  auto sums = workflow_of("sums", hours{2});
  need(sums, "dw.orders");
  auto alerts = workflow_of("alerts", hours{2});
  need(alerts, "dw.orders");
  need(alerts, "dw.sums");
  auto apart = workflow_of("apart", hours{1});
  const std::vector<workflow_definition> all{alerts, apart, workflow_of("orders", hours{1}), sums};
  auto ask = request("2026-11-19T03:00Z", "2026-11-19T05:00Z");
  ask.downstream = true;
  CHECK(listed(plan(ask, all).value()) == names{"orders 19T03:00", "orders 19T04:00",
                                                "orders 19T05:00", "sums 19T04:00",
                                                "alerts 19T04:00"});
  // 06:00 is bound to 06:00 of orders: not to what is made here.
  ask.from = ask.to = at("2026-11-20T12:00Z");
  CHECK(listed(plan(ask, all).value()) ==
        names{"orders 20T12:00", "sums 20T12:00", "alerts 20T12:00"});
}

TEST_CASE("downstream leaves slots to come to the clock", "[backfill_plan]") {
  auto sums = workflow_of("sums", days{1});
  outside_need whole_day;
  whole_day.workflow = "dw.orders";
  whole_day.window = need_window::day;
  sums.tasks[0].outside_needs.push_back(whole_day);
  auto ask = request("2026-11-18T03:00Z", "2026-11-20T05:00Z");
  ask.downstream = true;
  const auto made = plan(ask, {workflow_of("orders", hours{1}), sums}).value();
  names last;
  for (const auto& each : listed(made))
    if (each.starts_with("sums"))
      last.push_back(each);
  CHECK(last == names{"sums 19T00:00", "sums 20T00:00"}); // Not the 21st.
}

TEST_CASE("no downstream slot stands before one that it needs", "[backfill_plan]") {
  CHECK(rc::check("order of needs", [] {
    // Each workflow needs some of those before it.
    const auto count = *rc::gen::inRange<std::size_t>(2, 6);
    std::vector<workflow_definition> all;
    std::vector<std::string> ids{"dw.orders"};
    all.push_back(workflow_of("orders", hours{1}));
    for (std::size_t i = 1; i < count; ++i) {
      // Names in no order of needs.
      const auto name = std::string(1, static_cast<char>('z' - i)) + "flow";
      auto each = workflow_of(name.c_str(), hours{*rc::gen::element(1, 2, 3, 6)});
      for (const auto& upstream : ids)
        if (*rc::gen::arbitrary<bool>())
          need(each, upstream.c_str());
      ids.push_back(each.id());
      all.push_back(std::move(each));
    }
    auto ask = request("2026-11-18T03:00Z", "2026-11-18T12:00Z");
    ask.downstream = true;
    const known_definitions known{definitions(all)};
    const auto made = plan_backfill(ask, known, now).value();
    std::map<std::tuple<std::string, std::string, instant>, std::size_t> position;
    for (std::size_t i = 0; i < made.slots.size(); ++i) {
      const auto& from = made.source_of(made.slots[i]);
      RC_ASSERT(
          position.emplace(std::tuple{from.workflow, from.trigger, made.slots[i].slot}, i).second);
    }
    for (std::size_t i = 0; i < made.slots.size(); ++i) {
      const auto& from = made.source_of(made.slots[i]);
      const auto slot = made.slots[i].slot;
      const auto edges = bind_needs(*known.all().at(from.workflow),
                                    {from.trigger, slot, {slot, slot}}, known.directory());
      for (const auto& edge : edges.value())
        for (const auto upstream : edge.slots)
          if (const auto found = position.find({edge.workflow, edge.trigger, upstream});
              found != position.end())
            RC_ASSERT(found->second < i);
    }
  }));
}

TEST_CASE("hours that pass midnight are open on both sides of it", "[backfill_plan]") {
  const quiet_hours night{hours{22}, hours{6}};
  const auto in = brussels();
  const auto open = [&](const char* text) {
    const auto when = at(text);
    return opening_at(night, when, in).begin <= when;
  };
  CHECK_FALSE(open("2026-11-19T21:59:59.999999+01:00"));
  CHECK(open("2026-11-19T22:00+01:00"));
  CHECK(open("2026-11-20T05:59:59+01:00"));
  CHECK_FALSE(open("2026-11-20T06:00+01:00"));
  CHECK(opening_at(night, at("2026-11-20T06:00+01:00"), in).begin == at("2026-11-20T22:00+01:00"));
  CHECK(opening_at({}, now, in).begin <= now);
}

TEST_CASE("hours follow the clocks over their changes", "[backfill_plan]") {
  const auto in = brussels();
  // On March 29, 2026, 02:00 becomes 03:00; on October 25 03:00 becomes 02:00.
  const quiet_hours early{hours{2} + minutes{30}, hours{4}};
  auto found = opening_at(early, at("2026-03-29T00:00+01:00"), in);
  CHECK(found.begin == at("2026-03-29T03:00+02:00"));
  CHECK(found.end == at("2026-03-29T04:00+02:00"));
  // Nothing is left of these on that date.
  found = opening_at({hours{2}, hours{2} + minutes{30}}, at("2026-03-29T00:00+01:00"), in);
  CHECK(found.begin == at("2026-03-30T02:00+02:00"));
  found = opening_at(early, at("2026-10-25T00:00+02:00"), in);
  CHECK(found.begin == at("2026-10-25T02:30+02:00"));
  CHECK(found.end - found.begin == hours{2} + minutes{30});
}

TEST_CASE("an opening is now or the next one", "[backfill_plan]") {
  CHECK(rc::check("openings", [] {
    const quiet_hours any{minutes{*rc::gen::inRange(0, 24 * 60)},
                          minutes{*rc::gen::inRange(0, 24 * 60 + 1)}};
    const auto when = at("2026-01-01T00:00Z") + minutes{*rc::gen::inRange(0, 525'600)};
    const auto found = opening_at(any, when, brussels());
    RC_ASSERT(when < found.end);
    RC_ASSERT(found.begin <= when + days{2});
  }));
}

} // namespace
