#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/timing/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// A workflow that a person deleted. ON DISK, in family::meta under "deleted/" and its id; the
/// value in the manner of codecs.hpp. From the commit of this row on the workflow is gone for
/// everybody; its rows go piece by piece. The row stays until a workflow of this name comes again:
/// that one's versions go on behind `version`, so that no name of a version ever means two things.
struct deleted_workflow {
  std::string workflow;
  std::uint32_t version = 0; ///< Its last one.
  std::string by;
  std::string reason;
  instant at{};
  bool erased = false; ///< All its rows are gone.

  friend bool operator==(const deleted_workflow&, const deleted_workflow&) = default;
};

void put_deleted_workflow(kv_batch& batch, const deleted_workflow& now);
void forget_deleted_workflow(kv_batch& batch, const std::string& workflow);

/// Both fail with `errc::corrupt` or `errc::storage_failure`.
result<std::optional<deleted_workflow>> find_deleted_workflow(const kv_reader& rows,
                                                              const std::string& workflow);
/// All of them, by name.
result<std::vector<deleted_workflow>> deleted_workflows(const kv_reader& rows);

/// The prefix of these rows in meta.
inline constexpr std::string_view deleted_workflow_rows = "deleted/";

/// Numbers up to which runs and backfills have been given, as their rows alone no longer tell once
/// the newest are deleted. In family::meta, u64 LE.
inline constexpr std::string_view runs_given = "given/runs";
inline constexpr std::string_view backfills_given = "given/backfills";
void put_given(kv_batch& batch, run_id runs, std::uint64_t backfills);
/// Of `runs_given` or `backfills_given`; 0: none was deleted so far. Fails as the read does.
result<std::uint64_t> given_up_to(const kv_reader& rows, std::string_view row);

/// One step of erasing a deleted workflow.
struct erasure_step {
  kv_batch batch;
  std::vector<run_id> runs; ///< What they have on the disk may go once the batch is durable.
  bool over = false;        ///< The batch is the last one.
};

/// Rows that a step erases, at most (about).
inline constexpr std::size_t erasure_step_rows = 1'000;

/// The next rows of a deleted workflow: runs with all that is theirs, slots, natural and request
/// keys, backfills, triggers, versions; the workflow's own row and the last version with the last
/// step, which also marks `of` as erased. The batch must be committed before the next step. What a
/// run or backfill of many rows needs is unlinked first, as `history_expiry` does. Fails as the
/// reads do.
result<erasure_step> erase_workflow_step(const kv_reader& rows, const deleted_workflow& of);

} // namespace pinion
