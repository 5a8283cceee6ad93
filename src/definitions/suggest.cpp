#include "definitions/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <numeric>

namespace pinion::definitions {

namespace {

constexpr std::size_t most_names = 5'000;
constexpr std::size_t longest_name = 64;

char folded(char c) {
  if (c >= 'A' && c <= 'Z')
    return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

bool same_folded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return folded(x) == folded(y); });
}

/// Edits from `a` to `b`; a swap of neighbours counts once (optimal string alignment).
std::size_t edits(std::string_view a, std::string_view b) {
  using row = std::array<std::size_t, longest_name + 1>;
  row before{};
  row last{};
  row now{};
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = last;
    last = now;
  }
  return last[b.size()];
}

struct code_point {
  std::uint32_t value;
  std::size_t bytes;
};

/// The code point at the front of `text`, which is valid UTF-8 or is shown byte by byte.
code_point front_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead < 0x80 || lead < 0xC0 || bytes > text.size())
    return {lead, 1};
  std::uint32_t value = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i)
    value = (value << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {value, bytes};
}

bool shown_escaped(code_point at) {
  const auto v = at.value;
  if (at.bytes == 1 && v >= 0x80)
    return true;
  return v < 0x20 || (v >= 0x7F && v < 0xA0) || (v >= 0x200B && v <= 0x200F) ||
         (v >= 0x2028 && v <= 0x202E) || (v >= 0x2060 && v <= 0x2069) || v == 0xFEFF;
}

} // namespace

std::string_view nearest(std::string_view written, const std::vector<std::string_view>& names) {
  for (const auto name : names)
    if (same_folded(written, name))
      return name;
  if (names.size() > most_names || written.empty() || written.size() > longest_name)
    return {};
  std::string_view best;
  std::size_t fewest = 4;
  for (const auto name : names) {
    const auto gap = std::max(name.size(), written.size()) - std::min(name.size(), written.size());
    if (name.size() > longest_name || gap >= fewest)
      continue;
    const auto distance = edits(written, name);
    if (distance < fewest && distance * 3 <= std::max(name.size(), written.size())) {
      fewest = distance;
      best = name;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view written, const std::vector<std::string_view>& names) {
  const auto near = nearest(written, names);
  return near.empty() ? std::string{} : "did you mean `" + std::string{near} + "`?";
}

std::string shown(std::string_view text) {
  std::string out{'`'};
  std::size_t written = 0;
  while (!text.empty()) {
    if (++written > 60) {
      out += "...";
      break;
    }
    const auto at = front_of(text);
    if (shown_escaped(at)) {
      std::array<char, 16> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\u{%x}", static_cast<unsigned>(at.value));
      out += buffer.data();
    } else {
      out += text.substr(0, at.bytes);
    }
    text.remove_prefix(at.bytes);
  }
  return out + '`';
}

std::string listed(const std::vector<std::string_view>& names, std::string_view last) {
  constexpr std::size_t most = 20;
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == most)
      return out + ", ...";
    if (i > 0)
      out += i + 1 == names.size() ? last : ", ";
    out += shown(names[i]);
  }
  return out;
}

} // namespace pinion::definitions
