#pragma once

#include "api/lookup.hpp"
#include "pinion/storage/store_reader.hpp"

#include <functional>
#include <optional>
#include <string>

namespace pinion {

/// Which instances a list shows. Empty fields ask for everything.
struct instance_query {
  std::optional<run_id> run;
  std::string project;
  std::string workflow;
  std::string task;
  std::optional<instance_state> state;
  std::optional<reason> why;
  /// Further conditions on the run (times of the slot, owner, labels).
  std::function<bool(const run_record&, const workflow_definition&)> run_passes;
};

/// One instance as lists show it. Fails with the store's errors.
result<json> show_instance(const store_view& view, const run_record& run,
                           const workflow_definition& definition, const instance_record& record);

/// One page of instances as JSON objects, runs newest first, within a run in the order of tasks and
/// elements: those without a row included, which the store does not list. The cursor is opaque.
/// Fails with `errc::invalid` for a limit or cursor that is none, and with the store's errors.
result<json> list_instances(const store_view& view, const instance_query& query,
                            const page_request& ask);

} // namespace pinion
