#include "actors/crash.hpp"

#include <caf/make_message.hpp>
#include <caf/scheduled_actor.hpp>
#include <spdlog/spdlog.h>

namespace pinion {

caf::error log_crash(caf::scheduled_actor* self, std::exception_ptr& thrown) {
  std::string what = "an unknown exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    what = known.what();
  } catch (...) {
  }
  spdlog::error("an actor threw: actor={} what={}", self->name(), what);
  return caf::make_error(caf::sec::runtime_error, std::string{self->name()}, what);
}

} // namespace pinion
