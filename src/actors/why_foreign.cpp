#include "actors/why_foreign.hpp"

#include "pinion/definitions/canonical.hpp"

#include <algorithm>

namespace pinion {

std::shared_ptr<const workflow_definition> foreign_runs::version_of(const std::string& workflow,
                                                                    std::uint32_t version) {
  const auto [at, fresh] = versions_.try_emplace({workflow, version});
  if (!fresh)
    return at->second;
  const auto row = store_.version(workflow, version);
  if (!row || !row.value())
    return nullptr;
  auto definition = from_canonical_json(row.value()->definition);
  if (definition)
    at->second = std::make_shared<const workflow_definition>(std::move(definition).value());
  return at->second;
}

std::string foreign_runs::name_of(const instance_key& key) {
  auto name = to_string(key.run);
  const auto run = store_.run(key.run);
  const auto definition =
      run && run.value() ? version_of(run.value()->workflow, run.value()->version) : nullptr;
  if (!definition || key.task >= definition->tasks.size())
    return name;
  name += '/' + definition->tasks[key.task].name;
  const auto row = store_.instance(key);
  return row && row.value() && !row.value()->element_key.empty()
             ? name + ':' + row.value()->element_key
             : name;
}

std::optional<run_record> foreign_runs::last_success(const std::string& workflow) const {
  run_filter filter;
  filter.workflow = workflow;
  filter.state = run_state::success;
  auto last = store_.latest(filter);
  return last ? std::move(last).value() : std::nullopt;
}

instant foreign_runs::end_of(const run_record& run) const {
  if (is_terminal(run.state))
    return run.ended_at;
  const auto last = last_success(run.workflow);
  if (run.started_at == never || !last || last->started_at == never)
    return never;
  return expected(run.started_at, last->ended_at - last->started_at);
}

instant foreign_runs::end_of(run_id run) const {
  const auto row = store_.run(run);
  return row && row.value() ? end_of(*row.value()) : never;
}

instant foreign_runs::end_of(const instance_key& key) {
  const auto run = store_.run(key.run);
  const auto row = store_.instance(key);
  if (!run || !run.value() || !row || !row.value() || row.value()->started_at == never)
    return never;
  const auto last = last_success(run.value()->workflow);
  const auto now = version_of(run.value()->workflow, run.value()->version);
  const auto then = last ? version_of(last->workflow, last->version) : nullptr;
  if (!now || !then || key.task >= now->tasks.size())
    return never;
  const auto& tasks = then->tasks;
  const auto same = std::find_if(tasks.begin(), tasks.end(), [&](const auto& task) {
    return task.name == now->tasks[key.task].name;
  });
  const auto past =
      store_.instance({last->id, static_cast<std::uint32_t>(same - tasks.begin()), key.element});
  if (same == tasks.end() || !past || !past.value() || past.value()->started_at == never)
    return never;
  return expected(row.value()->started_at, past.value()->ended_at - past.value()->started_at);
}

} // namespace pinion
