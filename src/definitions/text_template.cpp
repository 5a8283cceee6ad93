#include "pinion/definitions/text_template.hpp"

#include "definitions/expression_node.hpp"
#include "definitions/quoting.hpp"
#include "definitions/shell_scanner.hpp"

#include <algorithm>

namespace pinion {

namespace {

constexpr std::size_t max_rendered_bytes = 1U << 20U;
constexpr std::string_view opt_out =
    "pass the value through `env:`, or write `| raw` to insert it as it is";

/// Follows the text around the pieces and tells how each is to be written.
class surroundings {
public:
  explicit surroundings(text_kind kind) : kind_{kind} {}

  /// False: what came makes an earlier value unsafe.
  bool literal(std::string_view text) {
    if (kind_ == text_kind::shell)
      return shell_.feed(text);
    if (kind_ == text_kind::python)
      python_.feed(text);
    return true;
  }

  result<shell_spot> value(bool raw) {
    shell_spot spot;
    if (kind_ == text_kind::shell)
      spot = shell_.spot();
    else if (kind_ == text_kind::python && python_.spot() == python_scanner::place::comment)
      spot.place = shell_place::comment;
    else if (kind_ == text_kind::python && python_.spot() == python_scanner::place::string)
      spot.why = "inside a Python string; write it without quotes, it becomes a Python literal";
    else
      spot.place = shell_place::bare;
    if (kind_ == text_kind::shell)
      shell_.value();
    if (spot.place == shell_place::refused && !raw)
      return problem{errc::invalid, "a value cannot be placed " + spot.why, std::string{opt_out}};
    return spot;
  }

private:
  text_kind kind_;
  shell_scanner shell_;
  python_scanner python_;
};

bool in_here_document(std::uint8_t place) noexcept {
  return place == static_cast<std::uint8_t>(shell_place::here_literal) ||
         place == static_cast<std::uint8_t>(shell_place::here_expanded);
}

/// Where a value landed in a here-document: no line of [begin, end) may be its delimiter.
struct here_value {
  std::size_t begin;
  std::size_t end;
  std::size_t piece;
};

/// The line that begins the range up to the end of its last line, looked through for the delimiter.
bool has_line(std::string_view text, const here_value& range, std::string_view delimiter,
              bool strips_tabs) {
  auto begin = range.begin == 0 ? 0 : text.rfind('\n', range.begin - 1) + 1; // npos + 1 is 0
  while (begin <= range.end && begin <= text.size()) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    if (strips_tabs)
      line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
    if (line == delimiter)
      return true;
    begin = end + 1;
  }
  return false;
}

} // namespace

text_result<text_template> text_template::parse(std::string_view text, text_kind kind) {
  text_template out;
  out.kind_ = kind;
  surroundings around{kind};
  std::size_t begin = 0;
  std::size_t last_piece = 0;
  while (begin <= text.size()) {
    const auto braces = text.find("{{", begin);
    const auto end = std::min(braces, text.size());
    if (end > begin) {
      if (!around.literal(text.substr(begin, end - begin)))
        return text_problem{
            {},
            last_piece,
            {errc::invalid,
             "a value cannot be placed in a here-document line that a backslash continues",
             std::string{opt_out}}};
      piece literal;
      literal.offset = begin;
      literal.literal = text.substr(begin, end - begin);
      out.pieces_.push_back(std::move(literal));
    }
    if (braces == std::string_view::npos)
      break;
    BOOST_OUTCOME_TRY(embedded, parse_embedded(text, braces + 2));
    const auto spot = around.value(embedded.what.raw());
    if (!spot)
      return text_problem{{}, braces, spot.error()};
    piece value;
    value.offset = last_piece = braces;
    value.place = static_cast<std::uint8_t>(spot.value().place);
    value.delimiter = spot.value().delimiter;
    value.strips_tabs = spot.value().strips_tabs;
    for (const auto& reference : embedded.what.references())
      out.references_.push_back(reference);
    value.what.push_back(std::move(embedded.what));
    out.pieces_.push_back(std::move(value));
    begin = embedded.end;
  }
  return out;
}

text_template text_template::literal(std::string text) {
  text_template out;
  piece only;
  only.literal = std::move(text);
  out.pieces_.push_back(std::move(only));
  return out;
}

bool text_template::constant() const noexcept {
  return std::all_of(pieces_.begin(), pieces_.end(),
                     [](const piece& one) { return one.what.empty(); });
}

bool text_template::raw_only() const noexcept {
  return std::all_of(pieces_.begin(), pieces_.end(),
                     [](const piece& one) { return one.what.empty() || one.what.front().raw(); });
}

result<std::string> text_template::written(const piece& at, const expression_value& value,
                                           zone in) const {
  const auto place = static_cast<shell_place>(at.place);
  if (kind_ == text_kind::plain || at.what.front().raw())
    return to_text(value, in);
  if (kind_ == text_kind::python && place == shell_place::bare)
    return python_literal(to_json(value, in));
  return quote_for_shell(to_text(value, in), place, at.strips_tabs);
}

text_result<std::string> text_template::render(const name_scope& scope) const {
  std::string out;
  std::vector<here_value> here;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const auto& at = pieces_[i];
    if (at.what.empty()) {
      out += at.literal;
    } else {
      // Offsets of an embedded expression count from the start of the template's text already.
      BOOST_OUTCOME_TRY(value, at.what.front().evaluate(scope));
      auto text = written(at, value, scope.local_zone());
      if (!text)
        return text_problem{{}, at.offset, std::move(text.error())};
      if (in_here_document(at.place) && !at.what.front().raw())
        here.push_back({out.size(), out.size() + text.value().size(), i});
      out += text.value();
    }
    if (out.size() > max_rendered_bytes)
      return text_problem{
          {}, at.offset, {errc::limit, "the rendered text has more than 1 MiB", {}}};
  }
  for (const auto& range : here) {
    const auto& at = pieces_[range.piece];
    if (has_line(out, range, at.delimiter, at.strips_tabs))
      return text_problem{
          {},
          at.offset,
          {errc::invalid, "the value would end its here-document: a line is `" + at.delimiter + "`",
           "choose another delimiter"}};
  }
  return out;
}

text_result<value_text> value_text::parse(std::string_view text, bare without_braces) {
  value_text out;
  if (text.find("{{") != std::string_view::npos || without_braces == bare::text) {
    BOOST_OUTCOME_TRY(parsed, text_template::parse(text, text_kind::plain));
    out.text_ = std::move(parsed);
    std::size_t values = 0;
    bool only_space = true;
    for (const auto& piece : out.text_.pieces_) {
      values += piece.what.size();
      only_space = only_space && piece.literal.find_first_not_of(" \t\r\n") == std::string::npos;
    }
    out.single_ = values == 1 && only_space;
    return out;
  }
  BOOST_OUTCOME_TRY(whole, expression::parse(text));
  text_template::piece only;
  out.text_.references_ = whole.references();
  only.what.push_back(std::move(whole));
  out.text_.pieces_.push_back(std::move(only));
  out.single_ = true;
  return out;
}

text_result<expression_value> value_text::evaluate(const name_scope& scope) const {
  if (single_)
    for (const auto& piece : text_.pieces_)
      if (!piece.what.empty())
        return piece.what.front().evaluate(scope);
  BOOST_OUTCOME_TRY(text, text_.render(scope));
  return expression_value{nlohmann::json(std::move(text))};
}

} // namespace pinion
