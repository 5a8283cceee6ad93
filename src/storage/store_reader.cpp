#include "pinion/storage/store_reader.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "storage/row_scan.hpp"

#include <algorithm>

namespace pinion {
namespace {

result<instance_record> instance_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(at, keys::decode_instance(key));
  return codecs::decode_instance(at, value);
}

result<attempt_record> attempt_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(at, keys::decode_attempt(key));
  return codecs::decode_attempt(at, value);
}

result<workflow_record> workflow_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(id, keys::decode_workflow(key));
  return codecs::decode_workflow(id, value);
}

result<version_record> version_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(at, keys::decode_version(key));
  return codecs::decode_version(at, value);
}

result<trigger_record> trigger_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(at, keys::decode_trigger(key));
  return codecs::decode_trigger(at, value);
}

result<void> take_cursor(const kv_reader& rows, trigger_record& of) {
  BOOST_OUTCOME_TRY(value, rows.get(family::definitions, keys::cursor({of.workflow, of.trigger})));
  if (!value)
    return ok();
  BOOST_OUTCOME_TRY(upto, codecs::decode_counter(*value));
  of.cursor = std::max(of.cursor, from_us(upto));
  return ok();
}

result<std::vector<trigger_record>> with_cursors(const kv_reader& rows,
                                                 result<std::vector<trigger_record>> read) {
  if (read)
    for (auto& each : read.value()) {
      BOOST_OUTCOME_TRY(take_cursor(rows, each));
    }
  return read;
}

result<run_id> run_key_row(std::string_view key, std::string_view /*value*/) {
  return keys::decode_run(key);
}

} // namespace

result<std::optional<run_record>> store_reader::run(run_id id) const {
  return read_one<run_record>(rows_, family::runs, keys::run(id), [&](std::string_view value) {
    return codecs::decode_run(id, value);
  });
}

result<std::optional<instance_record>> store_reader::instance(const instance_key& key) const {
  return read_one<instance_record>(
      rows_, family::instances, keys::instance(key),
      [&](std::string_view value) { return codecs::decode_instance(key, value); });
}

result<std::optional<attempt_record>> store_reader::attempt(const instance_key& key,
                                                            std::uint32_t number) const {
  const keys::attempt_key at{key, number};
  return read_one<attempt_record>(
      rows_, family::attempts, keys::attempt(at),
      [&](std::string_view value) { return codecs::decode_attempt(at, value); });
}

result<std::optional<output_record>> store_reader::output(const instance_key& key) const {
  return read_one<output_record>(
      rows_, family::outputs, keys::instance(key),
      [&](std::string_view value) { return codecs::decode_output(key, value); });
}

result<std::optional<audit_record>> store_reader::audit(std::uint64_t sequence) const {
  return read_one<audit_record>(
      rows_, family::audit, keys::audit(sequence),
      [&](std::string_view value) { return codecs::decode_audit(sequence, value); });
}

// What a person typed may hold a 0 byte; such a name is in no key, so nothing is there.

result<std::optional<slot_record>> store_reader::slot(const keys::slot_key& key) const {
  if (!keys::is_name(key.lane) || !keys::is_name(key.workflow) || !keys::is_name(key.trigger))
    return std::optional<slot_record>{};
  return read_one<slot_record>(rows_, family::slots, keys::slot(key), [&](std::string_view value) {
    return codecs::decode_slot(key, value);
  });
}

result<std::optional<workflow_record>> store_reader::workflow(std::string_view id) const {
  if (!keys::is_name(id))
    return std::optional<workflow_record>{};
  return read_one<workflow_record>(
      rows_, family::definitions, keys::workflow(id),
      [&](std::string_view value) { return codecs::decode_workflow(id, value); });
}

result<std::optional<version_record>> store_reader::version(std::string_view workflow,
                                                            std::uint32_t number) const {
  if (!keys::is_name(workflow))
    return std::optional<version_record>{};
  const keys::version_key at{std::string{workflow}, number};
  return read_one<version_record>(
      rows_, family::definitions, keys::version(at),
      [&](std::string_view value) { return codecs::decode_version(at, value); });
}

result<instant> store_reader::rule_from(std::string_view workflow) const {
  if (!keys::is_name(workflow))
    return never;
  BOOST_OUTCOME_TRY(value, rows_.get(family::definitions, keys::rule_from(workflow)));
  if (!value)
    return never;
  BOOST_OUTCOME_TRY(from, codecs::decode_counter(*value));
  return from_us(from);
}

result<std::optional<trigger_record>> store_reader::trigger(std::string_view workflow,
                                                            std::string_view id) const {
  if (!keys::is_name(workflow) || !keys::is_name(id))
    return std::optional<trigger_record>{};
  const keys::trigger_key at{std::string{workflow}, std::string{id}};
  BOOST_OUTCOME_TRY(record, read_one<trigger_record>(rows_, family::definitions, keys::trigger(at),
                                                     [&](std::string_view value) {
                                                       return codecs::decode_trigger(at, value);
                                                     }));
  if (record) {
    BOOST_OUTCOME_TRY(take_cursor(rows_, *record));
  }
  return std::move(record);
}

result<std::optional<json_text>> store_reader::project(std::string_view name) const {
  if (!keys::is_name(name))
    return std::optional<json_text>{};
  return read_one<json_text>(rows_, family::definitions, keys::project(name),
                             codecs::decode_project);
}

result<std::optional<run_id>> store_reader::run_by_key(const keys::slot_key& natural) const {
  if (!keys::is_name(natural.lane) || !keys::is_name(natural.workflow) ||
      !keys::is_name(natural.trigger))
    return std::optional<run_id>{};
  return read_one<run_id>(rows_, family::slots, keys::natural(natural), codecs::decode_run_id);
}

result<std::optional<run_id>> store_reader::run_by_request_key(std::string_view workflow,
                                                               std::string_view key) const {
  if (!keys::is_name(workflow))
    return std::optional<run_id>{};
  return read_one<run_id>(rows_, family::slots,
                          keys::request({std::string{workflow}, std::string{key}}),
                          codecs::decode_run_id);
}

result<run_id> store_reader::highest_run() const {
  BOOST_OUTCOME_TRY(key, last_key(rows_, family::runs, {}));
  BOOST_OUTCOME_TRY(given, given_up_to(rows_, runs_given));
  if (!key)
    return run_id{given};
  BOOST_OUTCOME_TRY(last, keys::decode_run(*key));
  return std::max(last, run_id{given});
}

result<std::uint64_t> store_reader::last_audit() const {
  BOOST_OUTCOME_TRY(key, last_key(rows_, family::audit, {}));
  if (!key)
    return std::uint64_t{0};
  return keys::decode_audit(*key);
}

result<std::vector<run_record>> store_reader::live_runs() const {
  BOOST_OUTCOME_TRY(ids, read_prefix<run_id>(rows_, family::live, {}, run_key_row));
  std::vector<run_record> found;
  found.reserve(ids.size());
  for (const auto id : ids) {
    BOOST_OUTCOME_TRY(record, run(id));
    if (!record)
      return dangling("run " + to_string(id));
    found.push_back(std::move(*record));
  }
  return found;
}

result<std::vector<instance_record>> store_reader::instances_of(run_id run) const {
  return read_prefix<instance_record>(rows_, family::instances, keys::rows_of(run), instance_row);
}

result<std::vector<attempt_record>> store_reader::newest_attempts_of(run_id run) const {
  BOOST_OUTCOME_TRY(
      all, read_prefix<attempt_record>(rows_, family::attempts, keys::rows_of(run), attempt_row));
  std::vector<attempt_record> newest;
  for (auto& each : all) {
    if (newest.empty() || newest.back().instance != each.instance)
      newest.push_back(std::move(each));
    else
      newest.back() = std::move(each);
  }
  return newest;
}

result<std::vector<attempt_record>> store_reader::attempts_of(const instance_key& key) const {
  return read_prefix<attempt_record>(rows_, family::attempts, keys::attempts_of(key), attempt_row);
}

result<std::vector<output_record>> store_reader::outputs_of(run_id run) const {
  const auto row = [](std::string_view key, std::string_view value) -> result<output_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_instance(key));
    return codecs::decode_output(at, value);
  };
  return read_prefix<output_record>(rows_, family::outputs, keys::rows_of(run), row);
}

result<std::vector<permit_record>> store_reader::permits() const {
  const auto row = [](std::string_view key, std::string_view value) -> result<permit_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_permit(key));
    return codecs::decode_permit(at, value);
  };
  return read_prefix<permit_record>(rows_, family::permits, {}, row);
}

result<std::vector<workflow_record>> store_reader::workflows() const {
  return read_prefix<workflow_record>(rows_, family::definitions, keys::workflows(), workflow_row);
}

result<std::vector<version_record>> store_reader::versions_of(std::string_view workflow) const {
  if (!keys::is_name(workflow))
    return std::vector<version_record>{};
  return read_prefix<version_record>(rows_, family::definitions, keys::versions_of(workflow),
                                     version_row);
}

result<std::vector<trigger_record>> store_reader::triggers() const {
  return with_cursors(rows_, read_prefix<trigger_record>(rows_, family::definitions,
                                                         keys::triggers(), trigger_row));
}

result<std::vector<trigger_record>> store_reader::triggers_of(std::string_view workflow) const {
  if (!keys::is_name(workflow))
    return std::vector<trigger_record>{};
  return with_cursors(rows_, read_prefix<trigger_record>(rows_, family::definitions,
                                                         keys::triggers_of(workflow), trigger_row));
}

result<std::vector<std::pair<std::string, json_text>>> store_reader::projects() const {
  using named = std::pair<std::string, json_text>;
  const auto row = [](std::string_view key, std::string_view value) -> result<named> {
    BOOST_OUTCOME_TRY(name, keys::decode_project(key));
    BOOST_OUTCOME_TRY(settings, codecs::decode_project(value));
    return named{std::move(name), std::move(settings)};
  };
  return read_prefix<named>(rows_, family::definitions, keys::projects(), row);
}

} // namespace pinion
