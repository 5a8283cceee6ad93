#pragma once

#include "pinion/timing/problem.hpp"

#include <cstddef>
#include <string>

namespace pinion {

/// A problem at a place in a text that a user wrote.
struct text_problem {
  /// Which text, as `check_task` names them: "run", "env.LEVEL", "checks[0].command" ...; empty
  /// where the caller knows.
  std::string field = {};
  /// Byte offset into that text, 0..size. The loader turns it into line and column.
  std::size_t offset = 0;
  problem what = {};

  friend bool operator==(const text_problem&, const text_problem&) = default;
};

/// A value, or the problem and its place.
template <class T>
using text_result =
    boost::outcome_v2::basic_result<T, text_problem, boost::outcome_v2::policy::all_narrow>;

} // namespace pinion
