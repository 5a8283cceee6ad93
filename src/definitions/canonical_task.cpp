#include "definitions/canonical_parts.hpp"

namespace pinion::definitions {

namespace {

using nlohmann::json;

json retry_to_json(const retry_policy& retry) {
  const retry_policy unsaid;
  json out = json::object();
  put(out, "max", retry.max, unsaid.max);
  put(out, "delay_us", retry.delay, unsaid.delay);
  put(out, "factor", retry.factor, unsaid.factor);
  if (retry.max_delay)
    out["max_delay_us"] = retry.max_delay->count();
  put(out, "jitter", retry.jitter, unsaid.jitter);
  put(out, "on_exit", retry.on_exit, unsaid.on_exit);
  put(out, "on_timeout", retry.on_timeout, unsaid.on_timeout);
  return out;
}

retry_policy retry_from(const json& from) {
  retry_policy retry;
  take(from, "max", retry.max);
  take(from, "delay_us", retry.delay);
  take(from, "factor", retry.factor);
  if (from.contains("max_delay_us"))
    take(from, "max_delay_us", retry.max_delay.emplace());
  take(from, "jitter", retry.jitter);
  take(from, "on_exit", retry.on_exit);
  take(from, "on_timeout", retry.on_timeout);
  return retry;
}

json timeout_to_json(const timeout_policy& timeout) {
  json out = json::object();
  put(out, "attempt_us", timeout.attempt, duration{});
  put(out, "queue_us", timeout.queue, duration{});
  put(out, "upstream_us", timeout.upstream, duration{});
  put(out, "task_us", timeout.task, duration{});
  return out;
}

timeout_policy timeout_from(const json& from) {
  timeout_policy timeout;
  take(from, "attempt_us", timeout.attempt);
  take(from, "queue_us", timeout.queue);
  take(from, "upstream_us", timeout.upstream);
  take(from, "task_us", timeout.task);
  return timeout;
}

json check_to_json(const check_definition& check) {
  const check_definition unsaid;
  json out = json::object();
  put(out, "name", check.name, unsaid.name);
  put(out, "command", check.command, unsaid.command);
  put(out, "argv", check.argv, unsaid.argv);
  put(out, "weak", check.weak, unsaid.weak);
  put(out, "timeout_us", check.timeout, unsaid.timeout);
  return out;
}

check_definition check_from(const json& from) {
  check_definition check;
  take(from, "name", check.name);
  take(from, "command", check.command);
  take(from, "argv", check.argv);
  take(from, "weak", check.weak);
  take(from, "timeout_us", check.timeout);
  return check;
}

json fan_out_to_json(const fan_out& fan) {
  const fan_out unsaid;
  json out = json::object();
  put(out, "variable", fan.variable, unsaid.variable);
  put(out, "of", fan.of, unsaid.of);
  put(out, "of_is_json", fan.of_is_json, unsaid.of_is_json);
  put(out, "groups", fan.groups, unsaid.groups);
  put(out, "groups_pool", fan.groups_pool, unsaid.groups_pool);
  put(out, "max_parallel", fan.max_parallel, unsaid.max_parallel);
  put(out, "key", fan.key, unsaid.key);
  return out;
}

json poll_to_json(const poll_policy& poll) {
  const poll_policy unsaid;
  json out = json::object();
  put(out, "every_us", poll.every, unsaid.every);
  put(out, "timeout_us", poll.timeout, unsaid.timeout);
  put(out, "not_yet", poll.not_yet, unsaid.not_yet);
  return out;
}

poll_policy poll_from(const json& from) {
  poll_policy poll;
  take(from, "every_us", poll.every);
  take(from, "timeout_us", poll.timeout);
  take(from, "not_yet", poll.not_yet);
  return poll;
}

json choice_to_json(const choice_definition& choice) {
  json out{{"on", choice.on}, {"cases", json::array()}};
  for (const auto& option : choice.cases)
    out["cases"].push_back({option.value, option.tasks});
  put(out, "default", choice.otherwise, {});
  return out;
}

choice_definition choice_from(const json& from) {
  choice_definition choice;
  take(from, "on", choice.on);
  for (const auto& option : from.value("cases", json::array()))
    choice.cases.push_back(
        {option.at(0).get<std::string>(), option.at(1).get<std::vector<std::uint32_t>>()});
  take(from, "default", choice.otherwise);
  return choice;
}

fan_out fan_out_from(const json& from) {
  fan_out fan;
  take(from, "variable", fan.variable);
  take(from, "of", fan.of);
  take(from, "of_is_json", fan.of_is_json);
  take(from, "groups", fan.groups);
  take(from, "groups_pool", fan.groups_pool);
  take(from, "max_parallel", fan.max_parallel);
  take(from, "key", fan.key);
  return fan;
}

json pools_to_json(const std::vector<pool_need>& pools) {
  json out = json::array();
  for (const auto& need : pools)
    out.push_back({need.pool, need.permits});
  return out;
}

std::vector<pool_need> pools_from(const json& from) {
  std::vector<pool_need> pools;
  for (const auto& need : from)
    pools.push_back({need.at(0).get<std::string>(), need.at(1).get<std::uint32_t>()});
  return pools;
}

json need_to_json(const outside_need& need) {
  const outside_need unsaid;
  json out = json::object();
  put(out, "workflow", need.workflow, unsaid.workflow);
  put(out, "task", need.task, unsaid.task);
  put(out, "trigger", need.trigger, unsaid.trigger);
  slot_words.put(out, "slot", need.slot, unsaid.slot);
  put(out, "back", need.back, unsaid.back);
  window_words.put(out, "window", need.window, unsaid.window);
  put(out, "last", need.last, unsaid.last);
  need_state_words.put(out, "state", need.state, unsaid.state);
  missing_policy_words.put(out, "missing", need.missing, unsaid.missing);
  put(out, "as", need.as, unsaid.as);
  return out;
}

outside_need need_from(const json& from) {
  outside_need need;
  take(from, "workflow", need.workflow);
  take(from, "task", need.task);
  take(from, "trigger", need.trigger);
  slot_words.take(from, "slot", need.slot);
  take(from, "back", need.back);
  window_words.take(from, "window", need.window);
  take(from, "last", need.last);
  need_state_words.take(from, "state", need.state);
  missing_policy_words.take(from, "missing", need.missing);
  take(from, "as", need.as);
  return need;
}

void put_needs(json& out, const task_definition& task, const task_definition& unsaid) {
  put(out, "needs", task.needs, unsaid.needs);
  for (const auto& need : task.outside_needs)
    out["outside_needs"].push_back(need_to_json(need));
  previous_words.put(out, "depends_on_previous", task.depends_on_previous,
                     unsaid.depends_on_previous);
  put(out, "previous_tasks", task.previous_tasks, unsaid.previous_tasks);
}

void take_needs(const json& from, task_definition& task) {
  take(from, "needs", task.needs);
  for (const auto& need : from.value("outside_needs", json::array()))
    task.outside_needs.push_back(need_from(need));
  previous_words.take(from, "depends_on_previous", task.depends_on_previous);
  take(from, "previous_tasks", task.previous_tasks);
}

void put_object(json& into, const char* name, json part) {
  if (!part.empty())
    into[name] = std::move(part);
}

void put_body(json& out, const task_definition& task, const task_definition& unsaid) {
  task_type_words.put(out, "type", task.type, unsaid.type);
  put(out, "run", task.run, unsaid.run);
  put(out, "argv", task.argv, unsaid.argv);
  put(out, "shell", task.shell, unsaid.shell);
  put(out, "script", task.script, unsaid.script);
  put(out, "args", task.args, unsaid.args);
  put(out, "python", task.python, unsaid.python);
  put(out, "jar", task.jar, unsaid.jar);
  put(out, "jvm", task.jvm, unsaid.jvm);
  put(out, "call_workflow", task.call_workflow, unsaid.call_workflow);
  put_object(out, "call_params", pairs_to_json(task.call_params));
  put(out, "cwd", task.cwd, unsaid.cwd);
  put_object(out, "env", pairs_to_json(task.env));
  put(out, "stdin", task.stdin_text, unsaid.stdin_text);
  put(out, "expressions", task.expressions, unsaid.expressions);
  put(out, "grace_us", task.grace, unsaid.grace);
  put(out, "skip_exit", task.skip_exit, unsaid.skip_exit);
}

void take_body(const json& from, task_definition& task) {
  task_type_words.take(from, "type", task.type);
  take(from, "run", task.run);
  take(from, "argv", task.argv);
  take(from, "shell", task.shell);
  take(from, "script", task.script);
  take(from, "args", task.args);
  take(from, "python", task.python);
  take(from, "jar", task.jar);
  take(from, "jvm", task.jvm);
  take(from, "call_workflow", task.call_workflow);
  task.call_params = pairs_from(from.value("call_params", json::array()));
  take(from, "cwd", task.cwd);
  task.env = pairs_from(from.value("env", json::array()));
  take(from, "stdin", task.stdin_text);
  take(from, "expressions", task.expressions);
  take(from, "grace_us", task.grace);
  take(from, "skip_exit", task.skip_exit);
}

} // namespace

json pairs_to_json(const text_pairs& pairs) {
  json out = json::array();
  for (const auto& [name, value] : pairs)
    out.push_back({name, value});
  return out;
}

text_pairs pairs_from(const json& from) {
  text_pairs pairs;
  for (const auto& pair : from)
    pairs.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  return pairs;
}

json to_json(const alarm_rules& alarms) {
  json out = json::object();
  const auto add = [&](const char* name, const std::vector<alarm_target>& targets) {
    for (const auto& target : targets)
      out[name].push_back(target.channel);
  };
  add("on_failure", alarms.on_failure);
  add("on_success", alarms.on_success);
  add("on_fallback", alarms.on_fallback);
  return out;
}

alarm_rules alarms_from(const json& from) {
  alarm_rules alarms;
  const auto read = [&](const char* name, std::vector<alarm_target>& targets) {
    for (const auto& channel : from.value(name, json::array()))
      targets.push_back({channel.get<std::string>()});
  };
  read("on_failure", alarms.on_failure);
  read("on_success", alarms.on_success);
  read("on_fallback", alarms.on_fallback);
  return alarms;
}

json to_json(const task_definition& task) {
  static const task_definition unsaid;
  json out = json::object();
  put(out, "name", task.name, unsaid.name);
  put(out, "title", task.title, unsaid.title);
  put_body(out, task, unsaid);
  put_needs(out, task, unsaid);
  join_rule_words.put(out, "join", task.join, unsaid.join);
  put(out, "join_condition", task.join_condition, unsaid.join_condition);
  put(out, "when", task.when, unsaid.when);
  put(out, "max_active", task.max_active, unsaid.max_active);
  put_object(out, "pools", pools_to_json(task.pools));
  put(out, "priority", task.priority, unsaid.priority);
  put_object(out, "retry", retry_to_json(task.retry));
  put_object(out, "timeout", timeout_to_json(task.timeout));
  if (task.deadline)
    out["deadline_us"] = task.deadline->count();
  if (task.fallback)
    out["fallback"] = *task.fallback;
  if (task.fallback_of)
    out["fallback_of"] = *task.fallback_of;
  if (task.for_each)
    out["for_each"] = fan_out_to_json(*task.for_each);
  for (const auto& check : task.checks)
    out["checks"].push_back(check_to_json(check));
  if (task.poll)
    out["poll"] = poll_to_json(*task.poll);
  if (task.choice)
    out["choice"] = choice_to_json(*task.choice);
  put(out, "setup", task.setup, unsaid.setup);
  put(out, "teardown", task.teardown, unsaid.teardown);
  put(out, "teardown_of", task.teardown_of, unsaid.teardown_of);
  put(out, "on_run_failure", task.on_run_failure, unsaid.on_run_failure);
  put(out, "on_run_success", task.on_run_success, unsaid.on_run_success);
  put(out, "ignore_failure", task.ignore_failure, unsaid.ignore_failure);
  put_object(out, "alarms", to_json(task.alarms));
  return out;
}

task_definition task_from(const json& from) {
  task_definition task;
  take(from, "name", task.name);
  take(from, "title", task.title);
  take_body(from, task);
  take_needs(from, task);
  join_rule_words.take(from, "join", task.join);
  take(from, "join_condition", task.join_condition);
  take(from, "when", task.when);
  take(from, "max_active", task.max_active);
  task.pools = pools_from(from.value("pools", json::array()));
  take(from, "priority", task.priority);
  task.retry = retry_from(from.value("retry", json::object()));
  task.timeout = timeout_from(from.value("timeout", json::object()));
  if (from.contains("deadline_us"))
    take(from, "deadline_us", task.deadline.emplace());
  if (from.contains("fallback"))
    take(from, "fallback", task.fallback.emplace());
  if (from.contains("fallback_of"))
    take(from, "fallback_of", task.fallback_of.emplace());
  if (from.contains("for_each"))
    task.for_each = fan_out_from(from.at("for_each"));
  for (const auto& check : from.value("checks", json::array()))
    task.checks.push_back(check_from(check));
  if (from.contains("poll"))
    task.poll = poll_from(from.at("poll"));
  if (from.contains("choice"))
    task.choice = choice_from(from.at("choice"));
  take(from, "setup", task.setup);
  take(from, "teardown", task.teardown);
  take(from, "teardown_of", task.teardown_of);
  take(from, "on_run_failure", task.on_run_failure);
  take(from, "on_run_success", task.on_run_success);
  take(from, "ignore_failure", task.ignore_failure);
  task.alarms = alarms_from(from.value("alarms", json::object()));
  return task;
}

} // namespace pinion::definitions
