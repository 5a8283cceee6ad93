#include "definitions/dialects.hpp"

#include "definitions/dialect_parts.hpp"
#include "definitions/suggest.hpp"

#include <algorithm>
#include <array>

namespace pinion::definitions {

namespace dialects {

std::optional<std::int64_t> number_of(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+'))
    text.remove_prefix(1);
  std::int64_t value = 0;
  if (text.empty() || text.size() > 9)
    return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c > '9')
      return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return minus ? -value : value;
}

std::optional<fraction> fraction_of(std::string_view text) {
  fraction made{1, 1};
  char sign = '*';
  while (true) {
    const auto end = std::min(text.find_first_of("*/"), text.size());
    const auto value = number_of(text.substr(0, end));
    if (!value || (sign == '/' && *value <= 0))
      return std::nullopt;
    (sign == '*' ? made.over : made.under) *= *value;
    if (made.over > 1'000'000'000'000 || made.over < -1'000'000'000'000 ||
        made.under > 1'000'000'000'000)
      return std::nullopt;
    if (end == text.size())
      return made;
    sign = text[end];
    text.remove_prefix(end + 1);
  }
}

shifted_format split_offset(std::string_view text) {
  for (auto at = text.size(); at-- > 1;) {
    if (text[at] != '+' && text[at] != '-')
      continue;
    if (at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9')
      return {text.substr(0, at), text.substr(at)};
  }
  return {text, {}};
}

std::string date_call(std::string_view format, const std::string& offset, const std::string& of) {
  auto call = "date('" + std::string{format} + '\'';
  if (!offset.empty())
    call += ", '" + offset + '\'';
  else if (!of.empty())
    call += ", 0";
  if (!of.empty())
    call += ", " + of;
  return call + ')';
}

std::string signed_text(std::int64_t count, std::string_view unit) {
  return (count < 0 ? "" : "+") + std::to_string(count) + std::string{unit};
}

std::optional<std::string> day_offset(const fraction& days) {
  // In seconds: hours and minutes are written as parts of a day.
  const auto seconds = days.over * 86'400;
  if (seconds % days.under != 0)
    return std::nullopt;
  const auto whole = seconds / days.under;
  if (whole == 0)
    return std::string{};
  for (const auto& [size, unit] : {std::pair{86'400, "d"}, {3'600, "h"}, {60, "m"}, {1, "s"}})
    if (whole % size == 0)
      return signed_text(whole / size, unit);
  return std::nullopt;
}

std::vector<std::string_view> arguments_of(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  char quote = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const char c = at < text.size() ? text[at] : ',';
    if (quote != 0) {
      quote = c == quote ? '\0' : quote;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      out.push_back(trimmed(text.substr(begin, at - begin)));
      begin = at + 1;
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

} // namespace dialects

namespace {

using namespace dialects;

text_problem at_offset(std::size_t offset, problem what) { return {{}, offset, std::move(what)}; }

/// What a form means in ours; nothing: it is none of the dialect's forms.
using meaning = result<std::optional<std::string>>;

struct forms {
  meaning (*braces)(std::string_view inner, std::span<const std::string> params); ///< `${...}`
  meaning (*brackets)(std::string_view inner);                                    ///< `$[...]`
  meaning (*word)(std::string_view name);                                         ///< `$name`
};

/// The text up to the closing sign of a form that begins at `begin`; nothing on other lines.
std::optional<std::string_view> inside(std::string_view text, std::size_t begin, char close) {
  const auto end = text.find_first_of(std::string{close} + '\n', begin);
  if (end == std::string_view::npos || text[end] != close)
    return std::nullopt;
  return text.substr(begin, end - begin);
}

/// `$` and what follows: its meaning and its length.
result<std::pair<std::optional<std::string>, std::size_t>>
read_form(const forms& of, std::string_view text, std::size_t at,
          std::span<const std::string> params) {
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  if (next == '{' || next == '[') {
    const auto inner = inside(text, at + 2, next == '{' ? '}' : ']');
    if (!inner)
      return std::pair{std::optional<std::string>{}, std::size_t{1}};
    BOOST_OUTCOME_TRY(said, next == '{' ? of.braces(*inner, params) : of.brackets(*inner));
    return std::pair{std::move(said), inner->size() + 3};
  }
  auto end = at + 1;
  while (end < text.size() && is_word_char(text[end]))
    ++end;
  if (of.word == nullptr || end == at + 1)
    return std::pair{std::optional<std::string>{}, std::size_t{1}};
  BOOST_OUTCOME_TRY(said, of.word(text.substr(at + 1, end - at - 1)));
  return std::pair{std::move(said), end - at};
}

text_result<std::string> translate_dollars(const forms& of, std::string_view text,
                                           std::span<const std::string> params) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.substr(at).starts_with("{{")) { // Ours already.
      const auto end = std::min(text.find("}}", at), text.size());
      out += text.substr(at, end - at);
      at = end;
      continue;
    }
    const bool escaped = at > 0 && text[at - 1] == '\\';
    if (text[at] != '$' || escaped) {
      out += text[at++];
      continue;
    }
    auto form = read_form(of, text, at, params);
    if (!form)
      return at_offset(at, form.error());
    const auto& [said, length] = form.value();
    out += said ? "{{ " + *said + " }}" : std::string{text.substr(at, length)};
    at += length;
  }
  return out;
}

} // namespace

text_result<std::string> translate(time_dialect dialect, std::string_view text,
                                   std::span<const std::string> params) {
  switch (dialect) {
  case time_dialect::airflow:
    return translate_airflow(text);
  case time_dialect::dolphinscheduler:
    return translate_dollars({dolphin_braces, dolphin_brackets, nullptr}, text, params);
  case time_dialect::dataworks:
    return translate_dollars({works_braces, works_brackets, works_word}, text, params);
  }
  return std::string{text};
}

} // namespace pinion::definitions
