#include "mass.hpp"
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
       "channels, slots, plan, backfills, audit or events. With REF only the thing that it names;\n"
       "attempts need a REF or --run. Slots, of a workflow or a trigger, tell what became of "
       "each:\n"
       "--state fired, late (with how late), missed, paused, skipped_overlap (with the reason) or\n"
       "planned. The plan is today's, by minute: 'plan' shows other days. Events are the timeline\n"
       "of one REF, oldest first, the newest --limit of them.\n"
       "Runs, instances, backfills and audit are listed newest first. --since, --from and --to\n"
       "bound the slot of runs, instances and slots and the time of audit records, both ends\n"
       "included. --watch prints the list, then a row for each change, until it is interrupted;\n"
       "with -o json one object {event, object} a line. It goes on over a restart of the engine.",
       1,
       2,
       {{"project", 0, "P", "of this project"},
        {"workflow", 0, "W", "of this workflow, as project.workflow"},
        {"run", 0, "R", "of this run"},
        {"task", 0, "T", "instances of the task of this name"},
        {"state", 0, "S", "in this state"},
        {"reason", 0, "R", "with this reason"},
        {"label", 'l', "K=V", "of workflows with this label; may be repeated"},
        {"owner", 0, "O", "of workflows of this owner"},
        {"since", 0, "D", "not older than a duration, as 12h"},
        {"from", 0, "T", "from this time on"},
        {"to", 0, "T", "up to this time"},
        {"sort", 0, "FIELD", "order what is printed by a field of the JSON; -FIELD: falling"},
        {"limit", 0, "N", "at most so many (default 100)"},
        {"cursor", 0, "C", "go on behind a former answer's `next`"},
        {"watch", 0, "", "go on with what changes"}},
       run_get},
      {"describe",
       "REF",
       "Shows everything about one thing, with its timeline.",
       "Of a run also what it needs of other runs: each need with the slots that it is bound to.\n"
       "A REF may also be a slot without a run, or a backfill, as b12.",
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
       "Tells why a run or an instance is not going on, and until when; or why it ran, or is late.",
       "Each cause with since when and, where the last successful run tells, until when: what is\n"
       "waited for, and what keeps that at its root. Then the facts of the past: what made it,\n"
       "what it waited for and how long, attempts that failed, its deadline. Own time and "
       "upstream\n"
       "are told apart. Of a workflow, a trigger, a slot without a run or a backfill: what keeps "
       "it.",
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
        {"downstream", 0, "N", "only so many steps down"},
        {"across", 0, "", "also what is needed of other workflows, and what of them needs this"},
        {"gantt", 0, "", "of a run: when each task ran, as bars over time"},
        {"limit", 0, "N",
         "draw at most N tasks (default 5000); with --gantt: the N that took longest (60)"}},
       run_graph},
      {"top",
       "",
       "Shows the engine live: lag, pools, queues, what runs longest, the next minutes.",
       "On a terminal the screen is drawn anew until it is interrupted; into a pipe, with --once "
       "or\n"
       "with -o json it is shown once. Lag is how late slots are fired.",
       0,
       0,
       {{"interval", 0, "D", "how often, as 5s (default 2s)"},
        {"once", 0, "", "one look"},
        {"limit", 0, "N", "so many rows of each list (default 10)"}},
       run_top},
      {"plan",
       "",
       "Shows the plan of a day by minute, with counts and the load to expect.",
       "COUNT is the instances of the runs that begin in the minute; a fan-out counts as one until "
       "it\n"
       "is expanded. LOAD is how many worker slots are busy then, and pool permits, if the runs of "
       "the\n"
       "day take as long as the last successful ones. Slots that the planner has not come to yet "
       "are\n"
       "`expected`. The day is of --timezone, else of the zone that all workflows share, else of "
       "UTC.",
       0,
       0,
       {{"date", 0, "D", "this day, as 2026-11-21 (default today)"},
        {"minute", 0, "HH:MM", "the instances of this minute"},
        {"workflow", 0, "W", "only of this workflow"},
        {"timezone", 0, "Z", "the zone of the day and its minutes"},
        {"counts", 0, "", "json and yaml: leave out the instances"}},
       run_plan},
  };
}

std::vector<verb_spec> defining() {
  return {
      {"validate",
       "PATH...",
       "Checks files and folders as one set, without an engine.",
       "Prints errors as file:line:column, the next fire times of each trigger, and the slots for "
       "which its next run waits.",
       1,
       many,
       {{"env", 0, "NAME", "one of `environments:` of pinion.yaml"},
        {"count", 'n', "N", "so many fire times of each trigger (default 3)"},
        {"expand", 0, "", "show what templates, profiles and defaults make of the files"}},
       run_validate},
      {"apply",
       "PATH...",
       "Hands files and folders to the engine as one set.",
       "A workflow that it gets belongs to the API; one of a workflows folder belongs to its file "
       "and\n"
       "is refused. --prune retires what has vanished: of a workflows folder, when that is named, "
       "else\n"
       "of the API's workflows of these projects. --restore takes an older version in place of "
       "files:\nit becomes the newest.",
       0,
       many,
       {{"dry-run", 0, "", "show what would change"},
        {"prune", 0, "", "retire workflows that have vanished, however many"},
        {"restore", 0, "W:vN", "make this version the newest again"},
        {"if-version", 0, "vN|none",
         "refuse (4) unless this is the present version, or there is none"},
        reason_option()},
       run_apply},
      {"delete",
       "WORKFLOW",
       "Deletes a retired workflow with its runs, slots, backfills, versions and logs.",
       "Its file must be gone; one that was applied over the API is retired by this. Nothing of it "
       "may be\nunder way, and no other workflow may need it. What goes is shown first, and asked "
       "about. Audit\nrecords stay; the name may be used again, its versions go on behind the last "
       "one.",
       1,
       1,
       {{"dry-run", 0, "", "show what would go, and what keeps it (exit code 4)"},
        {"yes", 'y', "", "do not ask"},
        reason_option()},
       run_delete},
      {"diff",
       "W:v7 [W:v8|FILE...] | PATH...",
       "Compares versions of a workflow, or files with what the engine has.",
       "A version alone is compared with the present one; W without number means the present one.\n"
       "Files alone: each workflow of them with its present version. Exit code 1 if anything "
       "differs.",
       1,
       many,
       {},
       run_diff},
      {"preview",
       "[WORKFLOW|WORKFLOW/TRIGGER|PATH...]",
       "Shows the next fire times, of an applied workflow, of files, or of --cron.",
       "With files no engine is needed; a workflow or trigger named beside them selects.",
       0,
       many,
       {{"cron", 0, "EXPR", "of this cron expression; no engine needed"},
        {"dialect", 0, "D", "of --cron: unix (default) or quartz"},
        {"dom-dow", 0, "and|or", "of --cron: how two restricted day fields go together"},
        {"timezone", 0, "Z", "the zone of --cron (default UTC)"},
        {"from", 0, "T", "strictly after this time (default now)"},
        {"count", 'n', "N", "so many (default 5)"},
        {"env", 0, "NAME", "of files: one of `environments:` of pinion.yaml"}},
       run_preview},
      {"simulate",
       "PATH...",
       "Runs the days to come on a virtual clock: what ends when, what is late, how full it gets.",
       "The rules are the engine's; processes are made up: --durations names a JSON or YAML file "
       "as\n"
       "{\"dw.orders.load\": 120, \"dw.orders\": {\"mean\": \"2m\", \"spread\": 20, \"fails\": "
       "0.02},\n"
       "\"*\": 30}. What is not known is assumed, and listed. With --check the exit code is 1 if "
       "a\n"
       "task with a `deadline:` would miss it.",
       1,
       many,
       {{"from", 0, "T", "slots from this time on (default now)"},
        {"to", 0, "T|D", "up to this time, or for so long, as 7d (default 1d)"},
        {"check", 0, "", "exit code 1 if a deadline would be missed"},
        {"durations", 0, "FILE", "how long tasks take"},
        {"history", 0, "", "how long they took, of the newest runs of the engine"},
        {"seed", 0, "N", "of what is drawn (default 1)"},
        {"slots", 0, "N", "processes that run at once (default 16)"},
        {"format", 0, "text|json|html|svg", "how the answer is printed (default text)"},
        {"env", 0, "NAME", "one of `environments:` of pinion.yaml"}},
       run_simulate},
  };
}

verb_spec backfilling() {
  return {"backfill",
          "WORKFLOW/TRIGGER",
          "Makes or reruns the slots of a stretch of time.",
          "It works on the trigger's own slots: absent ones are made, present ones rerun as "
          "--reprocess\n"
          "says. Its instances queue behind all others. Both ends of --from and --to are included; "
          "a\n"
          "date alone as --to means the whole day. 'describe', 'pause', 'resume' and 'cancel' take "
          "its\n"
          "name, as b12. Slots that another backfill has to do are refused, and --order desc where "
          "a\ntask depends on its previous slot.",
          1,
          1,
          {{"from", 0, "T", "from this slot on"},
           {"to", 0, "T", "up to this slot"},
           {"biz-date", 0, "D..D", "the slots whose business date lies in it"},
           {"slots", 0, "FILE", "these slots, one a line; '-' is standard input"},
           {"tasks", 0, "T,..", "only these tasks"},
           {"rest", 0, "dryrun|leave", "what becomes of the others (default dryrun)"},
           {"downstream", 0, "none|all", "all: also the slots of other workflows bound to these"},
           {"parallel", 0, "N", "so many slots at a time (default 1)"},
           {"order", 0, "asc|desc", "which slot first (default asc)"},
           {"reprocess", 0, "none|failed|all", "which slots that have a run (default none)"},
           {"hours", 0, "H-H", "start slots only then, as 22:00-06:00"},
           {"on-failure", 0, "stop|continue", "after a slot that failed (default stop)"},
           {"version", 0, "latest|pinned",
            "of slots that are made; a rerun keeps its own (default latest)"},
           {"isolated", 0, "", "on slots of its own, which satisfy nobody outside"},
           {"param", 0, "K=V", "a parameter; may be repeated"},
           {"dry-run", 0, "", "show the exact slots, and what would become of each"},
           reason_option()},
          run_backfill};
}

constexpr const char* how_to_select =
    "Several REFs, '-' for REFs from standard input (one a line), or a selection: what would "
    "change\n"
    "is listed and counted, and you are asked, unless -y is given. Without a terminal and without "
    "-y\n"
    "nothing is done (exit code 4). Each is changed by itself and audited with the reason; what "
    "is\n"
    "refused is told beside what was done, and the exit code is that of the first refusal. A\n"
    "selection means runs; with --task, --run, --instances or a state that only instances have,\n"
    "instances. Lists are fixed when they are shown: what comes later is left out.";

/// A verb that changes runs, instances or tasks, one or many.
verb_spec operation(const char* name, const char* summary, std::string details,
                    exit_code (*run)(session&), std::vector<option_spec> own = {}) {
  verb_spec made;
  made.name = name;
  made.usage = "[REF]...";
  made.summary = summary;
  made.details = std::move(details) + how_to_select;
  made.most_words = many;
  made.options = std::move(own);
  for (auto& one : selection_options(selects::runs_or_instances))
    made.options.push_back(std::move(one));
  made.options.push_back({"dry-run", 0, "", "show what would change"});
  made.options.push_back(reason_option());
  made.run = run;
  return made;
}

verb_spec pausing(const char* name, const char* summary, const char* details,
                  exit_code (*run)(session&), std::vector<option_spec> own) {
  verb_spec made;
  made.name = name;
  made.usage = "[TRIGGER|WORKFLOW|BACKFILL]...";
  made.summary = summary;
  made.details = details;
  made.most_words = many;
  made.options = std::move(own);
  for (auto& one : selection_options(selects::workflows))
    made.options.push_back(std::move(one));
  made.options.push_back(reason_option());
  made.run = run;
  return made;
}

std::vector<verb_spec> operating() {
  return {
      operation("rerun", "Runs an instance and its downstream again; of a run: what failed.",
                "Of a run, --only and --downstream mean all of its tasks. --downstream=all goes on "
                "over other\n"
                "workflows: to the slots that are bound to this one and have a run, one run after "
                "another,\n"
                "upstream first. Attempts and their logs stay under the instance: 'get attempts "
                "REF'.\n",
                run_rerun,
                {{"only", 0, "", "the instance alone"},
                 {"downstream", 0, "[=run|all]",
                  "with all that needs it (default); =all: also in other workflows"},
                 {"upstream", 0, "", "with all that it needs"},
                 {"failed", 0, "", "what failed (default for a run)"},
                 {"version", 0, "pinned|latest",
                  "with the run's own definition (default), or the present one"}}),
      operation(
          "cancel", "Stops a run or an instance, the whole tree of its processes.",
          "Of a backfill, as b12: ends it, and stops what runs of it. Teardown tasks of what was "
          "set up\nstill run, unless --now is given, also later.\n",
          run_cancel, {{"now", 0, "", "without teardown tasks"}}),
      operation("fail", "Ends an instance as failed; its fallback and alarms go on.", "", run_fail),
      operation("skip", "Ends an instance as skipped.", "", run_skip),
      operation("succeed", "Ends an instance as success.", "", run_succeed),
      backfilling(),
      operation(
          "freeze", "Lets an instance, a run or a task wait until it is thawed.",
          "A task, as project.workflow.task, with all its instances to come. What runs is not "
          "touched.\n",
          run_freeze),
      operation("thaw", "Ends freeze and dryrun.", "", run_thaw),
      operation("dryrun", "Lets an instance, a run or a task succeed at once, without a process.",
                "A task, as project.workflow.task, with all its instances to come. What needs it "
                "goes on.\n",
                run_dryrun),
      operation("bump", "Gives what waits another priority.",
                "From 1 to 9, larger first; `first` stands before all of them. Of a run: what it "
                "has not begun.\n",
                run_bump, {{"priority", 0, "N|first", "1 to 9, or first (default)"}}),
      operation("unblock", "Lets an instance no longer wait for an upstream.",
                "The upstream then counts as success for this instance alone; a rerun of the "
                "instance needs it\n"
                "again. Without --upstream: all that it still waits for.\n",
                run_unblock,
                {{"upstream", 0, "U",
                  "this task, or project.workflow.task of another workflow; may be repeated"}}),
      {"note",
       "REF TEXT",
       "Writes a note on a run; an empty text takes it away.",
       "'describe' shows it, and expressions read it as run.note.",
       2,
       2,
       {reason_option()},
       run_note},
      operation(
          "move", "Gives what waits other pools, or a run the latest version.",
          "--pool: instances that have not begun ask for these permits instead of those of "
          "their task.\n"
          "--version latest: the run goes on with the present definition, while nothing of it "
          "is active;\n"
          "tasks that have begun must keep their names and places in the file.\n",
          run_move,
          {{"pool", 0, "P[=N],..", "permits of these pools; an empty text means none"},
           {"version", 0, "latest", "of the definition; for runs"}}),
  };
}

std::vector<verb_spec> trying() {
  const std::vector<option_spec> params{
      {"param", 0, "K=V", "a parameter; may be repeated"},
      {"params-file", 0, "F", "parameters as a map in YAML or JSON; '-' is standard input"}};
  const auto with_params = [&](std::vector<option_spec> own) {
    own.insert(own.begin(), params.begin(), params.end());
    return own;
  };
  return {
      {"run", "FILE|-", "Runs a definition once, without taking it into the list of workflows.",
       "The run has its history, as that of WORKFLOW-HASH: of the content. Triggers of the file do "
       "not\n"
       "count. With -f: prints what the tasks write, and the exit code is 1 if the run does not "
       "end "
       "in\nsuccess.",
       1, 1,
       with_params({{"key", 0, "K", "idempotent: the same key gives the same run"},
                    {"follow", 'f', "", "print the logs until the run has ended"},
                    reason_option()}),
       run_run},
      {"render", "REF", "Shows what would be run: command and environment, secrets masked.",
       "Of an instance or a run its next attempt, with the inputs of now. Of a workflow, or a task "
       "as\n"
       "project.workflow.task, that of a run by hand. Nothing is changed.",
       1, 1, with_params({}), run_render},
      {"test", "WORKFLOW|PATH TASK",
       "Runs one task alone, here and without history, its log on the terminal.",
       "The process is made by this program, with the rights and the secrets of whoever calls it. "
       "Its\n"
       "outputs are shown, its checks run. Needs, pools, retries and `when` do not count.",
       2, 2,
       with_params({{"inputs", 0, "F", "outputs of tasks before it, as {task: {key: value}}"},
                    {"slot", 0, "T", "as if for this slot (default now)"},
                    {"index", 0, "I", "the element of a fan-out (default the first)"},
                    {"env", 0, "NAME", "of files: one of `environments:` of pinion.yaml"}}),
       run_test},
  };
}

std::vector<verb_spec> steering() {
  auto made = operating();
  std::vector<verb_spec> further{
      {"trigger",
       "WORKFLOW|WORKFLOW/TRIGGER",
       "Makes a run by hand, or with --slot that of a slot which was left out.",
       "Prints the run. With --wait: exit code 1 if it does not end in success, 6 if the time ran "
       "out.\n"
       "A run by hand satisfies no other's needs; the run of a missed or paused slot does. A slot "
       "that\nhas a run is refused, and the run named.",
       1,
       1,
       {{"biz-date", 0, "D", "for this business date, as 2026-11-19"},
        {"param", 0, "K=V", "a parameter; may be repeated"},
        {"params-file", 0, "F", "parameters as a map in YAML or JSON; '-' is standard input"},
        {"key", 0, "K", "idempotent: the same key gives the same run"},
        {"slot", 0, "T", "the run of this slot of the trigger, as 2026-11-20T02:00"},
        {"ignore-overlap", 0, "", "do not queue behind other runs"},
        {"wait", 0, "", "until the run has ended"},
        {"timeout", 0, "D", "with --wait: at most so long, as 30m"},
        reason_option()},
       run_trigger},
      pausing("pause", "Lets a trigger, a workflow, a backfill or everything fire nothing.",
              "The slots that pass meanwhile are listed as paused: 'get slots --state paused'.\n"
              "Several are listed and counted, and you are asked, unless -y is given; a selection "
              "means workflows.",
              run_pause, {{"all", 0, "", "everything"}}),
      pausing(
          "resume", "Ends a pause.",
          "Nothing is caught up unless --catch-up asks; single slots: 'trigger W/TRIGGER --slot "
          "T'.",
          run_resume,
          {{"all", 0, "", "everything"},
           {"catch-up", 0, "none|last|all",
            "which slots of the pause are made up for (default none)"}}),
      {"pool",
       "set NAME N | reset NAME",
       "Sets the size of a pool while the engine runs, or takes that of pinion.yaml again.",
       "The size holds over restarts and edits of pinion.yaml until it is reset. What is out above "
       "a\n"
       "smaller size comes back as it ends; 0 grants nothing more.",
       2,
       3,
       {reason_option()},
       run_pool},
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
  made.insert(made.begin(), std::make_move_iterator(further.begin()),
              std::make_move_iterator(further.begin() + 1)); // trigger
  made.insert(made.end(), std::make_move_iterator(further.begin() + 1),
              std::make_move_iterator(further.end()));
  return made;
}

std::vector<verb_spec> running() {
  return {
      {"wheel", "", "Shows the timing wheel: what the engine waits for.", "", 0, 0, {}, run_wheel},
      {"health",
       "",
       "Is the engine ready? Exit code 0 if it is and nothing is wrong, 1 if not, 5 if there is "
       "none.",
       "Wrong are a full disk, and what 'problems' lists: files of a workflows folder that are "
       "refused, a\nlauncher that is not connected. -o name prints ready, starting, disk_full or "
       "problems.",
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
      {"completion",
       "bash|zsh",
       "Prints the completion script of a shell; no engine needed.",
       "For this shell: eval \"$(pinionctl completion bash)\". It completes verbs, options, kinds, "
       "and\n"
       "as far as an engine answers the names of workflows, triggers, runs, tasks and backfills.",
       1,
       1,
       {},
       run_completion},
      {"store",
       "verify|stats|backup DIR|restore DIR",
       "Checks the store, shows what it holds, backs it up, restores it.",
       "verify: do all rows fit together? Each finding names the invariant, the row and the mend; "
       "exit\ncode 1 if there is one that is not a mere note. A running engine checks a snapshot, "
       "at most\n--rows rows of it. With --data the folder of a stopped engine is read whole, its "
       "files' checksums\nincluded; with --mend what other rows say is then written again. The "
       "answer names which was checked.\n"
       "stats: rows (estimated) and bytes by kind, what is live and what is history, the log, the "
       "levels.\n"
       "backup: adds a backup of this moment to DIR, also while the engine runs; what an earlier "
       "one has is\nnot copied again. Logs and workspaces are not in it. With --list shows which "
       "there are.\n"
       "restore: makes the data folder --data, which must be absent or empty, from the newest "
       "backup of DIR.\nWhat ran when it was made is lost there and gets new attempts. Stop the "
       "other engine first.",
       1,
       2,
       {{"data", 0, "DIR", "the data folder of a stopped engine; restore: the new one"},
        {"rows", 0, "N", "verify: at most so many rows (default 3000000; with --data all)"},
        {"mend", 0, "", "verify --data: write again what follows from other rows"},
        {"keep", 0, "N", "backup: remove all but the N newest of DIR"},
        {"list", 0, "", "backup: only show those of DIR; alone"},
        {"backup", 0, "ID", "restore: this one instead of the newest"},
        {"hold", 0, "", "restore: the engine starts nothing until 'unhold'"}},
       run_store},
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
    for (auto part : {defining(), steering(), trying(), looking(), running()})
      made.insert(made.end(), std::make_move_iterator(part.begin()),
                  std::make_move_iterator(part.end()));
    return made;
  }();
  return all;
}

} // namespace pinion::ctl
