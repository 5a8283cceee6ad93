#pragma once

#include "api/lookup.hpp"

namespace pinion {

/// Why a slot has no run: what its trigger did with it, and how to make the run.
why_answer why_slot(const slot_record& slot, zone in);

/// Why a backfill is not going on: paused, outside its hours, as many running as it may have.
/// Fails with the store's errors.
result<why_answer> why_backfill(const store_view& view, const backfill_record& record);

} // namespace pinion
