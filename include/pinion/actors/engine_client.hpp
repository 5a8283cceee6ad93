#pragma once

#include "pinion/actors/change_feed.hpp"
#include "pinion/model/backfill.hpp"
#include "pinion/model/definition.hpp"
#include "pinion/model/records.hpp"
#include "pinion/model/run_core.hpp"
#include "pinion/storage/kept_requests.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/timing/problem.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// Who asks for a change, for the audit record.
struct caller {
  std::string who;    ///< User name of the peer of the socket.
  std::string reason; ///< `--reason`; may be empty.
  /// The request can be repeated: it is marked as done in the commit of what it changes. Null: not.
  std::shared_ptr<const kept_request> request = nullptr;
};

/// What must hold of a workflow before it is changed.
struct version_condition {
  /// Its present version is one of these; without a name: whatever its name is. Empty: any.
  std::vector<std::pair<std::string, std::uint32_t>> versions;
  bool exists = false;
  bool absent = false;

  /// `present`: its version; 0: there is no such workflow.
  bool holds(const std::string& workflow, std::uint32_t present) const {
    if ((exists && present == 0) || (absent && present != 0))
      return false;
    return versions.empty() || std::any_of(versions.begin(), versions.end(), [&](const auto& one) {
             return one.second == present && (one.first.empty() || one.first == workflow);
           });
  }
};

/// A set of definitions handed to the engine as one: all of it is taken or nothing.
struct apply_request {
  std::vector<workflow_definition> workflows;
  std::vector<project_settings> projects;
  /// Absolute path of the workflows folder that this set is the whole content of; empty: the set
  /// came over the API. A workflow belongs to one origin; another's is refused.
  std::string origin;
  /// Retire vanished workflows of `origin` even when more than a fifth vanish.
  bool prune = false;
  bool dry_run = false;
  /// To be run by hand and nothing else: kept under a name of its own as history, in no list, never
  /// due. `origin` is empty, and the definitions have no triggers.
  bool unlisted = false;
  version_condition condition; ///< Of each workflow of the set; else nothing is taken.
};

struct apply_change {
  std::string workflow;
  std::uint32_t version = 0;
  enum class kind : std::uint8_t {
    created,
    updated,
    unchanged,
    retired,
    kept
  } what = kind::unchanged;
  std::string message; ///< For `kept`: why it was not retired.
};

struct apply_answer {
  std::vector<apply_change> changes;
  /// Workflows of which the condition does not hold, with their present version (0: none). If there
  /// are any, nothing was taken.
  std::vector<std::pair<std::string, std::uint32_t>> stale;
};

/// A workflow that is to be deleted with all its history.
struct deletion_request {
  std::string workflow;
  version_condition condition;
  bool dry_run = false; ///< Only tells what keeps it from being deleted.
};
struct deletion_answer {
  std::uint32_t version = 0;    ///< Its last one.
  bool stale = false;           ///< The condition does not hold: nothing was done.
  std::vector<problem> refused; ///< Of a dry run: what keeps it from being deleted.
};

struct trigger_request {
  std::string workflow; ///< project.name
  /// Business date as local midnight of that date in the workflow's zone; empty: the slot is now.
  std::optional<instant> biz_date;
  /// Given values as one JSON object; strings are converted to the parameter's type.
  json_text params = "{}";
  std::string key; ///< Idempotency key: the same key gives the same run.
  bool ignore_overlap = false;
};

struct trigger_answer {
  run_id run;
  bool existed = false; ///< The key had been used before.
};

struct operation_answer {
  /// Instances that changed or are being stopped; "r12/load" style is the API's to print.
  std::uint32_t affected = 0;
};

/// What can be paused: a trigger, a workflow (all its triggers), or everything.
struct pause_target {
  std::string workflow; ///< Empty: all.
  std::string trigger;  ///< Empty: all of the workflow.
};

enum class catch_up : std::uint8_t { none, last, all };

/// One slot of a trigger whose run is to be made although the clock left it out.
struct slot_request {
  std::string workflow;
  std::string trigger;
  instant slot{};
};

/// A task to be switched for all its instances to come, and for those of live runs that have not
/// begun.
struct switch_request {
  std::string workflow;
  std::string task;
  task_mode mode = task_mode::normal;
};

/// What a backfill is asked to do. Slots: `slots` if not empty, else those of [from, to], both
/// included; with `by_biz_date` those whose business date lies between the local dates of both.
struct backfill_request {
  std::string workflow;
  std::string trigger;
  instant from{};
  instant to{};
  bool by_biz_date = false;
  std::vector<instant> slots;
  std::vector<std::string> tasks; ///< Empty: all.
  bool leave_rest = false;        ///< `--rest leave`; else the others are dry.
  bool downstream = false;
  std::uint32_t parallel = 1; ///< 1..1,000
  bool descending = false;
  reprocess_policy reprocess = reprocess_policy::none;
  quiet_hours hours;
  bool stop_on_failure = true;
  bool pinned = false;
  bool isolated = false;
  std::vector<std::pair<std::string, json_text>> params;
};

/// The most slots of one backfill.
inline constexpr std::size_t max_backfill_slots = 100'000;

struct backfill_slot {
  std::string workflow;
  std::string trigger;
  instant slot{};
  std::string biz_date; ///< Of the workflow's zone, "2026-11-19".
  run_id run;           ///< The run that it has; 0: none.
  enum class act : std::uint8_t { make, rerun, leave } what = act::make;
};
struct backfill_preview {
  std::vector<backfill_slot> slots; ///< In the order in which they would start.
};
enum class backfill_verb : std::uint8_t { pause, resume, cancel };

/// The size of a pool, or back to that of pinion.yaml.
struct pool_request {
  std::string project;
  std::string pool;
  std::optional<std::uint32_t> permits; ///< Empty: reset.
};

/// One cause that keeps a thing from going on. docs/why.md lists the kinds.
struct blocked_by {
  std::string kind; ///< upstream, time, pool, limit, worker, paused, held, retry, frozen ...
  std::string ref;  ///< What it waits for: "r12/load", "dw.models", a workflow ...
  std::string message;
  instant since{}; ///< `never`: not known.
  instant until{}; ///< When it is expected to be over; `never`: nobody knows.
};

/// One fact of the past: why a thing began, why it is late, what it waited for.
struct explanation {
  std::string kind; ///< trigger, person, call, backfill, upstream, late, delay, retry, deadline ...
  std::string ref;  ///< As of `blocked_by`; may be empty.
  std::string message;
  instant at{};
  duration took{-1}; ///< The delay that it caused; negative: none.
};

struct why_answer {
  std::string state;
  std::string sentence; ///< For people: one line that names the cause.
  std::vector<blocked_by> causes;
  std::vector<explanation> because; ///< In the order of time.
  instant expected_start{};
  instant expected_end{};
  std::vector<std::string> critical_path;
};

struct wheel_answer {
  std::uint64_t wall_entries = 0;
  std::uint64_t steady_entries = 0;
  instant next_wall{};
  duration next_steady{-1}; ///< Negative: none.
  std::uint64_t fired = 0;
  std::uint64_t cancelled = 0;
  duration worst_lag{0}; ///< Largest slot lag (fire minus slot and its jitter) since start.
  duration total_lag{0}; ///< Of all slots fired since start.
  std::uint64_t slots_fired = 0;
  std::vector<std::pair<instant, std::uint32_t>> minutes; ///< Loaded minutes and their slots.
};

struct pool_status {
  std::string project;
  std::string pool; ///< "slots" with an empty project: the workers' slots.
  std::uint32_t capacity = 0;
  std::uint32_t used = 0;
  std::uint32_t queued = 0;
};

struct health_answer {
  bool ready = false; ///< Every workflows folder has been read.
  bool held = false;
  std::uint64_t epoch = 0;
  std::uint32_t live_runs = 0;
  std::uint32_t slots = 0;
  std::uint32_t busy = 0;
  instant started_at{};
  duration recovery{0};              ///< How long the start's recovery took.
  std::vector<std::string> problems; ///< A folder that is refused, a launcher that is gone ...
};

/// How the message of an `errc::unavailable` begins after which nobody knows whether the change
/// will still be made.
inline constexpr std::string_view no_answer = "an actor of the engine did not answer";

/// The running engine, as the API and other adapters use it. All members may be called from any
/// thread, return at once, and answer exactly once on a thread of the engine: a reply callback must
/// not block. Changes answer after they are durable (invariant 5); each is audited.
class engine_client {
public:
  template <class T>
  using reply = std::function<void(result<T>)>;

  virtual ~engine_client() = default;

  virtual void apply(apply_request request, caller by, reply<apply_answer> done) = 0;
  /// A workflows folder has been read; `problems` are what keeps its present content from being
  /// taken (none: `apply` has it). The engine is ready once every folder was reported.
  virtual void folder_read(std::string origin, std::vector<std::string> problems) = 0;
  /// Deletes a workflow and all that is its own but the audit records: it is gone with the answer,
  /// its rows and files go after it, over restarts. Fails with `errc::not_found`, and with
  /// `errc::refused` while something is alive of it, its file is there, or others need it; with
  /// `errc::unavailable` when something came in between: then it may be asked again.
  virtual void delete_workflow(deletion_request request, caller by,
                               reply<deletion_answer> done) = 0;
  virtual void trigger(trigger_request request, caller by, reply<trigger_answer> done) = 0;
  /// cancel, fail, skip, succeed or rerun of a run or of some of its instances.
  virtual void operate(run_id run, run_operation operation, caller by,
                       reply<operation_answer> done) = 0;
  virtual void pause(pause_target target, caller by, reply<operation_answer> done) = 0;
  virtual void resume(pause_target target, catch_up owed, caller by,
                      reply<operation_answer> done) = 0;
  /// Makes the run of a slot that was missed, paused or skipped. Fails with `errc::refused` if it
  /// has a run (named), is still to come, or is no slot of the trigger.
  virtual void make_slot(slot_request request, caller by, reply<trigger_answer> done) = 0;
  /// Freezes, thaws or dry-runs a task; instances: `operate`.
  virtual void switch_task(switch_request request, caller by, reply<operation_answer> done) = 0;
  /// Sets the size of a pool until it is reset, over restarts and edits of pinion.yaml. What is out
  /// above a smaller size stays out. Fails with `errc::not_found` for a pool that is not declared.
  virtual void set_pool(pool_request request, caller by, reply<operation_answer> done) = 0;
  /// What a backfill would do; changes nothing. Fails as `backfill` does.
  virtual void preview_backfill(backfill_request request, reply<backfill_preview> done) = 0;
  /// Starts a backfill. Fails with `errc::refused` (slots in common with one that is not over; an
  /// order against depends_on_previous), `errc::limit`, `errc::not_found` or `errc::invalid`.
  virtual void backfill(backfill_request request, caller by, reply<backfill_record> done) = 0;
  virtual void steer_backfill(std::uint64_t id, backfill_verb verb, caller by,
                              reply<operation_answer> done) = 0;
  /// The engine starts nothing new until `unhold`; survives a restart.
  virtual void hold(caller by, reply<operation_answer> done) = 0;
  virtual void unhold(caller by, reply<operation_answer> done) = 0;
  /// Forgets some requests, then keeps `now`. Answers once both are durable.
  virtual void keep_request(std::vector<kept_request> forgotten, std::optional<kept_request> now,
                            reply<std::uint64_t> done) = 0;
  /// Ends the engine in order; `stop_tasks`: also everything that runs.
  virtual void shutdown(bool stop_tasks, caller by, reply<operation_answer> done) = 0;

  virtual void why_run(run_id run, reply<why_answer> done) = 0;
  virtual void why_instance(instance_key key, reply<why_answer> done) = 0;
  virtual void wheel(reply<wheel_answer> done) = 0;
  virtual void pools(reply<std::vector<pool_status>> done) = 0;
  /// The instances that hold a worker's slot now, by key.
  virtual void running(reply<std::vector<instance_key>> done) = 0;
  virtual void health(reply<health_answer> done) = 0;
  /// Answers once the run is terminal or `at_most` (<= 1 minute) has passed, with its row.
  virtual void wait_run(run_id run, duration at_most, reply<run_record> done) = 0;

  /// The store, for lists: what it shows is durable.
  virtual const kv_port& store() const = 0;
  /// What is committed from now on, for those who watch.
  virtual change_feed& changes() const = 0;
  /// Absolute path of the data folder.
  virtual const std::string& data_folder() const = 0;
};

} // namespace pinion
