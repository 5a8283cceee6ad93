#pragma once

#include "pinion/model/lifecycle.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/timing/instant.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace pinion {

/// What a store takes up, as the disk sees it. Cheap: nothing is scanned.
struct store_figures {
  struct kind {
    std::string name;                   ///< Of the family.
    std::uint64_t rows = 0;             ///< Estimated.
    std::uint64_t bytes = 0;            ///< In files, compressed.
    std::uint64_t unflushed_bytes = 0;  ///< In memory; the log has it.
    std::uint64_t compaction_bytes = 0; ///< Still to be merged, estimated.
  };
  struct level {
    unsigned level = 0;
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  std::uint64_t format = 0;
  std::uint64_t commits = 0;
  std::vector<kind> kinds;
  std::vector<level> levels; ///< Those that have files.
  std::uint64_t log_files = 0;
  std::uint64_t log_bytes = 0; ///< Replayed at the next start after a kill.
};

/// What is in it. Looks at the live runs' rows and at the ends of the others.
struct store_summary {
  std::uint64_t epoch = 0;
  std::uint64_t live_runs = 0;
  std::uint64_t live_instances = 0; ///< Not terminal, of these runs; those without a row included.
  std::uint64_t ended_runs = 0;
  std::array<std::uint64_t, run_state_count> runs{}; ///< By state.
  std::uint64_t planned_slots = 0;
  instant oldest_run{}; ///< When it was made; `never`: there is none.
  instant newest_run{};
  instant first_planned{}; ///< Slot.
  instant last_planned{};
  std::uint64_t audit_records = 0;
  instant oldest_audit{};
};

/// Fails as the reads do.
result<store_summary> summarize_store(const kv_reader& rows);

} // namespace pinion
