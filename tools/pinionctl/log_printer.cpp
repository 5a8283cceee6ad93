#include "log_printer.hpp"

#include "failure.hpp"

#include <algorithm>
#include <array>

namespace pinion::ctl {

line_filter::line_filter(const std::string& expression) {
  const int failed = ::regcomp(&compiled_, expression.c_str(), REG_EXTENDED | REG_NOSUB);
  if (failed == 0)
    return;
  std::array<char, 256> text{};
  ::regerror(failed, &compiled_, text.data(), text.size());
  throw usage_failure("--grep '" + expression + "': " + text.data());
}

line_filter::~line_filter() { ::regfree(&compiled_); }

bool line_filter::matches(const std::string& line) const {
  return ::regexec(&compiled_, line.c_str(), 0, nullptr, 0) == 0;
}

void log_printer::emit(const std::string& bytes) {
  out_.raw(out_.is_terminal() ? escaped(bytes) : bytes);
}

void log_printer::add(std::uint64_t offset, const std::string& bytes) {
  if (!by_lines())
    return emit(bytes);
  std::vector<line> lines;
  for (std::size_t begin = 0; begin < bytes.size();) {
    if (open_.text.empty())
      open_.offset = offset + begin;
    const auto end = bytes.find('\n', begin);
    if (end == std::string::npos) {
      open_.text.append(bytes, begin);
      break;
    }
    open_.text.append(bytes, begin, end - begin);
    lines.push_back(std::exchange(open_, line{0, {}}));
    begin = end + 1;
  }
  print(std::move(lines));
}

void log_printer::add_cut(std::uint64_t cut_bytes) {
  end();
  out_.note(prefix_ + "[" + std::to_string(cut_bytes) + " bytes were cut out here]");
}

void log_printer::end() {
  if (!open_.text.empty())
    print({std::exchange(open_, line{0, {}})});
}

void log_printer::print(std::vector<line> lines) {
  if (style_.filter)
    std::erase_if(lines, [this](const line& one) { return !style_.filter->matches(one.text); });
  std::vector<std::string> times(lines.size());
  constexpr std::size_t most = 500;
  for (std::size_t first = 0; style_.timestamps && first < lines.size(); first += most) {
    std::vector<std::uint64_t> offsets;
    for (auto i = first; i < std::min(lines.size(), first + most); ++i)
      offsets.push_back(lines[i].offset);
    const auto found = times_(offsets);
    for (std::size_t i = 0; i < found.size() && first + i < times.size(); ++i)
      times[first + i] = found[i] + ' ';
  }
  for (std::size_t i = 0; i < lines.size(); ++i)
    emit(prefix_ + times[i] + lines[i].text + '\n');
}

} // namespace pinion::ctl
