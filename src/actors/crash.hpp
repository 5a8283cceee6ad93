#pragma once

#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <exception>

namespace pinion {

/// The exception handler of every actor: logs what was thrown and returns the reason with which the
/// actor ends. Its supervisor (see interfaces.hpp) gets that as an exit message.
caf::error log_crash(caf::scheduled_actor* self, std::exception_ptr& thrown);

} // namespace pinion
