#include "api/lookup.hpp"

#include "api/objects.hpp"
#include "pinion/storage/codecs.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/timing/instant_text.hpp"
#include "pinion/timing/near_names.hpp"

#include <algorithm>

namespace pinion {
namespace {

std::string did_you_mean(const std::string& written, const std::vector<std::string>& names) {
  const auto near = nearest_name(written, names);
  return near.empty() ? std::string{} : "Did you mean '" + near + "'?";
}

problem no_run(const reference& ref, const std::string& detail, std::string suggestion = {}) {
  return problem{errc::not_found, "There is no run '" + ref.text + "'" + detail,
                 std::move(suggestion)};
}

result<zone> zone_of_workflow(const store_view& view, const std::string& workflow) {
  BOOST_OUTCOME_TRY(definition, current_definition(view, workflow));
  return objects::zone_of(*definition);
}

/// Triggers of a workflow that runs may have come from: of the rows, and by hand.
result<std::vector<std::string>> triggers_to_try(const store_view& view, const reference& ref) {
  if (!ref.trigger.empty())
    return std::vector<std::string>{ref.trigger};
  BOOST_OUTCOME_TRY(rows, view.rows.triggers_of(ref.workflow));
  std::vector<std::string> names{"@manual"};
  for (const auto& row : rows)
    names.push_back(row.trigger);
  return names;
}

result<run_record> run_by_id(const store_view& view, const reference& ref, run_id id) {
  BOOST_OUTCOME_TRY(row, view.rows.run(id));
  if (row)
    return std::move(*row);
  BOOST_OUTCOME_TRY(highest, view.rows.highest_run());
  return no_run(ref, "",
                highest.value == 0 ? "There are no runs yet"
                                   : "The newest run is " + to_string(highest));
}

result<run_record> run_by_slot(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(in, zone_of_workflow(view, ref.workflow));
  BOOST_OUTCOME_TRY(slot, parse_instant(ref.when, in));
  BOOST_OUTCOME_TRY(triggers, triggers_to_try(view, ref));
  std::vector<run_id> found;
  std::string names;
  for (const auto& trigger : triggers) {
    BOOST_OUTCOME_TRY(id, view.rows.run_by_key({"main", ref.workflow, trigger, slot}));
    if (!id)
      continue;
    found.push_back(*id);
    names += (names.empty() ? "" : ", ") + trigger;
  }
  if (found.empty())
    return no_run(ref, "", "'pinionctl get runs --workflow " + ref.workflow + "' lists them");
  if (found.size() > 1)
    return problem{errc::refused,
                   "'" + ref.text + "' is ambiguous: several triggers have this slot",
                   "Name one of: " + names};
  return run_by_id(view, ref, found.front());
}

result<run_record> newest_run(const store_view& view, const reference& ref, run_filter filter,
                              const std::string& detail) {
  filter.workflow = ref.workflow;
  filter.trigger = ref.trigger;
  BOOST_OUTCOME_TRY(found, view.rows.latest(filter));
  if (!found)
    return no_run(ref, detail);
  return std::move(*found);
}

result<run_record> run_by_biz_date(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(in, zone_of_workflow(view, ref.workflow));
  BOOST_OUTCOME_TRY(day, parse_day(ref.when));
  run_filter filter;
  filter.since = begin_of(day + std::chrono::days{1}, in);
  filter.until = begin_of(day + std::chrono::days{2}, in);
  return newest_run(view, ref, filter, ": nothing ran for this business date");
}

} // namespace

result<workflow_record> find_workflow(const store_view& view, const std::string& id) {
  BOOST_OUTCOME_TRY(row, view.rows.workflow(id));
  if (keys::is_name(id)) {
    BOOST_OUTCOME_TRY(deleted, find_deleted_workflow(view.kv(), id));
    if (deleted)
      return problem{errc::not_found,
                     "'" + id + "' was deleted by " + deleted->by + " at " +
                         print_utc(deleted->at) +
                         (deleted->reason.empty() ? "" : ": " + deleted->reason),
                     "Its versions up to v" + std::to_string(deleted->version) +
                         " are gone with its runs; what people did stays: pinionctl get audit " +
                         "--workflow " + id};
  }
  if (row)
    return std::move(*row);
  BOOST_OUTCOME_TRY(all, view.rows.workflows());
  std::vector<std::string> names;
  for (const auto& known : all)
    names.push_back(known.id);
  return problem{errc::not_found, "There is no workflow '" + id + "'", did_you_mean(id, names)};
}

result<definition_cache::definition_ptr> current_definition(const store_view& view,
                                                            const std::string& id) {
  // Also of one that is being erased, while it has rows to show.
  BOOST_OUTCOME_TRY(row, view.rows.workflow(id));
  if (row)
    return view.definition(id, row->version);
  BOOST_OUTCOME_TRY(missing, find_workflow(view, id));
  return view.definition(id, missing.version);
}

result<named_trigger> find_trigger(const store_view& view, const std::string& text) {
  BOOST_OUTCOME_TRY(ref, parse_reference(text));
  if (ref.names_run() || ref.version)
    return problem{errc::invalid, "'" + text + "' is no trigger", "Write project.workflow/trigger"};
  BOOST_OUTCOME_TRY(definition, current_definition(view, ref.workflow));
  std::vector<std::string> names;
  for (const auto& one : definition->triggers)
    names.push_back(one.id);
  if (ref.trigger.empty() && names.size() == 1)
    return named_trigger{std::move(definition), names.front()};
  if (ref.trigger.empty())
    return problem{errc::invalid,
                   "'" + ref.workflow + "' has " + std::to_string(names.size()) + " triggers",
                   names.empty() ? "Only a trigger has slots"
                                 : "Name one: " + ref.workflow + '/' + names.front()};
  if (std::find(names.begin(), names.end(), ref.trigger) == names.end())
    return problem{errc::not_found, "'" + ref.workflow + "' has no trigger '" + ref.trigger + "'",
                   did_you_mean(ref.trigger, names)};
  return named_trigger{std::move(definition), ref.trigger};
}

result<run_record> find_run(const store_view& view, const reference& ref) {
  if (ref.selects == run_selector::id)
    return run_by_id(view, ref, run_id{ref.run});
  if (!ref.names_run())
    return problem{errc::invalid, "'" + ref.text + "' names no run",
                   "For the newest one: " + ref.workflow +
                       (ref.trigger.empty() ? "" : "/" + ref.trigger) + "@latest"};
  BOOST_OUTCOME_TRYV(find_workflow(view, ref.workflow));
  if (ref.selects == run_selector::slot)
    return run_by_slot(view, ref);
  if (ref.selects == run_selector::biz)
    return run_by_biz_date(view, ref);
  run_filter filter;
  if (!ref.state.empty())
    filter.state = run_state_from(ref.state);
  return newest_run(view, ref, filter,
                    ref.state.empty() ? ": it has not run yet" : ": no run is " + ref.state);
}

result<run_record> find_run(const store_view& view, const std::string& ref) {
  BOOST_OUTCOME_TRY(parsed, parse_reference(ref));
  return find_run(view, parsed);
}

result<slot_record> find_slot(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(in, zone_of_workflow(view, ref.workflow));
  BOOST_OUTCOME_TRY(at, parse_instant(ref.when, in));
  BOOST_OUTCOME_TRY(triggers, triggers_to_try(view, ref));
  for (const auto& trigger : triggers) {
    BOOST_OUTCOME_TRY(found, view.rows.slot({"main", ref.workflow, trigger, at}));
    if (found)
      return std::move(*found);
  }
  return no_run(ref, ", and no slot at that time",
                "'pinionctl get slots " + ref.workflow + "' lists them");
}

result<backfill_record> find_backfill(const store_view& view, std::uint64_t id) {
  BOOST_OUTCOME_TRY(record, view.rows.backfill(id));
  if (record)
    return std::move(*record);
  BOOST_OUTCOME_TRY(highest, view.rows.highest_backfill());
  return problem{errc::not_found, "There is no backfill '" + to_backfill_name(id) + "'",
                 highest == 0 ? "There are no backfills yet"
                              : "The newest one is " + to_backfill_name(highest)};
}

result<std::uint32_t> find_task(const workflow_definition& definition, const std::string& name) {
  const auto found = std::find_if(definition.tasks.begin(), definition.tasks.end(),
                                  [&](const task_definition& task) { return task.name == name; });
  if (found != definition.tasks.end())
    return static_cast<std::uint32_t>(found - definition.tasks.begin());
  std::vector<std::string> names;
  for (const auto& task : definition.tasks)
    names.push_back(task.name);
  return problem{errc::not_found, "'" + definition.id() + "' has no task '" + name + "'",
                 did_you_mean(name, names)};
}

result<std::vector<instance_record>> instances_of_task(const store_view& view,
                                                       const run_record& run, std::uint32_t task) {
  std::vector<instance_record> found;
  std::optional<problem> bad;
  // The task's keys lie between its first element and `no_element`, which is the last.
  const auto end = keys::instance({run.id, task, no_element}) + '\0';
  const auto visit = [&](std::string_view key, std::string_view value) {
    const auto decoded = keys::decode_instance(key);
    auto row = decoded ? codecs::decode_instance(decoded.value(), value)
                       : result<instance_record>{decoded.error()};
    if (!row) {
      bad = row.error();
      return false;
    }
    found.push_back(std::move(row.value()));
    return true;
  };
  BOOST_OUTCOME_TRYV(
      view.kv().scan(family::instances, keys::instance({run.id, task, 0}), end, visit));
  if (bad)
    return *bad;
  if (found.empty())
    found.push_back(objects::initial_instance(run, task));
  return found;
}

result<found_instances> find_instances(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(run, find_run(view, ref));
  BOOST_OUTCOME_TRY(definition, view.definition_of(run));
  found_instances found{std::move(run), std::move(definition), {}};
  if (ref.task.empty())
    return found;
  BOOST_OUTCOME_TRY(task, find_task(*found.definition, ref.task));
  BOOST_OUTCOME_TRY(all, instances_of_task(view, found.run, task));
  if (!ref.index) {
    found.instances = std::move(all);
    return found;
  }
  std::vector<std::string> keys;
  for (auto& one : all) {
    if (one.key.element != no_element && one.element_key == *ref.index) {
      found.instances.push_back(std::move(one));
      return found;
    }
    if (one.key.element != no_element)
      keys.push_back(one.element_key);
  }
  return problem{errc::not_found, "There is no instance '" + ref.text + "'",
                 keys.empty() ? "This fan-out has no elements (yet)"
                              : did_you_mean(*ref.index, keys)};
}

result<found_attempt> find_attempt(const store_view& view, const reference& ref) {
  if (ref.task.empty())
    return problem{errc::invalid, "'" + ref.text + "' names no instance", "Write r123/task"};
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  if (found.instances.size() > 1)
    return problem{
        errc::invalid,
        "'" + ref.text + "' means " + std::to_string(found.instances.size()) + " instances",
        "Name one: " + objects::instance_ref(*found.definition, found.instances.front())};
  auto& instance = found.instances.front();
  const auto number = ref.attempt.value_or(instance.attempt);
  if (number == 0)
    return problem{errc::not_found, "'" + ref.text + "' has no attempt yet"};
  BOOST_OUTCOME_TRY(row, view.rows.attempt(instance.key, number));
  if (!row)
    return problem{errc::not_found, "'" + ref.text + "' has no attempt " + std::to_string(number)};
  return found_attempt{std::move(found.run), std::move(found.definition), std::move(instance),
                       std::move(*row)};
}

} // namespace pinion
