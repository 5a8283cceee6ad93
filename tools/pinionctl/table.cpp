#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace pinion::ctl {
namespace {

struct range {
  std::uint32_t first;
  std::uint32_t last;
};

/// Unicode's East Asian Width W and F, in blocks; and marks that take no cell of their own.
constexpr std::array wide{range{0x1100, 0x115F},   range{0x2E80, 0x303E},  range{0x3041, 0x33FF},
                          range{0x3400, 0x4DBF},   range{0x4E00, 0x9FFF},  range{0xA000, 0xA4CF},
                          range{0xAC00, 0xD7A3},   range{0xF900, 0xFAFF},  range{0xFE30, 0xFE6F},
                          range{0xFF00, 0xFF60},   range{0xFFE0, 0xFFE6},  range{0x1F300, 0x1F64F},
                          range{0x1F900, 0x1F9FF}, range{0x20000, 0x3FFFD}};
constexpr std::array narrowest{range{0x0300, 0x036F}, range{0x1AB0, 0x1AFF}, range{0x1DC0, 0x1DFF},
                               range{0x200B, 0x200F}, range{0x20D0, 0x20FF}, range{0xFE00, 0xFE0F},
                               range{0xFE20, 0xFE2F}};

template <class Ranges>
bool within(std::uint32_t point, const Ranges& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const range& one) { return point >= one.first && point <= one.last; });
}

/// The code point at `at`, which moves behind it. Broken bytes count one each.
std::uint32_t next_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  std::uint32_t point = more == 3   ? lead & 0x07U
                        : more == 2 ? lead & 0x0FU
                        : more == 1 ? lead & 0x1FU
                                    : lead;
  for (int i = 0; i < more && at < text.size() && (text[at] & '\xC0') == '\x80'; ++i)
    point = point << 6U | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  return point;
}

} // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto point = next_point(text, at);
    width += within(point, wide) ? 2U : within(point, narrowest) ? 0U : 1U;
  }
  return width;
}

std::string table::text(const painter& paint) const {
  std::vector<std::size_t> widths;
  return text(paint, widths);
}

std::string table::text(const painter& paint, std::vector<std::size_t>& widths) const {
  const bool header = widths.empty();
  if (header)
    for (const auto& one : columns_)
      widths.push_back(display_width(one.title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < widths.size() && i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  std::string out;
  const auto line = [&](const auto& cell_at, bool is_header) {
    std::size_t gap = 0; // Spaces owed before the next cell that is not empty.
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_at(i);
      if (!cell.empty()) {
        out.append(gap, ' ');
        gap = 0;
        out += paint(cell, columns_[i].is_state, is_header);
      }
      gap += widths[i] - display_width(cell) + 2;
    }
    out += '\n';
  };
  static const std::string nothing;
  if (header)
    line([&](std::size_t i) -> const std::string& { return columns_[i].title; }, true);
  for (const auto& row : rows_)
    line([&](std::size_t i) -> const std::string& { return i < row.size() ? row[i] : nothing; },
         false);
  return out;
}

} // namespace pinion::ctl
