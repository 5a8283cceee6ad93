#pragma once

#include <cstddef>
#include <string>

namespace pinion::ctl {

/// Columns and lines of the terminal at standard output; 80 and 24 where it is none or says
/// nothing. COLUMNS and LINES, where they are set, win.
struct window_size {
  std::size_t columns = 80;
  std::size_t lines = 24;
};
window_size terminal_size();

/// The text cut to so many cells; escape sequences take none and are kept.
std::string cut_to(const std::string& text, std::size_t cells);

} // namespace pinion::ctl
