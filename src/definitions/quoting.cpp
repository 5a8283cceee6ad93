#include "definitions/quoting.hpp"

#include <algorithm>

namespace pinion {

namespace {

std::string escaped(std::string_view value, std::string_view special) {
  std::string out;
  out.reserve(value.size() + 8);
  for (const auto c : value) {
    if (special.find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

/// Inside '...' a quote ends the quoting, stands escaped, and begins it again.
std::string inside_single(std::string_view value) {
  std::string out;
  for (const auto c : value)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out;
}

/// The shell reads 010 as eight and `a[$(x)]` as a command, so only plain integers pass.
bool is_plain_integer(std::string_view value) noexcept {
  if (value.starts_with('-'))
    value.remove_prefix(1);
  return !value.empty() && value.size() <= 19 && (value == "0" || value.front() != '0') &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

result<std::string> quote_for_shell(std::string_view value, shell_place place, bool strips_tabs) {
  if (value.find('\0') != std::string_view::npos)
    return problem{errc::invalid, "the value has a NUL byte, which no shell can take", {}};
  switch (place) {
  case shell_place::bare:
    return "'" + inside_single(value) + "'";
  case shell_place::single_quoted:
    return inside_single(value);
  case shell_place::double_quoted:
    return escaped(value, "\\$`\"");
  case shell_place::ansi_quoted:
    return escaped(value, "\\'");
  case shell_place::here_literal:
  case shell_place::here_expanded:
    if (strips_tabs && (value.starts_with('\t') || value.find("\n\t") != std::string_view::npos))
      return problem{errc::invalid,
                     "the value has a line that begins with a tab, which `<<-` would strip",
                     "write `<<`"};
    return place == shell_place::here_literal ? std::string{value} : escaped(value, "\\$`");
  case shell_place::arithmetic:
    if (!is_plain_integer(value))
      return problem{errc::invalid, "only an integer can stand in shell arithmetic",
                     "`| int` makes one"};
    return std::string{value};
  case shell_place::comment: {
    std::string out{value};
    std::replace(out.begin(), out.end(), '\n', ' ');
    std::replace(out.begin(), out.end(), '\r', ' ');
    return out;
  }
  case shell_place::refused:
    break;
  }
  return problem{errc::internal, "a value at a place that was refused", {}};
}

std::string python_literal(const nlohmann::json& value) {
  if (value.is_null())
    return "None";
  if (value.is_boolean())
    return value.get<bool>() ? "True" : "False";
  if (!value.is_structured())
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out{value.is_array() ? "[" : "{"};
  for (auto at = value.begin(); at != value.end(); ++at) {
    if (out.size() > 1)
      out += ", ";
    if (value.is_object())
      out += python_literal(at.key()) + ": ";
    out += python_literal(at.value());
  }
  return out + (value.is_array() ? "]" : "}");
}

void python_scanner::feed(std::string_view text) {
  for (const auto c : text) {
    const bool same = !run_.empty() && run_.front() == c;
    if (comment_) {
      comment_ = c != '\n';
    } else if (quote_ == 0) {
      if (c == '\'' || c == '"') {
        quote_ = c;
        triple_ = same && run_.size() == 2; // Two quotes were an empty string so far.
        run_ = same ? run_ + c : std::string(1, c);
        if (triple_)
          run_.clear();
        continue;
      }
      run_.clear();
      comment_ = c == '#';
    } else if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
      run_.clear();
    } else if (c == quote_) {
      if (!triple_) {
        quote_ = 0;
        run_ = run_.size() == 1 ? run_ + c
                                : std::string{}; // Right behind the opening one: maybe a triple.
      } else if (same && run_.size() == 2) {
        quote_ = 0;
        run_.clear();
      } else {
        run_ = same ? run_ + c : std::string(1, c);
      }
    } else {
      run_.clear();
      if (!triple_ && c == '\n')
        quote_ = 0; // A syntax error of the script; strings end here at the latest.
    }
  }
}

python_scanner::place python_scanner::spot() const noexcept {
  return comment_ ? place::comment : quote_ != 0 ? place::string : place::bare;
}

} // namespace pinion
