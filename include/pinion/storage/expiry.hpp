#pragma once

#include "pinion/model/ids.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace pinion {

/// How long what has ended is kept, by project.
struct history_ages {
  std::function<duration(const std::string& project)> of;
  duration shortest{0}; ///< Of all projects.
  duration longest{0};  ///< The audit is of all projects.
};

/// What one step erases.
struct expiry_step {
  kv_batch batch; ///< May be empty although the pass is not over.
  bool over = false;
  std::uint32_t runs = 0;
  std::uint32_t slots = 0;
  std::uint32_t backfills = 0;
  std::uint32_t audit = 0;
};

/// One pass over a store that finds what is older than it is kept, in bounded steps: ended runs
/// with all their rows, slots that have no run, ended backfills, audit records. Runs are looked at
/// from the oldest on and no further than the first that is too young for any project.
///
/// Never touched: what has not ended, is planned or is spared; what a trigger's cursor has not
/// passed (its row is the mark that the slot was decided); the newest run of each trigger, the run
/// of its last slot that has one, and its last slot, which the next one may depend on; the newest
/// run, backfill and audit record of all, which their numbers go on from.
///
/// A run or backfill with more rows than a step takes is unlinked first, with a row in meta that
/// says so; its other rows go in the next steps, also after a restart.
class history_expiry {
public:
  /// Rows that a step erases, and rows that it looks at, at most (about).
  static constexpr std::size_t step_rows = 1'000;

  history_expiry(instant now, history_ages ages) : now_{now}, ages_{std::move(ages)} {}

  /// The batch must be committed before the next step. Fails as the reads do.
  result<expiry_step> next(const kv_reader& rows);
  /// From now on these runs are left alone, as if they had not ended.
  void spare(std::set<run_id> runs) { spared_ = std::move(runs); }

private:
  enum class part : std::uint8_t { leftovers, runs, slots, backfills, audit, over };

  result<void> leftovers(const kv_reader& rows, expiry_step& out);
  result<void> runs(const kv_reader& rows, expiry_step& out);
  result<void> slots(const kv_reader& rows, expiry_step& out);
  result<void> backfills(const kv_reader& rows, expiry_step& out);
  result<void> audit(const kv_reader& rows, expiry_step& out);
  bool is_old(const std::string& workflow, instant ended) const;
  result<bool> is_last_slot(const kv_reader& rows, const std::string& workflow,
                            const std::string& trigger, instant slot);
  result<bool> is_last_run(const kv_reader& rows, const run_record& run);
  result<bool> is_decided(const kv_reader& rows, const std::string& workflow,
                          const std::string& trigger, instant slot);

  instant now_;
  history_ages ages_;
  part at_ = part::leftovers;
  std::string from_; ///< Where the present part goes on; empty: at its beginning.
  std::set<run_id> spared_;
  std::map<std::pair<std::string, std::string>, std::optional<instant>> cursors_;
  /// By trigger: its last slot that has come, if it has a row.
  std::map<std::pair<std::string, std::string>, std::optional<instant>> last_slots_;
  /// By trigger: the run of the last slot that has come and has one.
  std::map<std::pair<std::string, std::string>, run_id> last_runs_;
};

/// The prefix of the rows in meta that name what is being erased: "expiring/r12", "expiring/b3".
inline constexpr std::string_view expiring_rows = "expiring/";

} // namespace pinion
