#include <catch2/catch.hpp>

#include "api_fixture.hpp"

using namespace pinion;
using namespace pinion::testing;

namespace {

/// `dw.load` of the fixture, whose `last` of run 10 is needed by `sums` of `dw.report`, that by
/// `send` of `dw.mail`: runs 20 and 30 of the same slot, all ended.
class chain_fixture : public api_fixture {
public:
  chain_fixture() {
    for (const auto& [name, task, upstream, of] :
         {std::tuple{"report", "sums", "dw.load", "last"},
          std::tuple{"mail", "send", "dw.report", "sums"}}) {
      auto made = definition();
      made.name = name;
      made.tasks.resize(1);
      made.tasks.front().name = task;
      made.tasks.front().outside_needs.push_back({.workflow = upstream, .task = of});
      apply(made);
    }
    end_run("dw.load", 10, 4, {});
    bound_edge edge;
    edge.workflow = "dw.load";
    edge.trigger = "nightly";
    edge.upstream_task = "last";
    edge.slots = {from_us(slot_us)};
    end_run("dw.report", 20, 1, {edge});
    edge.workflow = "dw.report";
    edge.upstream_task = "sums";
    end_run("dw.mail", 30, 1, {edge});
  }

  /// A run of which all has succeeded, with its slot.
  void end_run(const std::string& workflow, std::uint64_t number, std::uint32_t tasks,
               const std::vector<bound_edge>& edges) {
    run_record run;
    run.id = {number};
    run.workflow = workflow;
    run.version = 1;
    run.trigger = "nightly";
    run.slot = from_us(slot_us);
    run.state = run_state::success;
    run.created_at = run.fired_at = run.started_at = run.ended_at = run.slot;
    run.admitted = true;
    run.counts[static_cast<std::size_t>(instance_state::success)] = tasks;
    auto decided = slot(0, slot_outcome::fired);
    decided.workflow = workflow;
    decided.run = run.id;
    decided.edges = edges;
    kv_batch batch;
    put_run(batch, run, nullptr);
    put_slot(batch, decided, nullptr);
    for (std::uint32_t task = 0; task < tasks; ++task)
      put_instance(batch, instance(run, task, workflow == "dw.load" && task == 1 ? 0 : no_element,
                                   instance_state::success));
    commit(std::move(batch));
  }

  answer rerun(const std::string& ref, json further = json::object()) {
    further["operation"] = "rerun";
    further["ref"] = ref;
    further["scope"] = "downstream_all";
    return post("/api/v1/operations", further);
  }
};

} // namespace

TEST_CASE("a rerun over workflows names the exact instances of every run", "[operations]") {
  chain_fixture uut;
  const auto seen = uut.rerun("r10/side", {{"dry_run", true}});
  REQUIRE(seen.status == 200);
  std::string names;
  for (const auto& item : seen.body["items"])
    names += item["id"].get<std::string>() + ' ';
  CHECK(names == "r10/side r10/last r20/sums r30/send ");
  CHECK(seen.body["affected"] == 4);
  CHECK(seen.body["runs"].size() == 3);
  CHECK(uut.engine.calls.empty());
}

TEST_CASE("a rerun over workflows goes upstream first", "[operations]") {
  chain_fixture uut;
  const auto seen = uut.rerun("r10/side", {{"reason", "new rates"}});
  REQUIRE(seen.status == 200);
  CHECK(uut.engine.calls == std::vector<std::string>{"operate r10", "operate r20", "operate r30"});
  CHECK(uut.engine.last_caller.reason == "new rates");
  CHECK(uut.engine.operation.message == "by alice: new rates (downstream of r10)");
  CHECK(seen.body["affected"] == 3);
}

TEST_CASE("a task that nobody outside waits for reruns no other workflow", "[operations]") {
  chain_fixture uut;
  const auto only = uut.post(
      "/api/v1/operations",
      {{"operation", "rerun"}, {"ref", "r10/side"}, {"scope", "downstream"}, {"dry_run", true}});
  CHECK(only.body["items"].size() == 2);
  CHECK(uut.rerun("r30/send", {{"dry_run", true}}).body["runs"].size() == 1);
}

TEST_CASE("a run downstream that is alive is told and what is behind it left out", "[operations]") {
  chain_fixture uut;
  auto run = store_reader{uut.engine.kv}.run(run_id{20}).value().value();
  const auto before = run;
  run.state = run_state::running;
  run.ended_at = never;
  auto alive = api_fixture::instance(run, 0, no_element, instance_state::pre_ready);
  kv_batch batch;
  put_run(batch, run, &before);
  put_instance(batch, alive);
  uut.commit(std::move(batch));
  const auto seen = uut.rerun("r10/last");
  REQUIRE(seen.status == 200);
  CHECK(uut.engine.calls == std::vector<std::string>{"operate r10"});
  REQUIRE(seen.body["runs"].size() == 2);
  CHECK(seen.body["runs"][1]["run"] == "r20");
  CHECK(seen.body["runs"][1]["error"]["code"] == "refused");
}

TEST_CASE("the first refusal of a rerun over workflows is its answer", "[operations]") {
  chain_fixture uut;
  uut.engine.refusal = problem{errc::refused, "It is alive"};
  CHECK(uut.rerun("r10/last").status == 409);
  CHECK(uut.engine.calls.size() == 1);
}

TEST_CASE("an edit's details are checked before the engine is asked", "[operations]") {
  api_fixture uut;
  uut.add_run(10);
  const auto status = [&](json body) { return uut.post("/api/v1/operations", body).status; };
  CHECK(status({{"operation", "bump"}, {"ref", "r10"}, {"priority", 0}}) == 400);
  CHECK(status({{"operation", "bump"}, {"ref", "r10"}, {"priority", "high"}}) == 400);
  CHECK(status({{"operation", "unblock"}, {"ref", "r10"}}) == 400);
  CHECK(status({{"operation", "unblock"}, {"ref", "r10/last"}, {"upstream", "side"}}) == 400);
  CHECK(status({{"operation", "unblock"},
                {"ref", "r10/last"},
                {"upstream", json::array({"dw.other.load"})}}) == 404);
  CHECK(status({{"operation", "move"}, {"ref", "r10/side"}}) == 400);
  CHECK(status({{"operation", "move"}, {"ref", "r10/side"}, {"pools", {{"gpu", 1}}}}) == 404);
  CHECK(status({{"operation", "note"}, {"ref", "r10/side"}, {"text", "x"}}) == 400);
  CHECK(status({{"operation", "note"}, {"ref", "r10"}, {"text", std::string(4097, 'x')}}) == 422);
  CHECK(uut.engine.calls.empty());
  CHECK(status({{"operation", "note"}, {"ref", "r10"}, {"text", "late"}}) == 200);
  CHECK(uut.engine.operation.note == "late");
}

TEST_CASE("an attempt shows command, environment, version and outputs", "[attempts]") {
  api_fixture uut;
  const auto run = uut.add_run(10);
  auto at = api_fixture::instance(run, 0, no_element, instance_state::success);
  at.attempt = 2;
  kv_batch batch;
  put_instance(batch, at);
  for (std::uint32_t number = 1; number <= 2; ++number) {
    attempt_record attempt;
    attempt.instance = at.key;
    attempt.number = number;
    attempt.version = number;
    attempt.state = attempt_state::ended;
    attempt.outcome = instance_state::success;
    attempt.outputs = R"({"n":)" + std::to_string(number) + '}';
    attempt.rendered = R"({"argv":["/bin/bash"],"script":"echo )" + std::to_string(number) +
                       R"(\n","env":{"A":"x","PINION_ATTEMPT":")" + std::to_string(number) +
                       R"("}})";
    put_attempt(batch, attempt);
  }
  uut.commit(std::move(batch));
  const auto list = uut.get("/api/v1/attempts?ref=r10%2Ffirst").body["items"];
  REQUIRE(list.size() == 2);
  CHECK(list[0]["command"] == "echo 1");
  CHECK(list[1]["command"] == "echo 2");
  CHECK(list[0]["version"] == 1);
  CHECK(list[0]["outputs"] == json{{"n", 1}});
  CHECK(list[0]["environment_digest"] == list[1]["environment_digest"]);
  CHECK(list[0]["environment_digest"].get<std::string>().size() == 16);
  const auto one = uut.get("/api/v1/describe?ref=r10%2Ffirst%231").body;
  CHECK(one["rendered"]["script"] == "echo 1\n");
  CHECK(one["version"] == 1);
}
