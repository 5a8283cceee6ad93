#pragma once

#include "pinion/definitions/expression.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// How a value is written where its `{{ ... }}` stands.
enum class text_kind : std::uint8_t {
  plain,  ///< As it prints: an argument, a variable of the environment, standard input.
  shell,  ///< Quoted for bash (and sh, dash, ksh, zsh), so that the shell sees exactly the value.
  python, ///< As a Python literal: strings quoted, true as True, null as None.
};

/// Text with `{{ expression }}` pieces.
///
/// In shell text the value is quoted for the place where it stands: bare it becomes one word;
/// inside
/// '...', "...", $'...' or a here-document it is escaped for that; in $((...)) it must be an
/// integer; in a comment it loses its line breaks. Where that cannot be decided (inside ${...} or
/// backticks, in a here-document's delimiter and the like) `parse` refuses it; `| raw` opts out.
/// The quoting holds for one reading: what a command reads again (`eval`, `let`, `[[ x -eq y ]]`)
/// it cannot protect. In Python text a value stands bare; inside a string literal it is refused.
class text_template {
public:
  /// Fails at the first problem. Offsets count from the start of `text`.
  static text_result<text_template> parse(std::string_view text, text_kind kind);

  /// A text without expressions: prints itself, braces included.
  static text_template literal(std::string text);

  /// The text with all values in place; at most 1 MiB, else `errc::limit`. A value that cannot
  /// stand where it is put (a NUL byte in shell text, a line that would end its here-document) is
  /// `errc::invalid`.
  text_result<std::string> render(const name_scope& scope) const;

  /// Names of all pieces; offsets count from the start of the template's text.
  const std::vector<name_reference>& references() const noexcept { return references_; }

  /// No piece at all: `render` gives the same text always.
  bool constant() const noexcept;

  /// Every piece ends with `| raw`, or there is none.
  bool raw_only() const noexcept;

private:
  friend class value_text;
  struct piece {
    std::size_t offset = 0;       ///< Of the literal or of the expression's text.
    std::string literal;          ///< If `what` is empty.
    std::vector<expression> what; ///< None or one.
    std::uint8_t place = 0;       ///< A `shell_place`.
    std::string delimiter;        ///< Of the here-document around it.
    bool strips_tabs = false;     ///< That one is `<<-`.
  };
  result<std::string> written(const piece& at, const expression_value& value, zone in) const;

  text_kind kind_ = text_kind::plain;
  std::vector<piece> pieces_;
  std::vector<name_reference> references_;
};

/// Text that stands for a value: `when:`, the list and key of `for_each:`, a parameter of a
/// `workflow` task. `{{ expression }}` alone is the expression's value with its type; text around
/// or between pieces makes a string.
class value_text {
public:
  /// What text without any braces means.
  enum class bare : std::uint8_t {
    expression, ///< `when: params.n > 3`, `of: vars.countries`
    text,       ///< `params: {brand: A}`
  };
  static text_result<value_text> parse(std::string_view text, bare without_braces);

  text_result<expression_value> evaluate(const name_scope& scope) const;
  const std::vector<name_reference>& references() const noexcept { return text_.references(); }

private:
  text_template text_;
  bool single_ = false; ///< One expression is all there is.
};

} // namespace pinion
