#pragma once

#include "api/api_state.hpp"

namespace pinion {

/// Replies with the run: 201 if it is new, 200 if it was there.
engine_client::reply<trigger_answer> new_run(const api_ptr& state, const reply_function& reply);

} // namespace pinion
