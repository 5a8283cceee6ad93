#pragma once

#include "api/lookup.hpp"

namespace pinion {

/// Why a workflow, or one of its triggers, makes no run now: retired, paused and by whom, switched
/// off, not due until when. From the store alone. Fails with `errc::not_found`.
result<why_answer> why_workflow(const store_view& view, const reference& ref);

} // namespace pinion
