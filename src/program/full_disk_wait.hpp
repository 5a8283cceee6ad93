#pragma once

#include "pinion/api/http_server.hpp"

#include <cstdint>
#include <string>

namespace pinion {

/// Whether too little is free on the disk of `folder` to open the store (`room_to_open`).
bool too_full_to_open(const std::string& folder, std::uint64_t reserve_bytes);

/// Waits until there is room to open the store, and meanwhile says so to whoever asks at the
/// socket of `listening`. Ends early, with false, when `signals` becomes readable.
bool wait_for_room(const std::string& folder, const http_server_options& listening,
                   std::uint64_t reserve_bytes, int signals);

/// Replaces this process by a new one of the same program and arguments, as after a crash: what it
/// held open is closed. Does not return.
[[noreturn]] void start_over(char** argv);

} // namespace pinion
