#pragma once

#include "pinion/model/backfill.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/kv.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion {

/// Which part of a list.
struct page_request {
  std::size_t limit = 100; ///< 1..1000.
  std::string cursor;      ///< `page::next` of the page before; empty: the first page.
};

/// One part of a list. A page may hold fewer items than asked for, even none, although more follow:
/// a page looks at no more than `store_reader::scan_bound` rows. The list ends when `next` is
/// empty.
template <class T>
struct page {
  std::vector<T> items;
  std::string next;
};

/// Empty fields ask for everything. Lists are newest first, by number of the run. Answered by an
/// index: workflow, workflow + state, workflow + trigger, state; the rest is filtered while
/// scanning.
struct run_filter {
  std::string lane = "main";
  std::string project;
  std::string workflow; ///< project.name
  std::string trigger;
  std::optional<run_state> state;
  instant since = never; ///< Slot at or after this.
  instant until = never; ///< Slot before this.
};

/// Lists run by run, newest first; within a run by task and element. Instances without a row (see
/// instance_record) do not appear.
struct instance_filter {
  std::string lane = "main";
  std::optional<run_id> run; ///< Makes lane and workflow irrelevant.
  std::string workflow;
  std::optional<instance_state> state; ///< Touches only runs that have such an instance.
};

/// With an outcome of `late`, `missed`, `skipped_overlap` or `paused` newest first, by an index;
/// the plan of all workflows (`planned` without workflow) oldest first; else by workflow and
/// trigger, each newest first. Empty fields ask for everything.
struct slot_filter {
  std::string lane = "main";
  std::string workflow;
  std::string trigger;
  std::optional<slot_outcome> outcome;
  instant from = never; ///< Slot at or after this.
  instant to = never;   ///< Slot before this.
};

/// A slot and the run that it has.
struct slot_run {
  instant slot{};
  run_id run;
  friend bool operator==(const slot_run&, const slot_run&) = default;
};

/// Newest first, by number. By workflow there is an index; states are filtered while scanning.
struct backfill_filter {
  std::string workflow;
  std::optional<backfill_state> state;
};

inline constexpr std::size_t backfill_item_state_count = 6;
/// Slots of one backfill by state.
using backfill_counts = std::array<std::uint32_t, backfill_item_state_count>;

/// Newest first.
struct audit_filter {
  std::string object_prefix;
  instant since = never;
  bool whole = false; ///< The prefix is all of the object.
};

/// Runs of one workflow by state.
struct run_counts {
  std::string workflow;
  std::array<std::int64_t, run_state_count> by_state{};
};

/// Typed reads of the store. Give it a snapshot where several reads must agree. As safe from
/// threads as the reader below it. All functions fail with `errc::corrupt`, `errc::newer_format` or
/// `errc::storage_failure`; lists also with `errc::invalid` for a limit or cursor that is none.
class store_reader {
public:
  /// The most rows that one page of a list looks at.
  static constexpr std::size_t scan_bound = 10'000;

  /// `rows` must outlive the reader.
  explicit store_reader(const kv_reader& rows) noexcept : rows_{rows} {}

  // One record, or nothing.
  result<std::optional<run_record>> run(run_id id) const;
  result<std::optional<audit_record>> audit(std::uint64_t sequence) const;
  result<std::optional<instance_record>> instance(const instance_key& key) const;
  result<std::optional<attempt_record>> attempt(const instance_key& key,
                                                std::uint32_t number) const;
  result<std::optional<output_record>> output(const instance_key& key) const;
  result<std::optional<slot_record>> slot(const keys::slot_key& key) const;
  result<std::optional<workflow_record>> workflow(std::string_view id) const;
  result<std::optional<version_record>> version(std::string_view workflow,
                                                std::uint32_t number) const;
  /// `never` if its present version counts from the beginning.
  result<instant> rule_from(std::string_view workflow) const;
  result<std::optional<trigger_record>> trigger(std::string_view workflow,
                                                std::string_view id) const;
  /// The settings as JSON text.
  result<std::optional<json_text>> project(std::string_view name) const;

  result<std::optional<backfill_record>> backfill(std::uint64_t id) const;
  result<std::optional<backfill_item>> backfill_item_at(std::uint64_t id,
                                                        std::uint32_t position) const;

  // Lookups of runs.
  result<std::optional<run_id>> run_by_key(const keys::slot_key& natural) const;
  result<std::optional<run_id>> run_by_request_key(std::string_view workflow,
                                                   std::string_view key) const;
  /// The newest run that the filter lets pass; without a state, the newest that is not planned.
  result<std::optional<run_record>> latest(const run_filter& filter) const;
  /// The largest number given to a run so far; 0: none.
  result<run_id> highest_run() const;
  /// The last slot of the trigger before `at` that is not merely planned and has a run, made by the
  /// clock or by a person: what a slot at `at` has as its previous one.
  result<std::optional<slot_run>> slot_before(const keys::slot_key& at) const;
  /// The largest number given to a backfill so far; 0: none.
  result<std::uint64_t> highest_backfill() const;
  /// The items that are pending or running for this slot, by number of their backfill: backfills
  /// that would meet in it.
  result<std::vector<backfill_item>>
  open_backfill_items(std::string_view workflow, std::string_view trigger, instant slot) const;
  /// Whether any backfill still has a slot of this workflow to do.
  result<bool> has_open_items(std::string_view workflow) const;
  /// The largest sequence of the audit; 0: none.
  result<std::uint64_t> last_audit() const;

  // Recovery: all rows, ascending by key.
  result<std::vector<run_record>> live_runs() const;
  result<std::vector<instance_record>> instances_of(run_id run) const;
  /// The newest attempt of each instance of the run that has one.
  result<std::vector<attempt_record>> newest_attempts_of(run_id run) const;
  result<std::vector<attempt_record>> attempts_of(const instance_key& key) const;
  result<std::vector<output_record>> outputs_of(run_id run) const;
  result<std::vector<permit_record>> permits() const;
  /// The settled edges of the run, by task and need.
  result<std::vector<edge_record>> edges_of(run_id run) const;
  /// Slots with outcome `planned` and from <= slot < to, in order of time, all at once: for short
  /// stretches.
  result<std::vector<slot_record>> planned_slots(instant from, instant to) const;
  /// The same one after another, holding a few hundred of them: for stretches of any length. Ends
  /// early once `visit` returns false. `visit` may read the store.
  result<void> visit_planned(instant from, instant to,
                             const std::function<bool(const slot_record&)>& visit) const;
  /// The switched tasks of a workflow, by name.
  result<std::vector<task_switch>> task_switches_of(std::string_view workflow) const;
  result<std::vector<workflow_record>> workflows() const;
  result<std::vector<version_record>> versions_of(std::string_view workflow) const;
  result<std::vector<trigger_record>> triggers() const;
  result<std::vector<trigger_record>> triggers_of(std::string_view workflow) const;
  /// Name and settings (JSON text) of each project.
  result<std::vector<std::pair<std::string, json_text>>> projects() const;

  // Lists.
  result<page<run_record>> list_runs(const run_filter& filter, const page_request& ask) const;
  result<page<instance_record>> list_instances(const instance_filter& filter,
                                               const page_request& ask) const;
  /// Ascending by instance and number.
  result<page<attempt_record>> list_attempts(run_id run, const page_request& ask) const;
  result<page<attempt_record>> list_attempts(const instance_key& key,
                                             const page_request& ask) const;
  result<page<slot_record>> list_slots(const slot_filter& filter, const page_request& ask) const;
  result<page<backfill_record>> list_backfills(const backfill_filter& filter,
                                               const page_request& ask) const;
  /// Ascending by position: the order in which they are started. With a state by an index.
  result<page<backfill_item>> list_backfill_items(std::uint64_t backfill,
                                                  std::optional<backfill_item_state> state,
                                                  const page_request& ask) const;
  /// Newest first.
  result<page<version_record>> list_versions(std::string_view workflow,
                                             const page_request& ask) const;
  result<page<audit_record>> list_audit(const audit_filter& filter, const page_request& ask) const;

  // Counters.
  /// By `backfill_item_state`; all 0 for a backfill that does not exist.
  result<backfill_counts> counts_of_backfill(std::uint64_t id) const;
  result<run_counts> counts_of(std::string_view lane, std::string_view workflow) const;
  /// Of every workflow of the lane that ever had a run, by name.
  result<std::vector<run_counts>> counts(std::string_view lane) const;

private:
  const kv_reader& rows_;
};

} // namespace pinion
