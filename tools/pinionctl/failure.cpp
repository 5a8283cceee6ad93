#include "failure.hpp"

namespace pinion::ctl {

exit_code exit_code_of(const std::string& error_code) {
  if (error_code == "invalid")
    return exit_code::usage;
  if (error_code == "not_found")
    return exit_code::not_found;
  if (error_code == "refused" || error_code == "exists" || error_code == "in_use" ||
      error_code == "limit" || error_code == "disk_full" || error_code == "stale")
    return exit_code::refused;
  if (error_code == "unavailable")
    return exit_code::no_engine;
  return exit_code::failed;
}

} // namespace pinion::ctl
