#pragma once

#include "pinion/storage/store_check.hpp"

#include <filesystem>

namespace pinion {

/// Carries out the repairs of `findings` in the store of a stopped engine's data folder, in one
/// commit, with an audit record of `who`. Returns how many; without any nothing is opened. The next
/// start does not tell again what this one accepts: see stopped_store::notice. Fails as
/// stopped_store::open and rocks_kv::open do, and then nothing has changed.
result<std::size_t> mend_store(const std::filesystem::path& folder,
                               const std::vector<store_finding>& findings, const std::string& who,
                               instant now);

} // namespace pinion
