#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/ids.hpp"
#include "pinion/model/lifecycle.hpp"

#include <span>
#include <string>
#include <vector>

namespace pinion {

/// Queued runs of one trigger; a further slot is missed(queue_full).
inline constexpr std::uint32_t max_queued_per_trigger = 100;

/// A run of one workflow that has fired and not ended, or that wants to fire.
struct admission_candidate {
  run_id run;
  std::string trigger;
  overlap_policy overlap = overlap_policy::queue; ///< The trigger's own, else the workflow's.
  bool ignore_overlap = false; ///< By a person: neither overlap nor max_active_runs holds it.
  bool admitted =
      false; ///< Counts as active, conservatively from here and not from its first attempt.
  /// Something of it could begin (run_core::wants_place). A run that waits for other runs, is
  /// frozen or dry does not want a place: it is in nobody's way.
  bool wants = true;
};

enum class admission_verdict : std::uint8_t {
  start,
  queue,
  skip, ///< The slot ends as skipped_overlap.
  miss, ///< The slot ends as missed(queue_full).
};

struct admission_decision {
  admission_verdict verdict = admission_verdict::start;
  reason why = reason::none; ///< run_not_admitted, overlap_skipped or queue_full.
  /// cancel_running: live runs of the same trigger that are to be cancelled. The new run waits in
  /// the queue until they have ended, so that the two never run side by side.
  std::vector<run_id> cancel;
};

/// Decides about `arrival`. One that does not want a place is queued, whatever else there is, and
/// counts for nothing until it does; then it queues as others do (`skip` and `queue_one` judge a
/// run when it fires, and no more). `live` are the workflow's runs that have fired and not ended,
/// oldest first. Two rules apply, each by itself: the overlap policy looks at live runs of the same
/// trigger; `max_active_runs` (at least 1) at all admitted ones. `allow` lifts the first only.
/// `queue_one` keeps the run that waits and skips the new one. Pure.
admission_decision decide_admission(std::span<const admission_candidate> live,
                                    std::uint32_t max_active_runs,
                                    const admission_candidate& arrival);

/// The queued runs of `live` (oldest first) that start now, in this order: first in, first out over
/// the workflow, passing over those that an admitted run of the same trigger still blocks. Ask
/// after every end of a run, every change of the limit, and when a run comes to want a place. Those
/// that do not want one are passed over. Pure.
std::vector<run_id> admitted_next(std::span<const admission_candidate> live,
                                  std::uint32_t max_active_runs);

} // namespace pinion
