#include <catch2/catch.hpp>

#include "cli_with_engine.hpp"

#include <algorithm>

using namespace pinion;
using namespace pinion::testing;

namespace {

/// Runs 1 to 5, of which 2 and 4 have failed.
class cli_with_runs : public cli_with_engine {
public:
  cli_with_runs() {
    for (std::uint64_t number = 1; number <= 5; ++number)
      add_run(number, number % 2 == 0 ? run_state::failed : run_state::running);
  }
};

} // namespace

TEST_CASE_METHOD(cli_with_runs, "several references are changed one after another", "[cli][mass]") {
  const auto seen = run("cancel r1 r3 -y --reason 'wrong data'");
  CHECK(seen.code == 0);
  CHECK(seen.out == "cancel: 1 instance of r1\ncancel: 1 instance of r3\n");
  CHECK(seen.err == "cancel: 2 done, 0 failed\n");
  CHECK(engine.calls == std::vector<std::string>{"operate r1", "operate r3"});
  CHECK(engine.last_caller.reason == "wrong data");
}

TEST_CASE_METHOD(cli_with_runs, "without a terminal and without -y many are refused",
                 "[cli][mass]") {
  for (const auto* words : {"cancel r1 r3", "rerun --state failed", "pause -l tier=gold"}) {
    CAPTURE(words);
    const auto seen = run(std::string{words} + " </dev/null");
    CHECK(seen.code == 4);
    CHECK(seen.err.find("nothing was done") != std::string::npos);
  }
  CHECK(engine.calls.empty());
  CHECK(run("cancel r1 </dev/null").code == 0); // One that is named is meant.
}

TEST_CASE_METHOD(cli_with_runs, "a selection means the runs that it lists", "[cli][mass]") {
  const auto seen = run("rerun --state failed --workflow dw.load -y");
  CHECK(seen.code == 0);
  CHECK(engine.calls == std::vector<std::string>{"operate r4", "operate r2"});
  engine.calls.clear();
  const auto preview = run("rerun --state failed </dev/null");
  CHECK(preview.out.find("r4") != std::string::npos);
  CHECK(preview.err.find("rerun: 2 things would change") != std::string::npos);
  CHECK(run("rerun --state failed --owner nobody -y").err.find("Nothing is selected") == 0);
  CHECK(engine.calls.empty());
}

TEST_CASE_METHOD(cli_with_runs, "a selection by task, run or state of instances means instances",
                 "[cli][mass]") {
  CHECK(run("skip --run r1 --task side -y").code == 0);
  REQUIRE(engine.operation.targets.size() == 1);
  CHECK(engine.operation.targets.front().task == 2);
  engine.calls.clear();
  CHECK(run("skip --state waiting --workflow dw.load -y").code == 0);
  CHECK(engine.calls.size() == 6); // `side` and `last` of each run that is alive.
  engine.calls.clear();
  CHECK(run("skip --state running --instances -y").code == 0);
  CHECK(engine.calls.size() == 3);
}

TEST_CASE_METHOD(cli_with_runs, "what a selection means can be listed first", "[cli][mass]") {
  CHECK(run("get instances --run r1 --task side -o name").out == "r1/side\n");
  CHECK(run("get runs --task side").code == 2);
}

TEST_CASE_METHOD(cli_with_runs, "references come from standard input too", "[cli][mass]") {
  const auto file = write("refs", "r1\n  r3  running\n\nr1\n");
  CHECK(run("cancel - -y <" + file).code == 0);
  CHECK(engine.calls == std::vector<std::string>{"operate r1", "operate r3"});
  engine.calls.clear();
  CHECK(run("cancel - <" + file).code == 4);
  CHECK(engine.calls.empty());
}

TEST_CASE_METHOD(cli_with_runs, "what is refused is told beside what was done", "[cli][mass]") {
  const auto seen = run("cancel r1 r77 r3 -y -o json");
  CHECK(seen.code == 3);
  const auto body = json::parse(seen.out);
  REQUIRE(body["items"].size() == 3);
  CHECK(body["items"][0]["affected"] == 1);
  CHECK(body["items"][1]["ref"] == "r77");
  CHECK(body["items"][1]["error"]["code"] == "not_found");
  CHECK(body["items"][2]["run"] == "r3");
  CHECK(body["done"] == 2);
  CHECK(body["failed"] == 1);
}

TEST_CASE_METHOD(cli_with_runs, "pause and resume take several targets and selections",
                 "[cli][mass]") {
  CHECK(run("pause dw.load dw.load/nightly -y").out ==
        "paused: dw.load\npaused: dw.load/nightly\n");
  CHECK(run("resume -l tier=gold --catch-up last -y").code == 0);
  CHECK(engine.target.workflow == "dw.load");
  CHECK(engine.owed == catch_up::last);
  CHECK(run("pause -l tier=iron -y").err.find("Nothing is selected") == 0);
}

TEST_CASE_METHOD(cli_with_runs, "wrong mixtures are wrong usage", "[cli][mass]") {
  CHECK(run("cancel").code == 2);
  CHECK(run("cancel r1 --state failed -y").code == 2);
  CHECK(run("rerun r1/first --downstream=everything").code == 2);
  CHECK(run("rerun r1/first --only --downstream").code == 2);
  CHECK(run("pause dw.load --all").code == 2);
  CHECK(engine.calls.empty());
}

TEST_CASE_METHOD(cli_with_runs, "bump, unblock, move and note tell the engine what to edit",
                 "[cli][edits]") {
  CHECK(run("bump r1/side").code == 0);
  CHECK(engine.operation.priority == first_priority);
  CHECK(run("bump r1 --priority 8").code == 0);
  CHECK(engine.operation.priority == 8);
  CHECK(engine.operation.targets.empty());
  CHECK(run("bump r1 --priority 10").code == 2);
  CHECK(run("unblock r1/last --upstream side --upstream train").code == 0);
  CHECK(engine.operation.upstream == std::vector<std::uint32_t>{2, 1});
  CHECK(run("unblock r1/last --upstream sdie").err.find("Did you mean 'side'") !=
        std::string::npos);
  CHECK(run("note r1 'source was late'").out == "note: r1\n");
  CHECK(engine.operation.note == "source was late");
  CHECK(run("move r1/side").code == 2);
  CHECK(run("move r1/side --pool models=many").code == 2);
  CHECK(run("move r1/side --pool models=2").code == 3); // The project has no such pool.
  CHECK(run("move r1/side --pool ''").code == 0);
  CHECK(engine.operation.pools.empty());
}
