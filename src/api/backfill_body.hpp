#pragma once

#include "api/api_state.hpp"

namespace pinion {

/// What a body of POST /backfills asks for, checked as far as it goes without the engine. Times
/// without offset are of the workflow's zone; a date alone as `to` means the whole day. Fails with
/// `errc::invalid`, which names the key, and `errc::not_found`.
result<backfill_request> backfill_of(const store_view& view, const json& body);

} // namespace pinion
