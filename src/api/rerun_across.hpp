#pragma once

#include "api/operation_body.hpp"

#include <set>

namespace pinion {

/// One run that a rerun over workflows reaches.
struct reached_run {
  run_record run;
  definition_cache::definition_ptr definition;
  run_operation operation;        ///< Of the first: what was asked for.
  std::set<run_id> upstream;      ///< Runs of the plan that it is bound to.
  std::set<std::string> again;    ///< Names of the tasks that start over.
  json changes = json::array();   ///< The exact instances, see `changes_of`.
  std::optional<problem> refused; ///< Why it would not run again; nothing behind it is reached.
};

/// The most runs that one rerun reaches, and the most slots of other workflows that it looks at.
inline constexpr std::size_t most_reached_runs = 1'000;
inline constexpr std::size_t most_slots_looked_at = 20'000;

/// What starts over with a rerun, over workflows: the run itself first, then each run of another
/// workflow whose slot is bound to a task that starts over, after all that it is bound to. Slots
/// without a run need nothing: they will see the new results. Needs of a workflow on itself
/// (`depends_on_previous` and the like) are not followed, or a rerun would take in all later days.
/// Fails as the first run's operation does, with `errc::limit`, or with the store's errors.
result<std::vector<reached_run>> plan_rerun_across(const store_view& view,
                                                   const asked_operation& asked);

} // namespace pinion
