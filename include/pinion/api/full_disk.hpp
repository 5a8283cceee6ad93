#pragma once

#include "pinion/api/router.hpp"

#include <functional>
#include <string>

namespace pinion {

/// Says, as a sentence, that the disk is too full to take anything new; empty: it is not. Called
/// from any thread.
using disk_full_sentence = std::function<std::string()>;

/// The routes of `usual`, but while the disk is full what would make new work (`trigger`, `rerun`,
/// `apply`, `backfills`) is refused with status 507 and code `disk_full`, `health` says so with
/// status 507, and `why` of what waits to begin names the disk. What ends or holds work, and all
/// reading, goes on.
router refusing_when_full(const router& usual, disk_full_sentence full);

/// The paths of `usual` for an engine that cannot open its store for want of room: `health` says
/// `why`, everything else is refused with it (507). The handlers of `usual` are not called.
router full_disk_only(const router& usual, const std::string& why);

} // namespace pinion
