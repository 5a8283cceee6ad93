#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {
namespace {

/// "1 instance", "3 instances".
std::string instances_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " instance" : " instances");
}

/// The thing that an operation was about: a run, or a task of a workflow.
std::string object_of(const json& answer) {
  return text_of(answer, answer.contains("task") ? "task" : "run");
}

json ask_for(session& now, const char* operation, const std::string& ref, const json& further) {
  json body{{"operation", operation}, {"ref", ref}, {"reason", now.args.text("reason")}};
  body.update(further);
  return now.engine.post("/api/v1/operations", body);
}

void tell(console& out, const char* operation, const json& answer) {
  const auto count = instances_text(answer.value("affected", std::uint64_t{0}));
  if (answer.contains("items")) {
    print_items(out, answer["items"],
                {{"ID", "id"}, {"WOULD BE", "state", false, true}, {"REASON", "reason"}});
    out.note(count + " would change; nothing was done");
    return;
  }
  out.chosen() == format::name
      ? out.line(object_of(answer))
      : out.say(std::string{operation} + ": " + count + " of " + object_of(answer));
}

exit_code operate(session& now, const char* operation, const json& further = json::object()) {
  const auto answer = ask_for(now, operation, now.args.words.front(), further);
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    now.out.document(answer);
  else
    tell(now.out, operation, answer);
  return exit_code::done;
}

/// One or more runs, instances and tasks. One document for all of them: the answer of a single one,
/// else their list.
exit_code switch_modes(session& now, const char* operation) {
  json answers = json::array();
  for (const auto& ref : now.args.words) {
    answers.push_back(ask_for(now, operation, ref, json::object()));
    if (now.out.for_people() || now.out.chosen() == format::name)
      tell(now.out, operation, answers.back());
  }
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    now.out.document(answers.size() == 1 ? answers.front()
                                         : json{{"items", std::move(answers)}, {"next", nullptr}});
  return exit_code::done;
}

/// Pause and resume: a thing, or --all.
std::string pause_target(const arguments& args) {
  if (args.has("all") == !args.words.empty())
    throw usage_failure("Name a workflow, a trigger or a backfill, or give --all");
  return args.has("all") ? "all" : args.words.front();
}

exit_code change(session& now, const char* path, const json& body, const std::string& sentence) {
  const auto answer = now.engine.post(path, body);
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    now.out.document(answer);
  else
    now.out.say(sentence);
  return exit_code::done;
}

} // namespace

exit_code run_rerun(session& now) {
  json further = json::object();
  for (const auto* scope : {"only", "downstream", "upstream", "failed"}) {
    if (!now.args.has(scope))
      continue;
    if (further.contains("scope"))
      throw usage_failure("Give one of --only, --downstream, --upstream and --failed");
    further["scope"] = scope;
  }
  if (now.args.has("version"))
    further["version"] = now.args.text("version");
  if (now.args.has("dry-run"))
    further["dry_run"] = true;
  return operate(now, "rerun", std::move(further));
}

exit_code run_cancel(session& now) {
  if (names_backfill(now.args.words.front()))
    return steer_backfill(now, "cancel");
  auto further = json::object();
  if (now.args.has("now"))
    further["now"] = true;
  return operate(now, "cancel", std::move(further));
}
exit_code run_fail(session& now) { return operate(now, "fail"); }
exit_code run_skip(session& now) { return operate(now, "skip"); }
exit_code run_succeed(session& now) { return operate(now, "succeed"); }
exit_code run_freeze(session& now) { return switch_modes(now, "freeze"); }
exit_code run_thaw(session& now) { return switch_modes(now, "thaw"); }
exit_code run_dryrun(session& now) { return switch_modes(now, "dryrun"); }

exit_code run_pause(session& now) {
  const auto target = pause_target(now.args);
  if (names_backfill(target))
    return steer_backfill(now, "pause");
  return change(now, "/api/v1/pause", {{"target", target}, {"reason", now.args.text("reason")}},
                "paused: " + target);
}

exit_code run_resume(session& now) {
  const auto target = pause_target(now.args);
  if (names_backfill(target)) {
    if (now.args.has("catch-up"))
      throw usage_failure("--catch-up is for triggers: a backfill goes on where it was");
    return steer_backfill(now, "resume");
  }
  return change(now, "/api/v1/resume",
                {{"target", target},
                 {"catch_up", now.args.text("catch-up")},
                 {"reason", now.args.text("reason")}},
                "resumed: " + target);
}

exit_code run_pool(session& now) {
  const auto& words = now.args.words;
  const bool sets = words.front() == "set";
  if (!sets && words.front() != "reset")
    throw usage_failure("'" + words.front() + "' is neither set nor reset",
                        "Write pool set NAME N, or pool reset NAME");
  if (words.size() != (sets ? 3U : 2U))
    throw usage_failure(sets ? "pool set needs a pool and a number"
                             : "pool reset needs a pool, and nothing else",
                        "Write pool set NAME N, or pool reset NAME");
  auto body = json{{"pool", words[1]}, {"permits", json()}, {"reason", now.args.text("reason")}};
  if (sets) {
    const auto& text = words[2];
    if (text.empty() || text.size() > 7 ||
        text.find_first_not_of("0123456789") != std::string::npos)
      throw usage_failure("'" + text + "' is no number of permits",
                          "Write a whole number from 0 to 1000000");
    body["permits"] = std::stoul(text);
  }
  return change(now, "/api/v1/pools", body,
                words[1] + (sets ? " has " + words[2] + " permits" : " is as pinion.yaml says"));
}

exit_code run_hold(session& now) {
  return change(now, "/api/v1/hold", {{"reason", now.args.text("reason")}},
                "held: the engine starts nothing new until 'pinionctl unhold'");
}

exit_code run_unhold(session& now) {
  return change(now, "/api/v1/unhold", {{"reason", now.args.text("reason")}}, "the hold has ended");
}

exit_code run_shutdown(session& now) {
  return change(now, "/api/v1/shutdown",
                {{"tasks", now.args.text("tasks")}, {"reason", now.args.text("reason")}},
                "the engine ends");
}

} // namespace pinion::ctl
