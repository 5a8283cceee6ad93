#include "definitions/text_place.hpp"

#include <algorithm>
#include <string_view>

namespace pinion::definitions {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t'; }

/// Where the content of a scalar begins: behind a quote, or on the line below `|` and `>`.
std::size_t content_begin(std::string_view file, const node& scalar) {
  const std::size_t at = scalar.offset;
  if (scalar.plain || at >= file.size())
    return at;
  if (file[at] == '|' || file[at] == '>')
    return std::min(file.find('\n', at), file.size() - 1) + 1;
  return at + 1;
}

} // namespace

std::size_t offset_in_file(const source_file& file, const node& scalar, std::size_t offset) {
  if (scalar.stamped)
    return scalar.offset;
  const std::string_view raw = file.text();
  const std::string_view text = scalar.text;
  // The two differ in blanks (indentation, folded lines) and in escapes: walk them in step and let
  // the one that has more go on alone.
  auto at = content_begin(raw, scalar);
  std::size_t in_text = 0;
  while (in_text < std::min(offset, text.size()) && at < raw.size()) {
    const bool same = raw[at] == text[in_text];
    const bool only_text = !same && !is_blank(raw[at]) && is_blank(text[in_text]);
    at += only_text ? 0 : 1;
    in_text += same || only_text ? 1 : 0;
  }
  if (offset < text.size() && !is_blank(text[offset]))
    while (at < raw.size() && is_blank(raw[at]))
      ++at;
  return std::min(at, raw.size());
}

} // namespace pinion::definitions
