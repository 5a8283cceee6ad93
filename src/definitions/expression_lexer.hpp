#pragma once

#include "pinion/definitions/text_problem.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pinion {

enum class token_kind : std::uint8_t { end, number, string, name, sign };

struct token {
  token_kind kind = token_kind::end;
  std::size_t offset = 0;
  std::size_t end = 0;  ///< Just behind it.
  std::string text;     ///< Of a name or sign.
  nlohmann::json value; ///< Of a number or string.
};

/// Splits the text of an expression into tokens, one at a time. Signs are the longest of
/// `== != <= >= && || ??` and single characters.
class expression_lexer {
public:
  expression_lexer(std::string_view text, std::size_t begin) noexcept : text_{text}, at_{begin} {}

  /// The next token; at the end of the text `end`, again and again.
  text_result<token> next();

private:
  text_result<token> number();
  text_result<token> string();
  text_result<std::string> escape();

  std::string_view text_;
  std::size_t at_;
};

} // namespace pinion
