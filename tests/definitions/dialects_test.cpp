#include "definitions/dialects.hpp"

#include "map_scope.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/text_template.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using definitions::time_dialect;

/// What a text of that system prints on 2026-11-20T02:00 in Shanghai (18:00 of the day before in
/// UTC; the data interval begins a day earlier); else "error: ...".
std::string printed(time_dialect dialect, const std::string& text) {
  const std::vector<std::string> params{"dt", "brand"};
  const auto ours = definitions::translate(dialect, text, params);
  if (!ours)
    return "error: " + ours.error().what.message;
  map_scope scope;
  scope.values["params"] = {{"dt", "20260101"}, {"brand", "A"}};
  scope.values["vars"] = {{"schema", "dw"}};
  scope.values["run"] = {{"id", "r7"}, {"workflow", "dw.load"}, {"project", "dw"}};
  scope.values["task"] = {{"name", "sum"}};
  scope.values["inputs"] = {{"load", {{"path", "/x"}, {"return_value", "9"}}}};
  scope.values["logical_date"] = "2026-11-19T02:00+08:00";
  auto parsed = text_template::parse(ours.value(), text_kind::plain);
  if (!parsed)
    return "error: " + parsed.error().what.message + " in " + ours.value();
  const auto done = parsed.value().render(scope);
  return done ? done.value() : "error: " + done.error().what.message + " in " + ours.value();
}

struct row {
  const char* written;
  const char* prints;
};

} // namespace

TEST_CASE("DolphinScheduler's times mean what they mean there", "[dialects]") {
  for (const auto& [written, prints] : {
           row{"${system.biz.date}", "20261119"},
           row{"${system.biz.curdate}", "20261120"},
           row{"${system.datetime}", "20261120020000"},
           row{"${system.workflow.instance.id}/${system.task.definition.name}", "r7/sum"},
           row{"${system.project.name} ${system.workflow.definition.name}", "dw dw.load"},
           row{"${system.task.instance.id}", "r7/sum"},
           row{"${dt} ${HOME} ${brand}", "20260101 ${HOME} A"},
           row{"$[yyyyMMdd]", "20261120"},
           row{"$[yyyy-MM-dd]", "2026-11-20"},
           row{"$[yyyyMMddHHmmss]", "20261120020000"},
           row{"$[yyyyMMdd-1]", "20261119"},
           row{"$[yyyy-MM-dd-1]", "2026-11-19"},
           row{"$[yyyyMMdd+7*2]", "20261204"},
           row{"$[yyyyMMdd-7*1]", "20261113"},
           row{"$[HHmmss+1/24]", "030000"},
           row{"$[yyyyMMddHHmm-15/24/60]", "202611200145"},
           row{"$[HH:mm-3/24]", "23:00"},
           row{"$[add_months(yyyyMMdd,-1)]", "20261020"},
           row{"$[add_months(yyyyMM,12*1)]", "202711"},
           row{"$[this_day(yyyy-MM-dd)]", "2026-11-20"},
           row{"$[last_day(yyyy-MM-dd)]", "2026-11-19"},
           row{"$[month_first_day(yyyy-MM-dd,-1)]", "2026-10-01"},
           row{"$[month_last_day(yyyy-MM-dd,-1)]", "2026-10-31"},
           row{"$[month_first_day(yyyyMMdd)]", "20261101"},
           row{"$[week_first_day(yyyyMMdd,-1)]", "20261109"},
           row{"$[week_last_day(yyyyMMdd,1)]", "20261129"},
           row{"$[month_begin(yyyyMMdd,2)]", "20261103"},
           row{"$[month_end(yyyyMMdd,-1)]", "20261129"},
           row{"$[week_begin(yyyyMMdd,1)]", "20261117"},
           row{"$[week_end(yyyyMMdd,-1)]", "20261121"},
           row{"pt=$[yyyyMMdd]/$[HH] {{ params.brand }}", "pt=20261120/02 A"},
           row{"echo $[1+2] $1 $HOME \\$[yyyyMMdd]", "echo $[1+2] $1 $HOME \\$[yyyyMMdd]"},
       }) {
    CAPTURE(written);
    CHECK(printed(time_dialect::dolphinscheduler, written) == prints);
  }
}

TEST_CASE("DataWorks' times mean what they mean there", "[dialects]") {
  for (const auto& [written, prints] : {
           row{"$bizdate", "20261119"},
           row{"$cyctime", "20261120020000"},
           row{"$gmtdate", "20261120"},
           row{"$bizmonth", "202610"},
           row{"$jobid", "r7"},
           row{"$bizdates $HOME", "$bizdates $HOME"},
           row{"${yyyymmdd}", "20261119"},
           row{"${yyyy-mm-dd}", "2026-11-19"},
           row{"${yyyymmdd-1}", "20261118"},
           row{"${yyyymmdd+7*1}", "20261126"},
           row{"${yyyymm-1}", "202610"},
           row{"${yyyy-1}", "2025"},
           row{"${brand} ${HOME} ${day}", "A ${HOME} ${day}"},
           row{"$[yyyymmdd]", "20261120"},
           row{"$[yyyymmddhh24miss]", "20261120020000"},
           row{"$[yyyy-mm-dd-1]", "2026-11-19"},
           row{"$[hh24-1/24]", "01"},
           row{"$[hh24:mi-15/24/60]", "01:45"},
           row{"$[add_months(yyyymmdd,-1)]", "20261020"},
           row{"$[add_months(yyyy,-12*1)]", "2025"},
           row{"$[1+2]", "$[1+2]"},
       }) {
    CAPTURE(written);
    CHECK(printed(time_dialect::dataworks, written) == prints);
  }
}

TEST_CASE("Airflow's names are of the logical date, in UTC", "[dialects]") {
  for (const auto& [written, prints] : {
           row{"{{ ds }}", "2026-11-18"},
           row{"{{ ds_nodash }}", "20261118"},
           row{"{{ ts }}", "2026-11-18T18:00:00+00:00"},
           row{"{{ ts_nodash }}", "20261118T180000"},
           row{"{{ ts_nodash_with_tz }}", "20261118T180000+0000"},
           row{"{{ macros.ds_add(ds, -1) }}", "2026-11-17"},
           row{"{{ run_id }} {{ params.brand }}", "r7 A"},
           row{"{{ dag_run.conf['brand'] }} {{ var.value.schema }}", "A dw"},
           row{"{{ ti.xcom_pull(task_ids='load', key='path') }}", "/x"},
           row{"{{ ti.xcom_pull(task_ids='load') }}", "9"},
           row{"ds {{ 'ds' }} {{ params.dt }}", "ds ds 20260101"},
       }) {
    CAPTURE(written);
    CHECK(printed(time_dialect::airflow, written) == prints);
  }
}

TEST_CASE("a form that cannot be said is an error at its place", "[dialects]") {
  const auto found =
      definitions::translate(time_dialect::dolphinscheduler, "x $[year_week(yyyy)]", {});
  REQUIRE_FALSE(found);
  CHECK(found.error().offset == 2);
  for (const auto* written : {"$[yyyyMMdd+1/7/86400]", "$[add_months(yyyyMMdd,x)]",
                              "${system.task.definition.code}", "$[this_day(yyyy,1)]"})
    CHECK(printed(time_dialect::dolphinscheduler, written).starts_with("error: "));
  for (const auto* written : {"$[yyyymmdd xx]", "${yyyymmdd-1/24}", "$[add_months(yyyymmdd)]"})
    CHECK(printed(time_dialect::dataworks, written).starts_with("error: "));
  for (const auto* written :
       {"{{ conn.x.host }}", "{{ macros.datetime }}", "{{ ti.xcom_pull(key='k') }}"})
    CHECK(printed(time_dialect::airflow, written).starts_with("error: "));
}

TEST_CASE("a workflow's dialect holds for all of its texts, and says where it fails",
          "[dialects]") {
  const auto load = [](const std::string& text) { return load_text("/w/dw/f.yaml", text, {}); };
  const auto good =
      load("workflow: w\ndialect: dolphinscheduler\nparams: {dt: x}\ntasks:\n"
           "  a:\n    run: load ${dt} $[yyyyMMdd-1]\n    env: {DAY: \"${system.biz.date}\"}\n");
  REQUIRE(good.ok());
  const auto& task = good.workflows.front().definition.tasks.front();
  CHECK(task.run == "load {{ params.dt }} {{ date('yyyyMMdd', '-1d') }}");
  CHECK(task.env.front().second == "{{ date('yyyyMMdd', '-1d') }}");
  const auto bad = load("workflow: w\ndialect: dataworks\ntasks:\n  a: {run: \"x $[yyyyxx]\"}\n");
  REQUIRE(bad.errors.size() == 1);
  CHECK(bad.errors.front().line == 4);
  CHECK(bad.errors.front().column == 15);
  CHECK_FALSE(load("workflow: w\ndialect: azkaban\ntasks: {a: {run: x}}\n").ok());
}
