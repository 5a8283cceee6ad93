#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/preview.hpp"
#include "pinion/timing/instant_text.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using namespace std::chrono_literals;

constexpr const char* settings = "timezone: Europe/Brussels\n"
                                 "calendars:\n"
                                 "  workdays: {weekdays: mon-fri, except: [2026-12-25, "
                                 "2026-12-28..2026-12-31], also: [2026-12-27]}\n"
                                 "  bank: {on: workdays, except: 2026-12-24}\n";

instant at(const char* text) {
  return parse_instant(text, zone::load("Europe/Brussels").value()).value();
}

load_result load(const std::string& triggers, std::optional<instant> now = std::nullopt,
                 const std::string& project = settings) {
  const source_text sources[] = {
      {"/w/dw/pinion.yaml", project},
      {"/w/dw/f.yaml", "workflow: w\ntriggers:\n" + triggers + "tasks: {a: {run: x}}\n"},
      {"/w/dw/g.yaml", "workflow: other\ntriggers:\n"
                       "  - {id: daily, period: day, calendar: bank}\n"
                       "  - {id: hourly, period: hour}\ntasks: {a: {run: x}}\n"}};
  load_options options;
  options.now = now;
  return load_texts(sources, options);
}

/// The trigger of `- {…}`, and that it comes back from its canonical form as it was.
trigger_definition one(const std::string& keys) {
  const auto loaded = load("  - {" + keys + "}\n");
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  const auto& made = loaded.workflows.at(0).definition;
  const auto text = to_canonical_json(made);
  const auto back = from_canonical_json(text);
  REQUIRE(back);
  CHECK(to_canonical_json(back.value()) == text);
  const auto& trigger = made.triggers.at(0);
  CHECK(back.value().triggers.at(0).slots == trigger.slots);
  CHECK(back.value().triggers.at(0).after == trigger.after);
  CHECK(back.value().triggers.at(0).misfire == trigger.misfire);
  CHECK(back.value().triggers.at(0).catchup == trigger.catchup);
  CHECK(back.value().triggers.at(0).jitter == trigger.jitter);
  CHECK(back.value().data_interval_given == made.data_interval_given);
  return trigger;
}

std::vector<std::string> slots(const std::string& keys, const char* from, std::size_t count) {
  std::vector<std::string> out;
  for (const auto& time : preview(one(keys).slots, at(from), count))
    out.push_back(time.slot.substr(0, 16) + (time.dry ? " dry" : ""));
  return out;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("every kind of trigger has the slots that it says", "[loader]") {
  CHECK(slots("cron: \"0 30 2 ? * 2#1\", dialect: quartz", "2026-11-20", 2) ==
        texts{"2026-12-07T02:30", "2027-01-04T02:30"});
  CHECK(slots("cron: \"0 0 13 * fri\", dom_dow: and", "2026-11-20", 1) ==
        texts{"2027-08-13T00:00"});
  CHECK(slots("cron: \"0 0 0 1 1 ? 2031\", dialect: quartz", "2026-11-20", 2) ==
        texts{"2031-01-01T00:00"});
  CHECK(slots("period: hour, at: [\":05\", \":35\"]", "2026-11-20T00:10", 3) ==
        texts{"2026-11-20T00:35", "2026-11-20T01:05", "2026-11-20T01:35"});
  CHECK(slots("period: day, at: 02:00", "2026-11-20T03:00", 1) == texts{"2026-11-21T02:00"});
  CHECK(slots("period: week, days: [mon, thu], at: 06:30", "2026-11-20", 2) ==
        texts{"2026-11-23T06:30", "2026-11-26T06:30"});
  CHECK(slots("period: month, days: last", "2026-11-20", 2) ==
        texts{"2026-11-30T00:00", "2026-12-31T00:00"});
  CHECK(slots("period: month, days: 5, step: 3, start: 2026-01-01", "2026-11-20", 1) ==
        texts{"2027-01-05T00:00"});
  CHECK(slots("period: year, days: 12-24, at: 18:00", "2026-11-20", 1) ==
        texts{"2026-12-24T18:00"});
  CHECK(slots("every: 36h, anchor: 2026-11-20T06:00", "2026-11-20", 2) ==
        texts{"2026-11-20T06:00", "2026-11-21T18:00"});
  CHECK(slots("dates: [\"2026-12-24T02:00\", 2027-01-06]", "2026-11-20", 3) ==
        texts{"2026-12-24T02:00", "2027-01-06T00:00"});
}

TEST_CASE("a window includes both its ends, of a date the whole day", "[loader]") {
  CHECK(slots("cron: \"0 6,18 * * *\", start: 2026-11-21, end: 2026-11-22", "2026-11-01", 9) ==
        texts{"2026-11-21T06:00", "2026-11-21T18:00", "2026-11-22T06:00", "2026-11-22T18:00"});
  CHECK(slots("cron: \"0 6 * * *\", start: \"2026-11-21T06:00\", end: \"2026-11-22T06:00\"",
              "2026-11-01", 9) == texts{"2026-11-21T06:00", "2026-11-22T06:00"});
  CHECK(one("cron: \"0 0 * * *\", end: 2026-11-22, timezone: Asia/Tokyo").slots.last ==
        at("2026-11-22T16:00+01:00") - 1us);
}

TEST_CASE("a calendar decides on days, in both forms", "[loader]") {
  CHECK(slots("cron: \"0 2 * * *\", calendar: workdays", "2026-12-24T12:00", 3) ==
        texts{"2026-12-27T02:00", "2027-01-01T02:00", "2027-01-04T02:00"});
  CHECK(slots("period: day, calendar: bank", "2026-12-23T12:00", 1) == texts{"2026-12-27T00:00"});
  CHECK(slots("period: month, days: 25, calendar: {name: workdays, shift: next}", "2026-12-01",
              1) == texts{"2026-12-27T00:00"});
  CHECK(slots("period: month, days: 25, calendar: workdays, shift: previous", "2026-12-01", 1) ==
        texts{"2026-12-24T00:00"});
  CHECK(slots("period: week, days: fri, off_days: dryrun", "2026-11-26T12:00", 2) ==
        texts{"2026-11-27T00:00", "2026-11-28T00:00 dry"});
}

TEST_CASE("dst, misfire, catchup and jitter are read over their defaults", "[loader]") {
  const auto daily = one("cron: \"0 2 * * *\", dst: {missing: skip}, misfire: last, jitter: 2m");
  CHECK(std::get<cron_schedule>(daily.slots.when).dst ==
        dst_policy{missing_time::skip, repeated_time::first});
  CHECK(daily.misfire->policy == misfire_choice::last);
  CHECK(daily.jitter == duration{2min});
  const auto hourly = one("period: hour, dst: {repeated: last}, start: 2026-01-01, catchup: true, "
                          "misfire: {within: 2h, max: 5}");
  CHECK(std::get<period_schedule>(hourly.slots.when).dst ==
        dst_policy{missing_time::shift, repeated_time::last});
  CHECK(hourly.misfire == misfire_policy{misfire_choice::all, 2h, 5});
  CHECK(hourly.catchup);
  CHECK_FALSE(one("period: hour").misfire);
}

TEST_CASE("the default data interval of a period is its unit, that of others is previous",
          "[loader]") {
  const auto made =
      load("  - {id: p, period: week, days: mon}\n  - {id: c, cron: \"0 0 * * *\"}\n");
  REQUIRE(made.ok());
  const auto& definition = made.workflows[0].definition;
  CHECK_FALSE(definition.data_interval_given);
  CHECK(interval_of_trigger(definition, definition.triggers[0]).kind == interval_kind::week);
  CHECK(interval_of_trigger(definition, definition.triggers[1]).kind == interval_kind::previous);
}

TEST_CASE("an after trigger has the times of the trigger that it follows", "[loader]") {
  const auto loaded =
      load("  - {id: a, after: other, trigger: hourly, state: done, misfire: {max: 3}}\n"
           "  - {id: b, after: dw.w, trigger: a}\n");
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  const workflow_definition* set[] = {&loaded.workflows[0].definition,
                                      &loaded.workflows[1].definition};
  const auto& follows = *set[0]->triggers[0].after;
  CHECK(follows == followed_trigger{"dw.other", "hourly", need_state::done});
  CHECK(set[0]->triggers[1].text == "after dw.w/a");
  const definition_directory all{set};
  const auto told = preview(*set[0], at("2026-11-20T00:10"), 1, &all);
  REQUIRE(told.size() == 2);
  REQUIRE(told[1].times.size() == 1);
  CHECK(told[1].times[0].slot == "2026-11-20T01:00:00+01:00");
  CHECK(preview(*set[0], at("2026-11-20"), 1)[0].times.empty());
  const auto known = all.find("dw.w", "b");
  REQUIRE(known);
  CHECK(known->slots == &set[1]->triggers[1].slots);
  CHECK(known->interval.kind == interval_kind::hour);
  CHECK(all.only_trigger("dw.w").empty());
  CHECK_FALSE(all.find("dw.w", "c"));
  CHECK_FALSE(all.find("dw.nothing", ""));
}

namespace {

struct bad_trigger {
  const char* keys;
  std::uint32_t column; ///< In `  - {keys}`, from 1.
  const char* message;
  const char* suggestion;
};

const bad_trigger bad_triggers[] = {
    {"cron: \"0 0 * * *\", period: day", 33, "not both `cron` and `period`", "two triggers"},
    {"period: day, at: 25:00", 23, "at: \"25:00\"", ""},
    {"period: day, at: [02:00, 2am]", 31, "at: \"2am\"", "02:00"},
    {"period: fortnight", 14, "fortnight", ""},
    {"period: week", 14, "", ""},
    {"period: week, days: [mon, fryday]", 32, "fryday", ""},
    {"period: day, days: mon", 25, "", ""},
    {"period: day, step: 0", 25, "a whole number from 1 to 3660", ""},
    {"period: day, dialect: unix", 19, "`dialect` does not go with `period`",
     "it belongs to `cron`"},
    {"cron: \"0 0 * * *\", at: 02:00", 25, "`at` does not go with `cron`",
     "it belongs to `period`"},
    {"cron: \"0 0 * * *\", anchor: 2026-01-01", 25, "`anchor` does not go with `cron`", "`every`"},
    {"every: 5m, dst: {missing: skip}", 17, "`dst` does not go with `every`", "physical time"},
    {"every: 5m, timezone: Asia/Tokyo", 27, "`every` counts physical time", "`calendar`"},
    {"every: 5m, calendar: workdays, shift: next", 44, "slots of `every` do not move", "skip"},
    {"after: other, trigger: daily, start: 2026-01-01", 36, "`start` does not go with `after`",
     "has the slots and data intervals"},
    {"cron: \"0 0 * * *\", state: done", 25, "`state` does not go with `cron`", "`after`"},
    {"cron: \"0 0 * * *\", dialect: quarz", 34, "`quarz` is none of `unix` or `quartz`",
     "did you mean `quartz`?"},
    {"cron: \"0 0 0 ? * *\", dialect: quartz, dom_dow: and", 53, "`dom_dow` belongs to", ""},
    {"cron: \"0 0 * * *\", calendar: workday", 35, "there is no calendar `workday`",
     "did you mean `workdays`?"},
    {"cron: \"0 0 * * *\", shift: next", 32,
     "`shift` says what becomes of slots outside a calendar", "add `calendar: name`"},
    {"cron: \"0 0 * * *\", calendar: {name: workdays, shift: next}, shift: skip", 73,
     "`shift` stands twice", ""},
    {"cron: \"0 0 * * *\", calendar: {shift: next}", 35, "`calendar` needs the name", ""},
    {"cron: \"0 0 * * *\", off_days: dryrun", 35, "this trigger has no off days", "`calendar`"},
    {"cron: \"0 0 * * *\", calendar: bank, shift: next, off_days: dryrun", 64, "no day is left out",
     "`shift: skip`"},
    {"cron: \"0 0 * * *\", catchup: true", 34, "is owed since `start`", "add `start"},
    {"cron: \"0 0 * * *\", start: 2026-02-30", 32, "2026-02-30", ""},
    {"cron: \"0 0 * * *\", start: 2026-02-02, end: 2026-02-01", 49, "`end` lies before `start`",
     ""},
    {"cron: \"0 0 1 * *\", start: 2026-02-02, end: 2026-02-27", 12,
     "its window and calendar leave no slot", ""},
    {"cron: \"0 0 25 12 *\", start: 2026-12-01, end: 2026-12-31, calendar: workdays", 12,
     "its window and calendar leave no slot", ""},
    {"cron: \"0 0 * * *\", misfire: some", 34, "`some` is none of", ""},
    {"cron: \"0 0 * * *\", misfire: {policy: none, within: 1h}", 57, "makes nothing up", ""},
    {"cron: \"0 0 * * *\", misfire: {policy: last, max: 5}", 54, "`max` belongs to", ""},
    {"cron: \"0 0 * * *\", jitter: 2d", 33, "2d", ""},
    {"cron: \"0 0 * * *\", dst: {missing: never}", 40, "`never` is none of", ""},
    {"dates: [2026-12-24, 2026-13-01]", 26, "2026-13-01", ""},
    {"dates: []", 13, "", ""},
    {"after: other", 13, "the workflow `dw.other` has several triggers: `daily` and `hourly`",
     "`trigger:`"},
    {"after: othr, trigger: daily", 13, "there is no workflow `dw.othr`",
     "did you mean `dw.other`?"},
    {"after: other, trigger: dayly", 29, "the workflow `dw.other` has no trigger `dayly`",
     "did you mean `daily`?"},
    {"after: a.b.c", 13, "`a.b.c` is no reference to a workflow", ""},
    {"id: x, after: w, trigger: x", 20, "triggers follow each other in a circle: dw.w/x -> dw.w/x",
     "slots of its own"},
};

} // namespace

TEST_CASE("every bad trigger is refused with place, message and suggestion", "[loader]") {
  for (const auto& bad : bad_triggers) {
    const auto loaded = load("  - {" + std::string{bad.keys} + "}\n");
    std::string all;
    for (const auto& error : loaded.errors)
      all += to_text(error) + '\n';
    INFO(bad.keys << ", got:\n" << all);
    const bool told =
        std::any_of(loaded.errors.begin(), loaded.errors.end(), [&](const diagnostic& error) {
          return error.line == 3 && error.column == bad.column &&
                 error.message.find(bad.message) != std::string::npos &&
                 error.suggestion.find(bad.suggestion) != std::string::npos;
        });
    CHECK(told);
  }
}

TEST_CASE("with the present time what is over is told", "[loader]") {
  const auto now = at("2026-11-20T12:00");
  const auto expression = load("  - {cron: \"0 0 0 1 1 ? 2020\", dialect: quartz}\n", now);
  REQUIRE(expression.errors.size() == 1);
  CHECK(expression.errors[0].message.find(
            "never comes again; its last time was 2020-01-01T00:00") != std::string::npos);
  CHECK(load("  - {cron: \"0 0 0 1 1 ? 2020\", dialect: quartz}\n").ok());
  CHECK(load("  - {cron: \"0 0 0 1 1 ? 2020\", dialect: quartz, start: 2019-01-01, "
             "catchup: true}\n",
             now)
            .ok());
  for (const auto* keys : {"cron: \"0 0 * * *\", end: 2026-11-01", "dates: [2026-11-01]"}) {
    const auto window = load("  - {" + std::string{keys} + "}\n", now);
    CHECK(window.ok());
    const bool warned = std::any_of(window.warnings.begin(), window.warnings.end(), [](auto& one) {
      return one.line == 3 && one.message == "the trigger has no slot any more; its last one was "
                                             "2026-11-01T00:00:00+01:00";
    });
    CHECK(warned);
  }
}

TEST_CASE("calendars that nobody uses or that run out are warned about", "[loader]") {
  const auto load_with = [](const std::string& calendars) {
    return load("  - {period: day, calendar: c}\n", at("2026-11-20"),
                "calendars:\n  bank: {weekdays: mon-fri}\n" + calendars);
  };
  const auto soon = load_with("  c: {except: [2027-01-01]}\n  d: {weekdays: sun}\n");
  REQUIRE(soon.ok());
  REQUIRE(soon.warnings.size() == 2);
  CHECK(to_text(soon.warnings[0]) == "/w/dw/pinion.yaml:3:3: warning: the dates of the calendar "
                                     "`c` end with 2027-01-01 (add those of the coming year)");
  CHECK(to_text(soon.warnings[1]) ==
        "/w/dw/pinion.yaml:4:3: warning: no trigger uses the calendar `d` (remove it)");
  const auto over = load_with("  c: {except: [2026-01-01]}\n");
  REQUIRE(over.warnings.size() == 1);
  CHECK(over.warnings[0].message == "the dates of the calendar `c` ended with 2026-01-01");
  CHECK(load_with("  c: {except: [2027-06-01]}\n").warnings.empty());
}

TEST_CASE("bad calendars are refused with place and suggestion", "[loader]") {
  struct row {
    const char* text; ///< Of line 2 on.
    std::uint32_t line;
    std::uint32_t column;
    const char* message;
  };
  const row rows[] = {
      {"  c: {weekdays: [mon, fryday]}\n", 2, 23, "fryday"},
      {"  c: {except: [2026-02-30]}\n", 2, 16, "2026-02-30"},
      {"  c: {except: [2026-02-05..2026-02-01]}\n", 2, 16, "2026-02-05..2026-02-01"},
      {"  c: {on: d}\n", 2, 11, "there is no calendar `d`"},
      {"  c: {on: d}\n  d: {on: c}\n", 2, 11,
       "the calendars stand on each other in a circle: c -> d -> c"},
      {"  c: {}\n", 2, 3, "the calendar `c` says nothing"},
      {"  c: {weekdays: none}\n", 2, 3, "the calendar `c` has no day at all"},
      {"  c: {weekday: mon}\n", 2, 7, "unknown key `weekday` in a calendar"},
      {"  a b: {weekdays: mon}\n", 2, 3, "no legal name of a calendar"},
  };
  for (const auto& bad : rows) {
    const source_text source{"/w/dw/pinion.yaml", std::string{"calendars:\n"} + bad.text};
    const auto loaded = load_texts({&source, 1}, {});
    INFO(bad.text);
    REQUIRE_FALSE(loaded.ok());
    INFO(to_text(loaded.errors[0]));
    CHECK(loaded.errors[0].line == bad.line);
    CHECK(loaded.errors[0].column == bad.column);
    CHECK(loaded.errors[0].message.find(bad.message) != std::string::npos);
  }
}
