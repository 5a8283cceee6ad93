#include "terminal.hpp"

#include "table.hpp"

#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace pinion::ctl {
namespace {

std::size_t number_in(const char* variable, std::size_t otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr)
    return otherwise;
  char* end = nullptr;
  const auto number = std::strtoul(text, &end, 10);
  return end == text || *end != 0 || number == 0 || number > 10'000 ? otherwise : number;
}

} // namespace

window_size terminal_size() {
  window_size size;
  struct winsize told {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &told) == 0 && told.ws_col > 0 && told.ws_row > 0)
    size = {told.ws_col, told.ws_row};
  return {number_in("COLUMNS", size.columns), number_in("LINES", size.lines)};
}

std::string cut_to(const std::string& text, std::size_t cells) {
  std::string out;
  std::size_t used = 0;
  bool painted = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\x1b') {
      const auto end = text.find('m', at);
      const auto next = end == std::string::npos ? text.size() : end + 1;
      painted = text.compare(at, next - at, "\x1b[0m") != 0;
      out.append(text, at, next - at);
      at = next;
      continue;
    }
    auto next = at + 1;
    while (next < text.size() && (text[next] & '\xC0') == '\x80')
      ++next;
    const auto width = display_width(std::string_view{text}.substr(at, next - at));
    if (used + width > cells)
      break;
    used += width;
    out.append(text, at, next - at);
    at = next;
  }
  return painted ? out + "\x1b[0m" : out;
}

} // namespace pinion::ctl
