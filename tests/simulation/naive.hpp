#pragma once

#include "pinion/storage/store_reader.hpp"
#include "simulation/scenario.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pinion::sim {

/// How one upstream counts, from rows alone.
enum class counts_as : std::uint8_t { pending, success, skipped, failed, upstream_failed };

struct tally {
  std::uint32_t total = 0, success = 0, skipped = 0, failed = 0, upstream_failed = 0;
  void add(counts_as what);
  std::uint32_t done() const { return success + skipped + failed + upstream_failed; }
};

/// May a body run with these upstreams? Nothing: the simulation does not judge that rule.
std::optional<bool> may_run(join_rule rule, const tally& of);

/// The rows of a run's instances by task.
using task_rows = std::map<std::uint32_t, std::vector<instance_record>>;
task_rows by_task(const std::vector<instance_record>& rows);

/// How the rows of the chain of fallbacks that begins at `task` count, one for each element of its
/// last member that ran.
std::vector<counts_as> classes_of(const workflow_definition& of, std::uint32_t task,
                                  const task_rows& rows);

/// A set of ways in which something counts.
struct ways {
  enum : std::uint8_t { success = 1, skipped = 2, failed = 4, left_out = 8, any = 7 };
};

/// The ways in which a task as a whole counts for other runs; 0: it has not ended.
std::uint8_t ways_of(const workflow_definition& of, std::uint32_t task, const task_rows& rows);
std::uint8_t ways_of(run_state state);

/// May the slot of an edge count as `outcome` (or count at all: nothing), if it stood in `how`?
bool may_count(const bound_edge& edge, std::uint8_t how, edge_record::counts_as outcome);

/// What a need is bound to, found by looking at all slots of the upstream's rule. `all` are the
/// definitions of the upstreams, `of` the waiting workflow. Runs that no clock made: not judged.
class naive_binder {
public:
  naive_binder(const scenario& what, const std::vector<workflow_definition>& all)
      : scenario_{what}, all_{all} {}

  std::vector<bound_edge> bind(const workflow_definition& of, const std::string& trigger,
                               instant slot);

private:
  struct upstream {
    std::string trigger;
    const slot_rule* rule = nullptr;
    interval_rule interval;
    zone in;
  };
  upstream find(const std::string& workflow, const std::string& trigger) const;
  const std::vector<instant>& slots_of(const slot_rule& rule);
  std::vector<instant> choose(const outside_need& need, instant slot, data_interval mine, zone in,
                              const upstream& of);
  void bind_previous(const workflow_definition& of, const std::string& trigger, std::uint32_t task,
                     instant before, std::vector<bound_edge>& out) const;

  const scenario& scenario_;
  const std::vector<workflow_definition>& all_;
  std::map<const slot_rule*, std::vector<instant>> slots_;
};

} // namespace pinion::sim
