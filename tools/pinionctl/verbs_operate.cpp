#include "mass.hpp"
#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {
namespace {

/// "1 instance", "3 instances".
std::string instances_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " instance" : " instances");
}

/// The thing that an operation was about: a run, a task of a workflow, or a backfill.
std::string object_of(const json& answer) {
  return text_of(answer, answer.contains("task")       ? "task"
                         : answer.contains("backfill") ? "backfill"
                                                       : "run");
}

json ask_for(session& now, const std::string& operation, const std::string& ref,
             const json& further) {
  if (operation == "cancel" && names_backfill(ref))
    return now.engine.post("/api/v1/backfills/" + ref + "/cancel",
                           {{"reason", now.args.text("reason")}});
  json body{{"operation", operation}, {"ref", ref}, {"reason", now.args.text("reason")}};
  body.update(further);
  return now.engine.post("/api/v1/operations", body);
}

void tell(console& out, const std::string& operation, const json& answer) {
  const auto count = instances_text(answer.value("affected", std::uint64_t{0}));
  if (answer.contains("items")) {
    print_items(out, answer["items"],
                {{"ID", "id"}, {"WOULD BE", "state", false, true}, {"REASON", "reason"}});
    out.note(count + " would change; nothing was done");
    return;
  }
  if (out.chosen() == format::name)
    return out.line(object_of(answer));
  const auto runs = answer.value("runs", json::array());
  out.say(operation + ": " + count + " of " + object_of(answer) +
          (runs.size() > 1 ? " and " + std::to_string(runs.size() - 1) + " further runs" : ""));
  for (const auto& run : runs)
    if (run.contains("error"))
      out.note(escaped(operation + ": " + text_of(run, "run") + ": " +
                       text_of(run["error"], "message")));
}

/// One or more runs, instances and tasks, or what a selection means.
exit_code operate(session& now, const std::string& operation, json further = json::object()) {
  const auto what = targets_of(now, selects::runs_or_instances);
  if (what.refs.empty())
    return nothing_to_do(now);
  if (now.args.has("dry-run"))
    further["dry_run"] = true;
  else
    confirm(now, operation, what);
  return change_each(now, what,
                     {operation,
                      [&](const std::string& ref) { return ask_for(now, operation, ref, further); },
                      [&](const json& answer) { tell(now.out, operation, answer); }});
}

exit_code change(session& now, const std::string& path, const json& body,
                 const std::string& sentence) {
  const auto answer = now.engine.post(path, body);
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    now.out.document(answer);
  else
    now.out.say(sentence);
  return exit_code::done;
}

/// Pause and resume: things, what a selection means, or --all.
exit_code steer(session& now, const std::string& verb, const json& further) {
  if (now.args.has("all")) {
    if (!now.args.words.empty())
      throw usage_failure("Name a workflow, a trigger or a backfill, or give --all");
    json body{{"target", "all"}, {"reason", now.args.text("reason")}};
    body.update(further);
    return change(now, "/api/v1/" + verb, body, verb + "d: all");
  }
  const auto what = targets_of(now, selects::workflows);
  if (what.refs.empty())
    return nothing_to_do(now);
  confirm(now, verb, what);
  return change_each(
      now, what,
      {verb,
       [&](const std::string& ref) {
         json body{{"reason", now.args.text("reason")}};
         if (names_backfill(ref)) {
           if (!further.empty() && !text_of(further, "catch_up").empty())
             throw usage_failure("--catch-up is for triggers: a backfill goes on where it was");
           return now.engine.post("/api/v1/backfills/" + ref + '/' + verb, body);
         }
         body.update(further);
         body["target"] = ref;
         auto answer = now.engine.post("/api/v1/" + verb, body);
         answer["target"] = ref;
         return answer;
       },
       [&](const json& answer) {
         const auto name = text_of(answer, answer.contains("target") ? "target" : "backfill");
         now.out.chosen() == format::name ? now.out.line(name) : now.out.say(verb + "d: " + name);
       }});
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
  if (const auto reach = now.args.text("downstream"); reach == "all")
    further["scope"] = "downstream_all";
  else if (!reach.empty() && reach != "run")
    throw usage_failure("--downstream is run (default) or all, not '" + reach + "'");
  if (now.args.has("version"))
    further["version"] = now.args.text("version");
  return operate(now, "rerun", std::move(further));
}

exit_code run_cancel(session& now) {
  auto further = json::object();
  if (now.args.has("now"))
    further["now"] = true;
  return operate(now, "cancel", std::move(further));
}
exit_code run_fail(session& now) { return operate(now, "fail"); }
exit_code run_skip(session& now) { return operate(now, "skip"); }
exit_code run_succeed(session& now) { return operate(now, "succeed"); }
exit_code run_freeze(session& now) { return operate(now, "freeze"); }
exit_code run_thaw(session& now) { return operate(now, "thaw"); }
exit_code run_dryrun(session& now) { return operate(now, "dryrun"); }

exit_code run_bump(session& now) {
  const auto given = now.args.text("priority");
  json further{{"priority", given.empty() ? "first" : given}};
  if (given != "first" && !given.empty())
    further["priority"] = *now.args.number("priority", 1, 9);
  return operate(now, "bump", std::move(further));
}

exit_code run_unblock(session& now) {
  return operate(now, "unblock", {{"upstream", now.args.all("upstream")}});
}

exit_code run_note(session& now) {
  const auto& ref = now.args.words.front();
  const auto answer = ask_for(now, "note", ref, {{"text", now.args.words.back()}});
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    now.out.document(answer);
  else
    now.out.say("note: " + text_of(answer, "run"));
  return exit_code::done;
}

exit_code run_move(session& now) {
  if (now.args.has("pool") == now.args.has("version"))
    throw usage_failure("Give --pool P, or --version latest");
  if (now.args.has("version"))
    return operate(now, "move", {{"version", now.args.text("version")}});
  json pools = json::object();
  for (const auto& text : now.args.all("pool"))
    for (std::string_view rest = text; !rest.empty();) {
      const auto part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
      const auto equals = std::min(part.find('='), part.size());
      const auto count = std::string{part.substr(std::min(equals + 1, part.size()))};
      const bool number =
          !count.empty() && count.size() < 7 && count.find_first_not_of("0123456789") == count.npos;
      if (equals < part.size() && !number)
        throw usage_failure("--pool takes NAME or NAME=PERMITS, not '" + std::string{part} + "'");
      pools[std::string{part.substr(0, equals)}] = number ? std::stoul(count) : 1UL;
    }
  return operate(now, "move", {{"pools", std::move(pools)}});
}

exit_code run_pause(session& now) { return steer(now, "pause", json::object()); }

exit_code run_resume(session& now) {
  return steer(now, "resume", {{"catch_up", now.args.text("catch-up")}});
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
