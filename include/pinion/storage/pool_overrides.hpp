#pragma once

#include "pinion/storage/kv.hpp"
#include "pinion/timing/instant.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pinion {

/// The size of a pool as a person has set it, in the place of that of pinion.yaml. ON DISK, in
/// family::meta under "pool/<project>/<pool>"; the value in the manner of codecs.hpp.
struct pool_override {
  std::string project;
  std::string pool;
  std::uint32_t permits = 0; ///< 0: nothing is granted.
  std::string by;
  std::string reason;
  instant at{};

  friend bool operator==(const pool_override&, const pool_override&) = default;
};

void put_pool_override(kv_batch& batch, const pool_override& now);
void erase_pool_override(kv_batch& batch, const std::string& project, const std::string& pool);

/// All of them, by project and pool. Fails with `errc::corrupt` or `errc::storage_failure`.
result<std::vector<pool_override>> pool_overrides(const kv_reader& rows);

} // namespace pinion
