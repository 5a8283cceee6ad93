#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::ctl {

/// Columns of text that line up, also where characters take two cells or none.
class table {
public:
  struct column {
    std::string title;
    bool is_state = false; ///< Painted by its value.
  };
  explicit table(std::vector<column> columns) : columns_{std::move(columns)} {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const noexcept { return rows_.empty(); }

  /// Gets a padded cell; returns it with colour or as it is.
  using painter =
      std::function<std::string(const std::string& cell, bool is_state, bool is_header)>;
  /// Header and rows, two spaces between columns, no spaces at the ends of lines.
  std::string text(const painter& paint) const;
  /// The same, of which later rows go on: `widths` are those of the columns so far (empty: none),
  /// and grow; the header is printed if there were none.
  std::string text(const painter& paint, std::vector<std::size_t>& widths) const;

private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Cells that the text takes on a terminal: 2 for wide East Asian characters, 0 for combining ones.
std::size_t display_width(std::string_view text);

} // namespace pinion::ctl
