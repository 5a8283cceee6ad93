#include <catch2/catch.hpp>

#include "cli_with_engine.hpp"

using namespace pinion;
using namespace pinion::testing;

TEST_CASE_METHOD(cli_with_engine, "plan shows minutes to people and instances to scripts",
                 "[cli]") {
  const auto text = run("plan --date 2026-11-24");
  CHECK(text.code == 0);
  CHECK(text.out.find("Plan of 2026-11-24 (Asia/Shanghai): 1 runs, 4 instances") == 0);
  CHECK(text.out.find("02:00") != std::string::npos);
  const auto whole = document("plan --date 2026-11-24");
  REQUIRE(whole["items"].size() == 1);
  CHECK(whole["items"][0]["minute"] == "2026-11-23T18:00:00.000000Z");
  CHECK(whole["items"][0]["count"] == 4);
  REQUIRE(whole["items"][0]["instances"].size() == 4);
  CHECK(whole["items"][0]["instances"][0]["task"] == "first");
  CHECK_FALSE(document("plan --date 2026-11-24 --counts")["items"][0].contains("instances"));
  CHECK(document("plan --date 2026-11-24 --minute 02:01")["items"].empty());
  CHECK(run("plan --date 2026-11-24 --minute 02:00 -o name")
            .out.find("dw.load/nightly@2026-11-24T02:00:00+08:00/first\n") == 0);
  CHECK(document("get plan")["items"].is_array());
  CHECK(run("plan --date soon").code == 2);
}

TEST_CASE_METHOD(cli_with_engine, "slots are listed with the reason why there is no run", "[cli]") {
  auto missed = slot(-1, slot_outcome::missed);
  missed.why = reason::misfire_policy;
  auto late = slot(0, slot_outcome::late);
  late.lateness = std::chrono::seconds{90};
  add_slots({missed, late});
  const auto text = run("get slots dw.load/nightly");
  CHECK(text.code == 0);
  CHECK(text.out.find("misfire_policy") != std::string::npos);
  CHECK(text.out.find("1m30.0s") != std::string::npos);
  CHECK(document("get slots --state missed")["items"].size() == 1);
  const auto why = run("why dw.load/nightly@2026-11-22T02:00");
  CHECK(why.code == 0);
  CHECK(why.out.find("pinionctl trigger dw.load/nightly --slot") != std::string::npos);
}

TEST_CASE_METHOD(cli_with_engine, "backfill passes on its options and shows its preview", "[cli]") {
  engine.previewed.slots = {
      {"dw.load", "nightly", from_us(slot_us), "2026-11-22", run_id{7}, backfill_slot::act::rerun}};
  const auto preview =
      run("backfill dw.load/nightly --biz-date 2026-11-22 --reprocess all --dry-run");
  CHECK(preview.code == 0);
  CHECK(preview.out.find("2026-11-22") != std::string::npos);
  CHECK(preview.out.find("rerun") != std::string::npos);
  CHECK(preview.err.find("nothing was done") != std::string::npos);
  CHECK(engine.asked_backfill.reprocess == reprocess_policy::all);
  const auto slots = write("slots", "# two\n2026-11-20T02:00\n\n 2026-11-21T02:00 # last\n");
  CHECK(document("backfill dw.load/nightly --tasks first,side --tasks last --hours 22:00-06:00 "
                 "--isolated --parallel 4 --slots " +
                 slots)["id"] == "b12");
  CHECK(engine.asked_backfill.slots.size() == 2);
  CHECK(engine.asked_backfill.tasks == std::vector<std::string>{"first", "side", "last"});
  CHECK(engine.asked_backfill.isolated);
  CHECK(engine.asked_backfill.parallel == 4);
  CHECK(run("backfill dw.load/nightly").code == 2);
  CHECK(run("backfill dw.load/weekly --biz-date 2026-11-22").code == 3);
  engine.refusal = problem{errc::refused, "b3 has these slots to do"};
  CHECK(run("backfill dw.load/nightly --biz-date 2026-11-22").code == 4);
}

TEST_CASE_METHOD(cli_with_engine, "pause, resume and cancel take a backfill", "[cli]") {
  backfill_record record;
  record.id = 12;
  record.workflow = "dw.load";
  record.trigger = "nightly";
  kv_batch batch;
  put_backfill(batch, record, nullptr);
  commit(std::move(batch));
  for (const std::string verb : {"pause", "resume", "cancel"}) {
    CHECK(run(verb + " b12").code == 0);
    CHECK(engine.calls.back() == verb + " b12");
  }
  CHECK(run("cancel b13").code == 3);
  CHECK(run("resume b12 --catch-up all").code == 2);
  CHECK(run("get backfills -o name").out == "b12\n");
  CHECK(run("describe b12").out.find("dw.load") != std::string::npos);
}

TEST_CASE_METHOD(cli_with_engine, "freeze, thaw and dryrun take several references", "[cli]") {
  add_run(10);
  const auto text = run("freeze dw.load.train r10/last --reason broken -y");
  CHECK(text.code == 0);
  CHECK(text.out == "freeze: 2 instances of dw.load.train\nfreeze: 1 instance of r10\n");
  CHECK(engine.last_caller.reason == "broken");
  CHECK(document("thaw dw.load.train")["mode"] == "normal");
  CHECK(document("dryrun r10/last r10/side -y")["items"].size() == 2);
  CHECK(run("freeze dw.load.trian").code == 3);
}

TEST_CASE_METHOD(cli_with_engine, "health ends with 1 as long as something is wrong", "[cli]") {
  const auto told = [this](bool ready, std::vector<std::string> problems) {
    engine.state.ready = ready;
    engine.state.problems = std::move(problems);
    const auto seen = run("health -o name");
    return seen.out + std::to_string(seen.code);
  };
  CHECK(told(false, {}) == "starting\n1");
  CHECK(told(true, {}) == "ready\n0");
  CHECK(told(true, {"the launcher is not connected"}) == "problems\n1");
  const auto seen = run("health -o json");
  CHECK(seen.code == 1);
  CHECK(json::parse(seen.out)["ready"] == true);
}

TEST_CASE_METHOD(cli_with_engine, "trigger makes the run of a slot", "[cli]") {
  add_run(1);
  CHECK(document("trigger dw.load/nightly --slot 2026-11-20T02:00")["id"] == "r1");
  CHECK(engine.asked_slot.trigger == "nightly");
  CHECK(run("trigger dw.load/nightly --slot 2026-11-20T02:00 --key k").code == 2);
  engine.refusal = problem{errc::refused, "r3 is that slot's run"};
  const auto refused = run("trigger dw.load/nightly --slot 2026-11-20T02:00");
  CHECK(refused.code == 4);
  CHECK(refused.err.find("r3") != std::string::npos);
}

TEST_CASE_METHOD(cli_with_engine, "top is one screen into a pipe, one document with json",
                 "[cli]") {
  const auto added = add_run(10);
  engine.at_work = {{added.id, 1, 0}};
  const auto text = run("top");
  CHECK(text.code == 0);
  CHECK(text.out.find("r10/train:DEU") != std::string::npos);
  CHECK(text.out.find("dw.models") != std::string::npos);
  CHECK(text.out.find('\x1b') == std::string::npos);
  CHECK(document("top")["slowest"][0]["id"] == "r10/train:DEU");
  CHECK(run("top -o name").out == "r10/train:DEU\n");
  CHECK(run("top --interval soon").code == 2);
}

TEST_CASE_METHOD(cli_with_engine, "a gantt has a bar for each task that has begun", "[cli]") {
  add_run(10);
  const auto text = run("graph --gantt r10");
  CHECK(text.code == 0);
  CHECK(text.out.find("first") != std::string::npos);
  CHECK(text.out.find("last") == std::string::npos);
  CHECK(text.out.find("\u2588") != std::string::npos); // It has ended.
  CHECK(text.out.find("\u2592") != std::string::npos); // It runs.
  const auto cut = run("graph --gantt r10 --limit 1");
  CHECK(cut.out.find("1 more tasks took less time") != std::string::npos);
  CHECK(run("graph --gantt dw.load").code == 2);
}

TEST_CASE_METHOD(cli_with_engine, "a graph says what it leaves out", "[cli]") {
  add_run(10);
  const auto cut = run("graph r10 --limit 3");
  CHECK(cut.out.find("train") != std::string::npos);
  CHECK(cut.err.find("There is 1 task more") == 0);
  CHECK(run("graph r10").err.empty());
  CHECK(document("graph r10 --limit 2")["nodes"].size() == 2);
}

TEST_CASE_METHOD(cli_with_engine, "a graph across workflows names both sides", "[cli]") {
  auto other = definition();
  other.name = "report";
  other.triggers.clear();
  outside_need need;
  need.workflow = "dw.load";
  need.task = "last";
  other.tasks[0].outside_needs = {need};
  apply(other);
  const auto down = document("graph dw.load --across")["across"]["downstream"];
  REQUIRE(down.size() == 1);
  CHECK(down[0]["workflow"] == "dw.report");
  CHECK(down[0]["downstream_task"] == "first");
  CHECK(run("graph dw.report --across").out.find("first \u2190 dw.load/last") != std::string::npos);
  CHECK(run("graph dw.report --across -o dot").out.find("style=dotted") != std::string::npos);
}
