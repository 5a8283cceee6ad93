#include "pinion/definitions/trial_run.hpp"

#include "pinion/definitions/evaluator.hpp"
#include "pinion/definitions/params.hpp"
#include "pinion/timing/zone.hpp"

#include <algorithm>

namespace pinion {

std::vector<instance_record> with_elements(const run_core& run,
                                           const std::map<std::string, std::uint32_t>& pools) {
  const expression_evaluator evaluate{pools};
  std::vector<instance_record> rows;
  for (std::uint32_t task = 0; task < run.definition().tasks.size(); ++task) {
    const auto& present = run.instances_of(task);
    auto listed = present.front().placeholder && !is_terminal(present.front().state)
                      ? evaluate.elements(run, task)
                      : result<std::vector<fan_out_element>>{std::vector<fan_out_element>{}};
    if (!listed || listed.value().empty()) {
      rows.insert(rows.end(), present.begin(), present.end());
      continue;
    }
    auto& elements = listed.value();
    elements.resize(std::min(elements.size(), max_trial_elements));
    for (std::uint32_t element = 0; element < elements.size(); ++element) {
      auto row = present.front();
      row.placeholder = false;
      row.key.element = element;
      row.element_key = std::move(elements[element].key);
      row.element_value = std::move(elements[element].value);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

result<run_core> trial_run(const std::shared_ptr<const workflow_definition>& definition,
                           run_record run, const std::map<std::string, json_text>& inputs,
                           const std::map<std::string, std::uint32_t>& pools) {
  std::vector<instance_record> rows;
  std::vector<output_record> outputs;
  for (const auto& [name, values] : inputs) {
    const auto found = std::find_if(definition->tasks.begin(), definition->tasks.end(),
                                    [&name = name](const auto& task) { return task.name == name; });
    if (found == definition->tasks.end())
      return problem{
          errc::not_found, "inputs: '" + definition->id() + "' has no task '" + name + "'", {}};
    instance_record row;
    row.key = {run.id, static_cast<std::uint32_t>(found - definition->tasks.begin()), no_element};
    row.state = instance_state::success;
    row.has_outputs = true;
    outputs.push_back({row.key, values});
    rows.push_back(std::move(row));
  }
  BOOST_OUTCOME_TRY(plain, run_core::restore(definition, run, std::move(rows), {}, outputs));
  return run_core::restore(definition, std::move(run), with_elements(plain, pools), {},
                           std::move(outputs));
}

result<run_record> trial_record(const workflow_definition& definition, instant slot,
                                const json_text& params) {
  BOOST_OUTCOME_TRY(effective, resolve_params(definition, std::nullopt, params));
  BOOST_OUTCOME_TRY(in, zone::load(definition.timezone));
  run_record run;
  run.workflow = definition.id();
  run.trigger = "@manual";
  run.slot = slot;
  const auto rule = definition.data_interval.kind == interval_kind::previous
                        ? interval_rule{interval_kind::point}
                        : definition.data_interval;
  const auto covers = interval_of(slot, rule, in);
  run.interval_start = covers.start;
  run.interval_end = covers.end;
  run.params = std::move(effective);
  run.created_at = run.fired_at = run.admitted_at = run.last_at = slot;
  run.admitted = true;
  return run;
}

} // namespace pinion
