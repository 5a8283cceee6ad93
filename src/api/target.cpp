#include "api/utf8.hpp"
#include "pinion/api/router.hpp"

#include <algorithm>

namespace pinion {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

problem bad_target(const char* what) {
  return problem{errc::invalid, std::string{"The address of the request "} + what};
}

/// Decodes percent codes, and `+` as a space where that is the custom (queries).
result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return bad_target("holds a broken percent code");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return bad_target("holds a control character");
    out += c;
  }
  if (!is_utf8(out))
    return bad_target("is not UTF-8");
  return out;
}

result<void> parse_query(std::string_view text, http_request& into) {
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty())
      continue;
    const auto equals = std::min(pair.find('='), pair.size());
    BOOST_OUTCOME_TRY(name, decode(pair.substr(0, equals), true));
    BOOST_OUTCOME_TRY(value, decode(pair.substr(std::min(pair.size(), equals + 1)), true));
    if (!into.query.emplace(name, value).second)
      return bad_target("gives the same name twice in its query");
  }
  return ok();
}

} // namespace

result<void> parse_target(std::string_view target, http_request& into) {
  const auto query_at = std::min(target.find('?'), target.size());
  const auto path = target.substr(0, query_at);
  if (!path.starts_with('/') || target.find('#') != std::string_view::npos)
    return bad_target("is not an absolute path");
  BOOST_OUTCOME_TRY(decoded, decode(path, false));
  for (std::string_view rest = decoded; !rest.empty();) {
    rest.remove_prefix(1);
    const auto part = rest.substr(0, rest.find('/'));
    if (part.empty() || part == "." || part == "..")
      return bad_target("has an empty part, '.' or '..' in its path");
    rest.remove_prefix(part.size());
  }
  into.path = std::move(decoded);
  return parse_query(target.substr(std::min(target.size(), query_at + 1)), into);
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

} // namespace pinion
