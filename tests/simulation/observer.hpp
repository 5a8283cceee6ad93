#pragma once

#include "pinion/storage/store_reader.hpp"
#include "simulation/desk.hpp"
#include "simulation/disk_port.hpp"
#include "simulation/machine.hpp"

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
  void operation_asked(run_id run, const run_operation& operation) override;
  void paused(const std::string& workflow, bool on) override;
  void trigger_answered(const std::string& key, run_id run) override;
  void applied() override;

  /// Every run on the disk has ended.
  bool all_ended() const;
  /// What must hold once everything has come to its end.
  void check_end(const machine& left);
  std::uint64_t runs() const;

private:
  struct seen_process {
    bool alive = false;
    std::optional<process_end> end;
  };
  void check_instance(std::string_view key, const std::string& now);
  void check_attempt(std::string_view key, const std::string& now);
  void check_slot(std::string_view key, const std::string& now);
  void check_permits();
  void check_join(const instance_key& key);
  void check_slots_end(const workflow_definition& of, const trigger_definition& trigger);
  void check_run_end(const run_record& run);
  void check_attempts_end(const run_record& run);
  const workflow_definition* definition_of(const run_record& run) const;

  const scenario& scenario_;
  memory_kv disk_;
  store_reader store_;
  const manual_clock& clock_;
  trace& log_;
  std::map<std::pair<family, std::string>, std::string> before_; ///< Of the rows in the batch.
  std::map<process_key, seen_process> processes_;
  std::set<run_id> operated_; ///< People have changed them: their past proves nothing.
  std::map<std::string, run_id> keys_;
};

} // namespace pinion::sim
