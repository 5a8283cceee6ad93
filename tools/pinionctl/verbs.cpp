#include "runs.hpp"

namespace pinion::ctl {
namespace {

constexpr std::size_t many = 100'000;

std::vector<verb_spec> looking() {
  return {
      {"get",
       "KIND [REF]",
       "Lists things: workflows, versions, triggers, runs, instances, attempts, ...",
       "KIND is workflows, versions, triggers, runs, instances, attempts, pools, permits, vars,\n"
       "channels, slots, audit or events. With REF only the thing that it names; attempts need a "
       "REF or "
       "--run,\n"
       "slots (what became of each slot of a trigger) a workflow or a --state, such as missed;\n"
       "events are the timeline of one REF, oldest first, the newest --limit of them.\n"
       "Runs, instances and audit are listed newest first. --since, --from and --to bound the slot "
       "of\n"
       "runs and instances and the time of audit records, both ends included.",
       1,
       2,
       {{"project", 0, "P", "of this project"},
        {"workflow", 0, "W", "of this workflow, as project.workflow"},
        {"run", 0, "R", "of this run"},
        {"state", 0, "S", "in this state"},
        {"reason", 0, "R", "with this reason"},
        {"label", 'l', "K=V", "of workflows with this label; may be repeated"},
        {"owner", 0, "O", "of workflows of this owner"},
        {"since", 0, "D", "not older than a duration, as 12h"},
        {"from", 0, "T", "from this time on"},
        {"to", 0, "T", "up to this time"},
        {"sort", 0, "FIELD", "order what is printed by a field of the JSON; -FIELD: falling"},
        {"limit", 0, "N", "at most so many (default 100)"},
        {"cursor", 0, "C", "go on behind a former answer's `next`"}},
       run_get},
      {"describe",
       "REF",
       "Shows everything about one thing, with its timeline.",
       "",
       1,
       1,
       {},
       run_describe},
      {"logs",
       "REF",
       "Prints what a task wrote; of a run: all tasks, each line with its task.",
       "",
       1,
       1,
       {{"follow", 'f', "", "go on until it ends"},
        {"attempt", 0, "N|all", "this attempt, or all of them; default: the newest"},
        {"tail", 0, "N", "only the last N lines"},
        {"since", 0, "D", "only what was written in the last D"},
        {"grep", 0, "RE", "only lines that match (POSIX extended)"},
        {"timestamps", 0, "", "when each line was written, to about 100 ms"}},
       run_logs},
      {"why",
       "REF",
       "Tells why a run or an instance is not going on, and until when.",
       "",
       1,
       1,
       {},
       run_why},
      {"graph",
       "REF",
       "Draws the tasks in layers, with the states of a run; -o dot for Graphviz.",
       "Of an instance: the tasks around it. Each task stands below all that it needs.",
       1,
       1,
       {{"upstream", 0, "N", "only so many steps up"},
        {"downstream", 0, "N", "only so many steps down"}},
       run_graph},
  };
}

std::vector<verb_spec> defining() {
  return {
      {"validate",
       "PATH...",
       "Checks files and folders as one set, without an engine.",
       "Prints errors as file:line:column, and the next fire times of each trigger.",
       1,
       many,
       {{"env", 0, "NAME", "one of `environments:` of pinion.yaml"},
        {"count", 'n', "N", "so many fire times of each trigger (default 3)"}},
       run_validate},
      {"apply",
       "PATH...",
       "Hands files and folders to the engine as one set.",
       "",
       1,
       many,
       {{"dry-run", 0, "", "show what would change"},
        {"prune", 0, "", "retire workflows that have vanished, however many"},
        reason_option()},
       run_apply},
      {"preview",
       "[WORKFLOW|WORKFLOW/TRIGGER|PATH...]",
       "Shows the next fire times, of an applied workflow, of files, or of --cron.",
       "",
       0,
       many,
       {{"cron", 0, "EXPR", "of this cron expression; no engine needed"},
        {"timezone", 0, "Z", "the zone of --cron (default UTC)"},
        {"from", 0, "T", "strictly after this time (default now)"},
        {"count", 'n', "N", "so many (default 5)"},
        {"env", 0, "NAME", "of files: one of `environments:` of pinion.yaml"}},
       run_preview},
  };
}

std::vector<verb_spec> steering() {
  const auto operation = [](const char* name, const char* summary, exit_code (*run)(session&)) {
    return verb_spec{name, "REF", summary, "", 1, 1, {reason_option()}, run};
  };
  auto cancel = operation("cancel", "Stops a run or an instance, the whole tree of its processes.",
                          run_cancel);
  cancel.options.insert(cancel.options.begin(), {"now", 0, "", "without teardown tasks"});
  return {
      {"trigger",
       "WORKFLOW",
       "Makes a run by hand.",
       "Prints the run. With --wait: exit code 1 if it does not end in success, 6 if the time ran "
       "out.",
       1,
       1,
       {{"biz-date", 0, "D", "for this business date, as 2026-11-19"},
        {"param", 0, "K=V", "a parameter; may be repeated"},
        {"params-file", 0, "F", "parameters as a JSON object; '-' is standard input"},
        {"key", 0, "K", "idempotent: the same key gives the same run"},
        {"ignore-overlap", 0, "", "do not queue behind other runs"},
        {"wait", 0, "", "until the run has ended"},
        {"timeout", 0, "D", "with --wait: at most so long, as 30m"},
        reason_option()},
       run_trigger},
      {"rerun",
       "REF",
       "Runs an instance and its downstream again; of a run: what failed.",
       "",
       1,
       1,
       {{"only", 0, "", "the instance alone"},
        {"downstream", 0, "", "with all that needs it (default)"},
        {"upstream", 0, "", "with all that it needs"},
        {"failed", 0, "", "what failed (default for a run)"},
        {"version", 0, "V", "pinned: with the run's own definition (default)"},
        {"dry-run", 0, "", "show what would run again"},
        reason_option()},
       run_rerun},
      std::move(cancel),
      operation("fail", "Ends an instance as failed; its fallback and alarms go on.", run_fail),
      operation("skip", "Ends an instance as skipped.", run_skip),
      operation("succeed", "Ends an instance as success.", run_succeed),
      {"pause",
       "TRIGGER|WORKFLOW",
       "Lets a trigger, a workflow or everything fire nothing.",
       "",
       0,
       1,
       {{"all", 0, "", "everything"}, reason_option()},
       run_pause},
      {"resume",
       "TRIGGER|WORKFLOW",
       "Ends a pause.",
       "",
       0,
       1,
       {{"all", 0, "", "everything"},
        {"catch-up", 0, "none|last|all", "which slots of the pause are made up for (default none)"},
        reason_option()},
       run_resume},
      {"hold",
       "",
       "Lets the engine start nothing new; kept over a restart.",
       "",
       0,
       0,
       {reason_option()},
       run_hold},
      {"unhold", "", "Ends a hold.", "", 0, 0, {reason_option()}, run_unhold},
  };
}

std::vector<verb_spec> running() {
  return {
      {"wheel", "", "Shows the timing wheel: what the engine waits for.", "", 0, 0, {}, run_wheel},
      {"health",
       "",
       "Is the engine ready? Exit code 0 if it is, 1 if not yet, 5 if there is none.",
       "",
       0,
       0,
       {},
       run_health},
      {"version",
       "",
       "Shows the versions of this program, the engine and the time zone data.",
       "",
       0,
       0,
       {},
       run_version},
      {"shutdown",
       "",
       "Ends the engine in order.",
       "",
       0,
       0,
       {{"tasks", 0, "leave|stop", "leave tasks running (default), or stop them first"},
        reason_option()},
       run_shutdown},
  };
}

} // namespace

const std::vector<verb_spec>& verbs() {
  static const std::vector<verb_spec> all = [] {
    std::vector<verb_spec> made;
    for (auto part : {defining(), steering(), looking(), running()})
      made.insert(made.end(), std::make_move_iterator(part.begin()),
                  std::make_move_iterator(part.end()));
    return made;
  }();
  return all;
}

} // namespace pinion::ctl
