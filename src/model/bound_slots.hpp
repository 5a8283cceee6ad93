#pragma once

#include "pinion/model/binding.hpp"

namespace pinion {

/// What a need sees of the task that waits.
struct waiting_side {
  instant slot;
  data_interval interval;
  zone in; ///< Days, weeks and months are those of this zone.
};

/// The slots of `upstream` that a need means, ascending. Fails with `errc::limit` beyond
/// `max_bound_slots`. Pure.
result<std::vector<instant>> bound_slots(const outside_need& need, const waiting_side& me,
                                         const known_trigger& upstream);

} // namespace pinion
