#pragma once

#include "api/api_state.hpp"
#include "pinion/api/reference.hpp"

#include <string>
#include <vector>

/// What references mean in a store. All fail with `errc::not_found`, with near names as suggestion,
/// and with the store's errors.
namespace pinion {

result<workflow_record> find_workflow(const store_view& view, const std::string& id);

/// The workflow's current definition.
result<definition_cache::definition_ptr> current_definition(const store_view& view,
                                                            const std::string& id);

/// A trigger that people name: "p.w/trigger", or "p.w" where the workflow has a single one.
struct named_trigger {
  definition_cache::definition_ptr definition; ///< The workflow's current one.
  std::string trigger;
};
result<named_trigger> find_trigger(const store_view& view, const std::string& text);

/// The run that a reference names. A slot without trigger that several triggers have fails with
/// `errc::refused`, which names them.
result<run_record> find_run(const store_view& view, const reference& ref);
result<run_record> find_run(const store_view& view, const std::string& ref);

/// The slot that a reference by slot names, whether it has a run or not.
result<slot_record> find_slot(const store_view& view, const reference& ref);

result<backfill_record> find_backfill(const store_view& view, std::uint64_t id);

/// The position of a task of that name.
result<std::uint32_t> find_task(const workflow_definition& definition, const std::string& name);

/// A run and those of its instances that a reference names: one, all of a fan-out, or all of the
/// run if it names no task (then `instances` is empty).
struct found_instances {
  run_record run;
  definition_cache::definition_ptr definition;
  std::vector<instance_record> instances;
};
result<found_instances> find_instances(const store_view& view, const reference& ref);

/// The instances of one task of a run, those without a row included.
result<std::vector<instance_record>> instances_of_task(const store_view& view,
                                                       const run_record& run, std::uint32_t task);

/// The attempt that a reference means: the numbered one, else the newest. Fails with
/// `errc::invalid` if the reference names several instances, `errc::not_found` if nothing was
/// tried.
struct found_attempt {
  run_record run;
  definition_cache::definition_ptr definition;
  instance_record instance;
  attempt_record attempt;
};
result<found_attempt> find_attempt(const store_view& view, const reference& ref);

} // namespace pinion
