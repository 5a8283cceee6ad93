#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {
namespace {

/// "1 instance", "3 instances".
std::string instances_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " instance" : " instances");
}

exit_code operate(session& now, const char* operation, json further = json::object()) {
  json body{{"operation", operation},
            {"ref", now.args.words.front()},
            {"reason", now.args.text("reason")}};
  body.update(further);
  const auto answer = now.engine.post("/api/v1/operations", body);
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml) {
    now.out.document(answer);
    return exit_code::done;
  }
  const auto count = instances_text(answer.value("affected", std::uint64_t{0}));
  if (answer.contains("items")) {
    print_items(now.out, answer["items"],
                {{"ID", "id"}, {"WOULD BE", "state", false, true}, {"REASON", "reason"}});
    now.out.note(count + " would change; nothing was done");
    return exit_code::done;
  }
  now.out.chosen() == format::name
      ? now.out.line(text_of(answer, "run"))
      : now.out.say(std::string{operation} + ": " + count + " of " + text_of(answer, "run"));
  return exit_code::done;
}

/// Pause and resume: a thing, or --all.
std::string pause_target(const arguments& args) {
  if (args.has("all") == !args.words.empty())
    throw usage_failure("Name a workflow or a trigger, or give --all");
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

exit_code run_cancel(session& now) { return operate(now, "cancel"); }
exit_code run_fail(session& now) { return operate(now, "fail"); }
exit_code run_skip(session& now) { return operate(now, "skip"); }
exit_code run_succeed(session& now) { return operate(now, "succeed"); }

exit_code run_pause(session& now) {
  const auto target = pause_target(now.args);
  return change(now, "/api/v1/pause", {{"target", target}, {"reason", now.args.text("reason")}},
                "paused: " + target);
}

exit_code run_resume(session& now) {
  const auto target = pause_target(now.args);
  return change(now, "/api/v1/resume",
                {{"target", target},
                 {"catch_up", now.args.text("catch-up")},
                 {"reason", now.args.text("reason")}},
                "resumed: " + target);
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
