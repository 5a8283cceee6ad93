#include "definitions/run_scope.hpp"

#include "definitions/expression_operators.hpp"
#include "definitions/suggest.hpp"
#include "definitions/task_names.hpp"
#include "pinion/timing/civil_format.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {

using nlohmann::json;

namespace {

problem missing(std::string message, std::string suggestion = {}) {
  return {errc::not_found, std::move(message), std::move(suggestion)};
}

template <class Names>
problem unknown(std::string_view what, std::string_view name, const Names& names) {
  return missing("unknown " + std::string{what} + " " + definitions::shown(name),
                 definitions::did_you_mean(name, {names.begin(), names.end()}));
}

/// A pattern of ours that cannot fail.
std::string formatted(std::string_view pattern, instant at, zone in) {
  auto out = format_civil(pattern, at, in);
  return out ? std::move(out.value()) : std::string{};
}

} // namespace

result<run_scope> run_scope::make(const run_core& run, std::uint32_t task) {
  BOOST_OUTCOME_TRY(in, zone::load(run.definition().timezone));
  return run_scope{run, task, in};
}

void run_scope::bind_element(std::string key, json value) {
  element_ = std::move(value);
  element_key_ = std::move(key);
}

result<resolved_name> run_scope::resolve(const name_reference& name) const {
  const auto& root = name.path.front();
  const auto& definition = run_->definition();
  const auto& loop = definition.tasks[task_].for_each;
  if (element_ && loop && loop->variable == root)
    return from_map(name, *element_, 1, root);
  if (root == "params") {
    BOOST_OUTCOME_TRY(params, parsed("params", run_->run().params));
    return from_map(name, *params, 1, "params");
  }
  if (root == "vars") {
    BOOST_OUTCOME_TRY(vars, parsed("vars", definition.vars));
    return from_map(name, *vars, 1, "vars");
  }
  if (root == "inputs")
    return input(name);
  if (root == "secrets")
    return secret(name);
  if (root == "run")
    return key_of_run(name);
  if (root == "task")
    return key_of_task(name);
  if (root == "lane")
    return resolved_name{json(run_->run().lane), 1};
  if (auto value = time_name(root))
    return resolved_name{std::move(*value), 1};
  return unknown("name", root, root_names);
}

/// Follows the constant keys of the path within the map, so that only the value asked for is
/// copied.
result<resolved_name> run_scope::from_map(const name_reference& name, const json& map,
                                          std::size_t from, std::string_view what) const {
  const json* at = &map;
  auto i = from;
  for (; i < name.path.size() && at->is_object(); ++i) {
    const auto found = at->find(name.path[i]);
    if (found == at->end()) {
      std::vector<std::string_view> names;
      for (const auto& item : at->items())
        names.emplace_back(item.key());
      return missing("there is no " + definitions::shown(name.path[i]) + " in " + std::string{what},
                     definitions::did_you_mean(name.path[i], names));
    }
    at = &*found;
  }
  return resolved_name{expression_value{*at}, i};
}

result<resolved_name> run_scope::input(const name_reference& name) const {
  if (name.path.size() < 2)
    return problem{errc::invalid, "`inputs` needs the name of a task", "write inputs.TASK.KEY"};
  const auto& task = name.path[1];
  if (is_need_name(run_->definition(), task_, task))
    return outside_input(name);
  const auto position = run_->task_named(task);
  if (!position)
    return missing("unknown task " + definitions::shown(task));
  BOOST_OUTCOME_TRY(outputs, parsed("inputs." + task, run_->outputs_of(*position)));
  if (outputs->empty() && name.path.size() > 2)
    return missing("task `" + task + "` has no outputs");
  return from_map(name, *outputs, 2, "the outputs of task `" + task + "`");
}

result<resolved_name> run_scope::outside_input(const name_reference& name) const {
  const auto& as = name.path[1];
  const auto* text = run_->outputs_as(task_, as);
  if (text == nullptr)
    return missing("the need " + definitions::shown(as) + " has not ended: it has no outputs");
  BOOST_OUTCOME_TRY(outputs, parsed("inputs." + as, *text));
  if (outputs->is_object() && outputs->empty() && name.path.size() > 2)
    return missing("the need " + definitions::shown(as) + " has no outputs");
  return from_map(name, *outputs, 2, "the outputs of " + definitions::shown(as));
}

result<resolved_name> run_scope::secret(const name_reference& name) const {
  if (name.path.size() < 2)
    return problem{errc::invalid, "`secrets` needs the name of a secret", "write secrets.NAME"};
  if (!secrets_)
    return problem{errc::invalid, "secrets are available only in `env:` and `stdin:`", {}};
  auto at = used_secrets_.find(name.path[1]);
  if (at == used_secrets_.end()) {
    BOOST_OUTCOME_TRY(value, (*secrets_)(name.path[1]));
    at = used_secrets_.emplace(name.path[1], std::move(value)).first;
  }
  return resolved_name{json(at->second), 2};
}

result<resolved_name> run_scope::key_of_run(const name_reference& name) const {
  const auto& run = run_->run();
  const bool about_outcome =
      name.path.size() > 1 &&
      std::find(outcome_keys.begin(), outcome_keys.end(), name.path[1]) != outcome_keys.end();
  if (about_outcome)
    return key_of_outcome(name);
  const json keys{{"id", to_string(run.id)},          {"project", run_->definition().project},
                  {"workflow", run.workflow},         {"version", run.version},
                  {"trigger", run.trigger},           {"lane", run.lane},
                  {"requested_by", run.requested_by}, {"note", run.note}};
  return from_map(name, keys, 1, "run");
}

result<resolved_name> run_scope::key_of_outcome(const name_reference& name) const {
  const auto outcome = run_->outcome();
  if (!outcome || !is_at_end(run_->definition(), task_))
    return missing("`run." + name.path[1] + "` is not known before the end of the run");
  auto failed = json::array();
  for (const auto task : run_->failing_tasks(max_failed_names))
    failed.push_back(run_->definition().tasks[task].name);
  const json keys{{"outcome", to_string(*outcome)},
                  {"reason", to_string(run_->reason_of_outcome())},
                  {"failed", std::move(failed)}};
  return from_map(name, keys, 1, "run");
}

result<resolved_name> run_scope::key_of_task(const name_reference& name) const {
  json keys{{"name", run_->definition().tasks[task_].name}};
  keys["index"] = element_ ? json(element_key_) : json(nullptr);
  if (attempt_)
    keys["attempt"] = *attempt_;
  return from_map(name, keys, 1, "task");
}

std::optional<expression_value> run_scope::time_name(std::string_view name) const {
  const auto& run = run_->run();
  if (name == "slot")
    return run.slot;
  if (name == "logical_date" || name == "data_interval_start")
    return run.interval_start;
  if (name == "data_interval_end")
    return run.interval_end;
  const auto text = [](std::string of) { return expression_value{json(std::move(of))}; };
  if (name == "biz_date")
    return text(print_day(biz_date(run.slot, zone_)));
  if (name == "biz_date_nodash")
    return text(formatted("yyyyMMdd", begin_of(biz_date(run.slot, zone_), zone_), zone_));
  auto in = zone_;
  if (name.starts_with("ds_utc") || name.starts_with("ts_utc"))
    in = zone{};
  if (name == "ds" || name == "ds_utc")
    return text(formatted("yyyy-MM-dd", run.slot, in));
  if (name == "ds_nodash" || name == "ds_utc_nodash")
    return text(formatted("yyyyMMdd", run.slot, in));
  if (name == "ts")
    return text(print_local(run.slot, in));
  if (name == "ts_utc")
    return text(print_utc(run.slot));
  if (name == "ts_nodash" || name == "ts_utc_nodash")
    return text(formatted("yyyyMMdd'T'HHmmss", run.slot, in));
  return std::nullopt;
}

result<const json*> run_scope::parsed(std::string_view which, const json_text& text) const {
  auto at = parsed_.find(which);
  if (at == parsed_.end()) {
    BOOST_OUTCOME_TRY(value, parse_json(text));
    at = parsed_.emplace(which, std::move(value)).first;
  }
  return &at->second;
}

} // namespace pinion
