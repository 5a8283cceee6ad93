#pragma once

#include "pinion/timing/problem.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <sys/stat.h>

namespace pinion {

/// A problem of the system with a file: "cannot DOING FILE: " and what `errno` means.
problem file_problem(errc code, const char* doing, const std::filesystem::path& file);

/// Whether anything has that name. Fails with `failed` if the system does not tell: what may not be
/// looked at is not absent.
result<bool> is_there(const std::filesystem::path& file, errc failed);

/// Makes durable which names the folder has. Fails with `failed`.
result<void> sync_folder(const std::filesystem::path& folder, errc failed);

/// Writes a small file of mode 0600 whole and durably, or leaves the one that was there: the text
/// is written to FILE.new, which then takes the name. `text` is given what the system says of the
/// file that will have the name. Fails with `failed`; FILE.new may then be left behind.
result<void> write_whole(const std::filesystem::path& file,
                         const std::function<std::string(const struct stat& about)>& text,
                         errc failed);

} // namespace pinion
