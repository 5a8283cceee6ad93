#pragma once

#include "pinion/storage/store_reader.hpp"
#include "simulation/desk.hpp"
#include "simulation/disk_port.hpp"
#include "simulation/machine.hpp"
#include "simulation/misfire_judge.hpp"
#include "simulation/naive.hpp"

#include <array>
#include <map>
#include <set>

namespace pinion::sim {

/// Watches disk, machine and answers, and checks the design's invariants by their numbers. Decides
/// nothing from what the engine's actors or its model say, only from rows, processes and
/// definitions.
class observer final : public disk_watcher, public process_watcher, public answer_watcher {
public:
  observer(const scenario& of, const std::shared_ptr<surviving_disk>& disk,
           const manual_clock& clock, trace& log);

  void committing(const kv_batch& batch, const kv_reader& before) override;
  void committed(const kv_batch& batch, const kv_reader& after) override;
  void start_asked(const start_request& request) override;
  void process_began(const start_request& request) override;
  void process_over(const process_key& key, const process_end& end) override;
  void end_acknowledged(const process_key& key) override;
  void operation_asked(run_id run, const run_operation& operation) override;
  void operation_answered(run_id run, const run_operation& operation) override;
  void trigger_answered(const std::string& key, run_id run) override;
  void applied(bool original) override;
  void switched(const std::string& workflow, const std::string& task) override;

  void engine_up();
  /// It has taken its epoch.
  void engine_started();
  void engine_down();
  /// Until then nobody can be told anything: what takes long is counted from there.
  void out_of_touch(steady_instant until);
  void clock_steps(instant from, instant to);

  /// Every run on the disk has ended, and every backfill.
  bool all_ended() const;
  /// The runs that wait for other runs. To be called when nothing has happened for long: what is
  /// there to be had must have been noticed.
  std::vector<run_id> judge_waiting();
  /// What must hold once everything has come to its end.
  void check_end(const machine& left);
  std::uint64_t runs() const;

private:
  struct seen_process {
    bool alive = false;
    std::optional<process_end> end;
    steady_instant over_at{};
  };
  void check_instance(std::string_view key, const std::string& now);
  void check_attempt(std::string_view key, const std::string& now);
  void check_slot(std::string_view key, const std::string& now);
  void check_permits();
  void check_join(const instance_key& key);
  void check_slots_end(const workflow_definition& of, const trigger_definition& trigger);
  void check_run_end(const run_record& run);
  void check_attempts_end(const run_record& run);

  void check_success(const instance_record& is, const attempt_record& attempt,
                     const task_definition& task);
  void check_retries(const instance_record& is, const std::vector<attempt_record>& attempts,
                     const task_definition& task);

  // Time: what takes longer than it may, and what comes too early.
  void note_stay(const instance_record& is, const instance_record* was);
  void check_stay(const instance_record& is, const instance_record& was,
                  const task_definition& task);
  /// When the last process of that attempt ended; `since` if it had none.
  steady_instant end_of_attempt(const instance_record& of, steady_instant since) const;
  void check_retry_time(const instance_record& is, const instance_record& was,
                        const task_definition& task);
  void check_firing(const slot_record& is);
  void note_holds(const kv_batch& batch);
  void check_places(const run_record& run);

  /// Indexes, counters and lists say what the rows say.
  void check_store();
  std::vector<run_record> all_runs() const;
  std::vector<run_id> listed(const run_filter& filter) const;

  // How tasks take part.
  void check_mode(const instance_record& is, const instance_record* was);
  void note_switch(const kv_write& write);
  void check_parallel(const instance_record& is, const task_definition& task);

  // Setups and teardowns, switches, conditions, what follows a failure, the end of a run.
  void check_shape(const instance_key& key, const run_record& run, const workflow_definition& of,
                   const task_rows& rows);
  void check_begin_at_end(const instance_key& key, const run_record& run,
                          const workflow_definition& of, const task_rows& rows);
  void check_choice(const instance_key& key, const run_record& run, const workflow_definition& of,
                    const task_rows& rows, std::uint32_t need);
  std::optional<std::string> value_of(const run_record& run, const workflow_definition& of,
                                      std::uint32_t task) const;
  void check_strategy(const instance_record& is, const instance_record* was,
                      const workflow_definition& of);
  void note_failure(const run_record& run, const workflow_definition& of, const task_rows& rows);
  void check_outcome(const run_record& run, const workflow_definition& of, const task_rows& rows);

  // Needs on other runs.
  void check_binding(const slot_record& row);
  void check_edge(std::string_view key, const std::string& now);
  void check_dropped_edge(std::string_view key);
  /// Remembers how everything in the run counts now.
  void note_run(run_id run);
  enum class when : std::uint8_t { ever, now };
  /// The ways in which a slot counts for the edge, or has ever counted.
  std::uint8_t ways_of_slot(const bound_edge& edge, instant slot, when at) const;
  bool is_off(const bound_edge& edge) const;
  bool is_left_out(const bound_edge& edge, instant slot) const;
  bool is_to_be_made(const bound_edge& edge, instant slot) const;
  bool may_be(const bound_edge& edge, edge_record::counts_as outcome, when at) const;
  const bound_edge* edge_of(const run_record& run, std::uint32_t task, std::uint32_t need);

  // Backfills.
  /// What a backfill runs again was asked for by people.
  void note_reruns(const kv_batch& batch);
  void check_item(std::string_view key, const std::string& now);
  void check_backfill(std::uint64_t id);
  void check_backfills_end();
  bool all_backfills_ended() const;
  std::set<instant> slots_of_backfills(const std::string& workflow,
                                       const std::string& trigger) const;

  const task_definition* task_of(const instance_key& key) const;
  std::set<std::string> paused_workflows() const;
  /// The definition of a version: odd ones are the original, even ones the edited.
  const workflow_definition* definition_of(const std::string& workflow,
                                           std::uint32_t version) const;
  const workflow_definition* definition_of(const run_record& run) const {
    return definition_of(run.workflow, run.version);
  }

  const scenario& scenario_;
  memory_kv disk_;
  store_reader store_;
  const manual_clock& clock_;
  trace& log_;
  std::map<std::pair<family, std::string>, std::string> before_; ///< Of the rows in the batch.
  std::map<process_key, seen_process> processes_;
  std::set<run_id> operated_; ///< People have changed them: their past proves nothing.
  std::set<run_id> failed_;   ///< With a failure that nothing covers, at the last commit.
  std::set<run_id> moded_;    ///< People have frozen, thawed or dried parts of them.
  std::map<std::string, run_id> keys_;
  std::array<naive_binder, 2> binders_;
  /// By slot and task (empty: the whole run): the ways in which it has ever counted.
  std::map<std::pair<keys::slot_key, std::string>, std::uint8_t> history_;
  std::map<std::pair<std::string, std::string>, std::pair<task_mode, steady_instant>> switches_;
  /// When people last asked to switch a task, and the time before.
  struct asked_switches {
    steady_instant last = steady_instant::min();
    steady_instant before = steady_instant::min();
  };
  std::map<std::pair<std::string, std::string>, asked_switches> switch_asked_;
  std::map<run_id, slot_record> slots_of_runs_;
  /// Since when an instance stands where it stands, in the time of an engine that is up.
  struct stay {
    steady_instant since{};
    steady_instant begun{}; ///< Since its first attempt could begin.
    std::uint32_t ups = 0;  ///< The engine that was up then.
  };
  std::map<instance_key, stay> stays_;
  steady_instant up_at_{}; ///< When the present engine came up.
  std::map<std::string, steady_instant> paused_since_;
  std::optional<steady_instant> held_since_;
  std::uint32_t ups_ = 0;
  bool clock_stepped_ = false;
  instant latest_{}; ///< The largest wall time there was.
  std::uint64_t epoch_ = 0;
  misfire_judge misfires_;
  std::optional<instant> first_applied_;
  bool edited_ = false;
};

} // namespace pinion::sim
