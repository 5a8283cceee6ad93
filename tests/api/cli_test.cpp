#include <catch2/catch.hpp>

#include "cli_program.hpp"

#include <nlohmann/json.hpp>

using pinion::testing::cli_fixture;

namespace {

constexpr const char* good =
    "workflow: w\ntriggers: [{cron: '0 2 * * *'}]\ntasks: {a: {run: 'true'}}\n";

} // namespace

TEST_CASE("help lists every verb, and each verb has its own", "[cli]") {
  cli_fixture uut;
  const auto all = uut.run("--help");
  CHECK(all.code == 0);
  for (const std::string verb :
       {"validate", "apply",   "get",    "describe", "trigger", "rerun",    "cancel", "fail",
        "skip",     "succeed", "pause",  "resume",   "hold",    "unhold",   "logs",   "why",
        "graph",    "preview", "wheel",  "health",   "version", "shutdown", "plan",   "backfill",
        "freeze",   "thaw",    "dryrun", "diff",     "top"}) {
    CAPTURE(verb);
    CHECK(all.out.find("\n  " + verb + ' ') != std::string::npos);
    const auto one = uut.run(verb + " --help");
    CHECK(one.code == 0);
    CHECK(one.out.starts_with("Usage: pinionctl " + verb));
  }
}

TEST_CASE("wrong usage ends with 2 and what was meant", "[cli]") {
  cli_fixture uut;
  for (const auto& [arguments, hint] :
       {std::pair{"triger", "Did you mean 'trigger'?"},
        std::pair{"get rnus", "Did you mean 'runs'?"},
        std::pair{"get runs --sate x", "Did you mean '--state'?"},
        std::pair{"trigger", "--help"},
        std::pair{"frobnicate x", "lists the verbs"},
        std::pair{"get nothing", "kinds"},
        std::pair{"get events", "needs a REF"},
        std::pair{"get events --watch", "needs a REF"},
        std::pair{"-o xml health", "table, wide"},
        std::pair{"--server http://x health", "socket"},
        std::pair{"store verify b1", "--data DIR"},
        std::pair{"store stats x", "--data DIR"},
        std::pair{"store backup b1 x", "one word too many"},
        std::pair{"store restore b1 --data n --keep 3", "'store restore' takes no --keep"},
        std::pair{"store restore b1 --data n --mend", "takes no --mend"},
        std::pair{"store restore b1 --data n --list", "takes no --list"},
        std::pair{"store verify --hold", "takes no --hold"},
        std::pair{"store backup b1 --list --keep 3", "--list only shows"},
        std::pair{"store backup ''", "needs the folder of the backups"},
        std::pair{"store verify --data ''", "--data is empty"},
        std::pair{"", "--help"}}) {
    CAPTURE(arguments);
    const auto seen = uut.run(arguments);
    CHECK(seen.code == 2);
    CHECK(seen.out.empty());
    CHECK(seen.err.find(hint) != std::string::npos);
  }
}

TEST_CASE("without an engine the exit code is 5, and JSON holds the error", "[cli]") {
  cli_fixture uut;
  const auto seen = uut.run("get runs -o json");
  CHECK(seen.code == 5);
  CHECK(nlohmann::json::parse(seen.out)["error"]["code"] == "unavailable");
  CHECK(uut.run("health").code == 5);
}

TEST_CASE("validate prints next fire times, or every error at its place", "[cli]") {
  cli_fixture uut;
  const auto file = uut.write("p/good.yaml", good);
  const auto fine = uut.run("validate " + file);
  CHECK(fine.code == 0);
  CHECK(fine.out.find("p.w") != std::string::npos);
  CHECK(fine.out.find("T02:00:00") != std::string::npos);
  const auto bad =
      uut.write("p/bad.yaml", "workflow: w\ntasks:\n  a: {rnu: x}\n  b: {run: x, needs: c}\n");
  const auto text = uut.run("validate " + bad);
  CHECK(text.code == 1);
  CHECK(text.out.find("bad.yaml:3:") != std::string::npos);
  CHECK(text.out.find("bad.yaml:4:") != std::string::npos);
  const auto seen = uut.run("validate -o json " + bad);
  CHECK(seen.code == 1);
  const auto answer = nlohmann::json::parse(seen.out);
  CHECK(answer["ok"] == false);
  CHECK(answer["errors"].size() >= 2);
  CHECK(answer["errors"][0]["line"] == 3);
}

TEST_CASE("validate shows what a template gives", "[cli]") {
  cli_fixture uut;
  const auto file = uut.write("p/made.yaml", "template: t\nworkflow: \"w{{ each.n }}\"\n"
                                             "tasks: {a: {run: x, timeout: \"{{ each.time }}\"}}\n"
                                             "---\nfrom: t\neach: [{n: 1, time: 90s}]\n");
  const auto seen = uut.run("validate --expand " + file);
  CHECK(seen.code == 0);
  CHECK(seen.out.starts_with("--- # "));
  CHECK(seen.out.find("p.w1, ") != std::string::npos);
  CHECK(seen.out.find(R"(attempt: "1m30s")") != std::string::npos);
  const auto json = nlohmann::json::parse(uut.run("validate --expand -o json " + file).out);
  CHECK(json["workflows"][0]["definition"]["tasks"]["a"]["run"] == "x");
}

TEST_CASE("preview needs no engine for a cron expression or files", "[cli]") {
  cli_fixture uut;
  const auto cron = uut.run(
      "preview --cron '0 2 * * *' --timezone Asia/Shanghai --from 2026-11-20T02:00 -n 2 -o json");
  CHECK(cron.code == 0);
  CHECK(nlohmann::json::parse(cron.out)["items"] ==
        nlohmann::json::parse(
            R"([{"slot":"2026-11-21T02:00:00+08:00","utc":"2026-11-20T18:00:00.000000Z"},
                                  {"slot":"2026-11-22T02:00:00+08:00","utc":"2026-11-21T18:00:00.000000Z"}])"));
  const auto file = uut.write("p/good.yaml", good);
  CHECK(uut.run("preview " + file + " --from 2026-11-20T02:00 -n 1 -o name").out ==
        "2026-11-21T02:00:00+00:00\n");
  CHECK(uut.run("preview --cron '61 * * * *'").code == 2);
  CHECK(uut.run("preview --cron '* * * * *' --timezone Mars/Base").code == 2);
}

TEST_CASE("yaml and json say the same", "[cli]") {
  cli_fixture uut;
  const auto yaml = uut.run("preview --cron '0 2 * * *' --from 2026-11-20T02:00 -n 1 -o yaml");
  CHECK(yaml.out == "items:\n  - slot: \"2026-11-21T02:00:00+00:00\"\n"
                    "    utc: \"2026-11-21T02:00:00.000000Z\"\nnext: null\n");
}
