#include "api/objects.hpp"

#include "pinion/api/reference.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <numeric>

namespace pinion::objects {
namespace {

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

/// "models", or "licences,models" for several; null for none.
json pool_names(const std::vector<pool_need>& pools) {
  const auto joined = std::accumulate(
      pools.begin(), pools.end(), std::string{}, [](std::string all, const auto& need) {
        return std::move(all) + (all.empty() ? "" : ",") + need.pool;
      });
  return text_or_null(joined);
}

json upstream_names(const workflow_definition& definition, const task_definition& task) {
  json names = json::array();
  for (const auto position : task.needs)
    names.push_back(definition.tasks[position].name);
  if (task.fallback_of)
    names.push_back(definition.tasks[*task.fallback_of].name);
  return names;
}

/// The mode of a task's instances at the start of the run, as in run_graph.cpp.
task_mode initial_mode(const run_record& run, std::uint32_t task) {
  const auto found = std::find_if(run.modes.begin(), run.modes.end(),
                                  [&](const auto& each) { return each.first == task; });
  if (found != run.modes.end())
    return found->second;
  return run.dry ? task_mode::dry : task_mode::normal;
}

/// How the run came out; null before that is decided.
json outcome_of(const run_record& run) {
  if (is_terminal(run.state))
    return to_string(run.state);
  if (run.why == reason::ending_failed)
    return to_string(run_state::failed);
  return run.why == reason::ending_success ? json(to_string(run_state::success)) : json();
}

/// What has no row was made without a look at its task.
reason reason_of(const instance_record& record, const task_definition& task) {
  const bool has_row = record.waiting_at != never || record.why != reason::upstream_pending;
  if (has_row || (!task.fallback_of && !task.is_end_task()))
    return record.why;
  return task.fallback_of ? reason::fallback_pending : reason::end_pending;
}

} // namespace

json time(instant at) { return at == never ? json() : json(print_utc(at)); }

json seconds(duration span) { return std::chrono::duration<double>(span).count(); }

json seconds_between(instant begin, instant end) {
  return begin == never || end == never ? json() : seconds(end - begin);
}

zone zone_of(const workflow_definition& definition) {
  const auto loaded = zone::load(definition.timezone);
  return loaded ? loaded.value() : zone{};
}

std::string instance_ref(const workflow_definition& definition, const instance_record& instance) {
  const auto task = instance.key.task < definition.tasks.size()
                        ? definition.tasks[instance.key.task].name
                        : std::to_string(instance.key.task);
  const auto name = to_string(instance.key.run) + '/' + task;
  return instance.key.element == no_element ? name : name + ':' + instance.element_key;
}

std::string run_key(const run_record& run, zone in) {
  return slot_name({run.lane, run.workflow, run.trigger, run.slot}, in);
}

std::string slot_name(const keys::slot_key& key, zone in) {
  const auto lane = key.lane == "main" ? std::string{} : key.lane + ':';
  return lane + key.workflow + '/' + key.trigger + '@' + print_local(key.slot, in);
}

instance_record initial_instance(const run_record& run, std::uint32_t task) {
  instance_record made;
  made.key = {run.id, task, no_element};
  made.mode = initial_mode(run, task);
  if (run.fired_at == never)
    return made;
  made.triggered_at = run.fired_at;
  made.state = run.admitted ? instance_state::waiting : instance_state::triggered;
  made.why = run.admitted ? reason::upstream_pending : reason::run_not_admitted;
  return made;
}

std::array<std::uint32_t, instance_state_count> shown_counts(const run_record& run) {
  auto counts = run.counts;
  const auto initial = initial_instance(run, 0).state;
  if (initial != instance_state::pre_trigger) {
    const auto planned = std::exchange(counts[0], 0U);
    counts[static_cast<std::size_t>(initial)] += planned;
  }
  return counts;
}

json run(const run_record& record, zone in) {
  json counts = json::object();
  const auto shown = shown_counts(record);
  for (std::size_t state = 0; state < shown.size(); ++state)
    if (shown[state] > 0)
      counts[std::string{to_string(static_cast<instance_state>(state))}] = shown[state];
  return {{"id", to_string(record.id)},
          {"key", run_key(record, in)},
          {"workflow", record.workflow},
          {"version", record.version},
          {"trigger", record.trigger},
          {"lane", record.lane},
          {"slot", print_local(record.slot, in)},
          {"biz_date", print_day(biz_date(record.slot, in))},
          {"data_interval",
           {{"start", time(record.interval_start)}, {"end", time(record.interval_end)}}},
          {"state", to_string(record.state)},
          {"reason", to_string(record.why)},
          {"outcome", outcome_of(record)},
          {"message", record.message},
          {"created_at", time(record.created_at)},
          {"fired_at", time(record.fired_at)},
          {"started_at", time(record.started_at)},
          {"ended_at", time(record.ended_at)},
          {"duration_s", seconds_between(record.started_at, record.ended_at)},
          {"params", from_stored(record.params)},
          {"requested_by", text_or_null(record.requested_by)},
          {"dry", record.dry},
          {"backfill", record.backfill == 0 ? json() : json(to_backfill_name(record.backfill))},
          {"isolated", record.isolated},
          {"note", record.note},
          {"counts", std::move(counts)}};
}

json instance(const instance_view& view) {
  const auto& record = view.record;
  const auto& task = view.definition.tasks[record.key.task];
  const auto priority = record.priority != 0     ? record.priority
                        : view.run.priority != 0 ? view.run.priority
                                                 : task.priority;
  return {{"id", instance_ref(view.definition, record)},
          {"run", to_string(record.key.run)},
          {"workflow", view.run.workflow},
          {"task", task.name},
          {"index", record.key.element == no_element ? json() : json(record.element_key)},
          {"state", to_string(record.state)},
          {"reason", to_string(reason_of(record, task))},
          {"message", record.message},
          {"attempt", record.attempt},
          {"worker", text_or_null(view.worker)},
          {"pool", pool_names(pools_of(task, record))},
          {"priority", priority},
          {"slot", print_local(view.run.slot, zone_of(view.definition))},
          {"ready_at", time(record.ready_at)},
          {"started_at", time(record.started_at)},
          {"ended_at", time(record.ended_at)},
          {"duration_s", seconds_between(record.started_at, record.ended_at)},
          {"retry_at", time(record.retry_at)},
          {"looks", record.look},
          {"warned", record.warned},
          {"mode", to_string(record.mode)},
          {"called", record.called.value == 0 ? json() : json(to_string(record.called))},
          {"outputs", from_stored(view.outputs)},
          {"upstream", upstream_names(view.definition, task)}};
}

namespace {

constexpr std::size_t longest_command = 200;

/// What was run, in one line of at most 200 bytes; `describe REF#n` has all of it.
json command_of(const json& rendered) {
  std::string text;
  if (const auto script = rendered.find("script"); script != rendered.end() && script->is_string())
    text = script->get<std::string>();
  else if (const auto argv = rendered.find("argv"); argv != rendered.end() && argv->is_array())
    for (const auto& word : *argv)
      text +=
          (text.empty() ? "" : " ") + (word.is_string() ? word.get<std::string>() : word.dump());
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ')
    text.pop_back();
  if (text.size() > longest_command) {
    auto end = longest_command - 3;
    while (end > 0 && (text[end] & '\xC0') == '\x80')
      --end;
    text.replace(end, std::string::npos, "...");
  }
  return text_or_null(text);
}

/// Of the variables that the task itself sets, secrets masked: equal for attempts whose environment
/// was equal. Those that tell of run and attempt differ always, and are left out.
json environment_digest(const json& rendered) {
  const auto env = rendered.find("env");
  if (env == rendered.end() || !env->is_object())
    return {};
  nlohmann::json own = nlohmann::json::object();
  for (const auto& [name, value] : env->items())
    if (!name.starts_with("PINION_"))
      own[name] = value;
  return sha256_hex(own.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
      .substr(0, 16);
}

} // namespace

json attempt(const attempt_record& record, const std::string& ref) {
  const auto rendered = from_stored(record.rendered);
  const bool ended = record.state == attempt_state::ended;
  const process_key mark{record.instance, {record.epoch, record.number, 0}};
  return {{"id", ref + '#' + std::to_string(record.number)},
          {"instance", ref},
          {"number", record.number},
          {"looks", record.looks},
          {"fence", to_string(mark)},
          {"worker", text_or_null(record.worker)},
          {"state", ended ? to_string(record.outcome) : to_string(record.state)},
          {"exit_code", record.exited ? json(record.exit_code) : json()},
          {"signal", record.signal == 0 ? json() : json(record.signal)},
          {"reason", to_string(record.why)},
          {"message", record.message},
          {"ready_at", time(record.ready_at)},
          {"started_at", time(record.started_at)},
          {"ended_at", time(record.ended_at)},
          {"duration_s", seconds_between(record.started_at, record.ended_at)},
          {"log_bytes", record.log_bytes},
          {"log_cut", record.log_cut},
          {"version", record.version == 0 ? json() : json(record.version)},
          {"command", rendered.is_object() ? command_of(rendered) : json()},
          {"environment_digest", rendered.is_object() ? environment_digest(rendered) : json()},
          {"outputs", from_stored(record.outputs)}};
}

json version(const version_record& record, std::uint32_t current) {
  return {{"id", record.workflow + ":v" + std::to_string(record.version)},
          {"workflow", record.workflow},
          {"version", record.version},
          {"current", record.version == current},
          {"hash", record.hash},
          {"created_at", time(record.created_at)},
          {"created_by", record.created_by}};
}

json slot(const slot_record& record, zone in) {
  return {{"workflow", record.workflow},
          {"trigger", record.trigger},
          {"slot", print_local(record.slot, in)},
          {"biz_date", print_day(biz_date(record.slot, in))},
          {"outcome", to_string(record.outcome)},
          {"reason", to_string(record.why)},
          {"version", record.version},
          {"run", record.run.value == 0 ? json() : json(to_string(record.run))},
          {"lateness_s", seconds(record.lateness)},
          {"dry", record.dry},
          {"decided_at", time(record.decided_at)}};
}

json permit(const permit_record& record, const std::string& ref) {
  return {{"project", record.project}, {"pool", record.pool},
          {"permits", record.permits}, {"holder", ref},
          {"attempt", record.attempt}, {"since", time(record.since)}};
}

json audit(const audit_record& record) {
  return {{"sequence", record.sequence},
          {"at", time(record.at)},
          {"who", record.who},
          {"verb", record.verb},
          {"object", record.object},
          {"reason", record.reason},
          {"details", from_stored(record.details)}};
}

json list(json items, const std::string& next) {
  return {{"items", std::move(items)}, {"next", text_or_null(next)}};
}

} // namespace pinion::objects
