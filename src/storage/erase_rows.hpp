#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/storage/kv.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

/// How whatever ends its life in the store is erased, in steps. All fail as the reads do.
namespace pinion {

/// Erases up to `most` rows that begin with `prefix`; returns how many.
result<std::size_t> erase_some(const kv_reader& rows, kv_batch& batch, family in,
                               const std::string& prefix, std::size_t most);

/// The rows under a run, apart from its own and what leads to it.
result<std::size_t> erase_run_rows(const kv_reader& rows, kv_batch& batch, run_id run,
                                   std::size_t most);

/// The row of meta that says that what 'r'uns or 'b'ackfills have is still to be erased.
std::string expiring_row(char kind, std::uint64_t id);

/// Up to `most` rows of one run or backfill that has been unlinked; false: there is none.
result<bool> erase_unlinked(const kv_reader& rows, kv_batch& batch, std::size_t most);

} // namespace pinion
