#pragma once

#include "pinion/actors/engine_client.hpp"
#include "pinion/model/run_core.hpp"
#include "pinion/storage/store_reader.hpp"

#include <vector>

namespace pinion {

/// Why an instance began, or came to its end without beginning, and where its time went: what it
/// waited for last, permits, failed attempts, its deadline. `expected_end` is asked for one that
/// has not ended.
std::vector<explanation> past_of(const run_core& run, const instance_record& at,
                                 const store_reader& store, instant expected_end);

/// Why a run exists (its trigger, a person, a call, a backfill), and what it waited for before it
/// began.
std::vector<explanation> past_of(const run_core& run);

/// The tasks that decided when a run ended, first one first; empty if nothing ran.
std::vector<std::uint32_t> path_that_was(const run_core& run);

} // namespace pinion
