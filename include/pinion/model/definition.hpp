#pragma once

#include "pinion/model/misfire.hpp"
#include "pinion/model/needs.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/slot_rule.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// JSON text of one value. The model carries values without looking into them.
using json_text = std::string;

/// `choice` is `type: switch`: it chooses which of the tasks behind it go on.
enum class task_type : std::uint8_t {
  shell,
  python,
  empty,
  check,
  workflow,
  choice,
  java,
};

/// Has no process and calls no run: it ends as soon as its turn comes.
constexpr bool ends_at_once(task_type type) noexcept {
  return type == task_type::empty || type == task_type::choice;
}

constexpr bool has_process(task_type type) noexcept {
  return !ends_at_once(type) && type != task_type::workflow;
}

/// Airflow's trigger rules (its `trigger_rule_dep.py`, 3.x).
enum class join_rule : std::uint8_t {
  all_success,
  all_failed,
  all_done,
  all_done_min_one_success,
  all_done_setup_success,
  one_success,
  one_failed,
  one_done,
  none_failed,
  none_failed_min_one_success,
  none_skipped,
  all_skipped,
  always,
};

enum class overlap_policy : std::uint8_t { queue, queue_one, skip, cancel_running, allow };

struct retry_policy {
  std::uint32_t max = 0; ///< Retries after the first attempt.
  duration delay{std::chrono::minutes{1}};
  double factor = 1.0;               ///< >= 1; each further delay is `factor` times the former.
  std::optional<duration> max_delay; ///< Caps the delay, jitter included.
  double jitter = 0.0;      ///< 0..1: adds up to this share of the delay, deterministically.
  std::vector<int> on_exit; ///< Not empty: the only exit codes that retry.
  bool on_timeout = true;   ///< An attempt's timeout uses a retry.
};

/// A task that looks until what it waits for is there. Each look is a short process of the same
/// attempt; between looks it holds neither permits nor a worker's slot.
struct poll_policy {
  duration every{std::chrono::minutes{1}};
  duration timeout{std::chrono::hours{24}}; ///< From the first look on, retries included.
  std::vector<int> not_yet{1};              ///< Exit codes that mean: look again. Ascending.

  friend bool operator==(const poll_policy&, const poll_policy&) = default;
};

/// What a task of `type: switch` goes by. Tasks that are named in a case or in `otherwise`, all of
/// them directly behind it, are skipped unless they are chosen.
struct choice_definition {
  struct option {
    std::string value;                ///< As the text of `on`.
    std::vector<std::uint32_t> tasks; ///< Ascending.
    friend bool operator==(const option&, const option&) = default;
  };
  std::string on; ///< Expression.
  std::vector<option> cases;
  std::vector<std::uint32_t> otherwise; ///< `default:`; ascending.

  friend bool operator==(const choice_definition&, const choice_definition&) = default;
};

/// Zero means: no such timeout.
struct timeout_policy {
  duration attempt{0};  ///< One attempt's process; kept by the launcher.
  duration queue{0};    ///< In pre_ready, for each attempt.
  duration upstream{0}; ///< In waiting.
  duration task{0};     ///< From the first pre_ready to the end, all attempts and retries.
};

/// A data-quality rule of kind `command`.
struct check_definition {
  std::string name;              ///< Unique in the task: given, or "check1" ...
  std::string command;           ///< Shell text, if `argv` is empty.
  std::vector<std::string> argv; ///< Executed without a shell.
  bool weak = false;             ///< Warns only.
  duration timeout{0};
};

struct fan_out {
  std::string variable; ///< The loop name.
  std::string of;       ///< Expression text, or a JSON list (`of_is_json`).
  bool of_is_json = false;
  std::uint32_t groups = 0;       ///< > 0: so many even groups, in order.
  std::string groups_pool;        ///< Not empty: as many groups as this pool has permits.
  std::uint32_t max_parallel = 0; ///< 0: no limit of its own.
  std::string key; ///< Expression for the element's key; empty: the rule of the docs.
};

/// What to tell whom: `alert` names a channel of pinion.yaml.
struct alarm_target {
  std::string channel;
  friend bool operator==(const alarm_target&, const alarm_target&) = default;
};

struct alarm_rules {
  std::vector<alarm_target> on_failure;
  std::vector<alarm_target> on_success;
  std::vector<alarm_target> on_fallback;
};

struct pool_need {
  std::string pool; ///< A name of the project's pools.
  std::uint32_t permits = 1;
  friend bool operator==(const pool_need&, const pool_need&) = default;
};

struct task_definition {
  std::string name;
  std::string title;
  task_type type = task_type::shell;
  std::string run;               ///< Shell text with expressions, if `argv` is empty.
  std::vector<std::string> argv; ///< Executed without a shell; each element may hold expressions.
  std::string shell;             ///< Empty: /bin/bash -eo pipefail.
  std::string script; ///< python: path of a file, or source text when it holds a newline.
  std::vector<std::string> args;
  std::string python = "python3";
  std::string jar;              ///< java: path of a file; `args` are its arguments.
  std::vector<std::string> jvm; ///< java: options of the virtual machine.
  std::string call_workflow;    ///< workflow: `name` of the same project or `project.name`.
  std::vector<std::pair<std::string, std::string>> call_params; ///< Expression texts.
  std::string cwd;                                              ///< Absolute after loading.
  std::vector<std::pair<std::string, std::string>> env;
  std::string stdin_text;
  bool expressions = true;
  std::vector<std::uint32_t> needs; ///< Positions of direct upstream tasks, ascending, unique.
  std::vector<outside_need> outside_needs; ///< On other workflows and slots; at most 1,000.
  previous_need depends_on_previous = previous_need::none;
  std::vector<std::uint32_t> previous_tasks; ///< For previous_need::tasks: positions.
  join_rule join = join_rule::all_success;
  std::string join_condition;   ///< In the place of `join`: see join_condition.hpp; empty: none.
  std::string when;             ///< Expression; empty: always.
  std::vector<pool_need> pools; ///< By pool name, unique.
  std::uint32_t max_active = 0; ///< Attempts at once, over all runs; 0: no limit of its own.
  std::uint8_t priority = 5;    ///< 1-9, larger first.
  retry_policy retry;
  timeout_policy timeout;
  duration grace{std::chrono::seconds{30}};
  /// Time of day on the slot's local date by which it should have ended, below 48 h.
  std::optional<duration> deadline;
  std::optional<std::uint32_t> fallback;    ///< Position of the backup task.
  std::optional<std::uint32_t> fallback_of; ///< Position of the primary.
  std::optional<fan_out> for_each;
  std::vector<check_definition> checks;
  std::optional<poll_policy> poll;
  std::optional<choice_definition> choice; ///< Exactly for task_type::choice.
  bool setup = false;    ///< What is behind it needs it, however far away: see `setup_scopes`.
  bool teardown = false; ///< Runs however the tasks before it ended, also after a cancel.
  std::vector<std::uint32_t> teardown_of; ///< Its setups, ascending; they are among its needs too.
  /// An end task: its turn comes when all other tasks of the run have ended and the run failed
  /// (succeeded). It needs end tasks alone. Of a fallback chain the head says it for all.
  bool on_run_failure = false;
  bool on_run_success = false;
  bool ignore_failure = false;
  int skip_exit = 99;
  alarm_rules alarms;

  bool is_end_task() const noexcept { return on_run_failure || on_run_success; }
};

struct param_definition {
  std::string name;
  json_text default_value; ///< Empty: required at the trigger.
  std::string type;        ///< string, integer, number, boolean, list, map; never empty.
  std::vector<json_text> allowed;
  std::optional<double> min;
  std::optional<double> max;
};

/// What an `after:` trigger follows: its slots and data intervals are those of that trigger.
struct followed_trigger {
  std::string workflow; ///< project.name
  std::string trigger;  ///< Empty: its only one.
  need_state state = need_state::success;

  friend bool operator==(const followed_trigger&, const followed_trigger&) = default;
};

struct trigger_definition {
  std::string id;
  slot_rule slots;       ///< Zone, window and calendar included; of no use with `after`.
  std::string text = {}; ///< As written: "0 2 * * *", "every 15m".
  std::optional<followed_trigger> after = {};
  std::vector<std::pair<std::string, json_text>> params = {};
  bool enabled = true;
  std::uint8_t priority = 0;                  ///< 1-9 for this trigger's runs; 0: the tasks' own.
  std::optional<overlap_policy> overlap = {}; ///< Empty: the workflow's.
  std::optional<misfire_policy> misfire = {}; ///< Empty: `default_misfire`.
  bool catchup = false; ///< Owes what has passed since the window's start, at its first apply.
  duration jitter{0};   ///< Fires up to so much after its slot, see `jitter_of`.
};

/// What a run does once it has a failure that nothing covers.
enum class failure_strategy : std::uint8_t {
  go_on,          ///< All that does not depend on it still runs.
  finish_running, ///< What has begun ends by itself, retries included; nothing else begins.
  cancel,         ///< What runs is stopped.
};

/// Which runs an edit reaches that are planned and have not fired.
enum class edit_mode : std::uint8_t { immediate, next_day };

/// One version of a workflow, whole: what a run is pinned to. Immutable once made.
struct workflow_definition {
  std::string project;
  std::string name;
  std::string description;
  std::string owner;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string timezone = "UTC";
  std::vector<param_definition> params;
  std::vector<trigger_definition> triggers;
  overlap_policy overlap = overlap_policy::queue;
  std::uint32_t max_active_runs = 1;
  std::uint32_t max_active_tasks = 0; ///< Attempts at once, over all runs; 0: no limit.
  duration timeout{0};                ///< Of a run, from its first attempt.
  failure_strategy failure = failure_strategy::go_on;
  interval_rule data_interval;
  bool data_interval_given = false; ///< Else each trigger has its own default.
  edit_mode edits = edit_mode::immediate;
  json_text vars = "{}"; ///< Effective, environment applied: pinned with the version.
  alarm_rules alarms;
  std::vector<task_definition> tasks; ///< In the order of the file; 1..100,000.
  std::string source_file;            ///< Absolute path; empty: came over the API.

  std::string id() const { return project + '.' + name; }
};

/// Where a secret's value comes from; read at the start of an attempt, never stored.
struct secret_source {
  enum class kind : std::uint8_t { environment, file } from = kind::environment;
  std::string name; ///< Of the variable, or path of the file.
};

struct channel_definition {
  bool log = false;
  std::vector<std::string> command; ///< argv; the alarm is JSON on its standard input.
  std::string cwd;
};

/// What pinion.yaml gives a project beside vars: read live, not pinned.
struct project_settings {
  std::string project = {};
  std::map<std::string, std::uint32_t> pools = {};
  std::map<std::string, secret_source> secrets = {};
  std::map<std::string, channel_definition> channels = {};
  bool triggers_enabled = true; ///< `environments: {dev: {triggers: off}}`.
};

} // namespace pinion
