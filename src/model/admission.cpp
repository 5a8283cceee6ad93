#include "pinion/model/admission.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace pinion {
namespace {

/// What the live runs say about an arrival.
struct crowd {
  std::uint32_t admitted = 0;      ///< Of the whole workflow.
  std::uint32_t same_admitted = 0; ///< Of the arrival's trigger.
  std::uint32_t same_queued = 0;   ///< Of those that want a place.
};

crowd count(std::span<const admission_candidate> live, const std::string& trigger) {
  crowd all;
  for (const auto& run : live) {
    if (!run.admitted && !run.wants)
      continue;
    all.admitted += run.admitted ? 1 : 0;
    if (run.trigger == trigger)
      ++(run.admitted ? all.same_admitted : all.same_queued);
  }
  return all;
}

admission_decision queued(const crowd& others) {
  if (others.same_queued >= max_queued_per_trigger)
    return {admission_verdict::miss, reason::queue_full, {}};
  return {admission_verdict::queue, reason::run_not_admitted, {}};
}

admission_decision cancel_others(std::span<const admission_candidate> live,
                                 const std::string& trigger) {
  admission_decision decision{admission_verdict::queue, reason::run_not_admitted, {}};
  for (const auto& run : live)
    if (run.trigger == trigger && (run.admitted || run.wants))
      decision.cancel.push_back(run.run);
  return decision;
}

} // namespace

admission_decision decide_admission(std::span<const admission_candidate> live,
                                    std::uint32_t max_active_runs,
                                    const admission_candidate& arrival) {
  if (!arrival.wants)
    return {admission_verdict::queue, reason::upstream_pending, {}};
  if (arrival.ignore_overlap)
    return {};
  const auto others = count(live, arrival.trigger);
  const bool overlaps = others.same_admitted + others.same_queued > 0;
  const bool full = others.admitted >= std::max(max_active_runs, 1U);
  switch (arrival.overlap) {
  case overlap_policy::allow:
    break;
  case overlap_policy::queue:
    if (overlaps)
      return queued(others);
    break;
  case overlap_policy::queue_one:
    if (others.same_queued > 0)
      return {admission_verdict::skip, reason::overlap_skipped, {}};
    if (overlaps)
      return queued(others);
    break;
  case overlap_policy::skip:
    if (overlaps)
      return {admission_verdict::skip, reason::overlap_skipped, {}};
    break;
  case overlap_policy::cancel_running:
    if (overlaps)
      return cancel_others(live, arrival.trigger);
    break;
  }
  return full ? queued(others) : admission_decision{};
}

std::vector<run_id> admitted_next(std::span<const admission_candidate> live,
                                  std::uint32_t max_active_runs) {
  std::vector<run_id> started;
  std::set<std::string_view> busy; // Triggers with an admitted run.
  std::size_t active = 0;
  for (const auto& run : live) {
    if (!run.admitted)
      continue;
    ++active;
    busy.insert(run.trigger);
  }
  for (const auto& run : live) {
    if (run.admitted || !run.wants)
      continue;
    const bool free = active < std::max(max_active_runs, 1U);
    const bool alone = run.overlap == overlap_policy::allow || !busy.contains(run.trigger);
    if (!run.ignore_overlap && (!free || !alone))
      continue;
    started.push_back(run.run);
    busy.insert(run.trigger);
    ++active;
  }
  return started;
}

} // namespace pinion
