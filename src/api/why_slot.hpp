#pragma once

#include "api/lookup.hpp"

namespace pinion {

/// Why a slot has no run, or was late: what its trigger did with it, and how to make the run.
/// `trigger` may be null: it is not there any more.
why_answer why_slot(const slot_record& slot, const trigger_definition* trigger, zone in);

/// Adds who has paused the workflow or the trigger of a slot that is still to come.
result<void> add_pauses(const store_view& view, const slot_record& slot, why_answer& out);

/// Why a slot that was never decided has no run: it is still to come, its trigger does not make it,
/// or did not owe it yet. Fails with `errc::not_found` for what is no slot at all.
result<why_answer> why_no_slot(const store_view& view, const reference& ref);

/// The last slots of a trigger that were decided, as facts, newest first.
result<std::vector<explanation>> last_slots(const store_view& view, const std::string& workflow,
                                            const std::string& trigger, zone in);

/// Why a backfill is not going on: paused, outside its hours, as many running as it may have.
/// Fails with the store's errors.
result<why_answer> why_backfill(const store_view& view, const backfill_record& record);

} // namespace pinion
