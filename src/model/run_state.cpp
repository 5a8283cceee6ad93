#include "pinion/model/run_state.hpp"

#include "pinion/model/mutation.hpp"

namespace pinion {

void run_standing::add(unit_class of, std::uint32_t by) noexcept {
  switch (of) {
  case unit_class::pending:
    pending += by;
    break;
  case unit_class::success:
    success += by;
    break;
  case unit_class::skipped:
    skipped += by;
    break;
  case unit_class::cancelled:
    cancelled += by;
    break;
  case unit_class::failing:
    failing += by;
    break;
  }
}

run_state run_state_of(const run_standing& standing, std::uint32_t live) noexcept {
  if (live > 0) {
    if (!standing.fired)
      return run_state::planned;
    return standing.admitted ? run_state::running : run_state::queued;
  }
  if ((standing.failing > 0 && !PINION_MUTATION("overlook_a_failed_task")) || standing.timed_out)
    return run_state::failed;
  if (standing.cancelled > 0)
    return run_state::cancelled;
  if (standing.success == 0)
    return run_state::skipped;
  return run_state::success;
}

} // namespace pinion
