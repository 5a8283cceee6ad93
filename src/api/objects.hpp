#pragma once

#include "api/json.hpp"
#include "api/store_directory.hpp"
#include "pinion/actors/engine_client.hpp"
#include "pinion/model/definition.hpp"
#include "pinion/model/records.hpp"
#include "pinion/timing/zone.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// The JSON of everything the API shows, in one place. Keys, their order and their units are
/// public.
namespace pinion::objects {

/// UTC with six fraction digits, or null for `never`.
json time(instant at);
/// Seconds from `begin` to `end`, or null while one of them has not come.
json seconds_between(instant begin, instant end);
/// Seconds as a number.
json seconds(duration span);

/// The workflow's zone; UTC if it is unknown by now.
zone zone_of(const workflow_definition& definition);

/// "r12/train", "r12/train:DEU".
std::string instance_ref(const workflow_definition& definition, const instance_record& instance);

/// "retail.replenish/nightly@2026-11-20T02:00:00+08:00".
std::string run_key(const run_record& run, zone in);

/// In what state a run's instance without a row stands.
instance_record initial_instance(const run_record& run, std::uint32_t task);

/// Counts of a run's instances by state as users see them: those without a row under the state in
/// which they stand.
std::array<std::uint32_t, instance_state_count> shown_counts(const run_record& run);

json run(const run_record& record, zone in);

/// What an instance is shown with, beside its own row.
struct instance_view {
  const run_record& run;
  const workflow_definition& definition;
  const instance_record& record;
  std::string worker; ///< Of the newest attempt; empty: none.
  json_text outputs = "{}";
};
json instance(const instance_view& view);

json attempt(const attempt_record& record, const std::string& instance_ref);

/// A workflow's trigger; `row` may be null (never applied with it). `others` finds what `after:`
/// follows.
json trigger(const workflow_definition& definition, const trigger_definition& trigger,
             const trigger_record* row, const store_directory& others, instant now);

json workflow(const workflow_record& record, const workflow_definition& definition,
              const std::vector<trigger_record>& triggers, const store_directory& others,
              instant now);

/// `current`: the number of the workflow's present version.
json version(const version_record& record, std::uint32_t current);
json slot(const slot_record& record, zone in);
/// "dw.load/nightly@2026-11-20T02:00:00+08:00", with a lane other than `main` in front.
std::string slot_name(const keys::slot_key& key, zone in);
/// A need bound to slots; `settled` may be null. At most 100 of its slots are listed, in `in`.
json edge(const bound_edge& edge, const edge_record* settled, const std::string& task, zone in);
json task_switch(const pinion::task_switch& record);
json backfill(const backfill_record& record, const backfill_counts& counts);
json backfill_item(const pinion::backfill_item& record, zone in);
json backfill_slot(const pinion::backfill_slot& slot, zone in);
json pool(const pool_status& status);
json permit(const permit_record& record, const std::string& instance_ref);
json audit(const audit_record& record);
json why(const why_answer& answer);
json wheel(const wheel_answer& answer);
json health(const health_answer& answer);
/// `fire_times`: by workflow, as `fire_changes` has them.
json changes(const apply_answer& answer, const std::map<std::string, json>& fire_times,
             json warnings);

/// {"items": [...], "next": cursor or null}
json list(json items, const std::string& next);

} // namespace pinion::objects
