#include "pinion/model/backfill.hpp"

namespace pinion {

std::string_view to_string(reprocess_policy what) noexcept {
  switch (what) {
  case reprocess_policy::none:
    return "none";
  case reprocess_policy::failed:
    return "failed";
  case reprocess_policy::all:
    return "all";
  }
  return "unknown";
}

std::string_view to_string(backfill_state what) noexcept {
  switch (what) {
  case backfill_state::running:
    return "running";
  case backfill_state::paused:
    return "paused";
  case backfill_state::success:
    return "success";
  case backfill_state::failed:
    return "failed";
  case backfill_state::cancelled:
    return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(backfill_item_state what) noexcept {
  switch (what) {
  case backfill_item_state::pending:
    return "pending";
  case backfill_item_state::running:
    return "running";
  case backfill_item_state::success:
    return "success";
  case backfill_item_state::failed:
    return "failed";
  case backfill_item_state::skipped:
    return "skipped";
  case backfill_item_state::cancelled:
    return "cancelled";
  }
  return "unknown";
}

} // namespace pinion
