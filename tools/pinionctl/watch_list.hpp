#pragma once

#include "show.hpp"
#include "verb.hpp"

#include <functional>
#include <string>

namespace pinion::ctl {

/// Prints a list, then what changes of it, until somebody ends it: rows below the table for people,
/// with json one object {event, object} a line. `list` fetches the list anew: at the beginning, and
/// when more has changed than the engine remembers.
exit_code watch_list(session& now, const std::string& kind, const std::string& name_key,
                     query values, const std::function<json()>& list);

} // namespace pinion::ctl
