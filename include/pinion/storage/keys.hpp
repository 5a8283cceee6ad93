#pragma once

#include "pinion/model/backfill.hpp"
#include "pinion/model/ids.hpp"
#include "pinion/model/lifecycle.hpp"
#include "pinion/model/records.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

/// Every key of the store, to the byte. ON DISK: a change here is a new format of the store.
///
/// Notation: `u32`, `u64` are big-endian; `~u64` is the complement (newest first); `time` is the
/// instant's microseconds as u64 with the sign bit flipped, so that byte order is time order;
/// `name` is the text followed by one 0 byte, so that a shorter name sorts before a longer one and
/// a prefix scan by lane, workflow or trigger never meets another's rows. Names hold no 0 byte
/// (`is_name`); what a person typed is checked before it becomes a key.
///
///     meta         a word: "format" "commits" "epoch" "held"; "pool/..." see pool_overrides.hpp;
///                  "deleted/..." "given/..." see deleted_workflows.hpp;
///                  "request/..." and "requested/..." see kept_requests.hpp
///     definitions  'w' workflow:name                        'v' workflow:name version:u32
///                  't' workflow:name trigger:name           'p' project:name
///                  'u' workflow:name trigger:name           its cursor
///                  'x' workflow:name task:name              a task that people have switched
///                  'z' workflow:name                        when its present version begins to
///                  count
///     slots        's' lane:name workflow:name trigger:name slot:time     what became of it
///                  'n' (the same)                                         the natural key's run
///                  'm' slot:time lane:name workflow:name trigger:name     the plan
///                  'k' workflow:name key (any bytes, to the end)          a request key's run
///                  'e' run:u64 task:u32 need:u32                          a settled edge of a run
///                  'b' backfill:u64                                       a backfill
///                  'j' backfill:u64 position:u32                          one slot of it
///     runs         run:u64
///     instances    run:u64 task:u32 element:u32             (no element: 0xffffffff, sorts last)
///     attempts     run:u64 task:u32 element:u32 number:u32
///     outputs      run:u64 task:u32 element:u32
///     permits      project:name pool:name run:u64 task:u32 element:u32 attempt:u32
///     live         run:u64
///     index        'w' lane:name workflow:name run:~u64                   runs of a workflow
///                  'x' lane:name workflow:name state:u8 run:~u64          the same, in a state
///                  't' lane:name workflow:name trigger:name run:~u64      runs of a trigger
///                  's' lane:name state:u8 run:~u64                        runs in a state
///                  'i' lane:name state:u8 run:~u64          runs with an instance in it
///                  'o' lane:name outcome:u8 slot:~time workflow:name trigger:name
///                  'c' lane:name workflow:name state:u8     counter of runs
///                  'b' workflow:name backfill:~u64          backfills of a workflow
///                  'j' backfill:u64 state:u8 position:u32   slots of a backfill, by state
///                  'd' backfill:u64 state:u8                counter of these
///                  'y' workflow:name trigger:name slot:time backfill:u64 position:u32
///                                                           slots of backfills to be done
///     audit        sequence:u64
namespace pinion::keys {

/// The natural key of a run, and of a slot.
struct slot_key {
  std::string lane;
  std::string workflow;
  std::string trigger;
  instant slot{};
  friend auto operator<=>(const slot_key&, const slot_key&) = default;
};

struct version_key {
  std::string workflow;
  std::uint32_t version = 0;
  friend auto operator<=>(const version_key&, const version_key&) = default;
};

struct trigger_key {
  std::string workflow;
  std::string trigger;
  friend auto operator<=>(const trigger_key&, const trigger_key&) = default;
};

struct attempt_key {
  instance_key instance;
  std::uint32_t number = 0;
  friend auto operator<=>(const attempt_key&, const attempt_key&) = default;
};

struct permit_key {
  std::string project;
  std::string pool;
  instance_key holder;
  std::uint32_t attempt = 0;
  friend auto operator<=>(const permit_key&, const permit_key&) = default;
};

struct request_key {
  std::string workflow;
  std::string key;
  friend auto operator<=>(const request_key&, const request_key&) = default;
};

struct counter_key {
  std::string lane;
  std::string workflow;
  run_state state = run_state::planned;
  friend auto operator<=>(const counter_key&, const counter_key&) = default;
};

/// An edge of a run to other runs: the task that waits, and the number of its need.
struct edge_key {
  run_id run;
  std::uint32_t task = 0;
  std::uint32_t need = 0;
  friend auto operator<=>(const edge_key&, const edge_key&) = default;
};

struct task_key {
  std::string workflow;
  std::string task;
  friend auto operator<=>(const task_key&, const task_key&) = default;
};

struct backfill_item_key {
  std::uint64_t backfill = 0;
  std::uint32_t position = 0;
  friend auto operator<=>(const backfill_item_key&, const backfill_item_key&) = default;
};

/// A slot of a backfill as the lists of what is to be done name it.
struct open_item_key {
  std::string workflow;
  std::string trigger;
  instant slot{};
  backfill_item_key item;
  friend auto operator<=>(const open_item_key&, const open_item_key&) = default;
};

/// Whether `text` may stand in a key as a name: it holds no 0 byte.
bool is_name(std::string_view text) noexcept;
/// The same of several: a filter with a 0 byte finds nothing, because no key holds one.
template <class... Names>
bool are_names(const Names&... names) noexcept {
  return (is_name(names) && ...);
}

/// The least key that is greater than every key that begins with `prefix`: the end of a prefix
/// scan. Empty when there is none (to the end of the family).
std::string after(std::string prefix);

// family::meta
inline constexpr std::string_view format = "format";   ///< u64 LE, see rocks_kv.hpp.
inline constexpr std::string_view commits = "commits"; ///< u64 LE, number of the last commit.
inline constexpr std::string_view epoch = "epoch";     ///< u64 LE, see epoch.hpp.

// family::definitions
std::string workflow(std::string_view workflow);
std::string workflows(); ///< Prefix: all workflows.
std::string version(const version_key& key);
std::string versions_of(std::string_view workflow); ///< Prefix: the versions of one workflow.
std::string trigger(const trigger_key& key);
std::string cursor(const trigger_key& key);
std::string cursors_of(std::string_view workflow); ///< Prefix: of the triggers of one workflow.
std::string rule_from(std::string_view workflow);
std::string triggers();                             ///< Prefix: all triggers.
std::string triggers_of(std::string_view workflow); ///< Prefix: the triggers of one workflow.
std::string project(std::string_view project);
std::string projects(); ///< Prefix: all projects.
std::string task_switch(const task_key& key);
std::string task_switches_of(std::string_view workflow); ///< Prefix.

// family::slots
std::string slot(const slot_key& key);
std::string slots_of(std::string_view lane);                            ///< Prefix.
std::string slots_of(std::string_view lane, std::string_view workflow); ///< Prefix.
std::string slots_of(std::string_view lane, std::string_view workflow,
                     std::string_view trigger); ///< Prefix.
std::string natural(const slot_key& key);
std::string plan(const slot_key& key);
std::string plan();                  ///< Prefix: the whole plan.
std::string plan_from(instant slot); ///< The least key of the plan at `slot`.
std::string request(const request_key& key);
/// Prefix of all natural keys of a workflow, and of a trigger.
std::string naturals_of(std::string_view lane, std::string_view workflow);
std::string naturals_of(std::string_view lane, std::string_view workflow, std::string_view trigger);
std::string edge(const edge_key& key);
std::string edges_of(run_id run); ///< Prefix.
std::string backfill(std::uint64_t id);
std::string backfills(); ///< Prefix: all backfills.
std::string backfill_item(const backfill_item_key& key);
std::string backfill_items_of(std::uint64_t id); ///< Prefix.

// family::runs, family::live
std::string run(run_id id);

// family::instances, family::outputs
std::string instance(const instance_key& key);
std::string rows_of(run_id id); ///< Prefix in runs, live, instances, attempts and outputs.

// family::attempts
std::string attempt(const attempt_key& key);
std::string attempts_of(const instance_key& key); ///< Prefix.

// family::permits
std::string permit(const permit_key& key);
std::string permits_of(std::string_view project, std::string_view pool); ///< Prefix.

// family::index. Those that end with a run: the prefix with `newest_first` appended.
std::string runs_by_workflow(std::string_view lane, std::string_view workflow);
std::string runs_by_workflow(std::string_view lane, std::string_view workflow, run_state state);
std::string runs_by_trigger(std::string_view lane, std::string_view workflow,
                            std::string_view trigger);
std::string runs_by_state(std::string_view lane, run_state state);
std::string runs_by_instance_state(std::string_view lane, instance_state state);
std::string newest_first(std::string prefix, run_id id); ///< Appends `run:~u64`.
std::string slot_outcome(const slot_key& key, pinion::slot_outcome outcome);
std::string slots_by_outcome(std::string_view lane, pinion::slot_outcome outcome); ///< Prefix.
std::string slots_by_outcome(std::string_view lane, pinion::slot_outcome outcome,
                             instant slot); ///< Prefix: of one instant.
std::string counter(const counter_key& key);
std::string counters(std::string_view lane); ///< Prefix: all counters of a lane.
std::string counters_of(std::string_view lane, std::string_view workflow); ///< Prefix.
std::string backfills_by_workflow(std::string_view workflow);              ///< Prefix.
std::string backfill_by_workflow(std::string_view workflow, std::uint64_t id);
std::string item_by_state(const backfill_item_key& key, backfill_item_state state);
std::string items_by_state(std::uint64_t backfill, backfill_item_state state); ///< Prefix.
std::string item_counter(std::uint64_t backfill, backfill_item_state state);
std::string open_item(const open_item_key& key);
std::string open_items_of(std::string_view workflow); ///< Prefix: all slots to do of a workflow.
/// Prefix: a slot in all backfills that have it to do.
std::string open_items_of(std::string_view workflow, std::string_view trigger, instant slot);

// family::audit
std::string audit(std::uint64_t sequence);

// Inverses. All fail with `errc::corrupt` unless the bytes are exactly such a key.
result<std::string> decode_workflow(std::string_view bytes);
result<version_key> decode_version(std::string_view bytes);
result<trigger_key> decode_trigger(std::string_view bytes);
result<std::string> decode_project(std::string_view bytes);
result<slot_key> decode_slot(std::string_view bytes);
result<slot_key> decode_natural(std::string_view bytes);
result<slot_key> decode_plan(std::string_view bytes);
result<request_key> decode_request(std::string_view bytes);
result<run_id> decode_run(std::string_view bytes);
result<instance_key> decode_instance(std::string_view bytes);
result<attempt_key> decode_attempt(std::string_view bytes);
result<permit_key> decode_permit(std::string_view bytes);
/// The run at the end of an index key whose prefix is `prefix_bytes` long.
result<run_id> decode_newest_first(std::string_view bytes, std::size_t prefix_bytes);
result<slot_key> decode_slot_outcome(std::string_view bytes);
result<counter_key> decode_counter(std::string_view bytes);
result<task_key> decode_task_switch(std::string_view bytes);
result<edge_key> decode_edge(std::string_view bytes);
result<std::uint64_t> decode_backfill(std::string_view bytes);
result<backfill_item_key> decode_backfill_item(std::string_view bytes);
result<std::uint64_t> decode_backfill_by_workflow(std::string_view bytes);
result<backfill_item_key> decode_item_by_state(std::string_view bytes);
result<open_item_key> decode_open_item(std::string_view bytes);
result<std::uint64_t> decode_audit(std::string_view bytes);

} // namespace pinion::keys
