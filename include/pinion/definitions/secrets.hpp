#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/timing/problem.hpp"

#include <functional>
#include <map>
#include <string>

namespace pinion {

/// Gives the value of a declared secret by its name. Fails with `errc::not_found` or
/// `errc::os_failure`; messages never hold a value.
using secret_reader = std::function<result<std::string>(const std::string& name)>;

/// Reads secrets where the project says: from a variable of this process's environment, or from a
/// file of at most 64 KiB whose one trailing newline is dropped. An unset variable and a missing
/// file are errors; an empty value is not. Read anew at each call.
secret_reader read_secrets(std::map<std::string, secret_source> sources);

} // namespace pinion
