#include "definitions/expression_lexer.hpp"

#include <array>
#include <charconv>

namespace pinion {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool begins_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

text_problem bad(std::size_t offset, std::string message, std::string suggestion = {}) {
  return {{}, offset, {errc::invalid, std::move(message), std::move(suggestion)}};
}

void put_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xE0U | (code >> 12U));
    out += static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

} // namespace

text_result<token> expression_lexer::next() {
  while (at_ < text_.size() && is_space(text_[at_]))
    ++at_;
  token out;
  out.offset = out.end = at_;
  if (at_ == text_.size())
    return out;
  const auto c = text_[at_];
  if (is_digit(c))
    return number();
  if (c == '\'' || c == '"')
    return string();
  if (begins_name(c)) {
    while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_])))
      ++at_;
    out.kind = token_kind::name;
    out.text = text_.substr(out.offset, at_ - out.offset);
  } else {
    static constexpr std::array<std::string_view, 7> pairs{
        "==", "!=", "<=", ">=", "&&", "||", "??"};
    static constexpr std::string_view singles = "+-*/%<>()[]{},:.|=!";
    out.kind = token_kind::sign;
    for (const auto pair : pairs)
      if (text_.substr(at_, 2) == pair)
        out.text = pair;
    if (out.text.empty() && singles.find(c) != std::string_view::npos)
      out.text = c;
    if (out.text.empty()) {
      const bool printable = c > ' ' && c < 0x7F;
      return bad(at_, printable ? "`" + std::string{c} + "` has no meaning in an expression"
                                : "a character that has no meaning in an expression");
    }
    at_ += out.text.size();
  }
  out.end = at_;
  return out;
}

text_result<token> expression_lexer::number() {
  token out;
  out.kind = token_kind::number;
  out.offset = at_;
  bool whole = true;
  const auto digits = [&] {
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
  };
  digits();
  if (at_ + 1 < text_.size() && text_[at_] == '.' && is_digit(text_[at_ + 1])) {
    whole = false;
    ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    auto exponent = at_ + 1;
    if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-'))
      ++exponent;
    if (exponent < text_.size() && is_digit(text_[exponent])) {
      whole = false;
      at_ = exponent;
      digits();
    }
  }
  if (at_ < text_.size() && begins_name(text_[at_]))
    return bad(out.offset, "a number that ends in a letter",
               "a duration such as '-1d' is written in quotes");
  const auto* first = text_.data() + out.offset;
  const auto* last = text_.data() + at_;
  std::int64_t integer = 0;
  double real = 0;
  const auto error =
      whole ? std::from_chars(first, last, integer).ec : std::from_chars(first, last, real).ec;
  if (error != std::errc{})
    return bad(out.offset, "number " + std::string{first, last} + " is out of range");
  out.value = whole ? nlohmann::json(integer) : nlohmann::json(real);
  out.end = at_;
  return out;
}

text_result<token> expression_lexer::string() {
  token out;
  out.kind = token_kind::string;
  out.offset = at_;
  const auto quote = text_[at_++];
  std::string value;
  while (at_ < text_.size() && text_[at_] != quote) {
    if (text_[at_] == '\\') {
      BOOST_OUTCOME_TRY(piece, escape());
      value += piece;
    } else {
      value += text_[at_++];
    }
  }
  if (at_ == text_.size())
    return bad(out.offset, "a string that does not end", std::string{"close it with "} + quote);
  ++at_;
  out.value = std::move(value);
  out.end = at_;
  return out;
}

text_result<std::string> expression_lexer::escape() {
  const auto start = at_++;
  if (at_ == text_.size())
    return bad(start, "a string that does not end");
  const auto c = text_[at_++];
  switch (c) {
  case 'n':
    return std::string{"\n"};
  case 't':
    return std::string{"\t"};
  case 'r':
    return std::string{"\r"};
  case '\\':
  case '\'':
  case '"':
    return std::string{c};
  case 'u': {
    unsigned code = 0;
    const auto hex = text_.substr(at_, 4);
    const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (hex.size() != 4 || read.ptr != hex.data() + 4 || (code >= 0xD800 && code < 0xE000))
      return bad(start, "`\\u` needs four hexadecimal digits of a character");
    at_ += 4;
    std::string out;
    put_utf8(out, code);
    return out;
  }
  default:
    return bad(start, "unknown escape in a string",
               "write \\\\ for a backslash; known are \\n \\t \\r \\' \\\" \\uXXXX");
  }
}

} // namespace pinion
