#include "definitions/foreign_words.hpp"

#include <algorithm>
#include <span>

namespace pinion::definitions {
namespace {

struct row {
  std::string_view construct; ///< Empty: any.
  std::string_view word;      ///< Lower case, with `_` for `-`.
  std::string_view advice;
};

constexpr std::string_view write_needs = "write `needs: TASK` or `needs: [TASK, TASK]`";
constexpr std::string_view write_run = "write `run:`";
constexpr std::string_view write_triggers = "write `triggers: [{cron: \"0 2 * * *\"}]`";
constexpr std::string_view write_workflow = "write `workflow:`";
constexpr std::string_view write_when = "write `when: \"{{ ... }}\"`";
constexpr std::string_view write_cwd = "write `cwd:`";
constexpr std::string_view write_retry = "write `retry: {max: 3, delay: 1m}`";
constexpr std::string_view write_delay = "write `delay:`";
constexpr std::string_view write_max = "write `max:`";
constexpr std::string_view write_alarm = "declare a channel under `channels:` in pinion.yaml, then "
                                         "write `on_failure: [{alert: CHANNEL}]`";
constexpr std::string_view write_active = "write `max_active_runs:`; tasks share a `pool:`";
constexpr std::string_view write_fan_out = "write `for_each: {NAME: [...]}`";
constexpr std::string_view in_project = "it belongs to pinion.yaml, beside the workflows";

constexpr row keys[] = {
    {"a task", "depends_on", write_needs},
    {"a task", "dependson", write_needs},
    {"a task", "dependencies", write_needs},
    {"a task", "depends", write_needs},
    {"a task", "upstream", write_needs},
    {"a task", "requires", write_needs},
    {"a task", "after", write_needs},
    {"a task", "pretasks", write_needs},
    {"a task", "downstream", "write `needs:` at the task that comes later"},
    {"a task", "command", write_run},
    {"a task", "cmd", write_run},
    {"a task", "bash_command", write_run},
    {"a task", "bash", write_run},
    {"a task", "exec", write_run},
    {"a task", "rawscript", write_run},
    {"a task", "image", "write a `run:` that starts the container, as `run: docker run ...`"},
    {"a task", "retries", write_retry},
    {"a task", "max_retries", write_retry},
    {"a task", "retry_delay", write_retry},
    {"a task", "retry_interval", write_retry},
    {"a task", "failretrytimes", write_retry},
    {"a task", "execution_timeout", "write `timeout: 1h`"},
    {"a task", "trigger_rule", "write `join:`"},
    {"a task", "if", write_when},
    {"a task", "condition", write_when},
    {"a task", "workdir", write_cwd},
    {"a task", "working_dir", write_cwd},
    {"a task", "working_directory", write_cwd},
    {"a task", "dir", write_cwd},
    {"a task", "depends_on_past", "write `depends_on_previous: self`"},
    {"a task", "wait_for_downstream", "write `depends_on_previous: children`"},
    {"a task", "allow_failure", "write `ignore_failure: true`"},
    {"a task", "priority_weight", "write `priority:`, 1 to 9"},
    {"a task", "task_group", "write `pool:`"},
    {"a task", "matrix", write_fan_out},
    {"a task", "with_items", write_fan_out},
    {"a task", "foreach", write_fan_out},
    {"a task", "sla", "write `deadline: \"08:00\"`"},
    {"a task", "email", write_alarm},
    {"a task", "email_on_failure", write_alarm},
    {"a task", "params", "declare `params:` of the workflow; a task reads {{ params.NAME }}"},
    {"a task", "environment", "write `env:`"},
    {"a task", "vars", "declare `vars:` of the workflow"},
    {"a task", "name", "the name of a task is its key under `tasks:`"},
    {"a task", "id", "the name of a task is its key under `tasks:`"},
    {"a task", "task_id", "the name of a task is its key under `tasks:`"},
    {"a task", "cron", "a workflow has `triggers:`, a task has none"},
    {"a task", "schedule", "a workflow has `triggers:`, a task has none"},
    {"a workflow", "name", write_workflow},
    {"a workflow", "id", write_workflow},
    {"a workflow", "dag_id", write_workflow},
    {"a workflow", "flow_id", write_workflow},
    {"a workflow", "schedule", write_triggers},
    {"a workflow", "schedule_interval", write_triggers},
    {"a workflow", "schedules", write_triggers},
    {"a workflow", "cron", write_triggers},
    {"a workflow", "on", write_triggers},
    {"a workflow", "start_date", "write `start:` in a trigger"},
    {"a workflow", "start", "write `start:` in a trigger"},
    {"a workflow", "catchup", "write `catchup: true` in a trigger that has a `start:`"},
    {"a workflow", "concurrency", write_active},
    {"a workflow", "parallelism", write_active},
    {"a workflow", "default_args", "write `defaults:`"},
    {"a workflow", "env", "write `defaults: {env: {NAME: value}}`"},
    {"a workflow", "environment", "write `defaults: {env: {NAME: value}}`"},
    {"a workflow", "retry", "write `defaults: {retry: {max: 3}}`"},
    {"a workflow", "retries", "write `defaults: {retry: {max: 3}}`"},
    {"a workflow", "jobs", "write `tasks:`"},
    {"a workflow", "steps", "write `tasks:`"},
    {"a workflow", "nodes", "write `tasks:`"},
    {"a workflow", "inputs", "write `params:`"},
    {"a workflow", "tags", "write `labels: {NAME: value}`"},
    {"a workflow", "tz", "write `timezone:`"},
    {"a workflow", "project", in_project},
    {"a workflow", "pools", in_project},
    {"a workflow", "secrets", in_project},
    {"a workflow", "channels", in_project},
    {"a workflow", "calendars", in_project},
    {"a workflow", "environments", in_project},
    {"a trigger", "schedule", "write `cron:`, `period:` or `every:`"},
    {"a trigger", "interval", "write `every: 15m`"},
    {"a trigger", "start_date", "write `start:`"},
    {"a trigger", "end_date", "write `end:`"},
    {"a trigger", "tz", "write `timezone:`"},
    {"a trigger", "name", "write `id:`"},
    {"a retry policy", "count", write_max},
    {"a retry policy", "times", write_max},
    {"a retry policy", "attempts", "write `max:`, the retries after the first attempt"},
    {"a retry policy", "limit", write_max},
    {"a retry policy", "interval", write_delay},
    {"a retry policy", "backoff", "write `factor: 2` beside `delay:`"},
    {"a retry policy", "wait", write_delay},
    {"an alarm", "email",
     "write `alert:` with a channel of pinion.yaml whose `command:` sends the mail"},
    {"an alarm", "command", "declare a channel with it in pinion.yaml, and name it with `alert:`"},
    {"an alarm", "task",
     "only a workflow's `on_failure` and `on_success` name tasks; a task has `fallback:`"},
    {"an alarm", "run", "declare a task under `tasks:`, and name it with `task:`"},
    {"an alarm", "webhook",
     "write `alert:` with a channel of pinion.yaml whose `command:` calls it"},
};

constexpr row names[] = {
    {"", "execution_date", "write `logical_date`, the start of the data interval, or `slot`"},
    {"", "next_execution_date", "write `data_interval_end`"},
    {"", "prev_ds", "write `date('yyyy-MM-dd', '-1d')`"},
    {"", "yesterday_ds", "write `date('yyyy-MM-dd', '-1d')`"},
    {"", "tomorrow_ds", "write `date('yyyy-MM-dd', '+1d')`"},
    {"", "next_ds", "write `date('yyyy-MM-dd', '+1d')`"},
    {"", "macros", "write `add_days(...)` or `date('yyyy-MM-dd', '-1d')`"},
    {"", "ds_add", "write `date('yyyy-MM-dd', '-1d')` or `add_days(...)`"},
    {"", "strftime", "write `date('yyyy-MM-dd')`"},
    {"", "now", "write `slot`: a run may be late, its slot never moves"},
    {"", "today", "write `date('yyyy-MM-dd')`, of the slot"},
    {"", "env", "write $NAME, for the shell; declare it under `env:`"},
    {"", "var", "write `vars.NAME`"},
    {"", "ti", "write `inputs.TASK.KEY`, of what TASK wrote to $PINION_OUTPUT"},
    {"", "task_instance", "write `inputs.TASK.KEY`, of what TASK wrote to $PINION_OUTPUT"},
    {"", "outputs", "write `inputs.TASK.KEY`"},
    {"", "needs", "write `inputs.TASK.KEY`"},
    {"", "tasks", "write `inputs.TASK.KEY`"},
    {"", "steps", "write `inputs.TASK.KEY`"},
    {"", "dag_run", "write `params.NAME` for its parameters, `run` for its id"},
    {"", "conf", "write `params.NAME`"},
    {"", "dag", "the workflow's own name is in $PINION_WORKFLOW"},
    {"", "item", "write the name that `for_each:` gives it"},
    {"", "len", "write `x | length`"},
};

constexpr row kinds[] = {
    {"", "a list of triggers",
     "begin each trigger with a dash: `triggers: [{cron: \"0 2 * * *\"}]`"},
    {"", "a trigger", "write `{cron: \"0 2 * * *\"}`"},
    {"", "a map from names to tasks", "write the name as key: `load: {run: ./load}`"},
    {"", "a task", "write `{run: ...}`"},
    {"", "an alarm", "write `[{alert: CHANNEL}]`"},
    {"", "a map", "write `{NAME: value}`"},
};

constexpr std::string_view as_command =
    "write `run:` with the program that does it, as a task of type shell";

constexpr row types[] = {
    {"", "bash", "write `shell`, or leave `type` out"},
    {"", "command", "write `shell`, or leave `type` out"},
    {"", "script", "write `shell`, or leave `type` out"},
    {"", "noop", "write `empty`"},
    {"", "dummy", "write `empty`"},
    {"", "virtual", "write `empty`"},
    {"", "flow", "write `workflow`"},
    {"", "sub_workflow", "write `workflow`"},
    {"", "sub_process", "write `workflow`"},
    {"", "http", as_command},
    {"", "sql", as_command},
    {"", "spark", as_command},
    {"", "docker", as_command},
};

bool same(std::string_view written, std::string_view word) {
  const auto folded = [](char c) {
    if (c >= 'A' && c <= 'Z')
      return static_cast<char>(c - 'A' + 'a');
    return c == '-' ? '_' : c;
  };
  return std::equal(written.begin(), written.end(), word.begin(), word.end(),
                    [&](char a, char b) { return folded(a) == b; });
}

std::string_view advice_in(std::span<const row> rows, std::string_view construct,
                           std::string_view word) noexcept {
  for (const auto& each : rows)
    if (each.construct == construct && same(word, each.word))
      return each.advice;
  return {};
}

} // namespace

std::string_view advice_for_key(std::string_view construct, std::string_view key) noexcept {
  return advice_in(keys, construct, key);
}

std::string_view advice_for_name(std::string_view name) noexcept {
  return advice_in(names, {}, name);
}

std::string_view advice_for_kind(std::string_view expected) noexcept {
  return advice_in(kinds, {}, expected);
}

std::string_view advice_for_type(std::string_view type) noexcept {
  return advice_in(types, {}, type);
}

} // namespace pinion::definitions
