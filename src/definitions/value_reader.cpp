#include "definitions/value_reader.hpp"

#include "definitions/foreign_words.hpp"
#include "definitions/suggest.hpp"
#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <charconv>

namespace pinion::definitions {

namespace {

bool is_letter_or_low_line(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t i = from;
  while (i < text.size() && is_digit(text[i]))
    ++i;
  return i - from;
}

/// Length of JSON's integer part at the front: an optional minus, then 0 or digits without a
/// leading zero. 0 if there is none.
std::size_t integer_part(std::string_view text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const auto digits = digits_at(text, sign);
  if (digits == 0 || (digits > 1 && text[sign] == '0'))
    return 0;
  return sign + digits;
}

bool is_json_integer(std::string_view text) {
  return !text.empty() && integer_part(text) == text.size();
}

bool is_json_number(std::string_view text) {
  auto at = integer_part(text);
  if (at == 0)
    return false;
  if (at < text.size() && text[at] == '.') {
    const auto digits = digits_at(text, at + 1);
    if (digits == 0)
      return false;
    at += 1 + digits;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-'))
      ++at;
    const auto digits = digits_at(text, at);
    if (digits == 0)
      return false;
    at += digits;
  }
  return at == text.size();
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<nlohmann::json> scalar_as_json(const reporter& report, const node& at) {
  if (!at.plain)
    return at.text;
  for (const auto* word : {"true", "True", "TRUE"})
    if (at.text == word)
      return true;
  for (const auto* word : {"false", "False", "FALSE"})
    if (at.text == word)
      return false;
  if (is_json_integer(at.text)) {
    if (const auto value = parse_number<std::int64_t>(at.text))
      return *value;
    report.error(at, "the number " + shown(at.text) + " has more than 64 bits",
                 "write it in quotes, as text");
    return std::nullopt;
  }
  if (is_json_number(at.text)) {
    if (const auto value = parse_number<double>(at.text))
      return *value;
    report.error(at, "the number " + shown(at.text) + " is out of range");
    return std::nullopt;
  }
  return at.text;
}

std::string print_number(double value) { return nlohmann::json(value).dump(); }

} // namespace

bool is_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64 || text[0] == '-')
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter_or_low_line(c) || is_digit(c) || c == '-'; });
}

bool is_identifier(std::string_view text) noexcept {
  return is_name(text) && !is_digit(text[0]) && text.find('-') == std::string_view::npos;
}

std::string_view kind_of(const node& at) {
  switch (at.is) {
  case node::kind::null:
    return "nothing";
  case node::kind::scalar:
    return "text";
  case node::kind::list:
    return "a list";
  case node::kind::map:
    return "a map";
  }
  return "nothing";
}

void report_kind(const reporter& report, const node& at, std::string_view expected) {
  auto advice = std::string{advice_for_kind(expected)};
  // `{{ x }}` is a map whose key is a map; where a text belongs, `{ x }` was meant the same way.
  const bool braces =
      at.is_map() && at.flow && (expected == "text" || (at.pairs() == 1 && at.key(0).is_map()));
  if (braces)
    advice = "write \"{{ … }}\" in quotes: YAML reads a bare { as a map";
  report.error(at, std::string{expected} + " is expected here, not " + std::string{kind_of(at)},
               std::move(advice));
}

std::optional<std::string> read_text(const reporter& report, const node& at) {
  if (!at.is_scalar()) {
    report_kind(report, at, "text");
    return std::nullopt;
  }
  return at.text;
}

std::optional<std::string> read_filled_text(const reporter& report, const node& at) {
  auto text = read_text(report, at);
  if (text && text->find_first_not_of(" \t\n") == std::string::npos) {
    report.error(at, "the text is empty");
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> read_name(const reporter& report, const node& at) {
  if (!at.is_scalar()) {
    report_kind(report, at, "a name");
    return std::nullopt;
  }
  if (!is_name(at.text)) {
    report.error(at, shown(at.text) + " is no legal name", std::string{name_rule});
    return std::nullopt;
  }
  return at.text;
}

std::optional<bool> read_flag(const reporter& report, const node& at) {
  constexpr std::string_view yes[] = {"true", "True", "TRUE", "yes", "Yes",
                                      "YES",  "on",   "On",   "ON"};
  constexpr std::string_view no[] = {"false", "False", "FALSE", "no", "No",
                                     "NO",    "off",   "Off",   "OFF"};
  if (at.is_scalar() && at.plain) {
    if (std::find(std::begin(yes), std::end(yes), at.text) != std::end(yes))
      return true;
    if (std::find(std::begin(no), std::end(no), at.text) != std::end(no))
      return false;
  }
  if (at.is_scalar())
    report.error(at, "true or false is expected here, not " + shown(at.text));
  else
    report_kind(report, at, "true or false");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const reporter& report, const node& at, std::int64_t least,
                                         std::int64_t most) {
  const auto expected =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (!at.is_scalar()) {
    report_kind(report, at, expected);
    return std::nullopt;
  }
  if (at.plain && is_json_integer(at.text))
    if (const auto value = parse_number<std::int64_t>(at.text);
        value && *value >= least && *value <= most)
      return value;
  report.error(at, expected + " is expected here, not " + shown(at.text),
               at.plain ? "" : "write it without quotes");
  return std::nullopt;
}

std::optional<double> read_number(const reporter& report, const node& at, double least,
                                  double most) {
  const auto expected = "a number from " + print_number(least) + " to " + print_number(most);
  if (!at.is_scalar()) {
    report_kind(report, at, expected);
    return std::nullopt;
  }
  if (at.plain && is_json_number(at.text))
    if (const auto value = parse_number<double>(at.text);
        value && *value >= least && *value <= most)
      return value;
  report.error(at, expected + " is expected here, not " + shown(at.text),
               at.plain ? "" : "write it without quotes");
  return std::nullopt;
}

duration_range any_duration() noexcept {
  return {duration::zero(), std::chrono::days{definition_limits::duration_days}};
}

duration_range some_duration() noexcept {
  return {std::chrono::milliseconds{1}, std::chrono::days{definition_limits::duration_days}};
}

std::optional<duration> read_duration(const reporter& report, const node& at,
                                      duration_range allowed) {
  if (!at.is_scalar()) {
    report_kind(report, at, "a duration such as 30s, 5m or 1h30m");
    return std::nullopt;
  }
  const auto parsed = parse_duration(at.text, allowed);
  if (!parsed) {
    report.error(at, parsed.error().message, parsed.error().suggestion);
    return std::nullopt;
  }
  return parsed.value();
}

std::optional<nlohmann::json> read_json(const reporter& report, const node& at) {
  switch (at.is) {
  case node::kind::null:
    return nlohmann::json(nullptr);
  case node::kind::scalar:
    return scalar_as_json(report, at);
  case node::kind::list: {
    auto list = nlohmann::json::array();
    for (const auto& item : at.items) {
      auto value = read_json(report, item);
      if (!value)
        return std::nullopt;
      list.push_back(*std::move(value));
    }
    return list;
  }
  case node::kind::map:
    break;
  }
  auto map = nlohmann::json::object();
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    if (!at.key(i).is_scalar()) {
      report_kind(report, at, "a value");
      return std::nullopt;
    }
    auto value = read_json(report, at.value(i));
    if (!value)
      return std::nullopt;
    map[at.key(i).text] = *std::move(value);
  }
  return map;
}

std::optional<std::vector<std::string>> read_texts(const reporter& report, const node& at,
                                                   single_text single) {
  std::vector<std::string> out;
  if (at.is_scalar() && single == single_text::accepted)
    return std::vector{at.text};
  if (!at.is_list()) {
    report_kind(report, at, "a list of texts");
    return std::nullopt;
  }
  for (const auto& item : at.items) {
    auto text = read_text(report, item);
    if (!text)
      return std::nullopt;
    out.push_back(*std::move(text));
  }
  return out;
}

std::optional<std::size_t> read_word(const reporter& report, const node& at,
                                     const std::vector<std::string_view>& words,
                                     std::string_view advice) {
  if (!at.is_scalar()) {
    report_kind(report, at, "one of " + listed(words));
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), at.text);
  if (found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  report.error(at, shown(at.text) + " is none of " + listed(words),
               advice.empty() ? did_you_mean(at.text, words) : std::string{advice});
  return std::nullopt;
}

void read_text_map(const reporter& report, const node& at, bool (*legal)(std::string_view) noexcept,
                   std::string_view what, std::vector<std::pair<std::string, std::string>>& into) {
  if (!at.is_map())
    return report_kind(report, at, "a map");
  for (std::size_t i = 0; i < at.pairs(); ++i) {
    const auto& key = at.key(i);
    if (!key.is_scalar()) {
      report_kind(report, at, "a map of texts");
      continue;
    }
    if (!legal(key.text))
      report.error(key, shown(key.text) + " is no legal name of " + std::string{what});
    if (auto text = read_text(report, at.value(i)))
      put_sorted(into, key.text, *std::move(text));
  }
}

} // namespace pinion::definitions
