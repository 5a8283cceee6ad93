#pragma once

#include <cstdint>
#include <string>

namespace pinion {

enum class severity : std::uint8_t { error, warning };

/// What is wrong at one place of a definition file. Prints as
/// `file:line:column: error: message (suggestion)`.
struct diagnostic {
  std::string file;         ///< As it was given or found; empty: no file is at fault.
  std::uint32_t line = 1;   ///< From 1. What concerns a whole file stands at 1:1.
  std::uint32_t column = 1; ///< From 1, in characters (code points), not bytes.
  std::string message;      ///< One sentence without a full stop; control characters are escaped.
  std::string suggestion = {}; ///< The mend; empty where none is near.
  severity level = severity::error;

  friend bool operator==(const diagnostic&, const diagnostic&) = default;
};

/// One line for people, without a newline at its end.
std::string to_text(const diagnostic& what);

/// `{"file":…,"line":…,"column":…,"message":…,"suggestion":…}`: one of `details[]`, `errors[]` or
/// `warnings[]` of the API and of `pinionctl validate -o json`.
std::string to_json(const diagnostic& what);

} // namespace pinion
