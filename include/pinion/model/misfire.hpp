#pragma once

#include "pinion/timing/slot_rule.hpp"

#include <cstdint>
#include <vector>

namespace pinion {

/// Which of the slots that passed unnoticed still run.
enum class misfire_choice : std::uint8_t { all, last, none };

/// `misfire:` of a trigger.
struct misfire_policy {
  misfire_choice policy = misfire_choice::all;
  duration within{std::chrono::days{1}}; ///< Older slots are left out.
  std::uint32_t max = 100;               ///< The newest so many.

  friend bool operator==(const misfire_policy&, const misfire_policy&) = default;
};

/// All within one day, at most 100; for what polls (`every:`, more than once an hour) the last.
misfire_policy default_misfire(const slot_rule& of) noexcept;

/// Slots that passed while nobody could fire them.
struct owed_slots {
  std::vector<ruled_slot> run;    ///< Ascending.
  std::vector<ruled_slot> missed; ///< Ascending: what the policy leaves out.
  /// Not empty: older slots than those of this answer are owed too. They are all left out: ask
  /// again with this as `now` and `misfire_choice::none`.
  std::optional<instant> more_before;
};

/// The slots of `of` in (cursor, now] under the policy, the newest `most` of those that it leaves
/// out: whoever goes on with `more_before` gets each slot once. `within` is measured from `now`.
/// Dry slots are owed as others are, and count for `max` and `last`. Pure.
owed_slots slots_owed(const slot_rule& of, const misfire_policy& policy, instant cursor,
                      instant now, std::size_t most = 1'000);

} // namespace pinion
