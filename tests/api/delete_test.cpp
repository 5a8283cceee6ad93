#include <catch2/catch.hpp>

#include "cli_with_engine.hpp"
#include "pinion/storage/deleted_workflows.hpp"

using namespace pinion;
using namespace pinion::testing;

namespace {

constexpr auto load = "/api/v1/workflows/dw.load";

} // namespace

TEST_CASE("a dry run of a deletion tells what goes and what keeps it", "[delete]") {
  api_fixture uut;
  uut.add_run(10, run_state::success);
  uut.engine.keeping_reasons = {{errc::refused, "dw.x needs dw.load", "Edit dw.x first"}};
  const auto answer = uut.send("DELETE", std::string{load} + "?dry_run=true", {});
  CHECK(answer.status == 200);
  CHECK(answer.body.dump() ==
        R"({"workflow":"dw.load","version":1,"dry_run":true,"counts":{"versions":1,"runs":1,)"
        R"("instances":5,"attempts":0,"slots":0,"backfills":0},"log_bytes":0,"complete":true,)"
        R"("refused":[{"code":"refused","message":"dw.x needs dw.load",)"
        R"("suggestion":"Edit dw.x first"}]})");
  CHECK(uut.engine.calls == std::vector<std::string>{"would delete dw.load"});
}

TEST_CASE("a workflow is deleted, under a condition too", "[delete]") {
  api_fixture uut;
  CHECK(uut.send("DELETE", load, {}, {{"if-match", "\"dw.load:v2\""}}).status == 412);
  const auto answer = uut.send("DELETE", std::string{load} + "?reason=old", {},
                               {{"if-match", "\"dw.load:v1\""}, {"idempotency-key", "k"}});
  CHECK(answer.status == 200);
  CHECK(uut.engine.last_caller.reason == "old");
  CHECK(uut.send("DELETE", "/api/v1/workflows/dw.nothing", {}).status == 404);
  CHECK(uut.send("DELETE", std::string{load} + "?dry_run=maybe", {}).status == 400);
  CHECK(uut.send("DELETE", std::string{load} + "?nonsense=1", {}).status == 400);
}

TEST_CASE("references to a deleted workflow say so", "[delete]") {
  api_fixture uut;
  kv_batch batch;
  put_deleted_workflow(batch,
                       {"dw.load", 1, "ann", "replaced", from_us(api_fixture::slot_us), false});
  uut.commit(std::move(batch));
  for (const std::string target :
       {"workflows/dw.load", "versions/dw.load:v1", "describe?ref=dw.load", "why?ref=dw.load",
        "runs?workflow=dw.load", "runs/dw.load@latest", "versions?workflow=dw.load"}) {
    CAPTURE(target);
    const auto answer = uut.get("/api/v1/" + target);
    CHECK(answer.status == 404);
    CHECK(answer.body["error"]["message"] ==
          "'dw.load' was deleted by ann at 2026-11-22T18:00:00.000000Z: replaced");
  }
}

TEST_CASE_METHOD(cli_with_engine, "delete shows what goes and does nothing without a yes",
                 "[cli][delete]") {
  const auto asked = run("delete dw.load </dev/null");
  CHECK(asked.code == 4);
  CHECK(asked.out.find("would delete dw.load, at v1") == 0);
  CHECK(asked.err.find("nothing was done") != std::string::npos);
  CHECK(engine.calls == std::vector<std::string>{"would delete dw.load"});
  CHECK(run("delete dw.load --dry-run").code == 0);
  engine.calls.clear();
  const auto done = run("delete dw.load -y --reason old");
  CHECK(done.code == 0);
  CHECK(done.out == "deleted: dw.load, 0 runs\n");
  CHECK(engine.calls == std::vector<std::string>{"delete dw.load"});
  CHECK(engine.last_caller.reason == "old");
}

TEST_CASE_METHOD(cli_with_engine, "delete tells what keeps a workflow by its exit code",
                 "[cli][delete]") {
  engine.keeping_reasons = {{errc::refused, "dw.x needs dw.load", "Edit dw.x first"}};
  for (const auto* words : {"delete dw.load --dry-run", "delete dw.load"}) {
    const auto seen = run(words);
    CHECK(seen.code == 4);
    CHECK(seen.out.find("refused: dw.x needs dw.load. Edit dw.x first") != std::string::npos);
  }
  CHECK(run("delete dw.load --dry-run -o json").code == 4);
  CHECK(run("delete dw.nothing").code == 3);
}
