#pragma once

#include "json.hpp"
#include "pinion/timing/problem.hpp"

#include <string>

namespace pinion::ctl {

/// What the shell is told. Scripts depend on the numbers.
enum class exit_code : int {
  done = 0,
  failed = 1, ///< What was asked about failed: a run under --wait, errors of validate.
  usage = 2,
  not_found = 3,
  refused = 4,
  no_engine = 5,
  wait_ran_out = 6,
};

/// Ends the program: thrown by verbs, caught in main. `error` is the API's error object.
struct failure {
  exit_code code = exit_code::failed;
  json error;
};

/// A failure of our own making.
inline failure fail_with(exit_code code, const problem& why) {
  return {code, json{{"code", to_string(why.code)},
                     {"message", why.message},
                     {"suggestion", why.suggestion},
                     {"details", json::array()}}};
}

inline failure usage_failure(std::string message, std::string suggestion = {}) {
  return fail_with(exit_code::usage, {errc::invalid, std::move(message), std::move(suggestion)});
}

/// The exit code that stands for an error's code, as in "not_found".
exit_code exit_code_of(const std::string& error_code);

/// The value, or the failure that its problem means.
template <class T>
T value_or_fail(result<T> from) {
  if (!from)
    throw fail_with(exit_code_of(to_string(from.error().code)), from.error());
  return std::move(from.value());
}

} // namespace pinion::ctl
