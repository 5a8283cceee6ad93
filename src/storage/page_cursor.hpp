#pragma once

#include "pinion/storage/keys.hpp"
#include "pinion/storage/store_reader.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pinion {

/// Cursors are the hex digits of one byte for the kind of list and of the last key looked at.

/// The answer to a cursor that no list of this kind has given.
problem bad_cursor();

std::string write_cursor(char kind, std::string_view key);

/// The key in the cursor; nothing for the first page. Fails with `errc::invalid` for a cursor of
/// another kind of list or a limit outside 1..1000.
result<std::optional<std::string>> read_cursor(const page_request& ask, char kind);

/// The key in a cursor, typed. Fail with `errc::invalid`.
result<run_id> cursor_run(std::string_view key);
result<instance_key> cursor_instance(std::string_view key);

} // namespace pinion
