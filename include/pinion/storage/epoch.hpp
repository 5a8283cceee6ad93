#pragma once

#include "pinion/storage/kv.hpp"

#include <cstdint>
#include <functional>

namespace pinion {

/// Takes the next epoch: one more than the last one taken in this store, from 1, durable before
/// `done` is called (once, on the thread on which the kv calls back). To be called once a start,
/// before anything else is committed. Fails as the kv does.
void next_epoch(kv_port& rows, std::function<void(result<std::uint64_t>)> done);

/// The last epoch taken; 0: none. For reads by tools.
result<std::uint64_t> current_epoch(const kv_reader& rows);

} // namespace pinion
