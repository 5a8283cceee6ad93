#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// What a backfill does with slots that have a run.
enum class reprocess_policy : std::uint8_t { none, failed, all };
enum class backfill_state : std::uint8_t { running, paused, success, failed, cancelled };
/// How one slot of it stands.
enum class backfill_item_state : std::uint8_t {
  pending,
  running,
  success,
  failed,
  skipped, ///< It has a run already, and `reprocess` leaves that alone.
  cancelled
};

/// Hours of the day in which a backfill starts slots, of the workflow's zone; begin == end: all
/// day. May pass midnight (22:00-06:00).
struct quiet_hours {
  duration begin{0};
  duration end{0};
  friend bool operator==(const quiet_hours&, const quiet_hours&) = default;
};

/// A backfill: a list of slots of one trigger, made or rerun in an order, so many at a time.
struct backfill_record {
  std::uint64_t id = 0; ///< From 1; "b12" for people.
  std::string workflow;
  std::string trigger;
  backfill_state state = backfill_state::running;
  bool descending = false;
  std::uint32_t parallel = 1;
  reprocess_policy reprocess = reprocess_policy::none;
  bool stop_on_failure = true;
  bool isolated = false;   ///< Slots of `@backfill.<id>`, which satisfy nobody outside.
  bool pinned = false;     ///< Reruns take the version that the run had; else the present one.
  bool downstream = false; ///< Also the slots of other workflows that are bound to these.
  std::vector<std::string> tasks; ///< Empty: all. The others dry-run, or stay (`leave_rest`).
  bool leave_rest = false;
  quiet_hours hours;
  std::vector<std::pair<std::string, json_text>> params;
  std::string created_by;
  std::string reason;
  instant created_at{};
  instant ended_at{};
  std::uint32_t total = 0; ///< Items in all; their states are counted from their rows.
};

/// One slot of a backfill. Items are started in the order of `position`.
struct backfill_item {
  std::uint64_t backfill = 0;
  std::uint32_t position = 0;
  std::string workflow; ///< With `downstream` also others than the backfill's.
  std::string trigger;
  instant slot{};
  backfill_item_state state = backfill_item_state::pending;
  run_id run;
  std::string message;
};

std::string_view to_string(reprocess_policy what) noexcept;
std::string_view to_string(backfill_state what) noexcept;
std::string_view to_string(backfill_item_state what) noexcept;
/// May a backfill of this state still start slots?
constexpr bool is_over(backfill_state state) noexcept { return state >= backfill_state::success; }

} // namespace pinion
