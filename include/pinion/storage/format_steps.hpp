#pragma once

#include "pinion/storage/kv.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// The first format that a released Pinion wrote.
inline constexpr std::uint64_t first_format = 1;

/// Stands in `meta` while a step from one format to the next is not over: its place. ON DISK.
inline constexpr std::string_view format_step_row = "format_step";

/// What makes a store of one format one of the next.
struct format_step {
  /// Adds to `batch` what becomes of the rows from `place` on, of about a thousand of them, and
  /// returns the place to go on from, or nothing: these were the last. A place is the step's own
  /// word for where it stands, empty at first, and grows with each call. Batch and place become
  /// durable together, so a row is never rewritten twice, whenever the process is killed.
  using rewrite = std::function<result<std::optional<std::string>>(
      const kv_reader& rows, const std::string& place, kv_batch& batch)>;
  rewrite next;
};

/// The n-th step (from 0) leads from format `first_format + n` to the one after.
using format_steps = std::vector<format_step>;

/// Those of this program. A new format is a new entry here, with a store of the old one kept in
/// tests/storage/stores.
const format_steps& known_format_steps();

/// The format that a program with these steps writes.
inline std::uint64_t newest_format(const format_steps& steps) noexcept {
  return first_format + steps.size();
}

/// What `upgrade_store` has done.
struct format_upgrade {
  std::uint64_t from = 0;    ///< The format that was found.
  std::uint64_t to = 0;      ///< Equal: there was nothing to do.
  std::uint64_t batches = 0; ///< Of this call; an earlier one that was killed may have made some.
};

/// Brings a store of any older format to the newest, step after step, and goes on with a step that
/// was killed in the middle. To be called before anything else is written. From its first batch on
/// the store names the format that the step leads to: an older program refuses it then, since it is
/// neither of the one nor of the other. Fails as reads and commits do, and with `errc::corrupt`
/// when a step does not get on; what is done stays done.
result<format_upgrade> upgrade_store(kv_port& rows, const format_steps& steps);

} // namespace pinion
