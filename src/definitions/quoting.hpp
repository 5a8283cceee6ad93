#pragma once

#include "definitions/shell_scanner.hpp"

#include "pinion/definitions/expression_value.hpp"

#include <string>
#include <string_view>

namespace pinion {

/// Writes a value for its place in shell text. Fails with `errc::invalid` for NUL bytes, for
/// anything but a plain integer in arithmetic, and for lines that a `<<-` here-document would strip
/// of tabs.
result<std::string> quote_for_shell(std::string_view value, shell_place place, bool strips_tabs);

/// The value as a Python literal in one line.
std::string python_literal(const nlohmann::json& value);

/// Follows the strings and comments of Python source.
class python_scanner {
public:
  enum class place : std::uint8_t { bare, string, comment };
  void feed(std::string_view text);
  place spot() const noexcept;

private:
  char quote_ = 0;
  bool triple_ = false;
  bool comment_ = false;
  bool escaped_ = false;
  std::string run_; ///< Quotes in a row just before.
};

} // namespace pinion
